"""Whether a container does its work: `python -m deploy.health web`, `worker`, `reader` or `beat`. Where not, it says why and ends with status 1.

The worker is asked through the broker, as a task would reach it, but without loading Django. That costs about a second of CPU, so it is
asked once a minute. Beat has no ears; it writes its schedule down every three minutes."""

import http.client
import os
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from chatwithus.env import Environment

LONGEST_SILENCE = 10 * 60

env = Environment(os.environ)


def web() -> str:
    """The complaint of `/readyz`, which names the dependency that does not answer; nothing where all do."""
    host = urlsplit(env.text("PUBLIC_URL", "http://127.0.0.1:8000")).netloc
    connection = http.client.HTTPConnection("127.0.0.1", env.integer("PORT", 8000), timeout=5)
    connection.request("GET", "/readyz", headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read().decode(errors="replace")
    return "" if answer.status == 200 else f"{answer.status} {body[:500]}"


def consumer(kind: str) -> str:
    from celery import Celery

    name = f"{kind}@{socket.gethostname()}"
    asked = Celery(broker=env.text("REDIS_URL"))
    return "" if asked.control.ping([name], timeout=5) else f"{name} does not answer"


def beat() -> str:
    folder = Path(env.text("DATA_DIR"))
    written = [path.stat().st_mtime for path in folder.glob("celerybeat-schedule*")]
    silence = time.time() - max(written, default=0)
    return "" if silence < LONGEST_SILENCE else f"the schedule was last written {silence:.0f} s ago"


ASKED: dict[str, Callable[[], str]] = {
    "web": web,
    "worker": partial(consumer, "worker"),
    "reader": partial(consumer, "reader"),
    "beat": beat,
}


def main() -> None:
    try:
        complaint = ASKED[sys.argv[1]]()
    except Exception as error:
        complaint = f"{type(error).__name__}: {error}"
    if complaint:
        raise SystemExit(complaint)


if __name__ == "__main__":
    main()
