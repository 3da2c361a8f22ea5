"""First success: an address is pasted, and some minutes later an agent answers from that website on a page with the line to embed."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from apps.agents import versions, widgets
from apps.agents.models import Agent
from apps.console.guards import staff
from apps.console.knowledge_forms import StartForm
from apps.knowledge import library
from apps.knowledge.models import Document, Knowledge
from apps.knowledge.weburl import parse
from apps.tenants import organisation


@staff("knowledge.manage")
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    may_allow = request.admitted.may("organisation.manage")  # type: ignore[attr-defined]
    form = StartForm(request.POST or None, may_allow=may_allow)
    if form.is_valid():
        try:
            with transaction.atomic():  # no agent is left where there is no room for what it would know
                agent = Agent.objects.order_by("created_at").first() or versions.create(name="Assistant")
                source = library.add_website(form.cleaned_data["address"], agents=[agent.id])
            if may_allow:
                wanted = [parse(source.content).origin] if form.cleaned_data["allow"] else []
                _allow(request, *wanted, settings.PUBLIC_URL)
            return redirect("console:preview", pk=source.id)
        except library.BadSource as error:
            form.add_error("address", str(error))
    context = {"form": form, "host": settings.PUBLIC_URL}
    return render(request, "console/knowledge/start.html", context, status=422 if form.errors else 200)


@staff("knowledge.read")
def preview(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Follows the reading, and then the agent can be asked right here."""
    source = get_object_or_404(Knowledge, id=pk)
    agent = source.agents.order_by("created_at").first()
    pages = Document.objects.filter(knowledge=source)
    context = {
        "knowledge": source,
        "agent": agent,
        "widget": widgets.of(agent) if agent else None,
        "host": settings.PUBLIC_URL,
        "is_allowed_here": settings.PUBLIC_URL in organisation.current().allowed_origins,
        "found": pages.count(),
        "seen": pages.exclude(status=Document.Status.WAITING).count(),
        "read": pages.filter(status=Document.Status.READY).count(),
    }
    return render(request, "console/knowledge/preview.html", context)


def _allow(request: HttpRequest, *origins: str) -> None:
    """The agent may be asked from the preview, and from the site itself where they want it; said, since it opens a door."""
    allowed = organisation.current().allowed_origins
    added = [origin for origin in dict.fromkeys(origins) if origin not in allowed]
    if added:
        organisation.change(allowed_origins=[*allowed, *added])
        told = f"Pages of {' and '.join(added)} may show your agent now. Take them off the list under Organisation."
        messages.success(request, told)
