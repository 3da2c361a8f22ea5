"""What an agent is told: pure functions from what is known to a provider's Prompt."""

from collections.abc import Sequence

from apps.agents.models import Agent
from apps.agents.providers.base import Prompt, Source, Turn
from apps.chats.models import ContentChat
from apps.knowledge.retrieval import Found


def compose(agent: Agent, question: str, *, history: Sequence[Turn], found: Sequence[Found]) -> Prompt:
    return Prompt(
        model=agent.model,
        temperature=agent.temperature,
        instructions=agent.instructions,
        history=tuple(history),
        question=question,
        sources=tuple(
            Source(number, one.title, one.text, one.score) for number, one in enumerate(found, start=1)
        ),
        refusal=agent.refusal,
    )


def turns(history: Sequence[ContentChat]) -> tuple[Turn, ...]:
    return tuple(Turn(exchange.request, exchange.response) for exchange in history)
