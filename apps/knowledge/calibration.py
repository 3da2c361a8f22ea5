"""How sure an agent must be to answer, found with its own knowledge: questions made of its sentences, and questions about anything
else, which lie apart by another gap for every tenant.

The threshold is where both are equally improbable, by medians and median deviations: a question "about anything else" that
this tenant happens to know about moves it little.
"""

import random
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Count
from django.utils import timezone

from apps.agents.models import Agent
from apps.agents.words import EMPTY, WORD
from apps.knowledge import language, ranking, retrieval, vectors
from apps.knowledge.models import Calibration, Passage, Sentence
from apps.tenants import audit

OFF_TOPIC = Path(__file__).with_name("offtopic")
ASKING = {
    "english": "What about {}?", "german": "Was ist mit {}?", "french": "Qu'en est-il de {} ?", "spanish": "¿Qué hay de {}?",
    "italian": "E per quanto riguarda {}?", "dutch": "Hoe zit het met {}?", "portuguese": "E quanto a {}?", "swedish": "Hur är det med {}?",
}  # fmt: skip
ASKED = 200  # of the tenant's sentences
WORDS = 2  # so many words of a sentence make a question about as near to it as people's questions are (docs/retrieval.md)
FEWEST = 10
NARROWEST = 0.01


class TooLittle(ValueError):
    """There is not enough knowledge to ask about; the message says what to do."""


def calibrate(agent_id: UUID) -> Calibration:
    """Set the agent's threshold by one half of the questions and note what it does to the other. Raises TooLittle."""
    readable = retrieval.shelf_of(agent_id).readable
    tongue = _tongue(readable)
    about, anything = _scores(readable, _questions(readable, tongue)), _scores(readable, off_topic(tongue))
    threshold = between(anything[::2], about[::2])
    kept, refused = about[1::2], anything[1::2]
    found: dict[str, Any] = {
        "threshold": threshold,
        "kept": sum(score >= threshold for score in kept) / len(kept),
        "refused": sum(score < threshold for score in refused) / len(refused),
        "passages": Passage.objects.filter(knowledge_id__in=readable).count(),
    }
    with audit.deed("agent.calibrated", Agent.objects.get(id=agent_id), **found):
        return Calibration.objects.update_or_create(
            agent_id=agent_id, defaults=found | {"at": timezone.now()}
        )[0]


def off_topic(tongue: str = language.UNSURE) -> list[str]:
    return (OFF_TOPIC / f"{tongue}.txt").read_text(encoding="utf-8").splitlines()


def between(low: Sequence[float], high: Sequence[float]) -> float:
    """Where a low score and a high one are equally many of their kind's deviations away from their medians."""
    below, above = (max(_deviation(scores), NARROWEST) for scores in (low, high))
    return (median(low) * above + median(high) * below) / (below + above)


def question(
    sentence: str, chance: random.Random, *, tongue: str = language.UNSURE, empty: AbstractSet[str] = EMPTY
) -> str | None:
    """A question that names a few things the sentence names, in their order; None where it names too few."""
    words = [word for word in WORD.findall(sentence) if len(word) > 2 and word.lower() not in empty]
    if len(words) < WORDS:
        return None
    named = sorted(chance.sample(range(len(words)), WORDS))
    return ASKING[tongue].format(" ".join(words[place] for place in named))


def _tongue(readable: Sequence[UUID]) -> str:
    """The language of most passages, if there are questions in it: in another all questions are about equally far from them."""
    passages = Passage.objects.filter(knowledge_id__in=readable, language__in=ASKING)
    counted = passages.values("language").annotate(many=Count("id")).order_by("-many", "language")
    return str(next(iter(counted), {"language": language.UNSURE})["language"])


def _questions(readable: Sequence[UUID], tongue: str) -> list[str]:
    """The same for the same sentences."""
    chance = random.Random(0)
    written = Sentence.objects.filter(passage__knowledge_id__in=readable)
    sentences = list(written.order_by("text").values_list("text", flat=True))
    picked = chance.sample(sentences, min(ASKED, len(sentences)))
    empty = EMPTY if tongue == language.UNSURE else _empty(picked, tongue)
    made = [asked for sentence in picked if (asked := question(sentence, chance, tongue=tongue, empty=empty))]
    if len(made) < FEWEST:
        raise TooLittle(
            f"The agent's knowledge has fewer than {FEWEST} sentences to ask about. Add some and try again."
        )
    return made


def _empty(sentences: Sequence[str], tongue: str) -> frozenset[str]:
    """Those of their words in which PostgreSQL finds nothing to look for."""
    words = sorted({word.lower() for sentence in sentences for word in WORD.findall(sentence)})
    with connections[Passage.database].cursor() as cursor:
        cursor.execute(
            "SELECT word FROM unnest(%s::text[]) AS word WHERE numnode(plainto_tsquery(%s::regconfig, word)) = 0",
            [words, tongue],
        )
        return frozenset(word for (word,) in cursor.fetchall())


def _scores(readable: Sequence[UUID], questions: Sequence[str]) -> list[float]:
    embedder = vectors.embedder(vectors.of(readable))
    asked_for = embedder.embed(questions)
    found = (
        ranking.ranked(readable, asked, vector, model=embedder.model, limit=1)
        for asked, vector in zip(questions, asked_for, strict=True)
    )
    return [best[0].score if best else 0.0 for best in found]


def _deviation(scores: Sequence[float]) -> float:
    middle = median(scores)
    return median(abs(score - middle) for score in scores)
