"""Try it: a question to an agent, what was found for it and why, and what it would answer, by its draft where one waits. No chat, no visitor, no figure."""

from math import ceil
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from apps.agents.models import Agent, Draft
from apps.chats import rehearsal
from apps.chats.conversations import BadMessage
from apps.console.guards import staff
from apps.knowledge.found import Found, why
from apps.tenants import limits


@staff("knowledge.read", changing="knowledge.manage")
@require_http_methods(["GET", "POST"])
def try_it(request: HttpRequest, pk: UUID) -> HttpResponse:
    agent = get_object_or_404(Agent, id=pk)
    asked = request.POST.get("question", "")
    draft = Draft.objects.filter(agent=agent).first()
    may_ask = request.admitted.may("knowledge.manage")  # type: ignore[attr-defined]
    context: dict[str, Any] = {"agent": agent, "question": asked, "draft": draft, "may_ask": may_ask}
    status, wait = 200, 0.0
    if request.method == "POST":
        try:
            limits.take(*limits.of_message(agent.id))
            context |= _told(async_to_sync(rehearsal.rehearse)(agent, asked, as_if=draft))
        except BadMessage as error:
            context["error"], status = str(error), 422
        except limits.TooMany as error:
            context["error"], status, wait = str(error), 429, error.retry_after
    response = render(request, "console/agents/try.html", context, status=status)
    if wait:
        response["Retry-After"] = str(ceil(wait))
    return response


def _told(done: rehearsal.Rehearsal) -> dict[str, Any]:
    return {
        "rehearsal": done,
        "rows": [_row(number, one) for number, one in enumerate(done.search.found, start=1)],
    }


def _row(number: int, one: Found) -> dict[str, Any]:
    legs = one.legs
    figures = [
        ("Score", one.score),
        ("Best sentence's meaning", legs.sentence_cosine),
        ("Meaning", legs.cosine),
        ("Words covered", legs.coverage),
        ("BM25", legs.bm25),
        ("Best sentence's BM25", legs.sentence_bm25),
    ]
    return {"number": number, "found": one, "why": why(one), "figures": figures}
