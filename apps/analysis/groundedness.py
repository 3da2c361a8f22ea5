"""Whether an answer stands in what the agent was given to read: judged once it has ended, whichever mind gave it."""

from uuid import UUID

from apps.analysis.models import Groundedness
from apps.chats.models import ContentChat
from apps.knowledge import support

Verdict = Groundedness.Verdict


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
    Groundedness.objects.get_or_create(
        exchange=exchange,
        defaults={
            "verdict": _verdict(exchange, len(claims), len(unsupported)),
            "support": 1 - len(unsupported) / len(claims) if claims else None,
            "unsupported": unsupported[:20],
        },
    )


def _verdict(exchange: ContentChat, claims: int, unsupported: int) -> Groundedness.Verdict:
    if exchange.response.strip() == exchange.chat.agent.refusal.strip():
        return Verdict.REFUSED
    if not claims:
        return Verdict.NOTHING
    if not unsupported:
        return Verdict.SUPPORTED
    return Verdict.UNSUPPORTED if unsupported == claims else Verdict.PARTLY
