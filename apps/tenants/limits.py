"""How much somebody may do in a time: token buckets in Valkey, counted for all processes by one atomic script.

A bucket holds `capacity` tokens and is refilled evenly, all of it in `seconds`; so in any time t nobody gets more than
capacity · (1 + t / seconds). What several limits ask about is taken from all of their buckets, or from none."""

import hashlib
import logging
import math
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.conf import settings
from prometheus_client import Counter

from apps.tenants import buckets, scope, valkey

logger = logging.getLogger(__name__)
RETRY = 5.0  # seconds after which to come again where nothing could be counted
PAUSE = 1.0  # seconds for which Valkey is not asked again after it gave no answer

_rests_until = 0.0
_taken = Counter("cwu_limit_taken_total", "What limits let pass", ["limit"])
refused = Counter("cwu_limit_refused_total", "What limits turned away", ["limit"])
_uncounted = Counter(
    "cwu_limit_uncounted_total",
    "What came while Valkey gave no answer, and what became of it",
    ["limit", "answer"],
)


class TooMany(Exception):
    """A limit is reached; `limit` names it, `retry_after` says in how many seconds there is room again."""

    def __init__(self, limit: str, retry_after: float) -> None:
        super().__init__(f"This is too much at once. Try again in {_spoken(retry_after)}.")
        self.limit, self.retry_after = limit, retry_after
        self.left: Left | None = None


class Uncounted(TooMany):
    """Nothing can be counted just now, and this limit refuses what it cannot count."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit, RETRY)
        self.args = ("This is not possible just now. Try again in a moment.",)


@dataclass(frozen=True, slots=True)
class Limit:
    """A kind of bucket; there is one for each visitor, address and so on. `when_down` says what happens while Valkey gives no
    answer. The setting LIMITS may say other numbers, or `off`."""

    name: str
    capacity: int
    seconds: float
    when_down: Literal["allow", "refuse"] = "allow"

    @property
    def rule(self) -> tuple[int, float]:
        """What holds here: capacity and seconds; a capacity of 0 for no limit."""
        found: tuple[int, float] = settings.LIMITS.get(self.name, (self.capacity, self.seconds))
        return found


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the limit that is nearest to its end; `seconds` until its bucket is full again."""

    limit: str
    capacity: int
    remaining: int
    seconds: float

    @property
    def share(self) -> float:
        return self.remaining / self.capacity

    @property
    def low(self) -> int:
        """Where somebody should look at it."""
        return self.capacity // 10


# Guessing passwords: counted by account from one address, by account, and by address. In no time does one address get as many as an
# account has, or it could lock its owner out. While nothing can be counted, nobody may guess.
LOGIN = Limit("login", 10, 900, when_down="refuse")
LOGIN_NAME = Limit("login-name", 50, 3600, when_down="refuse")
LOGIN_IP = Limit("login-ip", 300, 600, when_down="refuse")
INVITE = Limit("invite", 100, 3600, when_down="refuse")

# Lines about what one actor is refused, in a log that only grows. What cannot be counted is not written.
REFUSALS = Limit("refusals", 200, 3600, when_down="refuse")

# Visitors are served while Valkey is not. A budget, which the database counts, holds then too.
HELLO_IP = Limit("hello-ip", 300, 60)
MESSAGE_VISITOR = Limit("message-visitor", 20, 60)
MESSAGE_IP = Limit("message-ip", 300, 600)
MESSAGE_AGENT = Limit("message-agent", 3000, 600)
MESSAGE_TENANT = Limit("message-tenant", 6000, 600)
ACT_VISITOR = Limit("act-visitor", 60, 60)
REQUEST_KEY = Limit("request-key", 1200, 60)
REQUEST_VISITOR = Limit("request-visitor", 120, 60)

# How fast a website is read, by whoever asks for it: of the host.
CRAWL_HOST = Limit("crawl-host", 1, 0.5)

LIMITS = {
    limit.name: limit
    for limit in (
        LOGIN, LOGIN_NAME, LOGIN_IP, INVITE, REFUSALS, HELLO_IP, MESSAGE_VISITOR, MESSAGE_IP, MESSAGE_AGENT, MESSAGE_TENANT,
        ACT_VISITOR,
        REQUEST_KEY, REQUEST_VISITOR, CRAWL_HOST,
    )
}  # fmt: skip

Asked = tuple[Limit, str]


def of_login(username: str, address: str, device: str = "") -> tuple[Asked, ...]:
    """What an attempt to sign in takes; by a device that is known to the account, nothing of what strangers use up. Pass the first to
    `forgive` where it was a good one."""
    name = spelt(username)
    if device:
        return (LOGIN, f"device {device} {name}"), (LOGIN_IP, address)
    return (LOGIN, f"{address} {name}"), (LOGIN_NAME, name), (LOGIN_IP, address)


def spelt(username: str) -> str:
    """As the sign-in form reads it: however it is written, it is one account."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def of_message(agent_id: UUID, *, visitor: str = "", address: str = "") -> tuple[Asked, ...]:
    """What a message to an agent takes: of its visitor and their address where a page sent it, of the agent and the tenant in any case."""
    by_whom = ((MESSAGE_VISITOR, f"{agent_id} {visitor}"), (MESSAGE_IP, address)) if visitor else ()
    return *by_whom, (MESSAGE_AGENT, str(agent_id)), (MESSAGE_TENANT, str(scope.current()))


def of_act(agent_id: UUID, visitor: str) -> tuple[Asked, ...]:
    """What a visitor takes who does something in a chat beside asking."""
    return ((ACT_VISITOR, f"{agent_id} {visitor}"),)


def take(*asked: Asked) -> Left | None:
    """Take one from each of these buckets, or raise TooMany and take from none. What is left of the tightest; None where nothing
    limits, or nothing can be counted and may pass so. For threads."""
    keys, numbers, limiting = _prepared(asked)
    if not keys:
        return None
    if _is_resting():
        return _uncountable(limiting)
    try:
        told = buckets.take(keys, numbers)
    except valkey.Unreachable as error:
        return _uncountable(limiting, error)
    return _judged(limiting, told)


async def atake(*asked: Asked) -> Left | None:
    """As `take`, for the event loop."""
    keys, numbers, limiting = _prepared(asked)
    if not keys:
        return None
    if _is_resting():
        return _uncountable(limiting)
    try:
        told = await buckets.atake(keys, numbers)
    except valkey.Unreachable as error:
        return _uncountable(limiting, error)
    return _judged(limiting, told)


def look(limit: Limit, whose: str) -> Left | None:
    """What is left of a bucket, of which nothing is taken; None where nothing limits, or nothing can be counted. For threads."""
    if not limit.rule[0]:
        return None
    try:
        client = valkey.blocking()
        seconds, microseconds = client.time()
        full_at = float(client.get(_key(limit, whose)) or 0)
    except valkey.Unreachable:
        return None
    return _left(limit, None, max(0, math.ceil(full_at - seconds * 1000 - microseconds / 1000)))


def forgive(*asked: Asked) -> None:
    """Fill these buckets again; for a person who has shown who they are. For threads."""
    try:
        valkey.blocking().delete(*(_key(limit, whose) for limit, whose in asked))
    except valkey.Unreachable as error:
        logger.warning("A limit could not be lifted: %s", error)


def _prepared(asked: Sequence[Asked]) -> tuple[list[str], list[float], list[Limit]]:
    """Keys, numbers and limits of those that limit anything here."""
    limiting = [(limit, whose) for limit, whose in asked if limit.rule[0]]
    keys = [_key(limit, whose) for limit, whose in limiting]
    arguments = [number for limit, _ in limiting for number in (limit.rule[0], limit.rule[1] * 1000)]
    return keys, arguments, [limit for limit, _ in limiting]


def _key(limit: Limit, whose: str) -> str:
    """Hashed: whatever somebody is called, no two share a bucket, and nobody's address or name is kept. Other numbers are another
    bucket, so that a limit which is made wider holds at once."""
    digest = hashlib.sha256(whose.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"cwu:limit:{limit.name}:{limit.rule[0]}/{limit.rule[1]:g}:{digest}"


def _judged(limits: Sequence[Limit], told: Sequence[int]) -> Left:
    """From the script's answer: whether all was taken, and each bucket's milliseconds until it is full."""
    is_taken, *until_full = told
    if not is_taken:
        lefts = [_left(limit, 0, until) for limit, until in zip(limits, until_full, strict=True)]
        late = [(left.seconds - limit.rule[1], left) for limit, left in zip(limits, lefts, strict=True)]
        wait, left = max(late, key=lambda one: one[0])
        refused.labels(left.limit).inc()
        error = TooMany(left.limit, max(wait, 0.001))
        error.left = left
        raise error
    for limit in limits:
        _taken.labels(limit.name).inc()
    every = [_left(limit, None, until) for limit, until in zip(limits, until_full, strict=True)]
    return min(every, key=lambda left: left.share)


def _left(limit: Limit, remaining: int | None, until_full: int) -> Left:
    capacity, seconds = limit.rule
    free = math.floor(capacity * (1 - until_full / 1000 / seconds) + 1e-6)
    return Left(limit.name, capacity, max(0, free) if remaining is None else remaining, until_full / 1000)


def _uncountable(limits: Sequence[Limit], error: Exception | None = None) -> Left | None:
    """Valkey gives no answer: each limit does what it declares. Raises Uncounted."""
    global _rests_until
    if error is not None:
        if not _is_resting():
            logger.warning("Limits cannot be counted for now: %s", error)
        _rests_until = time.monotonic() + PAUSE
    for limit in limits:
        _uncounted.labels(limit.name, limit.when_down).inc()
    refusing = next((limit for limit in limits if limit.when_down == "refuse"), None)
    if refusing is not None:
        raise Uncounted(refusing.name)
    return None


def _is_resting() -> bool:
    return time.monotonic() < _rests_until


def _spoken(seconds: float) -> str:
    whole = math.ceil(seconds)
    if whole < 120:
        return "a second" if whole == 1 else f"{whole} seconds"
    return f"{math.ceil(whole / 60)} minutes" if whole < 7200 else f"{math.ceil(whole / 3600)} hours"
