"""What happens on the small internet of tests/internet.py; each function plays there and gives back what it saw."""

import random
import ssl
import subprocess
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from apps.knowledge import egress
from apps.knowledge.weburl import BadUrl
from tests.internet import OTHER, PRIVATE, PUBLIC, PUBLIC6, answer, outside, serve

TARGETS = ("127.0.0.1", "0.0.0.0", "::1", "::", *PRIVATE, "127.255.255.254", "255.255.255.255", "224.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:169.254.169.254", "ff02::1", "2001:0:7f00:1::")  # fmt: skip
SCHEMES = ("http", "https", "ftp", "file", "gopher", "data", "jar", "HTTP", "ws", "dict")


def spellings(address: str) -> Iterator[str]:
    """The ways in which software reads an address."""
    if ":" in address:
        yield from (
            f"[{address}]",
            f"[{address.upper()}]",
            f"[{address}%25lo]",
            f"[{address}%lo]",
            f"[{address}]:6379",
            address,
        )
        return
    parts = [int(part) for part in address.split(".")]
    number = int.from_bytes(bytes(parts))
    yield address
    yield from (f"{number}", f"0x{number:x}", f"0{number:o}", ".".join(f"0x{one:x}" for one in parts))
    yield from (".".join(f"0{one:o}" for one in parts), ".".join(f"{one:03d}" for one in parts))
    yield from (f"{parts[0]}.{number & 0xFFFFFF}", f"{parts[0]}.{parts[1]}.{number & 0xFFFF}", f"{address}.")
    yield from (
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::]",
    )
    yield from (
        address.translate(str.maketrans("0123456789.", "０１２３４５６７８９．")),
        address.replace(".", "。"),
    )
    yield from (
        f"{address}:80",
        f"{address}:22",
        f"{address}%00",
        f"{address}%2f",
        f"{address}\t",
        f" {address}",
    )


def disguises(host: str, scheme: str, public: str) -> Iterator[str]:
    """Addresses in which two parsers see two hosts, one of them public."""
    yield f"{scheme}://{host}/"
    yield f"{scheme}://{host}\\@{public}/"
    yield f"{scheme}://{public}@{host}/"
    yield f"{scheme}://{public}:80@{host}/"
    yield f"{scheme}://{host}#@{public}/"
    yield f"{scheme}://{host}?@{public}/"
    yield f"{scheme}://{public} &@{host}# @{public}/"
    yield f"{scheme}:/\\{host}/"
    yield f"{scheme}:{host}/"
    yield f"//{host}/"
    yield f"{scheme}://{public}\r\nHost: {host}/"


def generated(count: int, seed: int = 7) -> list[str]:
    """As many different attempts as asked for, the same ones each time."""
    every = [
        url
        for target in TARGETS
        for host in spellings(target)
        for scheme in SCHEMES
        for url in disguises(host, scheme, "site.example")
    ]
    chance = random.Random(seed)
    return chance.sample(list(dict.fromkeys(every)), count)


def attempts(count: str) -> dict[str, Any]:
    """Every third attempt is an address as given, every third the target of a redirect, every third what a name stands for."""
    with outside() as internet:
        told: Counter[str] = Counter()
        wanted: list[str] = []
        internet.name("site.example", PUBLIC)
        for address in TARGETS:
            internet.name(f"{address.replace(':', '-').replace('.', '-')}.trap.example", address)
        serve(
            PUBLIC,
            80,
            lambda request: answer(
                request, status=302, Location=wanted[-1].encode().decode("latin-1").strip()
            ),
        )
        _listen_everywhere()
        reached = 0
        for number, url in enumerate(generated(int(count))):
            wanted.append(" ".join(url.split("\r\n")))
            host = TARGETS[number % len(TARGETS)].replace(":", "-").replace(".", "-")
            tried = (url, "http://site.example/", f"http://{host}.trap.example/")[number % 3]
            said, fetched = _try(tried)
            told[said] += 1
            reached += fetched is not None and fetched.body == b"canary"
        return {
            "packets": internet.settled(),
            "where": dict(internet.witness),
            "reached": reached,
            "said": dict(told),
        }


def rebinding(count: str) -> dict[str, Any]:
    """A name that stands for a public address when it is first asked, and for ours a moment later."""
    with outside() as internet:
        turn: Counter[str] = Counter()

        def alternate(name: str) -> list[str]:
            turn[name] += 1
            return [PUBLIC] if (turn[name] // 2) % 2 == 0 else ["127.0.0.1"]

        internet.names["rebind.example"] = alternate
        internet.name("both.example", PUBLIC, "127.0.0.1")
        serve(PUBLIC, 80, lambda request: answer(request, b"public"))
        _listen_everywhere()
        said = Counter(_try("http://rebind.example/")[0] for _ in range(int(count)))
        both = _try("http://both.example/")[0]
        return {
            "packets": internet.settled(),
            "said": dict(said),
            "both": both,
            "asked": internet.asked["rebind.example"],
        }


def redirects() -> dict[str, Any]:
    """Chains and loops, of every kind of redirect; and what a redirect takes along."""
    with outside() as internet:
        internet.name("site.example", PUBLIC)
        internet.name("other.example", OTHER)
        heard: list[dict[str, str]] = []
        asked: Counter[str] = Counter()

        def page(request: BaseHTTPRequestHandler) -> None:
            asked[request.path] += 1
            kind, _, rest = request.path.lstrip("/").partition("/")
            if kind == "loop":
                answer(request, status=302, Location="/loop")
            elif kind == "chain":
                answer(request, status=307, Location=f"/chain/{int(rest) - 1}" if int(rest) else "/end")
            elif kind.isdigit():
                answer(request, status=int(kind), Location=rest.replace("_", "/"), Set_Cookie="secret=1")
            else:
                answer(request, b"end")

        def elsewhere(request: BaseHTTPRequestHandler) -> None:
            heard.append({name.lower(): value for name, value in request.headers.items()})
            answer(request, b"elsewhere")

        serve(PUBLIC, 80, page)
        serve(OTHER, 80, elsewhere)
        _listen_everywhere()
        inward = [f"http://site.example/{kind}/{place}" for kind in egress.REDIRECTS for place in (
            "http:__127.0.0.1_", "http:__[::1]_", "file:_etc_passwd", "__127.0.0.1_", "http:__169.254.169.254_latest", "gopher:__127.0.0.1_",
        )]  # fmt: skip
        said = Counter(_try(url)[0] for url in inward)
        with egress.Client() as client:
            client.get(
                "http://site.example/301/http:__other.example_",
                headers={"If-None-Match": "x", "Authorization": "secret"},
            )
        return {
            "packets": internet.settled(), "inward": dict(said), "loop": _try("http://site.example/loop")[0], "hops": asked["/loop"],
            "chain": _try("http://site.example/chain/3")[0], "long": _try("http://site.example/chain/9")[0],
            "leaked": sorted(set(heard[0]) & {"cookie", "authorization", "if-none-match"}),
        }  # fmt: skip


def oracle() -> dict[str, Any]:
    """Open, closed and filtered ports, inside and outside, and names that are not there: what whoever asks reads."""
    with outside() as internet:
        internet.name("site.example", PUBLIC)
        internet.name("inside.example", "10.0.0.1")
        serve("10.0.0.1", 80, lambda request: answer(request, b"canary"))
        serve(PUBLIC, 25, lambda request: answer(request, b"a server of mail"))
        subprocess.run(["ip", "route", "add", "blackhole", "93.184.216.99/32"], check=True)
        internet.name("filtered.example", "93.184.216.99")
        urls = ["http://inside.example/", "http://inside.example:8081/", "http://site.example:8082/", "http://filtered.example/",
                "http://nowhere.example/", "http://10.0.0.1/", "http://10.0.0.1:9999/", "http://site.example:25/"]  # fmt: skip
        return {"said": sorted({_try(url)[0] for url in urls}), "packets": internet.settled()}


def appetite() -> dict[str, Any]:
    """Bodies that are too large, that unpack to too much, that drip, or that end too early."""
    with outside() as internet:
        internet.name("site.example", PUBLIC)
        internet.names["silent.example"] = _say_nothing
        bomb = _bomb()

        def page(request: BaseHTTPRequestHandler) -> None:
            if request.path in ("/gzip", "/unasked"):
                answer(request, bomb, Content_Encoding="gzip" if request.path == "/gzip" else "br")
            elif request.path == "/honest":
                packed = zlib.compressobj(wbits=31)
                answer(request, packed.compress(b"honest " * 1000) + packed.flush(), Content_Encoding="gzip")
            elif request.path == "/cut":
                answer(request, bomb[:500], Content_Encoding="gzip")
            elif request.path == "/declared":
                request.send_response(200)
                request.send_header("Content-Length", str(10**10))
                request.end_headers()
                _pour(request)
            elif request.path == "/tail":
                request.send_response(200)
                request.send_header("Content-Encoding", "gzip")
                request.end_headers()
                packed = zlib.compressobj(wbits=31)
                request.wfile.write(packed.compress(b"honest") + packed.flush())
                _pour(request)
            elif request.path == "/headers":
                request.wfile.write(b"HTTP/1.1 200 OK\r\n")
                _drip(request, b"X: y\r\n")
            else:
                request.send_response(200)
                request.end_headers()
                _drip(request, b".") if request.path == "/drip" else _pour(request)

        serve(PUBLIC, 80, page)
        found = {}
        for path in (
            "/honest",
            "/gzip",
            "/unasked",
            "/cut",
            "/tail",
            "/declared",
            "/endless",
            "/drip",
            "/headers",
        ):
            began = time.monotonic()
            said, fetched = _try(f"http://site.example{path}", seconds=2, largest=1024**2)
            found[path] = {
                "said": said,
                "size": len(fetched.body) if fetched else 0,
                "seconds": time.monotonic() - began,
            }
        began = time.monotonic()
        said, _ = _try("http://silent.example/", seconds=0.5)
        found["name"] = {"said": said, "size": 0, "seconds": time.monotonic() - began}
        return found | {"rss": _most_memory()}


def names() -> dict[str, Any]:
    """TLS is verified by name though the connection goes to an address; IPv6 works; the operator's list opens what it names, exactly."""
    with outside(("127.0.0.1:8080", "inside.example")) as internet:
        internet.name("site.example", PUBLIC)
        internet.name("wrong.example", PUBLIC)
        internet.name("six.example", PUBLIC6)
        internet.name("inside.example", "10.0.0.1")
        internet.name("inside.example.evil.example", "10.0.0.1")
        secure = serve(PUBLIC, 443, lambda request: answer(request, b"secure"))
        secure.socket = _certified("site.example").wrap_socket(secure.socket, server_side=True)
        for address, port in ((PUBLIC6, 80), ("127.0.0.1", 8080), ("127.0.0.1", 8081), ("10.0.0.1", 80)):
            serve(address, port, lambda request: answer(request, b"plain"))
        urls = {
            "right": "https://site.example/", "wrong": "https://wrong.example/", "six": "http://six.example/", "listed": "http://127.0.0.1:8080/",
            "port": "http://127.0.0.1:8081/", "host": "http://inside.example/", "suffix": "http://inside.example.evil.example/",
        }  # fmt: skip
        return {name: _try(url)[0] for name, url in urls.items()}


def _try(url: str, **options: Any) -> tuple[str, egress.Fetched | None]:
    try:
        with egress.Client(**options) as client:
            fetched = client.get(url)
            return f"{fetched.status}", fetched
    except (egress.Unreachable, egress.TooMuch, BadUrl) as error:
        return str(error), None


def _listen_everywhere() -> None:
    """Canaries: on any address, at the ports that are asked for."""
    for port in (22, 6379, 443):
        serve("0.0.0.0", port, lambda request: answer(request, b"canary"))
    for address in ("127.0.0.1", "::1", *PRIVATE):
        if not address.startswith("fe80"):
            serve(address, 80, lambda request: answer(request, b"canary"))


def _pour(request: BaseHTTPRequestHandler) -> None:
    for _ in range(10**6):
        request.wfile.write(b"x" * 65536)


def _drip(request: BaseHTTPRequestHandler, drop: bytes) -> None:
    for _ in range(600):
        request.wfile.write(drop)
        request.wfile.flush()
        time.sleep(0.1)


def _bomb() -> bytes:
    """A quarter of a gigabyte of nothing, in some hundred kilobytes."""
    packing = zlib.compressobj(1, wbits=31)
    return b"".join([*(packing.compress(bytes(1024**2)) for _ in range(256)), packing.flush()])


def _say_nothing(name: str) -> list[str]:
    time.sleep(3)
    return []


def _most_memory() -> int:
    """In MB; what the kernel says of this program alone, since `getrusage` begins with what its parent used."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def _certified(name: str) -> ssl.SSLContext:
    import os

    folder = tempfile.mkdtemp()
    key, certificate = f"{folder}/key.pem", f"{folder}/cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "1",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True,
    )  # fmt: skip
    os.environ["SSL_CERT_FILE"] = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
