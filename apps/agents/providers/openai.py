"""Any server that speaks OpenAI's language, through OpenAI's own client: vLLM, LM Studio, llama.cpp, a gateway, or OpenAI itself."""

import re
from collections.abc import AsyncGenerator, Collection
from typing import Any

from apps.agents.providers.base import Connection, Piece, Prompt, Usage, counted, require_words
from apps.agents.servers import wire
from apps.agents.servers.loops import PerLoop

_THEIRS = re.compile(r"https://(?:[\w-]+\.)?(?:api\.openai\.com|openai\.azure\.com)/")


class OpenAI:
    """One server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._clients = PerLoop(self._client)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        usage: Usage | None = None
        ended, has_spoken = "", False
        try:
            async with await self._asked(prompt) as chunks:
                async for chunk in chunks:
                    for choice in chunk.choices or ():
                        if choice.delta and isinstance(choice.delta.content, str):
                            has_spoken = has_spoken or bool(choice.delta.content)
                            yield choice.delta.content
                        ended = choice.finish_reason or ended
                    if chunk.usage:
                        usage = _counted(chunk.usage)
        except Exception as error:
            raise wire.failure(self._connection, error) from None
        if not ended:
            raise wire.broken_off(self._connection)
        if usage is not None:
            yield usage
        if not has_spoken:
            require_words(ended)

    async def models(self) -> dict[str, str]:
        """Those that it lists, and whose they are."""
        try:
            return {one.id: one.owned_by or "" async for one in self._clients.here().models.list()}
        except Exception as error:
            raise wire.failure(self._connection, error) from None

    def missing(self, model: str, models: Collection[str]) -> str | None:
        """Some gateways list nothing."""
        is_there = not models or model in models
        return (
            None if is_there else f"{self._connection.place} lists no model {model}. Choose one that it has."
        )

    def _client(self) -> Any:
        """Its transport signs; a key has to be named nevertheless, or one of the environment would be taken."""
        import openai

        http: Any = wire.client(self._connection)
        return openai.AsyncOpenAI(
            base_url=self._connection.url,
            api_key="signed-by-the-transport",
            max_retries=0,
            http_client=http,
            timeout=http.timeout,
        )

    async def _asked(self, prompt: Prompt) -> Any:
        return await self._clients.here().chat.completions.create(
            model=prompt.model,
            messages=[{"role": one.role, "content": one.text} for one in prompt.messages],
            stream=True,
            stream_options={"include_usage": True},
            **options(prompt, self._connection.url),
        )


def options(prompt: Prompt, url: str) -> dict[str, Any]:
    """OpenAI's newer models, there and on Azure, know only the one name for the most tokens, other servers only the other."""
    most = "max_completion_tokens" if _THEIRS.match(url) else "max_tokens"
    return {most: prompt.most_tokens, **prompt.sampling()}


def _counted(said: Any) -> Usage | None:
    """The client passes on whatever stands there."""
    return counted(getattr(said, "prompt_tokens", None), getattr(said, "completion_tokens", None))
