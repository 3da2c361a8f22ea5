"""Elements into passages: pieces long enough to make sense alone and short enough to be compared with a question."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from os.path import commonprefix

from apps.agents.sentences import sentences
from apps.knowledge.elements import Element

SHORTEST = 100
LONGEST = 350
OVERLAP = 40
LONGEST_WORD = 400


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one document: headings above it from the outermost in, page it begins on, and its place from 0."""

    text: str
    heading_path: tuple[str, ...]
    page: int | None
    position: int
