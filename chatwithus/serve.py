"""The web server: uvicorn with the options that were measured best for many quiet sockets."""

import contextlib
import os
import signal
from collections.abc import Generator

import uvicorn

from consumers.frames import LARGEST

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server(uvicorn.Server):
    """Listens to signals even where they were inherited as ignored, and ends with status 0 after one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        before = {number: signal.signal(number, self.handle_exit) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def configuration(*, host: str, port: int) -> uvicorn.Config:
    """Proxy headers are believed only where FORWARDED_ALLOW_IPS names the proxies."""
    return uvicorn.Config(
        "chatwithus.asgi:application",
        host=host,
        port=port,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=LARGEST,
        timeout_graceful_shutdown=5,
        proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
        server_header=False,
        access_log=False,
        log_config=None,
    )


def main() -> None:
    """Serve on HOST (127.0.0.1) and PORT (8000) until a signal."""
    server = Server(
        configuration(host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "8000")))
    )
    server.run()
    if not server.started:
        raise SystemExit(3)


if __name__ == "__main__":
    main()
