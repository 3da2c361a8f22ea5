"""HTTP to providers: to judged addresses alone, as the connection's own user alone, and never more than can be held.

What the official clients are given as their transport. They would otherwise follow redirects anywhere, take keys from the
environment of the process, and collect a line of any length."""

import asyncio
import codecs
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, cast

import httpx

from apps.agents.servers.base import Connection, Kind, ProviderError
from apps.tenants import addresses

CONNECT_SECONDS = 5.0
WRITE_SECONDS = 10.0
LONGEST_LINE = 1_000_000  # bytes; the longest that models were seen to send is some 10,000
LONGEST_BODY = 20_000_000
LONGEST_LIST = 2_000_000  # of models; it is read at once, while everybody else waits
_STATUSES: dict[int, Kind] = {408: "timeout", 429: "overloaded", 503: "overloaded", 529: "overloaded"}


class Transport(httpx.AsyncBaseTransport):
    """Resolves a name once, judges each address it stands for, and connects to the very one that was judged."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=30)
        self._inner = httpx.AsyncHTTPTransport(verify=_authorities(), limits=limits, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._sign(request)
        if not self._connection.is_trusted:
            await self._pin(request)
        response = await self._inner.handle_async_request(request)
        most = LONGEST_LIST if request.method == "GET" else LONGEST_BODY
        response.stream = Bounded(cast(httpx.AsyncByteStream, response.stream), most)
        if not response.is_success:
            raise await _refusal(self._connection, response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _sign(self, request: httpx.Request) -> None:
        """Clients would send what they find in the environment, which is the operator's, to servers of tenants."""
        request.headers.pop("authorization", None)
        if key := self._connection.secret("api_key"):
            request.headers["authorization"] = f"Bearer {key}"

    async def _pin(self, request: httpx.Request) -> None:
        host, port = request.url.host, request.url.port or 443
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port)
        except (OSError, UnicodeError):
            message = f"The name {host} stands for no address."
            raise ProviderError(message, kind="unreachable", retryable=True) from None
        judged = [str(one[4][0]) for one in found]
        if not judged or not all(map(addresses.is_public, judged)):
            message = f"{host} leads into a private network, where only the operator may let it go (PROVIDER_HOSTS)."
            raise ProviderError(message, kind="unreachable", retryable=False)
        request.extensions["sni_hostname"] = host
        request.url = request.url.copy_with(host=judged[0])


class Bounded(httpx.AsyncByteStream):
    """A body with all its bytes that are text, which ends where a line or the whole gets too long."""

    def __init__(self, inner: httpx.AsyncByteStream, most: int = LONGEST_BODY) -> None:
        self._inner, self._most = inner, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        text = codecs.getincrementaldecoder("utf-8")("replace")
        body = line = 0
        async for chunk in self._inner:
            body += len(chunk)
            end = chunk.rfind(b"\n")
            line = line + len(chunk) if end < 0 else len(chunk) - end - 1
            if line > LONGEST_LINE or body > self._most:
                raise httpx.ReadError("It sends more than any answer can have.")
            yield chunk if chunk.isascii() and not text.getstate()[0] else _told(text.decode(chunk)).encode()

    async def aclose(self) -> None:
        await self._inner.aclose()


def _told(text: str) -> str:
    """httpx takes these for ends of lines, though JSON may have them within strings."""
    for character, escape in (("\x85", r"\u0085"), ("\u2028", r"\u2028"), ("\u2029", r"\u2029")):
        text = text.replace(character, escape)
    return text


@cache
def _authorities() -> ssl.SSLContext:
    """Loaded once: that takes some 20 ms."""
    return httpx.create_ssl_context()


def options(connection: Connection) -> dict[str, Any]:
    """Of an httpx.AsyncClient for one event loop. It waits for answers without end: attempts.py and deadlines.py know for how long."""
    return {
        "transport": Transport(connection),
        "timeout": httpx.Timeout(None, connect=CONNECT_SECONDS, write=WRITE_SECONDS),
        "follow_redirects": False,
        "trust_env": False,
    }


def client(connection: Connection) -> httpx.AsyncClient:
    return httpx.AsyncClient(**options(connection))


class Answered(ProviderError):
    """It answered with an error: the status, and what it said, which staff are told where the server is their own."""

    status: int
    said: str


def failure(connection: Connection, error: BaseException) -> ProviderError:
    """What went wrong on the way, or with the bytes, in words for staff; clients wrap what they were told in errors of their own."""
    for cause in _causes(error):
        if isinstance(cause, ProviderError):
            return cause
        if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | ConnectionError):
            return connection.failure("does not answer", kind="unreachable")
        if isinstance(cause, httpx.TimeoutException):
            return connection.failure("took too long to listen", kind="timeout")
        if isinstance(cause, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return connection.failure("is no address", kind="refused", retryable=False)
    said = f"{type(error).__name__}: {error}"[:300]
    return connection.failure("broke off, or sent what cannot be read", said, kind="garbled")


def broken_off(connection: Connection) -> ProviderError:
    return connection.failure("broke off", kind="garbled")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def _refusal(connection: Connection, response: httpx.Response) -> Answered:
    """An answer that is an error, by its status."""
    status, body = response.status_code, await response.aread()
    await response.aclose()
    said = " ".join(body[:2000].decode("utf-8", "replace").split())[:300]
    pause, kind = retry_after(response.headers.get("retry-after")), kind_of(status)
    told = connection.failure(f"answered {status}", said, kind=kind)
    answered = Answered(str(told), kind=kind, retryable=kind != "refused", retry_after=pause)
    answered.status, answered.said = status, connection.redacted(said)
    return answered


def kind_of(status: int) -> Kind:
    return _STATUSES.get(status, "unreachable" if status >= 500 else "refused")


def retry_after(said: str | None) -> float | None:
    """Seconds (RFC 9110, section 10.2.3): a number of them, or a date."""
    if not said:
        return None
    if said.strip().isdecimal():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
