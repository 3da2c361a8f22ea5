"""Which parts of a text are code, by Markdown (CommonMark 0.31, sections 4.5 and 6.1), however it arrives."""

import re
from collections.abc import Iterator
from itertools import groupby

_TOKEN = re.compile(r"`+|~{3,}|\n|[^`~\n]+|~")
_LEADING = re.compile(
    r"\s*(?:>\s*|[*+-]\s+|\d{1,9}[.)]\s+)*"
)  # what a fence may stand behind: a quotation, an item of a list
MARKS = "`~"
_FENCE = 3
_LONGEST = 80  # characters of a line that say whether a fence may begin there


class Code:
    """Open from a run of marks to the next like it; between words it ends with its paragraph at the latest."""

    def __init__(self) -> None:
        self._opened_by = ""
        self._is_fence = self._is_its_line = False
        self._line = ""  # the present one so far

    def split(self, text: str) -> list[tuple[str, bool]]:
        """The text in parts, and whether each is code, marks included. It must not end in the midst of a run."""
        return list(_joined((token, self._is_code(token)) for token in _TOKEN.findall(text)))

    def pass_over(self, plain: str) -> None:
        """The same of a text without marks, which is most of what is said."""
        if "\n" in plain:
            self.split(plain)
        elif len(self._line) < _LONGEST:
            self._line = (self._line + plain[:_LONGEST])[:_LONGEST]

    def _is_code(self, token: str) -> bool:
        was_open = bool(self._opened_by)
        if token == "\n":
            if not self._is_fence and not self._line.strip():
                self._opened_by = ""
            self._line, self._is_its_line = "", False
            return was_open
        if token[0] == "`" or token.startswith("~~~"):
            self._marked(token)
        self._line = (self._line + token[:_LONGEST])[:_LONGEST]
        return was_open or bool(self._opened_by)

    def _marked(self, run: str) -> None:
        may_fence = len(run) >= _FENCE and bool(_LEADING.fullmatch(self._line))
        if not self._opened_by:
            if may_fence or run[0] == "`":
                self._opened_by, self._is_fence, self._is_its_line = run, may_fence, may_fence
        elif self._is_fence and not (self._is_its_line and run[0] == "`"):
            if may_fence and run.startswith(self._opened_by):
                self._opened_by, self._is_fence = "", False
        else:  # or what began like a fence goes on behind its marks, and is none
            self._is_fence = False
            if run == self._opened_by:
                self._opened_by = ""


def _joined(tokens: Iterator[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Neighbours of one kind as one."""
    for is_code, run in groupby(tokens, key=lambda token: token[1]):
        yield "".join(token for token, _ in run), is_code


def is_closed(part: str) -> bool:
    """Whether what began like code ended like it; otherwise its marks are only marks."""
    run = part[: len(part) - len(part.lstrip(MARKS))]
    return len(part) > len(run) and part.rstrip().endswith(run)
