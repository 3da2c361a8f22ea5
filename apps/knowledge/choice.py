"""Which of the passages that were ranked are given: no text twice, not too many of one source, neighbours as one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from apps.knowledge.found import Found

PER_SOURCE = 4
WORTH = 0.6  # of the best one's score: what another source has to say must be worth a place that one source would fill


def chosen(ranked: Sequence[Found], *, limit: int) -> list[Found]:
    """At most `limit` passages, best first, of those ranked; neighbours among them are merged into one."""
    different = list(_different(ranked))
    return _merged(_spread(different, limit=limit)[:limit])


def _different(ranked: Iterable[Found]) -> Iterator[Found]:
    seen: set[str] = set()
    for one in ranked:
        told = " ".join(one.text.split())
        if told not in seen:
            seen.add(told)
            yield one


def _spread(ranked: Sequence[Found], *, limit: int) -> list[Found]:
    """Whoever fills a document with variants of one text must not drown what others say: beyond its share a source waits
    behind everything else that is worth a place."""
    taken: Counter[object] = Counter()
    first: list[Found] = []
    others: list[Found] = []
    for one in ranked:
        taken[one.knowledge_id] += 1
        has_room = taken[one.knowledge_id] <= _share(limit)
        (first if has_room and one.score >= WORTH * ranked[0].score else others).append(one)
    return first + others


def _share(limit: int) -> int:
    return max(1, limit * PER_SOURCE // 6)


def _merged(found: Sequence[Found]) -> list[Found]:
    """In the order of the best of each group."""
    groups: list[Found] = []
    for one in found:
        index, neighbour = next(
            ((i, group) for i, group in enumerate(groups) if _are_neighbours(group, one)), (None, None)
        )
        if index is None or neighbour is None:
            groups.append(one)
        else:
            groups[index] = _joined(neighbour, one)
    return groups if len(groups) == len(found) else _merged(groups)


def _are_neighbours(one: Found, other: Found) -> bool:
    is_same = (one.knowledge_id, one.title) == (other.knowledge_id, other.title)
    touch = one.last_position + 1 == other.position or other.last_position + 1 == one.position
    return is_same and touch


def _joined(better: Found, other: Found) -> Found:
    """As they stand in the source, without the sentences that the second repeats of the first."""
    first, second = sorted((better, other), key=lambda one: one.position)
    repeated = _overlap(first, second)
    text = second.text
    for line in second.lines[:repeated]:
        text = text[text.find(line.text) + len(line.text) :]
    return replace(
        better,
        ids=first.ids + second.ids,
        text=f"{first.text}\n{text.strip()}",
        page=first.page,
        position=first.position,
        heading=first.heading if first.heading == second.heading else "",
        lines=first.lines + second.lines[repeated:],
    )


def _overlap(first: Found, second: Found) -> int:
    """How many sentences the second begins with that the first ends with."""
    ends, begins = [line.text for line in first.lines], [line.text for line in second.lines]
    longest = min(len(ends), len(begins))
    return next((n for n in range(longest, 0, -1) if ends[-n:] == begins[:n]), 0)
