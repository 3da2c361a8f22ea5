"""What an agent is told: pure functions from what is known to a provider's Prompt."""

from collections.abc import Sequence

from django.conf import settings

from apps.agents.models import Agent
from apps.agents.providers.base import Message, Prompt, Source, Turn, Usage
from apps.knowledge import retrieval
from apps.knowledge.retrieval import Found

_PASSAGE = 1000  # tokens that a passage of at most 350 words and its heading may have
_FRAME = 500  # tokens that a provider puts around what it is told


def compose(agent: Agent, question: str, *, history: Sequence[Turn], found: Sequence[Found]) -> Prompt:
    return Prompt(
        model=agent.model,
        temperature=agent.temperature,
        instructions=agent.instructions,
        history=tuple(history),
        question=question,
        sources=tuple(
            Source(number, one.title, one.text, one.score, one.lines)
            for number, one in enumerate(found, start=1)
        ),
        refusal=agent.refusal,
        most_tokens=settings.MAX_OUTPUT_TOKENS,
        messages=_messages(agent, question, history, found),
    )


def _messages(
    agent: Agent, question: str, history: Sequence[Turn], found: Sequence[Found]
) -> tuple[Message, ...]:
    read = [f"[{number}] {one.title}\n{one.text}" for number, one in enumerate(found, start=1)]
    rules = f"Answer from these passages alone and cite them as [1]. Where they have no answer, say: {agent.refusal}"
    said = [
        message
        for turn in history
        for message in (Message("user", turn.request), Message("assistant", turn.response))
    ]
    system = Message("system", "\n\n".join([agent.instructions, rules, *read]))
    return system, *(one for one in said if one.text), Message("user", question)


def most(agent: Agent, question: str, *, history: Sequence[Turn]) -> Usage:
    """The most that a reply can cost, whatever will be found to read: no tokenizer makes more than one token of a byte."""
    said = [part for turn in history for part in (turn.request, turn.response)]
    texts = [agent.name, agent.instructions, agent.refusal, question, *said]
    return Usage(sum(map(_bytes, texts)) + retrieval.LIMIT * _PASSAGE + _FRAME, settings.MAX_OUTPUT_TOKENS)


def likely(prompt: Prompt) -> int:
    """About how many tokens a prompt has, where its provider does not say."""
    said = [part for turn in prompt.history for part in (turn.request, turn.response)]
    read = [source.text for source in prompt.sources]
    return sum(map(estimate, [prompt.instructions, prompt.question, prompt.refusal, *said, *read]))


def estimate(text: str) -> int:
    """Tokens, rather too many: of most languages a token holds three bytes or more."""
    return -(-_bytes(text) // 3)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
