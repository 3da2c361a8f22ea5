"""`pull_model`: fetch a model to the operator's Ollama (OLLAMA_URL); meanwhile staff see under Agents, Models how far it is."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.agents import pulls
from apps.agents.providers.base import ProviderError
from chatwithus.management.acting import printable


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("model", help="as Ollama calls it, such as llama3.2")

    def handle(self, *args: Any, model: str, **options: Any) -> str:
        try:
            asyncio.run(self._fetch(model))
        except ProviderError as error:
            raise CommandError(str(error)) from None
        return f"{model} is there."

    async def _fetch(self, model: str) -> None:
        last = ""
        async for says in pulls.fetch(model):
            if says != last:
                self.stdout.write(printable(says))
            last = says
