"""Valkey, and who works at its queue."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
from celery import Celery

from chatwithus.doctor.findings import Skip, Trouble
from chatwithus.doctor.installation import PATIENCE, Installation

QUEUES = {"celery", "reading"}
WORKER = "start one: celery -A chatwithus worker --queues celery,reading (`make up` starts its own)"
BEAT = "start one and no more: celery -A chatwithus beat (`make up` starts its own)"
SUFFIXES = ("", ".db", ".dat")
SYNC = 240  # beat writes its schedule down every 180 s, when the next of its tasks is due


def valkey(installation: Installation) -> str:
    """Answers within 3 s and takes a write."""
    try:
        with installation.valkey() as client:
            client.set("doctor", "was here", ex=5)
            server = client.info("server")
            return f"version {server.get('valkey_version') or server['redis_version']}, takes writes"
    except ValueError as error:
        raise Trouble("REDIS_URL is not an address", remedy="write redis://:password@host:6379/0") from error
    except redis.AuthenticationError as error:
        raise Trouble("refuses the password", remedy="correct the password in REDIS_URL") from error
    except redis.ReadOnlyError as error:
        raise Trouble(
            "is a read-only replica", remedy="put the address of the primary into REDIS_URL"
        ) from error
    except redis.OutOfMemoryError as error:
        raise Trouble("is full", remedy="raise its maxmemory, or see why queues grow") from error
    except (redis.ConnectionError, redis.TimeoutError) as error:
        remedy = "start Valkey (`make up` starts its own), or correct REDIS_URL"
        raise Trouble(f"cannot be reached ({error})".replace("..", "."), remedy=remedy) from error


def eviction(installation: Installation) -> str:
    """Queues live in Valkey; a policy that evicts keys would drop them in silence."""
    with installation.valkey() as client:
        policy = client.info("memory")["maxmemory_policy"]
    if policy != "noeviction":
        raise Trouble(
            f"maxmemory-policy is {policy}, which may drop queued work",
            remedy="set maxmemory-policy to noeviction",
        )
    return "never evicts"


class AllServed(Exception):
    """Every queue has somebody: no need to wait for further answers."""


def worker(installation: Installation) -> str:
    """Each queue has somebody who serves it: short work must not wait behind documents."""
    served: dict[str, str] = {}

    def note(answer: dict[str, list[dict[str, Any]]]) -> None:
        served.update({queue["name"]: name for name, queues in answer.items() for queue in queues})
        if served.keys() >= QUEUES:
            raise AllServed

    with Celery("doctor", broker=installation.text("REDIS_URL"), set_as_current=False) as application:
        application.conf.broker_transport_options = {"socket_connect_timeout": PATIENCE}
        with suppress(AllServed):
            application.control.broadcast("active_queues", reply=True, timeout=PATIENCE, callback=note)
    if idle := sorted(QUEUES - served.keys()):
        raise Trouble(f"nobody serves {' and '.join(idle)} (asked for {PATIENCE} s)", remedy=WORKER)
    return ", ".join(f"{served[queue]} serves {queue}" for queue in sorted(QUEUES))


def beat(installation: Installation) -> str:
    """Told by the age of its schedule, which only the machine that runs it has."""
    schedule = installation.folder / "celerybeat-schedule"
    written = [path.stat().st_mtime for path in _variants(schedule) if path.exists()]
    if not written:
        raise Skip(f"cannot tell: beat keeps no {schedule} here, so ask on the machine that runs it")
    age = time.time() - max(written)
    if age > SYNC:
        raise Trouble(f"has not written {schedule} for {age:.0f} s", remedy=BEAT)
    return f"wrote its schedule {age:.0f} s ago"


def _variants(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in SUFFIXES]
