"""Signals that ask the program to stop: noted at once, obeyed where the program waits."""

import signal
import time
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DOUBLE_CLICK = 0.5


class Stopped(Exception):
    """Somebody asked the program to stop."""


class Signals:
    """The first signal asks to stop; another Ctrl-C later hurries."""

    def __init__(self) -> None:
        self.is_stopping = False
        self.is_hurried = False
        self._asked_at: float | None = None

    def install(self) -> None:
        """Listen even where a background job inherited an ignored SIGINT; only `nohup` keeps its SIGHUP."""
        for number in STOPPING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif number == signal.SIGINT and now - self._asked_at > DOUBLE_CLICK:
            self.is_hurried = True

    def pause(self, seconds: float) -> None:
        """Wait a moment; raises Stopped when asked to stop, unless that is already under way."""
        if self._asked_at is not None and not self.is_stopping:
            raise Stopped
        time.sleep(seconds)
