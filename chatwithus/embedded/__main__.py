"""`python -m chatwithus.embedded FOLDER`: the services alone, for whoever runs the rest by hand."""

import argparse
import signal
import time
from pathlib import Path

from chatwithus.embedded import started
from chatwithus.embedded.folder import CannotStart
from chatwithus.embedded.processes import adopt_orphans


def main() -> None:
    """Keep the services of a folder running until a signal or the end of one of them."""
    parser = argparse.ArgumentParser(prog="python -m chatwithus.embedded", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fast", action="store_true", help="forgo durability")
    chosen = parser.parse_args()
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, frame: asked.append(received))
    adopt_orphans()
    try:
        with started(chosen.folder, fast=chosen.fast) as services:
            services.publish("http://127.0.0.1:8000")
            print(f"PostgreSQL and Valkey run; {services.folder.path}/run.json tells where.", flush=True)
            while not asked and not any(child.has_ended() for child in services.children.running):
                time.sleep(0.1)
    except CannotStart as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
