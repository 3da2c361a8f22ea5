"""`/api/v1/chats/{session_id}/exchanges/{number}/explanation`: why an agent said what it said."""

from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from apps.api.agent_schemas import Explanation
from apps.api.guards import ByKey
from apps.api.problems import NotFound
from apps.api.reference import chats as reference
from apps.chats import explanations
from apps.chats.models import ContentChat

router = Router(tags=["agents"])


@router.get(
    "/chats/{uuid:session_id}/exchanges/{int:number}/explanation",
    response=Explanation,
    summary="Explain an answer",
    auth=ByKey("chats.read"),
    **reference.EXPLAIN,
)
def explain(request: HttpRequest, session_id: UUID, number: int) -> Explanation:
    """The version, the prompt's parts with passages and scores, every call, and how long each step took. Visitors never see it."""
    exchange = ContentChat.objects.filter(chat=session_id, number=number).first() if number < 2**31 else None
    found = explanations.find(exchange.id) if exchange else None
    if exchange is None or found is None:
        raise NotFound("There is no explanation of such an exchange.")
    return Explanation(
        version=exchange.version,
        provider=found.provider,
        model=found.model,
        parameters=found.parameters,
        tokens=found.tokens,
        turns=found.turns,
        passages=found.passages,
        attempts=found.attempts,
        timings=found.timings,
    )
