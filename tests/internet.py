"""A small internet inside a network namespace: public addresses on `lo`, a name server, web servers that do as a script says, and
a witness that counts every packet to an address that is not public. Run as a program it plays one scene of `tests/scenes`."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PUBLIC, OTHER, NAMESERVER = "93.184.216.34", "93.184.216.35", "93.184.216.53"
PUBLIC6 = "2606:2800:220:1::34"
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.88.99.1", "198.18.0.1", "203.0.113.9",
    "fd00:ec2::254", "fe80::1", "fc00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::", "64:ff9b::a9fe:a9fe",
)  # fmt: skip
A, AAAA = 1, 28
MARK = 9  # the port of the packet that tells the witness to say what it has seen
Answer = Callable[[str], list[str]]


def play(scene: str, *arguments: str, patience: float = 120) -> Any:
    """What the function `scene` (`module:function`) gives back, played in a namespace of its own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = [
        "unshare",
        *user,
        "--net",
        "--mount",
        sys.executable,
        "-m",
        "tests.internet",
        scene,
        *arguments,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience)
    if done.returncode != 0:
        raise RuntimeError(f"{scene} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@dataclass
class Internet:
    """`names` says what a name stands for, each time it is asked; `witness` counts what went where it must not."""

    names: dict[str, Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    witness: Counter[str] = field(default_factory=Counter)

    def open(self) -> None:
        _set_up()
        _serve_names(self)
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.bind(("127.0.0.1", MARK))
        _watch(self.witness)

    def name(self, name: str, *addresses: str) -> None:
        self.names[name] = lambda _: list(addresses)

    def settled(self) -> int:
        """How many packets the witness saw, once it has caught up with the last."""
        mark = ("127.0.0.1", MARK)
        before = self.witness["mark"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            while self.witness["mark"] == before:
                probe.sendto(b"mark", mark)
                time.sleep(0.01)
        return self.witness.total() - self.witness["mark"]


def _set_up() -> None:
    _run("ip", "link", "set", "lo", "up")
    for address in (PUBLIC, OTHER, NAMESERVER, PUBLIC6, *PRIVATE):
        bits = "128" if ":" in address else "32"
        _run("ip", "addr", "add", f"{address}/{bits}", "dev", "lo")
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(f"nameserver {NAMESERVER}\noptions timeout:2 attempts:1\n")
    _run("mount", "--bind", file.name, "/etc/resolv.conf")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _watch(seen: Counter[str]) -> None:
    """Everything on the wire, past every layer that could forget to say so."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024 * 1024)

    def watch() -> None:
        while True:
            packet, (_, protocol, kind, *_) = wire.recvfrom(200)
            if kind == socket.PACKET_OUTGOING:  # what comes in on lo is the same again
                _note(seen, packet, protocol)

    threading.Thread(target=watch, daemon=True).start()


def _note(seen: Counter[str], packet: bytes, protocol: int) -> None:
    if protocol == 0x0800:
        source, target = (
            socket.inet_ntop(socket.AF_INET, packet[12:16]),
            socket.inet_ntop(socket.AF_INET, packet[16:20]),
        )
        if packet[9] == 17 and packet[22:24] == struct.pack("!H", MARK):
            seen["mark"] += 1
            return
    elif protocol == 0x86DD:
        source, target = (
            socket.inet_ntop(socket.AF_INET6, packet[8:24]),
            socket.inet_ntop(socket.AF_INET6, packet[24:40]),
        )
        if packet[6] == 58:  # neighbours and routers, by which the kernel sets up its own addresses
            return
    else:
        return
    if (
        packet
        and target not in {PUBLIC, OTHER, NAMESERVER, PUBLIC6}
        and source not in {PUBLIC, OTHER, NAMESERVER, PUBLIC6}
    ):
        seen[target] += 1


def _serve_names(internet: Internet) -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((NAMESERVER, 53))

    def serve() -> None:
        while True:
            query, client = server.recvfrom(1500)
            with contextlib.suppress(IndexError, struct.error, UnicodeDecodeError):
                server.sendto(_answer(internet, query), client)

    threading.Thread(target=serve, daemon=True).start()


def _answer(internet: Internet, query: bytes) -> bytes:
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    name, (kind,) = ".".join(labels).lower(), struct.unpack("!H", query[at + 1 : at + 3])
    internet.asked[name] += kind == A
    known = internet.names.get(name)
    told = (
        [one for one in known(name) if (":" in one) == (kind == AAAA)] if known and kind in (A, AAAA) else []
    )
    records = b"".join(_record(one, kind) for one in told)
    flags = 0x8180 if known else 0x8183
    return query[:2] + struct.pack("!HHHHH", flags, 1, len(told), 0, 0) + query[12 : at + 5] + records


def _record(address: str, kind: int) -> bytes:
    packed = socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, address)
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(packed)) + packed


Page = Callable[[BaseHTTPRequestHandler], None]


def serve(address: str, port: int, page: Page) -> ThreadingHTTPServer:
    """A web server that answers every GET by this function."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            page(self)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that hang up are what is tested."""

    server = Server((address, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def answer(request: BaseHTTPRequestHandler, body: bytes = b"", status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, value in {"Content_Type": "text/html; charset=utf-8", **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextlib.contextmanager
def outside(allowed: tuple[str, ...] = ()) -> Iterator[Internet]:
    """For scenes: the internet is there, and Django knows only what egress asks it."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(EGRESS_ALLOW=list(allowed), PUBLIC_URL="https://chat.example")
    internet = Internet()
    internet.open()
    yield internet


if __name__ == "__main__":
    module, _, function = sys.argv[1].partition(":")
    print(json.dumps(getattr(import_module(module), function)(*sys.argv[2:])))
