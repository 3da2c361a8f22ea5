"""uvicorn's WebSocket connection, with bounds on what it leaves open: floods, fragments, pongs that nobody reads, and farewells."""

import asyncio
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN

from consumers.eager import PUT

NOT_TEXT, TOO_BIG = 1007, 1009
LINGER, LINGER_AT_THE_END = (
    10.0,
    2.0,
)  # seconds in which a client may still read what it was sent before the close
REFUSAL = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_WHOLE_TEXT = 0x80 | Opcode.TEXT
MOUTHFUL = 4096  # bytes that are looked at before those behind them
SMALLEST_FRAGMENT = 64  # bytes on average: a message of many empty fragments costs memory and never ends


class Connection(WebSocketsSansIOProtocol):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn.debug = False  # which logs every frame, and so what visitors say
        self._most_fragments = self.config.ws_max_size // SMALLEST_FRAGMENT
        self._is_waiting_to_pong = False
        self._unread = bytearray()
        self._dropping: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][PUT] = self.put  # type: ignore[assignment]  # of ASGI, not of ours

    def put(self, text: str) -> bool:
        """Write a frame without a wait and without a coroutine, where the client reads. Otherwise False: `send` knows what to do."""
        is_open = self.conn.state is OPEN and not self.close_sent and not self.transport.is_closing()
        if not is_open or not self.writable.is_set():
            return False
        data = text.encode()
        self.transport.write(_header(len(data)) + data)
        return True

    def data_received(self, data: bytes) -> None:
        """The event loop reads up to 256 KiB at once: made into events, ten thousand small frames would take ten times as much. What
        the application cannot take yet stays the bytes that it is."""
        if self._unread or len(data) > MOUTHFUL:
            self._unread += data
            self._read_on()
        else:
            self._read(data)

    async def receive(self) -> Any:
        message = await super().receive()
        self._read_on()
        return message

    def _read_on(self) -> None:
        while self._unread and (self.queue.empty() or self.close_sent) and not self._is_waiting_to_pong:
            data = bytes(self._unread[:MOUTHFUL])
            del self._unread[:MOUTHFUL]
            self._read(data)

    def _read(self, data: bytes) -> None:
        """uvicorn leaves a handshake that `websockets` cannot read without an answer, for ever, and fails at its own end."""
        super().data_received(data)
        if self.conn.parser_exc is not None:
            self._unread.clear()
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.close_sent:
            self.close_sent = True
            self.transport.write(REFUSAL)
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < self._most_fragments:
            super().handle_cont(event)
        elif not self.close_sent:
            self._fail(TOO_BIG, "too many fragments")

    def send_receive_event_to_app(self) -> None:
        """uvicorn closes a text that is none too, but logs it as an error of ours."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            self.frames = [b"".join(self.frames)]
            try:
                self.frames[0].decode()
            except UnicodeDecodeError:
                self._fail(NOT_TEXT, "not UTF-8")
                return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Reads no more pings from a client that does not read their pongs."""
        super().handle_ping()
        if not self.writable.is_set():
            self._is_waiting_to_pong = True
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._is_waiting_to_pong:
            self._is_waiting_to_pong = False
            self._read_on()
            if not self.read_paused and not self._is_waiting_to_pong:
                self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._drop_in(LINGER)

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        super().on_task_complete(task)
        self._drop_in(LINGER)

    def shutdown(self) -> None:
        try:
            super().shutdown()
        except InvalidState:  # the client has said goodbye, and has not read our answer
            self.transport.close()
        self._drop_in(LINGER_AT_THE_END)

    async def send(self, message: Any) -> None:
        if self.close_sent and message["type"] == "websocket.send":
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.accept":
            del self.request, self.response  # 1.5 KiB that nobody asks for again
        elif message["type"] == "websocket.close":
            self._read_on()  # the client's own close may stand behind much that nobody wants any more

    def connection_lost(self, exc: Exception | None) -> None:
        if self._dropping is not None:
            self._dropping.cancel()
        super().connection_lost(exc)

    def _fail(self, code: int, reason: str) -> None:
        self.frames = []
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def _drop_in(self, seconds: float) -> None:
        """A closed transport stays for as long as the client does not read what is left in it: for ever, if it likes."""
        if not self.disconnected:
            if self._dropping is not None:
                self._dropping.cancel()
            self._dropping = self.loop.call_later(seconds, self.transport.abort)


def _header(length: int) -> bytes:
    """Of a text in one frame from a server (RFC 6455, section 5.2)."""
    if length < 126:
        return _SHORT[length]
    if length < 65536:
        return bytes((_WHOLE_TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((_WHOLE_TEXT, 127)) + length.to_bytes(8, "big")


_SHORT = [bytes((_WHOLE_TEXT, length)) for length in range(126)]
