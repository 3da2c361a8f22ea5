"""AWS Bedrock, through boto3's ConverseStream. boto3 blocks, so each answer has a thread of its own while it lasts.

Whoever goes ends it by shutting down its socket, which wakes the thread wherever it waits: also for the first byte, for which boto3
itself has no handle that could be let go."""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import suppress
from functools import cache
from itertools import groupby
from typing import Any

from apps.agents.providers.base import Connection, Piece, Prompt, ProviderError, counted, require_words
from apps.agents.servers import aws
from apps.agents.servers.loops import PerLoop

_LISTING = 5  # seconds that a list may take, whose thread nobody ends
_here = threading.local()
_holding = threading.Lock()


class Bedrock:
    """One account, or role, in one region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._free = PerLoop(lambda: asyncio.Semaphore(aws.MOST))
        self._making = threading.Lock()
        self._made: Any = None

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        async with self._free.here():
            call = Call()
            try:
                self._begin(call, prompt)
                while (piece := call.ready.popleft() if call.ready else await call.next()) is not None:
                    if isinstance(piece, ProviderError):
                        raise piece
                    yield piece
            finally:
                call.end()

    def _begin(self, call: "Call", prompt: Prompt) -> None:
        try:
            threading.Thread(target=self._run, args=(call, prompt), name="bedrock", daemon=True).start()
        except RuntimeError:  # the process may have no more
            message = "This process has no thread left to ask Bedrock with."
            raise ProviderError(message, kind="overloaded", retryable=True) from None

    async def models(self) -> dict[str, str]:
        """Those that answer without a throughput of their own, and the inference profiles, with their makers' names."""
        try:
            return await asyncio.to_thread(self._listed)
        except Exception as error:
            raise aws.failure(self._connection, error) from None

    def missing(self, model: str, models: Collection[str]) -> str | None:
        """What has an ARN may be anybody's."""
        is_there = model in models or model.startswith("arn:")
        lacks = f"{self._connection.place} lists no model or inference profile {model}."
        return None if is_there else f"{lacks} Choose one that it has."

    def _listed(self) -> dict[str, str]:
        client = aws.client(self._connection, "bedrock", seconds=_LISTING)
        models = client.list_foundation_models(byOutputModality="TEXT", byInferenceType="ON_DEMAND")
        profiles = client.list_inference_profiles(maxResults=1000)
        return {
            **{one["modelId"]: one.get("providerName", "") for one in models["modelSummaries"]},
            **{
                one["inferenceProfileId"]: one.get("inferenceProfileName", "")
                for one in profiles["inferenceProfileSummaries"]
            },
        }

    def _run(self, call: "Call", prompt: Prompt) -> None:
        _here.call = call
        try:
            for piece in self._pieces(prompt):
                call.put(piece)
            call.close(None)
        except Exception as error:
            call.close(aws.failure(self._connection, error))

    def _pieces(self, prompt: Prompt) -> Iterator[Piece]:
        events = self._client().converse_stream(**request(prompt))["stream"]
        usage, ended, has_spoken = None, "", False
        try:
            for event in events:
                if said := event.get("contentBlockDelta"):
                    if text := said["delta"].get("text"):
                        has_spoken = True
                        yield text
                elif "messageStop" in event:
                    ended = event["messageStop"].get("stopReason") or "end_turn"
                elif said := event.get("metadata", {}).get("usage"):
                    usage = counted(said.get("inputTokens"), said.get("outputTokens"))
        finally:
            events.close()
        if not ended:
            raise self._connection.failure("broke off", kind="garbled")
        if usage is not None:
            yield usage
        if not has_spoken:
            require_words(ended)

    def _client(self) -> Any:
        """Made in a thread, since that takes a quarter of a second."""
        with self._making:
            if self._made is None:
                self._made = aws.client(self._connection)
                self._made._endpoint.http_session._pool_classes_by_scheme.update(_pools())
            return self._made


class Call:
    """One answer under way: its pieces, on their way from the thread to the loop, and the connection that can be ended."""

    def __init__(self) -> None:
        self.ready: deque[Piece | ProviderError | None] = deque()
        self._loop, self._news, self._is_told = asyncio.get_running_loop(), asyncio.Event(), False
        self._connection: Held | None = None
        self._is_over = False

    async def next(self) -> Piece | ProviderError | None:
        """The next piece once there is one; None after the last."""
        while not self.ready:
            self._is_told = False
            if not self.ready:  # or it came between these two lines
                await self._news.wait()
            self._news.clear()
        return self.ready.popleft()

    def put(self, piece: Piece | ProviderError | None) -> None:
        """Waking the loop costs more than a piece does, so it is woken once for all that is ready."""
        self.ready.append(piece)
        if not self._is_told:
            self._is_told = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._news.set)

    def close(self, last: ProviderError | None) -> None:
        """Nothing more comes, and the connection may serve others."""
        with _holding:
            self._connection = None
        self.put(last)

    def hold(self, connection: "Held") -> None:
        """From now on this is what `end` ends; it may be late already."""
        with _holding:
            self._connection, connection.call = connection, self
        if self._is_over:
            self.end()

    def end(self) -> None:
        """Unless the connection is somebody else's meanwhile."""
        self._is_over = True
        with _holding:
            held, self._connection = self._connection, None
            if held is not None and held.call is self and held.sock is not None:
                with suppress(OSError):
                    held.sock.shutdown(socket.SHUT_RDWR)


class Held:
    """A connection of botocore's that the call of its thread knows as soon as there is a socket."""

    call: Call
    sock: socket.socket | None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _here.call.hold(self)

    def request(self, *args: Any, **options: Any) -> None:
        _here.call.hold(self)
        super().request(*args, **options)  # type: ignore[misc]


def request(prompt: Prompt) -> dict[str, Any]:
    """What ConverseStream asks for: instructions apart, and the roles by turns."""
    system = [{"text": one.text} for one in prompt.messages if one.role == "system" and one.text]
    said = [one for one in prompt.messages if one.role != "system" and one.text]
    turns = [
        {"role": role, "content": [{"text": one.text} for one in each]}
        for role, each in groupby(said, key=lambda one: one.role)
    ]
    limits: dict[str, Any] = {"maxTokens": prompt.most_tokens}
    if prompt.temperature is not None:
        limits["temperature"] = min(prompt.temperature, 1.0)
    if prompt.top_p is not None:
        limits["topP"] = prompt.top_p
    if prompt.stop:
        limits["stopSequences"] = list(prompt.stop)
    known: dict[str, Any] = {"system": system} if system else {}
    return {"modelId": prompt.model, "messages": turns, "inferenceConfig": limits, **known}


@cache
def _pools() -> dict[str, Any]:
    """Of Held connections, by scheme."""
    from botocore import awsrequest

    plain = type("Plain", (Held, awsrequest.AWSHTTPConnection), {})
    secure = type("Secure", (Held, awsrequest.AWSHTTPSConnection), {})
    return {
        "http": type("PlainPool", (awsrequest.AWSHTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (awsrequest.AWSHTTPSConnectionPool,), {"ConnectionCls": secure}),
    }
