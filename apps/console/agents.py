"""What each agent is: prepared as a draft, published, compared and taken back."""

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.agents import choices, statuses, versions
from apps.agents.configuration import Configuration
from apps.agents.models import Agent, Draft, Version
from apps.console.agent_forms import AgentForm, PublishForm
from apps.console.guards import staff

PAGE = 50


@staff("agents.read")
def agents(request: HttpRequest) -> HttpResponse:
    found = Agent.objects.prefetch_related("drafts").order_by("name", "id")
    rows = [(agent, statuses.of(agent)) for agent in found]
    return render(request, "console/agents/list.html", {"rows": rows})


@staff("agents.manage")
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    form = AgentForm(request.POST if request.method == "POST" else None, holds=versions.blank())
    if form.is_valid():
        try:
            agent = versions.create(**form.cleaned_data)
            _warn(request, agent)
            return redirect("console:agent", pk=agent.pk)
        except versions.BadConfiguration as refused:
            form.explain(refused)
    return render(request, "console/agents/add.html", {"form": form}, status=422 if form.errors else 200)


@staff("agents.read", changing="agents.manage")
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keeps a draft; visitors get what is published."""
    agent = get_object_or_404(Agent, id=pk)
    form = AgentForm(request.POST if request.method == "POST" else None, holds=versions.draft_of(agent))
    if form.is_valid():
        try:
            draft = versions.edit(agent, request.POST.get("shown"), **form.cleaned_data)
            messages.success(request, "Saved as a draft. Visitors get it once you publish it.")
            _warn(request, draft)
            return redirect("console:agent", pk=agent.id)
        except versions.BadConfiguration as refused:
            form.explain(refused)
        except versions.Overtaken as refused:
            form.add_error(None, f"{refused} Save again to put yours in its place, or cancel to see theirs.")
    return _page(request, agent, form, status=422 if form.errors else 200)


@staff("agents.manage")
@require_POST
def publish(request: HttpRequest, pk: UUID) -> HttpResponse:
    agent = get_object_or_404(Agent, id=pk)
    form = PublishForm(request.POST)
    if not form.is_valid():
        return _page(
            request, agent, AgentForm(None, holds=versions.draft_of(agent)), publishing=form, status=422
        )
    try:
        version = versions.publish(agent, note=form.cleaned_data["note"], seen=request.POST.get("shown"))
        messages.success(request, f"Version {version.number} is published. The next answer uses it.")
    except (versions.BadConfiguration, versions.NothingToPublish, versions.Overtaken) as refused:
        messages.error(request, f"Not published. {refused}")
    return redirect("console:agent", pk=agent.id)


@staff("agents.manage")
@require_POST
def discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    agent = get_object_or_404(Agent, id=pk)
    versions.discard(agent)
    messages.success(request, "The draft is gone. This is what visitors get.")
    return redirect("console:agent", pk=agent.id)


@staff("agents.read")
def history(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`?before=n` shows the versions before number n."""
    agent = get_object_or_404(Agent, id=pk)
    asked = request.GET.get("before", "")
    before = int(asked) if asked.isdecimal() and len(asked) < 9 else agent.version + 1
    found = list(Version.objects.filter(agent=agent, number__lt=before).order_by("-number")[: PAGE + 1])
    context = {
        "agent": agent,
        "versions": found[:PAGE],
        "earlier": found[PAGE - 1].number if len(found) > PAGE else None,
        "draft": Draft.objects.filter(agent=agent).first(),
        "may_manage": request.admitted.may("agents.manage"),  # type: ignore[attr-defined]
    }
    return render(request, "console/agents/history.html", context)


@staff("agents.read")
def compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`?before=` and `?after=` are numbers, or `draft`; without them the last two that differ."""
    agent = get_object_or_404(Agent, id=pk)
    draft = Draft.objects.filter(agent=agent).first()
    newest = agent.version if draft else max(agent.version - 1, 1)
    before = _asked(agent, draft, request.GET.get("before") or str(newest))
    after = _asked(agent, draft, request.GET.get("after") or ("draft" if draft else str(agent.version)))
    context = {
        "agent": agent,
        "before": before,
        "after": after,
        "differences": list(versions.differences(before, after)),
        "numbers": Version.objects.filter(agent=agent).order_by("-number").values_list("number", flat=True),
        "draft": draft,
    }
    return render(request, "console/agents/compare.html", context)


@staff("agents.manage")
@require_POST
def roll_back(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    agent = get_object_or_404(Agent, id=pk)
    try:
        version = versions.roll_back(agent, number)
        messages.success(request, f"Version {number} is published again, as version {version.number}.")
    except versions.NoSuchVersion:
        raise Http404 from None
    except (versions.BadConfiguration, versions.NothingToPublish) as refused:
        messages.error(request, f"Not published. {refused}")
    return redirect("console:agent_versions", pk=agent.id)


def _warn(request: HttpRequest, saved: Configuration) -> None:
    """It is saved; whether its models are there is known only now, and may change."""
    for said in async_to_sync(choices.missing)(saved.minds):
        messages.warning(request, said)


def _page(
    request: HttpRequest,
    agent: Agent,
    form: AgentForm,
    *,
    publishing: PublishForm | None = None,
    status: int = 200,
) -> HttpResponse:
    draft = Draft.objects.filter(agent=agent).first()
    may_manage = request.admitted.may("agents.manage")  # type: ignore[attr-defined]
    for field in form.fields.values():
        field.disabled = not may_manage
    context: dict[str, Any] = {
        "agent": agent,
        "form": form,
        "publishing": publishing or PublishForm(),
        "draft": draft,
        "shown": versions.state(agent, draft or versions.draft_of(agent)),
        "differences": list(versions.differences(agent, draft)) if draft else [],
        "status": statuses.of(agent),
        "may_manage": may_manage,
    }
    return render(request, "console/agents/edit.html", context, status=status)


def _asked(agent: Agent, draft: Draft | None, name: str) -> Configuration:
    if name == "draft" and draft is not None:
        return draft
    try:
        return versions.find(agent, int(name) if name.isdecimal() and len(name) < 10 else 0)
    except versions.NoSuchVersion:
        raise Http404 from None
