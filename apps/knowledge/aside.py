"""What takes long, left to itself while others have their turn: the parser of a document, the visit to a page.

Neither holds up the reader for more than a second where somebody else waits. It goes on behind everything else, and whoever asks for
the same again gets what has been found meanwhile. Of each there is one for a tenant, whose other documents wait, and few in all."""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from apps.knowledge.contained import Parser
from apps.knowledge.egress import Fetched
from apps.knowledge.turns import Turn
from apps.knowledge.visit import Visit
from apps.knowledge.weburl import WebUrl
from apps.tenants import scope

MOST = {"parser": 2, "visit": 16}  # a parser may need PARSE_MEMORY_MB
PATIENCE = 1.0  # seconds
AGAIN = 0.1  # for what was left before: each turn of who takes long is waited for by the others
Beat = Callable[[], object]  # called each second; what it raises ends the errand


class Errand(Protocol):
    @property
    def is_late(self) -> bool: ...
    def is_done(self, *, within: float) -> bool: ...
    def answer(self) -> Any: ...
    def stand_back(self) -> None: ...
    def end(self) -> None: ...


class Unfinished(Exception):
    """The turn is over, and the errand goes on. Ask for the same at the next one."""


_left: dict[tuple[UUID, str], tuple[bytes, Errand]] = {}


def run(turn: Turn, task: str, *arguments: Any, beat: Beat) -> Any:
    """What `contained.run` says to it. Raises Unfinished, too."""
    return _done(turn, "parser", _key(task, *arguments), partial(Parser, task, *arguments), beat)


def fetch(turn: Turn, url: WebUrl, headers: Mapping[str, str], *, beat: Beat) -> Fetched:
    """A page, whose redirects are not followed. Raises as `egress.Client.get` does, and Unfinished."""
    found: Fetched = _done(turn, "visit", _key(url, *headers.items()), partial(Visit, url, headers), beat)
    return found


def _done(turn: Turn, kind: str, key: bytes, begin: Callable[[], Errand], beat: Beat) -> Any:
    left = _taken_up(kind, key)
    _forget_the_late()
    errand, patience = left or begin(), AGAIN if left and turn.is_awaited() else PATIENCE
    try:
        while not errand.is_done(within=patience):
            beat()
            patience = PATIENCE
            if turn.is_awaited() and _count(kind) < MOST[kind]:
                _left[scope.current(), kind] = key, errand
                errand.stand_back()
                turn.yield_up()
                raise Unfinished
        return errand.answer()
    finally:
        if (scope.current(), kind) not in _left:
            errand.end()


def _taken_up(kind: str, key: bytes) -> Errand | None:
    """The one that was left with it; another of this tenant is of what nobody wants any more."""
    known, errand = _left.pop((scope.current(), kind), (b"", None))
    if errand is not None and known != key:
        errand.end()
        return None
    return errand


def _forget_the_late() -> None:
    """Who does not compute but waits would never end, were its document not asked for again."""
    for whose, (_, errand) in list(_left.items()):
        if errand.is_late:
            del _left[whose]
            errand.end()


def _count(kind: str) -> int:
    return sum(one == kind for _, one in _left)


def _key(*arguments: Any) -> bytes:
    made = sha256()
    for one in arguments:
        made.update(one if isinstance(one, bytes) else str(one).encode())
        made.update(b"\0")
    return made.digest()
