"""What a text may hold that no reader sees, or that only a model's template should: taken out of what a model is told, and of what it says."""

import re

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e0fff"  # Tags and the variation selectors behind them
# Zero width, fillers that show nothing, soft hyphens, invisible operators, marks of annotations.
_BLANK = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
_SELECTORS = "\ufe00-\ufe0f"
_UNSEEN = re.compile(f"[{_CONTROLS}{_BIDI}{_TAGS}{_BLANK}{_SELECTORS}]")
# Joiners make emoji and some scripts; between plain letters they only hide words from whoever looks for them.
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")
_LINES = re.compile("\r\n?|[\u2028\u2029\x85]")
# What chat templates begin and end roles with: ChatML, Llama 2 to 4, Mistral, Gemma, DeepSeek, Phi, Command R and their like.
_TEMPLATE = re.compile(
    r"<[|｜]|[|｜]>|\[(?=/?(?:INST|SYS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])|<<(?=/?SYS>>)"
    r"|<(?=/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|start_of_image|tool_call|tool_response|think"
    r"|passages?|question)\b)",
    re.IGNORECASE,
)
_LOOKALIKES = str.maketrans({"<": "‹", ">": "›", "[": "⟦", "|": "¦", "｜": "¦"})
_NUMBERS = re.compile(r"\[(\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*)\]")
# Of an answer: what moves a terminal or a line of text, or says something that nobody reads.
TOLD = f"{_CONTROLS}{_BIDI}{_TAGS}"


def disarmed(text: str) -> str:
    """As a model may be told it: what is not seen is gone, and what looks like a template's own marks is no mark any more."""
    if text.isascii() and text.isprintable() and not {"<", "[", "|"} & set(text):
        return text
    text = _LINES.sub("\n", text)
    text = _JOINERS.sub("", _UNSEEN.sub("", text))
    return _TEMPLATE.sub(lambda mark: mark[0].translate(_LOOKALIKES), text)


def unnumbered(text: str) -> str:
    """Without what would read as a citation of ours: footnotes of a document, numbers of an earlier answer."""
    return _NUMBERS.sub(r"(\1)", text)
