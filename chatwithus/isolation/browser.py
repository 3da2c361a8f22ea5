"""Requests to the ASGI application in this process: the whole way from the server's door on, without a server."""

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve

PATIENCE = 20.0
STREAM = "text/event-stream"
CSRF = "c4n4ry" * 5 + "xy"  # as long as Django's own; cookie and header only have to agree
CLIENT = ("198.18.0.1", 4321)  # an address for tests (RFC 2544) that is nobody's


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Of a stream its first piece; status 0 where nothing came in time."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cookies: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return urlsplit(self.headers.get("location", "")).path

    @property
    def leads_to(self) -> str:
        """The route that it sends on to, whichever row it is about; empty where it sends nowhere."""
        try:
            return resolve(self.place).route if self.place else ""
        except Resolver404:
            return self.place

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300 or (300 <= self.status < 400 and not self.is_turned_away)

    @property
    def is_turned_away(self) -> bool:
        """To where strangers are sent: the sign-in pages, or the choice of a tenant."""
        return self.place.endswith(("/login/", "/tenant/", "/verify/", "/two-factor/", "/second-factor/"))

    @property
    def is_signed_out(self) -> bool:
        return any(cookie.startswith(f"{settings.SESSION_COOKIE_NAME}=") for cookie in self.cookies)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


async def request(
    application: Any, method: str, path: str, *, headers: dict[str, str], query: str = "", body: bytes = b""
) -> Answer:
    """One request. Raises nothing: what the application raises is a 500, as a server makes of it."""
    scope = _scope("http", path, headers | {"content-length": str(len(body))}, query) | {"method": method}
    asked = [{"type": "http.request", "body": body, "more_body": False}]
    has_left = asyncio.Event()
    heard = _Heard(has_left)

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await has_left.wait()
        return {"type": "http.disconnect"}

    task = asyncio.get_running_loop().create_task(
        application(scope, receive, heard.send), context=contextvars.Context()
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await task
    except TimeoutError:
        return Answer(0)
    except Exception as error:
        return Answer(500, body=repr(error).encode())
    return heard.answer()


class _Heard:
    """What the application sends; of a stream no more than its first piece is waited for."""

    def __init__(self, has_left: asyncio.Event) -> None:
        self._has_left = has_left
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in message["headers"]
            ]
        elif message["type"] == "http.response.body":
            self._body.append(message.get("body", b""))
            if self._body[-1] and dict(self._headers).get("content-type", "").startswith(STREAM):
                self._has_left.set()

    def answer(self) -> Answer:
        cookies = tuple(value for name, value in self._headers if name == "set-cookie")
        return Answer(self._status, dict(self._headers), b"".join(self._body), cookies)


class Socket:
    """A client of one socket in this process; `heard` collects every frame."""

    def __init__(self, application: Any, path: str, headers: dict[str, str]) -> None:
        self.heard: list[str] = []
        self.closed: int | None = None
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._news = asyncio.Event()
        scope = _scope("websocket", path, headers, "") | {"subprotocols": []}
        self._inbox.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.get_running_loop().create_task(
            application(scope, self._inbox.get, self._send), context=contextvars.Context()
        )

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.heard.append(message.get("text") or (message.get("bytes") or b"").decode(errors="replace"))
        elif message["type"] == "websocket.close":
            self.closed = message.get("code", 1000)
        else:
            self.heard.append("")  # accepted
        self._news.set()

    async def opened(self) -> bool:
        """Whether it is open, once that is decided."""
        await self._until(lambda: bool(self.heard) or self.closed is not None)
        await asyncio.sleep(0)
        return self.closed is None and not self._task.done()

    async def say(self, text: str) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", "text": text})

    async def settle(self, is_answered: Any) -> None:
        """Until this holds of what was heard, or the socket is closed."""
        await self._until(lambda: is_answered(self.heard) or self.closed is not None)

    async def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        try:
            async with asyncio.timeout(PATIENCE):
                await self._task
        except Exception:
            self._task.cancel()

    async def _until(self, holds: Any) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds() and not self._task.done():
                    self._news.clear()
                    news = asyncio.ensure_future(self._news.wait())
                    await asyncio.wait({news, self._task}, return_when=asyncio.FIRST_COMPLETED)
                    news.cancel()
        except TimeoutError:
            return


def _scope(kind: str, path: str, headers: dict[str, str], query: str) -> dict[str, Any]:
    url = urlsplit(settings.PUBLIC_URL)
    named = {"host": url.netloc, **{name.lower(): value for name, value in headers.items()}}
    schemes = {"http": url.scheme, "websocket": "wss" if url.scheme == "https" else "ws"}
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": schemes[kind],
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "client": CLIENT,
        "server": (url.hostname, url.port or 80),
    }
