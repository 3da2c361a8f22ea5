"""Embeddings of an Ollama server."""

from collections.abc import Sequence

from apps.agents.embedders.remote import Remote
from apps.agents.servers import wire


class Ollama(Remote):
    """Such as `ollama:nomic-embed-text`."""

    kind = "ollama"

    async def _ask(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        import ollama

        async with ollama.AsyncClient(self._connection.url, **wire.options(self._connection)) as client:
            answer = await client.embed(self._name, list(texts), dimensions=self._dimensions)
            found: Sequence[Sequence[float]] = answer.embeddings
            return found
