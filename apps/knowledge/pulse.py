"""Signs of life of whoever reads a source, however long a step takes: who gives none is taken for dead, and another goes on."""

from contextlib import suppress
from contextvars import copy_context
from threading import Event, Thread

from django.db import Error, connections

from apps.knowledge.models import Knowledge, Removed

BEAT = 10.0  # seconds


class Pulse:
    """Beats as long as its block runs, in a thread of its own."""

    def __init__(self, source: Knowledge) -> None:
        self._source = source
        self._has_ended = Event()
        self._thread = Thread(target=copy_context().run, args=[self._beat], name="pulse", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        """Nothing is waited for: a beat under way may itself wait for a transaction that we are in."""
        self._has_ended.set()

    def _beat(self) -> None:
        """Whoever reads will see for itself that it is gone."""
        try:
            with suppress(Removed):
                while not self._has_ended.wait(BEAT):
                    with suppress(Error):
                        self._source.show_life()
        finally:
            connections.close_all()
