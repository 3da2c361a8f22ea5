"""How much of a request's body is taken in: Django would first write all of it to a disk that may be memory, however long it goes on."""

from typing import Any

from django.conf import settings

from apps.api import problems
from apps.api.problems import Problem

ROOM = 1024 * 1024  # beside an upload: its name, its description, and what the form needs
_TITLE = "The request is too large"


class TooLarge(Exception):
    """More has come than is taken."""


class Bodies:
    """Refuses with 413 what says that it is larger than the largest upload, and what turns out to be; nothing more of it is read."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._most = settings.MAX_UPLOAD_BYTES + ROOM

    async def __call__(self, connection: Any, receive: Any, send: Any) -> None:
        if _announced(connection) > self._most:
            await self._refuse(connection, send)
            return
        taken, has_begun = 0, False

        async def counted() -> Any:
            nonlocal taken
            event = await receive()
            taken += len(event.get("body", b""))
            if taken > self._most:
                raise TooLarge
            return event

        async def noted(event: Any) -> None:
            nonlocal has_begun
            has_begun = True
            await send(event)

        try:
            await self._application(connection, counted, noted)
        except TooLarge:
            if not has_begun:
                await self._refuse(connection, send)

    async def _refuse(self, connection: Any, send: Any) -> None:
        """A program is told as the API tells it, a person in plain words."""
        detail = f"At most {self._most // 2**20} MiB are read."
        kind, body = (
            b"text/plain; charset=utf-8",
            f"{_TITLE}. {detail} Go back and choose a smaller file.".encode(),
        )
        if connection["path"].startswith("/api/"):
            told = problems.answer_at(connection["path"], Problem(413, "too_large", _TITLE, detail))
            kind, body = told["Content-Type"].encode(), told.content
        length = str(len(body)).encode()
        headers = [(b"content-type", kind), (b"content-length", length), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _announced(connection: Any) -> int:
    """What the request says of its length; the server has refused what is no number, and two of them."""
    return next((int(value) for name, value in connection["headers"] if name == b"content-length"), 0)
