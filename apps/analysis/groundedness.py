"""Whether an answer stands in what the agent was given to read: judged once it has ended, whichever mind gave it."""

from typing import Any
from uuid import UUID

from django.db import transaction

from apps.analysis.models import Groundedness
from apps.chats import bell
from apps.chats.models import ContentChat
from apps.knowledge import support

Verdict = Groundedness.Verdict
SHOWN = 100  # verdicts of one chat, the latest


def judge(exchange: ContentChat) -> None:
    """Once for each answer of an agent that is complete."""
    if (
        exchange.state != ContentChat.State.COMPLETED
        or exchange.staff_id is not None
        or not exchange.response
    ):
        return
    if Groundedness.objects.filter(exchange=exchange).exists():
        return
    claims = support.claims(exchange.response, [UUID(one) for one in exchange.given])
    unsupported = [claim.text for claim in claims if not claim.is_supported]
    _, is_new = Groundedness.objects.get_or_create(
        exchange=exchange,
        defaults={
            "verdict": _verdict(exchange, len(claims), len(unsupported)),
            "support": 1 - len(unsupported) / len(claims) if claims else None,
            "unsupported": unsupported[:20],
        },
    )
    if is_new:  # whoever reads the chat along sees it at once
        chat = exchange.chat
        transaction.on_commit(lambda: bell.ring(chat.tenant_id, chat.id, max(chat.last_seq, 1)), robust=True)


def in_chat(chat_id: UUID) -> list[dict[str, Any]]:
    """The verdicts on a chat's latest answers, oldest first."""
    found = Groundedness.objects.filter(exchange__chat_id=chat_id).order_by("-exchange__number")
    rows = found.values_list("exchange__number", "verdict", "unsupported")[:SHOWN]
    names = ("exchange", "verdict", "unsupported")
    return [dict(zip(names, row, strict=True)) for row in reversed(rows)]


def _verdict(exchange: ContentChat, claims: int, unsupported: int) -> Groundedness.Verdict:
    if exchange.response.strip() == exchange.chat.agent.refusal.strip():
        return Verdict.REFUSED
    if not claims:
        return Verdict.NOTHING
    if not unsupported:
        return Verdict.SUPPORTED
    return Verdict.UNSUPPORTED if unsupported == claims else Verdict.PARTLY
