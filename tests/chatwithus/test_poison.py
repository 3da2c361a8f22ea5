"""Whatever lies in Valkey is read and never run, and what cannot be read holds up nobody."""

import base64
import json
import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from celery import current_app
from django.conf import settings
from django.core.cache import cache

from apps.knowledge import tasks
from apps.knowledge.models import Knowledge
from apps.tenants import valkey
from chatwithus.embedded.processes import Child
from tests.server import PATIENCE, Server, wait_until
from tests.world import House

Houses = tuple[House, House]
QUEUES = ("celery", "reading")
KNOWN = "apps.analysis.tasks.score_exchange"
SOMEBODY = {"cwu_tenant": str(uuid.uuid4())}


class Bomb:
    """Makes a file where somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self._path,)


def message(
    body: bytes, *, task: str = KNOWN, kind: str = "application/json", encoding: str = "utf-8", **headers: str
) -> str:
    """As it lies in a queue."""
    told = {"lang": "py", "task": task, "id": str(uuid.uuid4()), **headers}
    delivery = {"exchange": "", "routing_key": "celery"}
    properties = {"body_encoding": "base64", "delivery_tag": str(uuid.uuid4()), "delivery_info": delivery}
    frame = {"content-type": kind, "content-encoding": encoding, "headers": told, "properties": properties}
    return json.dumps({"body": base64.b64encode(body).decode(), **frame})


def called(*arguments: Any, **named: Any) -> bytes:
    return json.dumps([arguments, named, {}]).encode()


def poisons(bomb: Bomb) -> list[str]:
    pickled = pickle.dumps([[], {"exchange_id": bomb}, {}])
    return [
        message(pickled, kind="application/x-python-serialize", encoding="binary", **SOMEBODY),
        message(called(), task="os.system", **SOMEBODY),
        message(called(exchange_id=str(uuid.uuid4()))),
        message(called(exchange_id=str(uuid.uuid4())), cwu_tenant="nobody"),
        message(called(exchange_id="nothing"), **SOMEBODY),
        message(called(1, 2, 3), **SOMEBODY),
        message(called(exchange_id=str(uuid.uuid4())), kind="application/x-unknown", **SOMEBODY),
    ]


def test_a_worker_puts_away_what_is_no_task_of_ours_and_goes_on(
    worker: Child, houses: Houses, tmp_path: Path
) -> None:
    acme, _ = houses
    run = tmp_path / "run"
    for queue in QUEUES:
        for poison in poisons(Bomb(run)):
            valkey.blocking().lpush(queue, poison)
    with acme.scope():
        source = Knowledge.objects.create(name="Depots", content="The depot is green.")
        tasks.call_reader()

        def is_read() -> bool:
            return Knowledge.objects.get(id=source.id).status == "ready"

        wait_until(is_read)
    wait_until(lambda: not any(valkey.blocking().llen(queue) for queue in QUEUES))
    assert not worker.has_ended()
    assert not run.exists()


def test_what_somebody_puts_into_the_cache_is_never_run(server: Server, tmp_path: Path) -> None:
    run = tmp_path / "run"
    valkey.blocking().set(cache.make_key("readyz"), pickle.dumps(Bomb(run)), ex=60)
    assert cache.get("readyz") is None
    assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200
    assert not run.exists()


@pytest.mark.parametrize("kept", [7, True, "Grüße", [1, {"a": None}], {"lines": ["x"], "status": None}])
def test_what_we_put_there_comes_back(kept: Any) -> None:
    cache.set("test-plain", kept, 5)
    assert cache.get("test-plain") == kept


def test_no_task_runs_for_so_long_that_it_is_handed_out_twice() -> None:
    """What nobody has confirmed within the visibility timeout is given to another worker."""
    assert current_app.conf.accept_content == [current_app.conf.task_serializer] == ["json"]
    again = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert settings.CELERY_TASK_SOFT_TIME_LIMIT < settings.CELERY_TASK_TIME_LIMIT < again / 2
