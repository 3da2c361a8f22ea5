"""The web server: uvicorn with the options that were measured best for many quiet sockets, and an end in stages.

Asked to stop, it turns readiness red and serves on for DRAIN_SECONDS, so that whoever sends visitors here can stop doing so. Then it
listens no more, closes sockets with 1012 and ends streams; their clients resume elsewhere. What is being answered may go on for
FINISH_SECONDS; then it ends, whatever still hangs."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Generator
from types import FrameType
from typing import Any

import uvicorn
from django.conf import settings

from apps.chats import draining
from apps.chats.frames import LARGEST
from chatwithus import heads
from chatwithus.sockets import Connection

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MARGIN = 5.0  # seconds after FINISH_SECONDS to save and let go; a thread that hangs longer is left behind

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Listens to signals even where they were inherited as ignored, and ends with status 0 after one. A second one hurries."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        before = {number: signal.signal(number, self.handle_exit) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: Any = None) -> None:
        """Connections inherit the limit from their listeners; the kernel keeps it where Linux does."""
        await super().startup(sockets)
        _spare_the_collector()
        for server in self.servers:
            for listener in server.sockets:
                listener.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.UNREAD_SECONDS * 1000
                )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: Any = None) -> None:
        draining.begin()
        await self._serve_on(settings.DRAIN_SECONDS)
        _end_in(settings.FINISH_SECONDS + MARGIN)
        self.config.timeout_graceful_shutdown = settings.FINISH_SECONDS
        draining.close()
        await super().shutdown(sockets)

    async def _serve_on(self, seconds: float) -> None:
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until and not self.force_exit:
            await self.on_tick(0)  # keeps the Date header right
            await asyncio.sleep(0.1)


def _spare_the_collector() -> None:
    """It looks through all that lives again and again, while every stream waits (110 ms were measured); what was made for the whole
    life of the process is no garbage. The rest it looks through as often as ever: sockets that went, and what they asked, go in circles.
    It waits with all of it until there is a quarter more than it found the last time, so it is shown that there is nothing yet."""
    gc.collect()
    gc.freeze()
    gc.collect()


def _end_in(seconds: float) -> None:
    """End even where a thread hangs, which the interpreter would wait for."""

    def end() -> None:
        logger.warning("Something still hung %s s after the last connection was closed.", seconds)
        logging.shutdown()
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def configuration(*, host: str, port: int) -> uvicorn.Config:
    """Proxy headers are believed only where FORWARDED_ALLOW_IPS names the proxies."""
    return uvicorn.Config(
        "chatwithus.asgi:application",
        host=host,
        port=port,
        loop="uvloop",
        http=heads.Connection,
        ws=Connection,
        ws_per_message_deflate=False,
        ws_max_size=LARGEST,
        proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
        server_header=False,
        access_log=False,
        log_config=None,
    )


def main() -> None:
    """Serve on HOST (127.0.0.1) and PORT (8000) until a signal."""
    sys.setswitchinterval(0.0005)  # so that work in threads delays frames by less than the usual 5 ms
    server = Server(
        configuration(host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "8000")))
    )
    server.run()
    if not server.started:
        raise SystemExit(3)


if __name__ == "__main__":
    main()
