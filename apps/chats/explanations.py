"""Why an agent said what it said: put together while it answers, kept beside the exchange, for staff alone."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from apps.agents.attempts import Attempt
from apps.agents.calls import Called
from apps.agents.providers.base import Usage
from apps.chats import prompts
from apps.chats.models import Explanation
from apps.chats.prompts import Composed

EXCERPT = 500  # characters of a passage; all of it stands in its knowledge, as long as that is there


def of(told: Composed, made: Sequence[Attempt], timings: dict[str, int | None]) -> Explanation:
    """Of no exchange yet; `made` is empty where no provider was called."""
    prompt = told.prompt
    answered = made[-1].mind if made else None
    return Explanation(
        provider=answered.provider if answered else "",
        model=answered.model if answered else "",
        parameters={
            "temperature": prompt.temperature,
            "top_p": prompt.top_p,
            "stop": list(prompt.stop),
            "most_tokens": prompt.most_tokens,
        },
        tokens=told.tokens,
        turns=len(prompt.history),
        passages=[_passage(number, one) for number, one in enumerate(told.given, start=1)],
        attempts=[_attempt(one) for one in made],
        timings=timings,
    )


def called(made: Sequence[Attempt], told: Composed, *, pieces: int, said: str) -> tuple[Called, ...]:
    """What each call took, as its provider says, else estimated. Only who never got there, or was told no, took nothing."""
    return tuple(_called(made, told, pieces, said))


def find(exchange_id: UUID) -> Explanation | None:
    return Explanation.objects.filter(exchange=exchange_id).first()


def _called(made: Sequence[Attempt], told: Composed, pieces: int, said: str) -> Iterator[Called]:
    for one in made:
        heard = max(pieces, prompts.estimate(said)) if one is made[-1] and pieces else 0
        yield Called(
            one.mind.provider,
            one.mind.model,
            one.usage or _estimated(one, told, heard),
            one.usage is not None,
            _milliseconds(one),
            one.failure or "",
            one.detail,
        )


def _estimated(one: Attempt, told: Composed, heard: int) -> Usage:
    if not heard and not one.is_paid:
        return Usage(0, 0)
    return Usage(prompts.likely(told.prompt), min(heard, told.prompt.most_tokens))


def _passage(number: int, one: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": one.title,
        "knowledge": str(one.knowledge_id),
        "passages": [str(passage) for passage in one.ids],
        "page": one.page,
        "score": round(float(one.score), 4),
        "tokens": prompts.estimate(one.text),
        "excerpt": one.text[:EXCERPT] + ("…" if len(one.text) > EXCERPT else ""),
    }


def _attempt(one: Attempt) -> dict[str, Any]:
    return {
        "provider": one.mind.provider,
        "model": one.mind.model,
        "duration_ms": _milliseconds(one),
        "failure": one.failure or "",
        "detail": one.detail[:300],
        "input_tokens": one.usage.input_tokens if one.usage else None,
        "output_tokens": one.usage.output_tokens if one.usage else None,
    }


def _milliseconds(one: Attempt) -> int:
    """So far, where it has not ended."""
    ended_at = one.ended_at or asyncio.get_running_loop().time()
    return max(0, round((ended_at - one.began_at) * 1000))
