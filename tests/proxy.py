"""A small TCP proxy that can do what networks do: cut connections, or swallow everything without a word."""

import asyncio
from types import TracebackType


class Proxy:
    """In front of a port of this machine; `async with` listens on a port of its own, or on the one that is named."""

    def __init__(self, behind: int, *, port: int = 0) -> None:
        self._behind, self.port = behind, port
        self._server: asyncio.Server | None = None
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pipes: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for pipe in self._pipes:
            pipe.cancel()

    def blackhole(self) -> None:
        """From now on nothing passes, and nobody is told."""
        self._is_open.clear()

    def restore(self) -> None:
        """What was swallowed is passed on, as after a network's pause."""
        self._is_open.set()

    def cut(self) -> None:
        """Tear every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        self._pipe(reader, behind_writer)
        self._pipe(behind_reader, writer)

    def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipe = asyncio.get_running_loop().create_task(self._pass(reader, writer))
        self._writers.add(writer)
        self._pipes.add(pipe)
        pipe.add_done_callback(self._pipes.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._is_open.wait()
                writer.write(data)
                await writer.drain()
            await self._is_open.wait()
        except OSError:
            pass
        writer.close()
        self._writers.discard(writer)
