"""Which sources an answer really cites: `[n]` in its text, resolved against the passages that were given; invented ones never leave."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from apps.chats import code, hazards
from apps.chats.code import Code
from apps.knowledge.retrieval import Found

_MARKER = re.compile(r"\[(\d{1,2})\]")
_LIST = r"\s*(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\s*"
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_FORM = rf"(?:\[(?P<foot>\^?){_LIST}\]|【{_LIST}(?:[:†][^】\n]{{0,40}})?】)"
_ADDRESS = r"\([ \t]*<?(?:[a-z][a-z0-9+.-]{0,20}:(?=\S)|[/#?]|www\.)"
_CITED = re.compile(rf"{_FORM}(?P<link>{_ADDRESS}[^\n)]{{0,2000}}\))?", re.IGNORECASE)
_BEGUN = re.compile(
    rf"(?:\[\^?[\d\s,;–-]{{0,60}}|【[\d\s,;–-]{{0,60}}(?:[:†][^】\n]{{0,40}})?"
    rf"|{_FORM}(?:\([ \t]*<?(?:[a-z][a-z0-9+.-]{{0,20}}:?|w{{0,3}})|{_ADDRESS}[^\n)]{{0,2000}})?)\Z",
    re.IGNORECASE,
)
_INDEXED = re.compile(r"[\w)\]}]", re.ASCII)
_LOOK = re.compile(rf"[\[【`~{hazards.TOLD}]")
_LONGEST_RUN = 1000  # marks of code, beyond which nothing waits for their end
_PLAIN = bytes(code for code in range(128) if not _LOOK.match(chr(code)))
_UNTOLD = re.compile(f"[{hazards.TOLD}]")


class Sieve:
    """Between what a model says and what a reader is told: a number that was not given is left out, also where it arrives in pieces or in
    other brackets, and so are its link and what no reader would see. Code is left as it is, where brackets mean something else. `given`
    passages there are."""

    def __init__(self, given: int = 0) -> None:
        self.given = given
        self._held = self._before = ""
        self._code = Code()
        self._has_ended = False

    def pass_on(self, text: str) -> str:
        """What can be told now of what came; a marker that has only begun waits for its end, and for a link behind it."""
        if not self._held and _is_plain(text):
            self._code.pass_over(text)
            return self._plain(text)
        parts, self._held = self._read(_UNTOLD.sub("", self._held + text))
        return "".join(
            self._plain(part) if is_code else "".join(self._checked(part)) for part, is_code in parts
        )

    def end(self) -> None:
        """Nothing more comes: what waits for its end is passed on next, as it is."""
        self._has_ended = True

    def _read(self, text: str) -> tuple[list[tuple[str, bool]], str]:
        """In parts, each code or not, and the end that has to wait for what comes."""
        if self._has_ended:
            return self._code.split(text), ""
        whole = text.rstrip(code.MARKS)
        if len(text) - len(whole) > _LONGEST_RUN:
            whole = text
        parts, waiting = self._code.split(whole), text[len(whole) :]
        if parts and not parts[-1][1] and (begun := _BEGUN.search(parts[-1][0])):
            parts[-1] = parts[-1][0][: begun.start()], False
            waiting = begun[0] + waiting
        return parts, waiting

    def _checked(self, text: str) -> Iterator[str]:
        done = 0
        for marker in _CITED.finditer(text):
            yield self._plain(text[done : marker.start()])
            yield self._cited(marker)
            done = marker.end()
        yield self._plain(text[done:])

    def _plain(self, text: str) -> str:
        self._before = text[-1:] or self._before
        return text

    def _cited(self, marker: re.Match[str]) -> str:
        """Numbers that were given. What stands right behind a name, such as `words[3]`, is an index, unless all of it was given."""
        numbers = list(_numbers(marker[2] or marker[3]))
        was_given = [number for number in numbers if 0 < number <= self.given]
        is_plain = marker[2] and not marker["foot"] and not marker["link"]
        if is_plain and _INDEXED.match(self._before):
            self._before = "]"
            if was_given != numbers:
                return marker[0]
        else:
            self._before = ""  # the next of a row of markers stands behind what this one does
        return "".join(f"[{number}]" for number in was_given)


def _is_plain(text: str) -> bool:
    """Whether there is nothing to look for; of ASCII, which is most of what is said, told several times faster than by the pattern."""
    return not text.encode().translate(None, _PLAIN) if text.isascii() else not _LOOK.search(text)


def _numbers(listed: str) -> Iterator[int]:
    for first, last in _RANGE.findall(listed):
        yield from range(int(first), int(last or first) + 1)


def resolve(answer: str, given: Sequence[Found]) -> list[dict[str, Any]]:
    """One entry per cited passage, in order of first mention; a number that was never given cites nothing, nor does one in code."""
    if not _MARKER.search(answer):
        return []
    answer = "".join(
        _MARKER.sub("", part) if is_code and code.is_closed(part) else part
        for part, is_code in Code().split(answer)
    )
    quotes = dict(reversed(list(_quotes(answer))))
    numbers = dict.fromkeys(int(number) for number in _MARKER.findall(answer))
    return [
        _entry(number, given[number - 1], quotes.get(number, ""))
        for number in numbers
        if 0 < number <= len(given)
    ]


def _quotes(answer: str) -> Iterator[tuple[int, str]]:
    """Each marker's number with the words right before it, in time that grows with the answer and no faster."""
    end = 0
    for marker in _MARKER.finditer(answer):
        words = re.split(r"[\[\]]", answer[end : marker.start()])[-1]
        end = marker.end()
        yield int(marker[1]), words.strip()


def _entry(number: int, passage: Found, quote: str) -> dict[str, Any]:
    return {
        "number": number,
        "title": passage.title,
        "url": passage.url or None,
        "quote": quote if quote and quote in passage.text else passage.text[:300],
        "knowledge": str(passage.knowledge_id),
        "page": passage.page,
        "at": passage.as_of.isoformat() if passage.as_of else None,
    }
