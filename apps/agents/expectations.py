"""What kind of answer a question asks for: a number, a time or a name."""

import re

from apps.agents.words import WORD

NUMBER = re.compile(
    r"\d[\d,.]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|once|twice|half|dozen|hundred|thousand|million|billion|free)\b",
    re.IGNORECASE,
)
MOMENT = re.compile(
    r"\d[\d:.]*|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august|september"
    r"|october|november|december|century|centuries|years?|months?|weeks?|days?|hours?|minutes?|noon|midnight|always|never|when)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"(?<=[\w,;:(\"'] )[A-Z]\w+")
EXPECTATIONS = (
    (
        re.compile(
            r"\bhow (?:many|much|long|old|often|far|tall|large|big|high|late|soon|fast|wide|deep)\b"
            r"|\b(?:what|which) (?:\w+ )?(?:percentage|percent|number|amount|price|size|rate|age|population)\b"
        ),
        NUMBER,
    ),
    (
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|date|time|day|month|decade|century|period)\b"
        ),
        MOMENT,
    ),
    (
        re.compile(
            r"\bwho(?:m|se)?\b|\bwhere\b"
            r"|\b(?:what|which) (?:\w+ )?(?:city|country|state|person|people|company|river|region|place|town|name|language)\b"
        ),
        NAME,
    ),
)


def expected(question: str, sentence: str) -> int:
    """1 where the question asks for a number, a time or a name and the sentence has one that the question has not, -1 where it has
    none."""
    asks = question.lower()
    kind = next((answer for pattern, answer in EXPECTATIONS if pattern.search(asks)), None)
    if kind is None:
        return 0
    known = set(WORD.findall(asks))
    return 1 if any(set(WORD.findall(told.lower())) - known for told in kind.findall(sentence)) else -1
