"""Embeddings of Amazon Titan on Bedrock, which takes one text at a time."""

import asyncio
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from apps.agents.embedders.remote import Remote
from apps.agents.servers import aws

AT_ONCE = 8


class Titan(Remote):
    """Such as `bedrock:amazon.titan-embed-text-v2:0@256`."""

    kind = "bedrock"

    async def _ask(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        few = asyncio.Semaphore(AT_ONCE)

        async def one(text: str) -> Sequence[float]:
            async with few:
                return await asyncio.to_thread(self._embed, text)

        return await asyncio.gather(*map(one, texts))

    @cached_property
    def _client(self) -> Any:
        """Which gives up by itself: nobody ends its threads."""
        return aws.client(self._connection, seconds=self._seconds)

    def _embed(self, text: str) -> Sequence[float]:
        body: dict[str, Any] = {"inputText": text}
        if self._dimensions is not None:
            body["dimensions"] = self._dimensions
        try:
            answer = self._client.invoke_model(modelId=self._name, body=json.dumps(body))
            found: Sequence[float] = json.loads(answer["body"].read())["embedding"]
            return found
        except Exception as error:
            raise aws.failure(self._connection, error) from None
