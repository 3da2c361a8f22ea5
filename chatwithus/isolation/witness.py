"""What a tenant's data looks like from inside, as checksums; and where Valkey holds a tenant's words under nobody's name."""

from collections.abc import Iterator
from typing import Any

from django.db import connections

from apps.chats import relay
from apps.chats.models import Chat
from apps.tenants import scope, valkey
from apps.tenants.models import Tenant
from chatwithus.isolation.canary import Canary
from chatwithus.isolation.planting import owned_models
from chatwithus.isolation.tally import Tally

_SUM = "SELECT count(*), md5(coalesce(string_agg(md5(row::text), '' ORDER BY id), '')) FROM {} row WHERE tenant_id = %s"
MOST = 1000
LASTING = (
    6 * 3600
)  # seconds: what a busy machine takes for the proof, or it would take an end by itself for a stranger's deed


def fingerprint(canary: Canary) -> dict[str, Any]:
    """Of every table the number of the canary's rows and a checksum of them, of its row in the register, and of its streams."""
    with canary.scope():
        found = {model._meta.db_table: _sum(model) for model in owned_models()}
    found["its settings"] = Tenant.objects.filter(id=canary.tenant.id).values().get()
    return found | dict(_streams(canary))


def compare(before: dict[str, Any], after: dict[str, Any], canary: Canary, tally: Tally) -> None:
    """Whatever differs is a leak: nobody but strangers did anything meanwhile."""
    for name in before | after:
        tally.probes += 1
        if before.get(name) != after.get(name):
            tally.leak(f"{name} of {canary.tenant.slug} has changed")


def _sum(model: Any) -> Any:
    with connections[str(getattr(model, "database", "default"))].cursor() as cursor:
        cursor.execute(_SUM.format(model._meta.db_table), [scope.current()])
        return cursor.fetchone()


def _streams(canary: Canary) -> Iterator[tuple[str, Any]]:
    for rows in canary.sets:
        name = relay.key(canary.tenant.id.hex, rows[Chat].id.hex)
        yield f"the stream {name}", valkey.blocking().xrange(name)


def plant_streams(canary: Canary) -> None:
    """A running reply's words in the chats of the latest set, as the relay would have written them."""
    for rows in canary.sets[-1:]:
        name = relay.key(canary.tenant.id.hex, rows[Chat].id.hex)
        valkey.blocking().xadd(name, {b"f": canary.marker.encode()})
        valkey.blocking().expire(name, LASTING)


def nameless(*canaries: Canary) -> Iterator[str]:
    """Keys of Valkey that hold a canary's words and do not name its tenant, so that another's could be the same."""
    client = valkey.blocking()
    for key in client.scan_iter("*", count=1000):
        held = _held(client, key)
        for canary in canaries:
            spelt = {canary.tenant.id.hex.encode(), str(canary.tenant.id).encode()}
            if canary.marker.encode() in held and not any(name in key for name in spelt):
                yield f"{key.decode(errors='replace')} holds words of {canary.tenant.slug} and does not name it"


def _held(client: Any, key: bytes) -> bytes:
    kind = client.type(key)
    read = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, MOST),
        b"set": lambda: client.srandmember(key, MOST),
        b"zset": lambda: client.zrange(key, 0, MOST),
        b"stream": lambda: client.xrange(key, count=MOST),
    }.get(kind)
    return repr(read()).encode() if read else b""
