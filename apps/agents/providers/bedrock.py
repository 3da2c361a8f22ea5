"""AWS Bedrock, through boto3's ConverseStream. boto3 blocks, so each answer has a thread of its own while it lasts.

Whoever goes ends it by shutting down its socket, which wakes the thread wherever it waits: also for the first byte, for which boto3
itself has no handle that could be let go."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from functools import cache
from itertools import groupby
from typing import Any

from apps.agents.providers.base import Connection, Kind, Piece, Prompt, ProviderError, Usage
from apps.agents.providers.loops import PerLoop
from apps.agents.providers.wire import kind_of, retry_after

MOST = 32  # threads for one connection; who comes later waits for one
CONNECT_SECONDS, READ_SECONDS = 5, 300
_KINDS: dict[str, Kind] = {
    "ThrottlingException": "overloaded",
    "TooManyRequestsException": "overloaded",
    "ServiceUnavailableException": "overloaded",
    "ModelNotReadyException": "overloaded",
    "InternalServerException": "unreachable",
    "ModelTimeoutException": "timeout",
    "ModelStreamErrorException": "garbled",
    "ModelErrorException": "garbled",
}
_here = threading.local()
_holding = threading.Lock()


class Bedrock:
    """One account, or role, in one region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._free = PerLoop(lambda: asyncio.Semaphore(MOST))
        self._making = threading.Lock()
        self._made: Any = None

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        async with self._free.here():
            call = Call()
            threading.Thread(target=self._run, args=(call, prompt), name="bedrock", daemon=True).start()
            try:
                while (piece := await call.pieces.get()) is not None:
                    if isinstance(piece, ProviderError):
                        raise piece
                    yield piece
            finally:
                call.end()

    def _run(self, call: "Call", prompt: Prompt) -> None:
        _here.call = call
        try:
            for piece in self._pieces(prompt):
                call.put(piece)
            call.close(None)
        except Exception as error:
            call.close(failure(self._connection, error))

    def _pieces(self, prompt: Prompt) -> Iterator[Piece]:
        events = self._client().converse_stream(**request(prompt))["stream"]
        usage, has_ended = None, False
        try:
            for event in events:
                if text := event.get("contentBlockDelta", {}).get("delta", {}).get("text"):
                    yield str(text)
                has_ended = has_ended or "messageStop" in event
                if counted := event.get("metadata", {}).get("usage"):
                    usage = Usage(int(counted.get("inputTokens", 0)), int(counted.get("outputTokens", 0)))
        finally:
            events.close()
        if not has_ended:
            raise ProviderError("Bedrock broke off.", kind="garbled", retryable=True)
        if usage is not None:
            yield usage

    def _client(self) -> Any:
        """Made in a thread, since that takes a quarter of a second."""
        with self._making:
            if self._made is None:
                self._made = client(self._connection)
                self._made._endpoint.http_session._pool_classes_by_scheme.update(_pools())
            return self._made


class Call:
    """One answer under way: its pieces, on their way from the thread to the loop, and the connection that can be ended."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[Piece | ProviderError | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._connection: Held | None = None
        self._is_over = False

    def put(self, piece: Piece | ProviderError | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self.pieces.put_nowait, piece)

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
    limits: dict[str, Any] = {"temperature": min(prompt.temperature, 1.0), "maxTokens": prompt.most_tokens}
    if prompt.top_p is not None:
        limits["topP"] = prompt.top_p
    if prompt.stop:
        limits["stopSequences"] = list(prompt.stop)
    known: dict[str, Any] = {"system": system} if system else {}
    return {"modelId": prompt.model, "messages": turns, "inferenceConfig": limits, **known}


def failure(connection: Connection, error: Exception) -> ProviderError:
    """What went wrong, in words for staff."""
    if isinstance(error, ProviderError):
        return error
    from botocore import exceptions as aws

    said = connection.redacted(str(error)[:300])
    if isinstance(error, aws.ClientError):
        return _refusal(error, said)
    if isinstance(error, aws.ConnectTimeoutError | aws.ReadTimeoutError):
        return ProviderError(said, kind="timeout", retryable=True)
    if isinstance(error, aws.ConnectionError):
        return ProviderError(said, kind="unreachable", retryable=True)
    if isinstance(error, aws.BotoCoreError) and not isinstance(error, aws.HTTPClientError):
        return ProviderError(said, kind="refused", retryable=False)  # its own checks, before anything is sent
    message = f"Bedrock broke off, or sent what cannot be read ({type(error).__name__}: {said})."
    return ProviderError(message, kind="garbled", retryable=True)


def _refusal(error: Any, said: str) -> ProviderError:
    """Of the service, by its code; in the midst of a stream the code begins with a small letter."""
    told = error.response
    code = str(told.get("Error", {}).get("Code", ""))
    kind = _KINDS.get(code[:1].upper() + code[1:])
    if kind is None:
        kind = kind_of(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    headers = told.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    pause = retry_after(headers.get("retry-after"))
    return ProviderError(said, kind=kind, retryable=kind != "refused", retry_after=pause)


def client(connection: Connection) -> Any:
    """Raises ProviderError where there is no key."""
    from botocore.config import Config

    config = Config(
        signature_version="v4"
        if connection.secrets
        else None,  # or a token of the environment, the operator's, would be taken
        retries={"total_max_attempts": 1},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=MOST,
        ignore_configured_endpoint_urls=True,
    )
    url = connection.url or None
    return _session(connection).client("bedrock-runtime", endpoint_url=url, config=config)


def _session(connection: Connection) -> Any:
    import boto3

    if not connection.is_shared and not connection.secret("secret_access_key"):
        raise ProviderError("There is no key for Bedrock.", kind="refused", retryable=False)
    session = boto3.Session(
        aws_access_key_id=connection.secret("access_key_id") or None,
        aws_secret_access_key=connection.secret("secret_access_key") or None,
        aws_session_token=connection.secret("session_token") or None,
        region_name=connection.region,
        profile_name=connection.profile or None,
    )
    return _as_role(session, connection) if connection.role else session


def _as_role(session: Any, connection: Connection) -> Any:
    """With keys that are taken anew whenever they run out."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    fetcher = AssumeRoleCredentialFetcher(
        session._session.create_client,
        session.get_credentials(),
        connection.role,
        extra_args={"RoleSessionName": "chat-with-us"},
    )
    inner = botocore.session.get_session()
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    return boto3.Session(botocore_session=inner, region_name=connection.region)


@cache
def _pools() -> dict[str, Any]:
    """Of Held connections, by scheme."""
    from botocore import awsrequest as aws

    plain = type("Plain", (Held, aws.AWSHTTPConnection), {})
    secure = type("Secure", (Held, aws.AWSHTTPSConnection), {})
    return {
        "http": type("PlainPool", (aws.AWSHTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (aws.AWSHTTPSConnectionPool,), {"ConnectionCls": secure}),
    }
