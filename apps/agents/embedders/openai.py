"""Embeddings of any server that speaks OpenAI's language."""

from collections.abc import Sequence
from typing import Any

from apps.agents.embedders.remote import Remote
from apps.agents.servers import wire


class OpenAI(Remote):
    """Such as `openai:text-embedding-3-small`."""

    kind = "openai"

    async def _ask(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        import openai

        http: Any = wire.client(self._connection)
        known: dict[str, Any] = {"max_retries": 0, "http_client": http, "timeout": http.timeout}
        async with openai.AsyncOpenAI(
            base_url=self._connection.url, api_key="signed-by-the-transport", **known
        ) as client:
            answer = await client.embeddings.create(
                model=self._name,
                input=list(texts),
                encoding_format="float",
                dimensions=self._dimensions or openai.omit,
            )
        return [one.embedding for one in sorted(answer.data, key=lambda one: one.index)]
