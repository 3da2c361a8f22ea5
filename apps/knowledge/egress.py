"""The one guarded way out to addresses that tenants give. No other module of theirs may open a connection.

The guard sits where sockets are made: whatever asks, and through however many redirects, a name is resolved once, each address
that it stands for is judged, and the connection goes to the very address that was judged. Only hosts that the operator lists in
EGRESS_ALLOW pass unjudged. What went wrong is logged; whoever asked reads one text, or failures would tell what is in our network."""

import logging
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpcore
import httpx
from django.conf import settings

from apps.knowledge.weburl import BadUrl, WebUrl, parse
from apps.tenants import addresses

logger = logging.getLogger(__name__)
BOT = "ChatWithUsBot"  # as robots.txt calls us
SECONDS = 30.0
CONNECT_SECONDS = 5.0
LARGEST = 20 * 1024 * 1024
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
GONE = (404, 410)
LOWEST_FREE_PORT = 1024
WEB_PORTS = (80, 443)
REASON = (
    "The address could not be reached. Check that it opens in a browser without signing in, from anywhere."
)
_GZIP = 31
_RESOLVERS = ThreadPoolExecutor(16, "resolve")  # a name server that is silent is waited for elsewhere


class Unreachable(Exception):
    """Nothing was fetched; the message is the same whatever the cause."""

    def __init__(self, cause: object) -> None:
        super().__init__(REASON)
        logger.info("Not fetched: %s", cause)


class TooMuch(Exception):
    """A public server answered, but with more, or more slowly, than is taken; the message says which."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: `url` after redirects, `headers` by lower-case name, `body` decompressed."""

    url: WebUrl
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Budget:
    """How long the request under way may still take."""

    until: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def left(self, most: float | None) -> float:
        remaining = self.until - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout("the time is used up")
        return min(remaining, most or remaining)


class Client:
    """One job's way out: its own connections, no cookies, nothing remembered between jobs."""

    def __init__(self, *, seconds: float = SECONDS, largest: int = LARGEST) -> None:
        self._seconds, self._largest = seconds, largest
        self._budget = Budget()
        self._pool = httpcore.ConnectionPool(
            ssl_context=_trust(),
            max_connections=4,
            max_keepalive_connections=1,
            network_backend=Guard(self._budget),
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: Any) -> None:
        self._pool.close()

    def get(
        self,
        url: WebUrl | str,
        headers: Mapping[str, str] | None = None,
        *,
        within: Callable[[WebUrl], bool] | None = None,
    ) -> Fetched:
        """Follows redirects, each judged anew; `headers` go to the first address alone. One that leads out of `within` is not
        followed but given back, with its status and the address that it leads to. Raises BadUrl, Unreachable, TooMuch."""
        url, asked = parse(url) if isinstance(url, str) else url, headers or {}
        self._budget.until = time.monotonic() + self._seconds
        for _ in range(MOST_REDIRECTS + 1):
            fetched = self._fetch(url, asked)
            if fetched.status not in REDIRECTS or not fetched.headers.get("location"):
                return fetched
            url, asked = _redirected(fetched), {}
            if within is not None and not within(url):
                return replace(fetched, url=url)
        raise Unreachable(f"{url} redirects more than {MOST_REDIRECTS} times")

    def _fetch(self, url: WebUrl, headers: Mapping[str, str]) -> Fetched:
        has_answered = False
        told = {"Host": url.authority, "User-Agent": agent(), "Accept": "*/*", "Accept-Encoding": "gzip"}
        target = httpcore.URL(
            scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode()
        )
        try:
            with self._pool.stream("GET", target, headers=list({**told, **headers}.items())) as answer:
                has_answered = True
                found = {
                    name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers
                }
                body = b"" if answer.status in REDIRECTS else self._body(answer.iter_stream(), found)
                return Fetched(url, answer.status, found, body)
        except (
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            OSError,
            zlib.error,
        ) as error:
            if has_answered and isinstance(error, httpcore.TimeoutException):
                raise TooMuch(f"The site takes longer than {self._seconds:.0f} seconds to answer.") from error
            raise Unreachable(f"{url}: {error!r}") from error

    def _body(self, raw: Iterable[bytes], headers: Mapping[str, str]) -> bytes:
        parts, size = [], 0
        for part in _decoded(raw, headers.get("content-encoding", ""), self._largest):
            size += len(part)
            if size > self._largest:
                raise _larger(self._largest)
            parts.append(part)
        return b"".join(parts)


class Guard(httpcore.NetworkBackend):
    """Makes sockets: only to addresses that were judged, and within the time that is left."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        error: Exception = httpcore.ConnectError("refused: no address of it is public")
        for address in admitted(host, port, within=self._budget.left(None)):
            try:
                limit = self._budget.left(CONNECT_SECONDS)
                return Timed(self._plain.connect_tcp(address, port, timeout=limit), self._budget)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error


class Timed(httpcore.NetworkStream):
    """A connection on which nothing waits longer than the whole request may: a server that drips cannot hold a worker."""

    def __init__(self, inner: httpcore.NetworkStream, budget: Budget) -> None:
        self._inner, self._budget = inner, budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._budget.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._budget.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = self._budget.left(timeout)
        return Timed(self._inner.start_tls(ssl_context, server_hostname, limit), self._budget)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def agent() -> str:
    """Who we are, and where whoever is asked by us can read more."""
    return f"{BOT}/1.0 (+{settings.PUBLIC_URL})"


def admitted(host: str, port: int, *, within: float) -> list[str]:
    """The addresses that this name stands for now, if all of them may be connected to; else none. Waits so many seconds for them."""
    asked = _RESOLVERS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        told = asked.result(within)
    except TimeoutError as error:
        asked.cancel()
        raise httpcore.ConnectTimeout(f"{host} was looked up for too long") from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address: {error}") from error
    found = list(dict.fromkeys(str(address[0]) for *_, address in told))
    if {host, f"{host}:{port}"} & set(settings.EGRESS_ALLOW):
        return found
    may = (port in WEB_PORTS or port >= LOWEST_FREE_PORT) and all(map(addresses.is_public, found))
    return found if may else []


def _redirected(fetched: Fetched) -> WebUrl:
    try:
        return fetched.url.join(fetched.headers["location"])
    except BadUrl as error:
        raise Unreachable(f"{fetched.url} redirects to {fetched.headers['location'][:200]!r}") from error


def _larger(than: int) -> TooMuch:
    return TooMuch(f"The page is larger than {than // 1024**2 or 1} MB.")


def _decoded(raw: Iterable[bytes], encoding: str, largest: int) -> Iterator[bytes]:
    """Unpacked in steps, so that what a bomb unpacks to is never in memory."""
    if encoding.strip().lower() in ("", "identity"):
        yield from raw
        return
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise TooMuch("The page is packed in a way that was not asked for.")
    unpacking, packed = zlib.decompressobj(_GZIP), 0
    for part in raw:
        packed += len(part)
        if packed > largest:  # also what unpacks to nothing, and what stands behind the end
            raise _larger(largest)
        while part and not unpacking.eof:
            yield unpacking.decompress(part, min(largest, 1024**2))
            part = unpacking.unconsumed_tail
    if not unpacking.eof:
        raise zlib.error("the packed body is cut off")


@cache
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()
