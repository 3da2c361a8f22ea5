"""What is said to an assistant without being a question to it."""

import re

HELLO = "Hello. Ask me a question, and I will look for the answer in what I have been given to read."
WELCOME = "You are welcome."
GOODBYE = "Goodbye."
MYSELF = (
    "I am an automatic assistant. I answer with sentences quoted from the documents I have been given, I show where each"
    " comes from, and I say so when I find no answer."
)
PERSON = "I have asked a person to answer you here. They will see what you wrote."
_SOMEBODY = (
    r"(?:an? |the |some )?(?:real |live |actual |human )?"
    r"(?:human|human being|person|people|someone|somebody|operator|representative|agent|advisor|adviser|member of staff|staff|your team)"
    r"(?: instead| please| now| about .+)?"
)
_TALK = r"(?:talk|speak|chat) (?:to|with) "
WANTS_A_PERSON = re.compile(
    r"(?:please )?(?:"
    rf"(?:(?:can|could|may) (?:i|we) (?:please )?|(?:i|we) (?:want to|need to|would like to|d like to|d rather|would rather) |let me )?{_TALK}{_SOMEBODY}"
    rf"|(?:is there|do you have) {_SOMEBODY} (?:i|we) (?:can|could) {_TALK.strip()}"
    rf"|(?:(?:can|could) you )?(?:please )?(?:connect me (?:to|with)|put me through to|transfer me to|hand me over to|get me) {_SOMEBODY}"
    r"|(?:i (?:want|need) )?(?:a |an )?(?:real |live |actual )?(?:human|human being|real person|operator)(?: please| now)?"
    r")"
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
    if wants_a_person(text):
        return PERSON
    plain = _plain(text)
    return next((answer for pattern, answer in REPLIES if pattern.fullmatch(plain)), None)


def wants_a_person(text: str) -> bool:
    """Whether the whole message plainly asks for a human being to talk to."""
    return WANTS_A_PERSON.fullmatch(_plain(text)) is not None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))
