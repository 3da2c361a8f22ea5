"""`/api/v1/agents/{agent_id}/try`: what was found for a question and why, and what the agent would answer."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema
from pydantic import StrictBool

from apps.agents import versions
from apps.agents.models import Agent
from apps.api import limiting
from apps.api.guards import ByKey
from apps.api.problems import NotFound
from apps.api.reference import knowledge as reference
from apps.api.schemas import Citation
from apps.chats import rehearsal
from apps.knowledge.found import Found, why
from apps.tenants.hops import hop

router = Router(tags=["agents"])


class TryRequest(Schema):
    question: Annotated[str, Field(description="What a visitor might ask.", max_length=20_000)]
    draft: Annotated[
        StrictBool, Field(description="Answer as what is prepared, not as what visitors get.")
    ] = False


class TryLegs(Schema):
    cosine: Annotated[float, Field(description="Of the passage to the question.")]
    sentence_cosine: Annotated[float, Field(description="Of its best sentence.")]
    bm25: Annotated[float, Field(description="As a share of a perfect match.")]
    sentence_bm25: Annotated[float, Field(description="Of its best sentence.")]
    coverage: Annotated[float, Field(description="Share of the question's words, by their weight.")]


class TryPassage(Schema):
    knowledge: UUID
    title: str
    heading: str
    page: int | None
    text: str
    score: Annotated[float, Field(description="The weighed sum of the legs, in [0, 1].")]
    legs: TryLegs
    why: Annotated[str, Field(description="In words, what the score is made of most.")]


class TryResponse(Schema):
    is_sure: Annotated[bool, Field(description="Whether the passages are given to the agent at all.")]
    threshold: Annotated[float, Field(description="The score from which on it answers.")]
    passages: list[TryPassage]
    answer: str
    citations: list[Citation]
    failure: Annotated[str, Field(description="Why nothing was answered, in a word; else empty.")]
    detail: Annotated[str, Field(description="The same in a sentence for staff, which says what to do.")]


@router.post(
    "/agents/{uuid:agent_id}/try",
    response=TryResponse,
    summary="Try an agent",
    auth=ByKey("knowledge.manage"),
    **reference.TRY,
)
async def try_it(request: HttpRequest, agent_id: UUID, body: TryRequest) -> TryResponse:
    """Searched and answered as for a visitor, but no chat is kept and no figure counts it. Budgets and limits do."""
    agent = await hop(Agent.objects.filter(id=agent_id).first)()
    if agent is None:
        raise NotFound("There is no agent with this id.")
    await limiting.message(request, agent_id)
    draft = await hop(versions.draft_of)(agent) if body.draft else None
    done = await rehearsal.rehearse(agent, body.question, as_if=draft)
    return TryResponse(
        is_sure=done.search.is_sure,
        threshold=done.search.threshold,
        passages=[_passage(one) for one in done.search.found],
        answer=done.answer,
        citations=[Citation(**one) for one in done.citations],
        failure=done.failure,
        detail=done.detail,
    )


def _passage(one: Found) -> TryPassage:
    return TryPassage(
        knowledge=one.knowledge_id,
        title=one.title,
        heading=one.heading,
        page=one.page,
        text=one.text,
        score=one.score,
        legs=TryLegs.from_orm(one.legs),
        why=why(one),
    )
