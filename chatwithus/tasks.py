"""The proof of isolation as a task, for the operator's button, and what it said last."""

import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from typing import TypedDict

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

MOST = 200  # lines
_KEY, _WEEK = "prove_isolation", 7 * 24 * 3600


class Result(TypedDict):
    """`status` is None while it runs."""

    lines: list[str]
    status: int | None
    at: str


@shared_task
def prove_isolation() -> None:
    """In a process of its own, since the proof sets walls and limits aside in the one that it runs in."""
    command = [sys.executable, "manage.py", "prove_isolation"]
    said: deque[str] = deque(maxlen=MOST)
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as proof:
        assert proof.stdout is not None
        for line in proof.stdout:
            said.append(line.rstrip())
            keep(said)
    keep(said, status=proof.returncode)


def keep(lines: Iterable[str], *, status: int | None = None) -> None:
    """In Valkey, for a week."""
    cache.set(
        _KEY, Result(lines=list(lines), status=status, at=f"{timezone.now():%Y-%m-%d %H:%M} UTC"), _WEEK
    )


def last() -> Result | None:
    found: Result | None = cache.get(_KEY)
    return found
