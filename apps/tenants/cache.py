"""What is asked at every door, kept in Valkey: it saves the database questions and is never the truth.

Admission is kept under the number of the access version (see AccessVersion): once that has counted on, what was kept before is
found no more. A process that has not heard the number within the last moments asks the database. Who was let in on what is kept
here is asked about again by watch.py, and each of their writes by its own transaction."""

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
from prometheus_client import Counter

from apps.tenants import valkey
from apps.tenants.models import Tenant
from apps.tenants.postgres.prepared import Prepared, Table

logger = logging.getLogger(__name__)
SECONDS = 60  # for which anything is kept at most
FRESH = 1.5  # seconds for which the number of the access version is believed
PAUSE = 1.0  # seconds for which Valkey is not asked again after it gave no answer
LOOKUPS = Counter(
    "cwu_cache_lookups_total", "What was asked of the cache, and how that ended", ["shelf", "outcome"]
)
_FIELDS = ("id", "slug", "name", "allowed_origins")
_TENANTS = Table(Tenant)
_OWNER = Prepared(
    f"SELECT {_TENANTS.columns('t')} FROM tenants_tenant t WHERE id = lookup_agent(%(agent)s) AND suspended_at IS NULL"
)

_version: tuple[int, float] = (0, float("-inf"))
_rests_until = float("-inf")


def key(tenant_id: UUID | None, shelf: str, *names: object) -> str:
    """Begins with its tenant, or with `all` where that is what is looked up; no two lists of names share one."""
    owner = f"t:{tenant_id.hex}" if tenant_id else "all"
    return ":".join(["cwu", owner, shelf, *(quote(str(name), safe="") for name in names)])


def remember(name: str, shelf: str, ask: Callable[[], Any]) -> Any:
    """The JSON value kept under a key, or what `ask` says, which is then kept unless it is None."""
    packed = _get(name, shelf)
    if packed is not None:
        return orjson.loads(packed)
    found = ask()
    if found is not None:
        attempt(lambda: valkey.blocking().set(name, orjson.dumps(found), ex=SECONDS))
    return found


def forget(*names: str) -> None:
    """What is kept under these keys is asked anew."""
    attempt(lambda: valkey.blocking().delete(*names))


def learn(version: int) -> None:
    """The number that the access version has now."""
    global _version
    _version = (version, time.monotonic())


def tenant_of_agent(agent_id: UUID) -> Tenant | None:
    """The active tenant of a public agent id; fields that are not kept are read from the database when they are asked for."""
    version = _known_version()
    if version is None:
        LOOKUPS.labels("admission", "unknown").inc()
        return owner(agent_id)
    kept = remember(
        key(None, "admission", version, agent_id.hex), "admission", lambda: _kept(owner(agent_id))
    )
    return _tenant(kept) if kept else None


def owner(agent_id: UUID) -> Tenant | None:
    """The same from the database."""
    row = _OWNER.first(agent=agent_id)
    return _TENANTS.read(row) if row else None


def _known_version() -> int | None:
    version, heard_at = _version
    return version if time.monotonic() - heard_at < FRESH else None


def _kept(tenant: Tenant | None) -> dict[str, Any] | None:
    return {name: getattr(tenant, name) for name in _FIELDS} | {"id": str(tenant.id)} if tenant else None


def _tenant(kept: dict[str, Any]) -> Tenant:
    values = [UUID(kept["id"]), kept["slug"], kept["name"], kept["allowed_origins"]]
    return Tenant.from_db("default", _FIELDS, values)


def _get(name: str, shelf: str) -> bytes | None:
    found: bytes | None = attempt(lambda: valkey.blocking().get(name))
    outcome = "down" if _is_resting() else "miss" if found is None else "hit"
    LOOKUPS.labels(shelf, outcome).inc()
    return found


def attempt(ask: Callable[[], Any]) -> Any:
    """None where Valkey gives no answer; it is then left alone for a moment, so that nobody else waits for it."""
    global _rests_until
    if _is_resting():
        return None
    try:
        return ask()
    except valkey.Unreachable as error:
        _rests_until = time.monotonic() + PAUSE
        logger.warning("The cache is out of reach: %s", error)
        return None


def _is_resting() -> bool:
    return time.monotonic() < _rests_until
