"""Whether the server speaks WebSocket: `python -m benchmarks.conformance --python27 PATH [--limits]`. The 247 cases of Autobahn's suite
against an echo on the server as it is shipped, on stock uvicorn, and on the `websockets` library's own.

The suite runs under Python 2.7 only; `benchmarks/wstest.sh FOLDER` makes one with it.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from benchmarks import harness
from benchmarks.harness import Benchmark
from benchmarks.listening import listening
from chatwithus import serve
from chatwithus.embedded.cluster import free_port

OURS, STOCK, LIBRARY = "ours", "stock uvicorn", "websockets"
LARGEST = 64 * 1024 * 1024  # cases of group 9 send 16 MiB; the product takes 256 KiB
LIMITS, COMPRESSION = "9.*", ["12.*", "13.*"]
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
RUN = "import sys; from autobahntestsuite.wstest import run; sys.argv = ['wstest', '-m', 'fuzzingclient', '-s', sys.argv[1]]; run()"
Verdicts = dict[str, dict[str, str]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


def ours(port: int) -> None:
    """The product's own configuration, with the echo in it."""
    configuration = serve.configuration(host="127.0.0.1", port=port)
    configuration.app, configuration.lifespan, configuration.ws_max_size = echo, "off", LARGEST
    uvicorn.Server(configuration).run()


def stock(port: int) -> None:
    uvicorn.run(echo, port=port, loop="uvloop", ws="websockets-sansio", ws_max_size=LARGEST, ws_per_message_deflate=False,
                lifespan="off", log_level="critical")  # fmt: skip


def library(port: int) -> None:
    async def answer(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async def run() -> None:
        async with serve_websockets(answer, "127.0.0.1", port, max_size=LARGEST, compression=None) as server:
            await server.serve_forever()

    asyncio.run(run())


SERVERS = {OURS: "ours", STOCK: "stock", LIBRARY: "library"}


@contextmanager
def serving(name: str) -> Iterator[str]:
    """Its address."""
    port = free_port()
    told = ["-c", f"from benchmarks import conformance; conformance.{SERVERS[name]}({port})"]
    with listening(told, port):
        yield f"ws://127.0.0.1:{port}/"


def judged(python27: Path, *, limits: bool) -> dict[str, Verdicts]:
    """What the suite says of each case, by server."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [{"agent": name, "url": stack.enter_context(serving(name))} for name in SERVERS]
        asked = {
            "outdir": str(folder / "report"),
            "servers": servers,
            "cases": ["*"],
            "exclude-cases": COMPRESSION if limits else [LIMITS, *COMPRESSION],
            "exclude-agent-cases": {},
        }
        (folder / "spec.json").write_text(json.dumps(asked))
        subprocess.run(
            [python27, "-c", RUN, folder / "spec.json"], check=True, cwd=folder, stdout=subprocess.DEVNULL
        )
        told: dict[str, Verdicts] = json.loads((folder / "report" / "index.json").read_text())
        return told


def failed(verdicts: Verdicts) -> set[str]:
    """Cases in which the server did, or ended, as it must not."""
    return {
        case
        for case, said in verdicts.items()
        if said["behavior"] not in GOOD or said["behaviorClose"] not in GOOD
    }


def main() -> int:
    parser = harness.parser(__doc__, repeat=1)
    parser.add_argument(
        "--python27", type=Path, required=True, help="Python 2.7 with autobahntestsuite 0.8.2"
    )
    parser.add_argument(
        "--limits", action="store_true", help="also the 54 cases with messages of up to 16 MiB"
    )
    chosen = parser.parse_args()
    benchmark = Benchmark("conformance")
    began = time.monotonic()
    told = judged(chosen.python27.absolute(), limits=chosen.limits)
    failures = {name: failed(verdicts) for name, verdicts in told.items()}
    for name, verdicts in told.items():
        benchmark.record(f"{name}: cases", [len(verdicts)])
        benchmark.record(f"{name}: failed", [len(failures[name])])
        kinds = Counter(said["behavior"] for said in verdicts.values())
        benchmark.note(f"{name}: {dict(kinds)}; failed: {', '.join(sorted(failures[name])) or 'none'}")
    for other in (STOCK, LIBRARY):
        more = benchmark.record(f"failed by ours and not by {other}", [len(failures[OURS] - failures[other])])
        benchmark.bound(more, "<=", 0)
    benchmark.record("took", [time.monotonic() - began], "s")
    return benchmark.finish()


if __name__ == "__main__":
    sys.exit(main())
