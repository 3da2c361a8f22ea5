"""Elements into passages: pieces long enough to make sense alone, short enough to be compared with a question."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from math import ceil

from apps.agents.sentences import sentences
from apps.knowledge.elements import Element

SHORTEST = 100
LONGEST = 350
OVERLAP = 40
LONGEST_LIST = 80
LONGEST_WORD = 400
UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one document: the headings above it from the outermost in, the page it begins on, its place from 0."""

    text: str
    heading_path: tuple[str, ...]
    page: int | None
    position: int


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading."""

    path: tuple[str, ...]
    blocks: tuple[Element, ...]

    @property
    def size(self) -> int:
        return sum(_size(block.text) for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is never cut: a sentence or a table row; `joint` is what stood before it."""

    text: str
    joint: str
    page: int | None
    may_repeat: bool


def split(elements: Sequence[Element]) -> list[Passage]:
    """Passages of 100 to 350 words where the document allows: small sections share one, long ones are cut."""
    found: list[Passage] = []
    for group in _grouped(list(_sections(_told(elements)))):
        path = _shared([section.path for section in group])
        blocks = [block for section in group for block in _under(section, path)]
        for text, page in _pieces(blocks):
            found.append(Passage(text, path, page, len(found)))
    return found


def _told(elements: Sequence[Element]) -> Iterator[Element]:
    """Short lists become one sentence with the words that introduce them, so that they can be quoted."""
    taken = 0
    for index, first in enumerate(elements):
        if index < taken:
            continue
        items = _items_after(elements, index) if first.kind == "text" and first.text.endswith(":") else []
        if items and _is_short(items):
            listed = "; ".join(item.text.rstrip(" .;,") for item in items)
            yield replace(first, text=f"{first.text} {listed}.")
            taken = index + 1 + len(items)
        else:
            yield first


def _items_after(elements: Sequence[Element], index: int) -> list[Element]:
    following = (elements[i] for i in range(index + 1, len(elements)))
    return list(takewhile(lambda one: one.kind == "list", following))


def _is_short(items: Sequence[Element]) -> bool:
    return sum(_size(item.text) for item in items) <= LONGEST_LIST and all(
        len(sentences(item.text)) == 1 for item in items
    )


def _sections(elements: Iterable[Element]) -> Iterator[Section]:
    path: list[Element] = []
    blocks: list[Element] = []
    for element in elements:
        if element.kind != "title":
            blocks.append(element)
            continue
        yield from _closed(path, blocks, is_parent=bool(path) and element.depth > path[-1].depth)
        path = [*(title for title in path if title.depth < element.depth), element]
        blocks = []
    yield from _closed(path, blocks, is_parent=False)


def _closed(path: list[Element], blocks: list[Element], *, is_parent: bool) -> Iterator[Section]:
    """A heading with nothing under it is told as text, or its words would be lost."""
    if blocks:
        yield Section(tuple(title.text for title in path), tuple(blocks))
    elif path and not is_parent:
        yield Section(tuple(title.text for title in path[:-1]), (replace(path[-1], kind="text"),))


def _grouped(sections: Sequence[Section]) -> list[list[Section]]:
    """Neighbours together until each group is long enough; what is left over joins the group before it."""
    groups: list[list[Section]] = []
    for section in sections:
        if groups and _sum(groups[-1]) < SHORTEST and _sum([*groups[-1], section]) <= LONGEST:
            groups[-1].append(section)
        else:
            groups.append([section])
    for last in range(len(groups) - 1, 0, -1):
        if _sum(groups[last]) < SHORTEST and _sum(groups[last - 1] + groups[last]) <= LONGEST:
            groups[last - 1 : last + 1] = [groups[last - 1] + groups[last]]
    return groups


def _sum(group: Iterable[Section]) -> int:
    return sum(section.size for section in group)


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(
        names[0] for names in takewhile(lambda names: len(set(names)) == 1, zip(*paths, strict=False))
    )


def _under(section: Section, path: tuple[str, ...]) -> Iterator[Element]:
    """The section's blocks, below a line with the part of its heading that its group does not share."""
    if own := " › ".join(section.path[len(path) :]):
        line = own if own[-1] in ".!?:" else f"{own}:"
        yield Element("text", line, 0, section.blocks[0].page)
    yield from section.blocks


def _pieces(blocks: Sequence[Element]) -> Iterator[tuple[str, int | None]]:
    units = [unit for block in blocks for unit in _units(block)]
    total = sum(_size(unit.text) for unit in units)
    target = total / ceil(total / LONGEST) if total <= LONGEST else total / ceil(total / (LONGEST - OVERLAP))
    piece: list[Unit] = []
    fresh = 0
    for unit in units:
        size = _size(unit.text)
        if fresh and (fresh + size / 2 > target or _length(piece) + size > LONGEST):
            yield _text(piece), piece[0].page
            piece, fresh = _repeated(piece, room=LONGEST - size), 0
        piece.append(unit)
        fresh += size
    if piece:
        yield _text(piece), piece[0].page


def _units(block: Element) -> Iterator[Unit]:
    cut = block.text.split("\n") if block.kind == "table" else sentences(block.text)
    for index, text in enumerate(part for whole in cut for part in _readable(whole)):
        starts_line = index == 0 or block.kind == "table"
        bullet = "- " if block.kind == "list" and index == 0 else ""
        yield Unit(bullet + text, "\n" if starts_line else " ", block.page, may_repeat=block.kind == "text")


def _readable(sentence: str) -> Iterator[str]:
    """The sentence, or parts of one that no person wrote: it would not fit into any passage."""
    if _size(sentence) <= LONGEST:
        yield sentence
        return
    part: list[str] = []
    size = 0
    for word in sentence.split():
        for piece in (word[i : i + LONGEST_WORD] for i in range(0, len(word), LONGEST_WORD)):
            if part and size + _size(piece) > LONGEST // 2:
                yield " ".join(part)
                part, size = [], 0
            part.append(piece)
            size += _size(piece)
    yield " ".join(part)


def _repeated(piece: Sequence[Unit], *, room: int) -> list[Unit]:
    """The last sentences of a piece, to begin the next one with."""
    kept: list[Unit] = []
    for unit in reversed(piece):
        if not unit.may_repeat or _length([unit, *kept]) > min(OVERLAP, room) or len(kept) + 1 == len(piece):
            break
        kept.insert(0, unit)
    return kept


def _text(units: Sequence[Unit]) -> str:
    return "".join(unit.joint + unit.text for unit in units).strip()


def _length(units: Iterable[Unit]) -> int:
    return sum(_size(unit.text) for unit in units)


@lru_cache(maxsize=10_000)  # the same piece is weighed again for each place where it might be cut
def _size(text: str) -> int:
    """Words, where a very long word counts for several and two characters of an unspaced script for one."""
    return sum(1 + len(word) // 20 for word in text.split()) + len(UNSPACED.findall(text)) // 2
