"""Ollama, through its own client: a tenant's server, the operator's, or ollama.com."""

import shlex
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, suppress
from typing import Any, cast

from pydantic import ValidationError

from apps.agents.providers.base import Connection, Piece, Prompt, ProviderError, Usage, counted, require_words
from apps.agents.servers import wire
from apps.agents.servers.loops import PerLoop

_NUMBERS = {
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
}


class Ollama:
    """One server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._clients = PerLoop(self._client)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        usage: Usage | None = None
        ended, has_spoken = "", False
        try:
            async with aclosing(await self._asked(prompt)) as parts:
                async for part in parts:
                    if text := part.message.content:
                        has_spoken = True
                        yield text
                    if part.done:
                        ended = part.done_reason or "stop"
                        usage = counted(part.prompt_eval_count, part.eval_count)
        except Exception as error:
            if not _is_of_numbers(error):
                raise self._failure(error, prompt.model) from None
            ended = "stop"
        if not ended:
            raise wire.broken_off(self._connection)
        if usage is not None:
            yield usage
        if not has_spoken:
            require_words(ended)

    async def models(self) -> dict[str, str]:
        """Those that were pulled, with their size, and whether they are in memory, where it says that."""
        try:
            here, loaded = await self._clients.here().list(), set[str | None]()
            with suppress(Exception):  # older ones, and what only speaks like it, do not
                loaded = {one.model for one in (await self._clients.here().ps()).models}
            return {one.model: _described(one, loaded) for one in here.models if one.model}
        except Exception as error:
            raise wire.failure(self._connection, error) from None

    async def pull(self, model: str) -> AsyncGenerator[str, None]:
        """How far it is, again and again until it is there. Raises ProviderError."""
        try:
            async for part in await self._clients.here().pull(model, stream=True):
                yield _how_far(part)
        except Exception as error:
            raise wire.failure(self._connection, error) from None

    def missing(self, model: str, models: Collection[str]) -> str | None:
        return None if {model, f"{model}:latest"} & set(models) else self._to_pull(model)

    def _client(self) -> Any:
        import ollama

        return ollama.AsyncClient(self._connection.url, **wire.options(self._connection))

    async def _asked(self, prompt: Prompt) -> AsyncGenerator[Any, None]:
        told = [{"role": one.role, "content": one.text} for one in prompt.messages]
        parts = await self._clients.here().chat(prompt.model, told, stream=True, options=_options(prompt))
        return cast(AsyncGenerator[Any, None], parts)

    def _failure(self, error: Exception, model: str) -> ProviderError:
        failure = wire.failure(self._connection, error)
        if isinstance(failure, wire.Answered) and failure.status == 404 and "not found" in failure.said:
            return ProviderError(self._to_pull(model), kind="refused", retryable=False)
        return failure

    def _to_pull(self, model: str) -> str:
        """Who has to do it, and what."""
        lacks = f"{self._connection.place} has no model {model}."
        whose = "Its operator runs" if self._connection.is_shared else "On that machine run"
        return f"{lacks} {whose}: ollama pull {shlex.quote(model)}"


def _options(prompt: Prompt) -> dict[str, Any]:
    """With room for all that is told and said: of what goes beyond its own idea of it, Ollama forgets the beginning, and says nothing."""
    room = prompt.context_tokens + prompt.most_tokens
    return {"num_predict": prompt.most_tokens, "num_ctx": room, **prompt.sampling()}


def _described(one: Any, loaded: set[str | None]) -> str:
    size = f"{(one.size or 0) / 1e9:.1f} GB"
    return f"{size}, in memory" if one.model in loaded else size


def _how_far(part: Any) -> str:
    """Of one file of the model, the largest of which takes nearly all the time."""
    if not part.total:
        return str(part.status)
    return f"{(part.completed or 0) / part.total:.0%} of {part.total / 1e9:.1f} GB"


def _is_of_numbers(error: Exception) -> bool:
    """The client does not take numbers that are none, which stand in the last part of an answer and matter to nobody who reads it."""
    if not isinstance(error, ValidationError):
        return False
    return all(_NUMBERS & set(map(str, one["loc"])) for one in error.errors(include_input=False))
