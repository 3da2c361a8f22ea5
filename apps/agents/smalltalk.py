"""What is said to an assistant without being a question to it."""

import re

HELLO = "Hello. Ask me a question, and I will look for the answer in what I have been given to read."
WELCOME = "You are welcome."
GOODBYE = "Goodbye."
MYSELF = (
    "I am an automatic assistant. I answer with sentences quoted from the documents I have been given, I show where each"
    " comes from, and I say so when I find no answer."
)
REPLIES = (
    (
        re.compile(
            r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day))(?: there| all)?"
        ),
        HELLO,
    ),
    (
        re.compile(
            r"(?:ok |okay |great |perfect |many )?(?:thanks|thank you|thx|cheers)(?: very much| so much| a lot)?"
        ),
        WELCOME,
    ),
    (re.compile(r"(?:bye|goodbye|good bye|bye bye|see you)"), GOODBYE),
    (
        re.compile(
            r"(?:who|what) are you|what can you do|who am i (?:talking|speaking|chatting) (?:to|with)"
        ),
        MYSELF,
    ),
    (
        re.compile(
            r"are you (?:a |an )?(?:real )?(?:bot|robot|human|person|ai|machine|real|chatbot)(?: person)?"
        ),
        MYSELF,
    ),
)


def reply(text: str) -> str | None:
    """A fixed answer when the whole message is a greeting, thanks, or a question about the assistant itself."""
    plain = " ".join(re.findall(r"[a-z]+", text.lower()))
    return next((answer for pattern, answer in REPLIES if pattern.fullmatch(plain)), None)
