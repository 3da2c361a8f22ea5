"""How an agent's widget looks and what it offers, beside the widget itself; and whether it works on a page."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from apps.agents import avatars, widgets
from apps.agents.models import Agent
from apps.console.guards import staff
from apps.console.widget_forms import WidgetForm
from apps.tenants import organisation, pictures


@staff("agents.read", changing="agents.manage")
@require_http_methods(["GET", "POST"])
def widget(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is chosen shows in the widget of this very page before it is saved; visitors get it once it is."""
    agent = get_object_or_404(Agent, id=pk)
    kept = widgets.of(agent)
    form = WidgetForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        initial={name: getattr(kept, name) for name in widgets.SETTINGS},
    )
    if form.is_valid() and _keep(agent, form):
        messages.success(request, "Saved. Every page that is opened from now on has it.")
        return redirect("console:agent_widget", pk=agent.id)
    may_manage = request.admitted.may("agents.manage")  # type: ignore[attr-defined]
    for field in form.fields.values():
        field.disabled = not may_manage
    context = _shared(agent, "widget") | {"form": form, "widget": kept, "may_manage": may_manage}
    stamp = pictures.stamp(kept.avatar)
    context["avatar"] = avatars.address(agent.id, stamp) if stamp else ""
    return render(request, "console/agents/widget.html", context, status=422 if form.errors else 200)


@staff("agents.read")
def install(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The line for the page, and what keeps a widget from working."""
    agent = get_object_or_404(Agent, id=pk)
    return render(request, "console/agents/install.html", _shared(agent, "install"))


def _keep(agent: Agent, form: WidgetForm) -> bool:
    """False where something of it cannot hold, which the form then says."""
    try:
        widgets.change(agent, **{name: form.cleaned_data[name] for name in widgets.SETTINGS})
        if form.cleaned_data["no_avatar"] or form.cleaned_data["avatar"] is not None:
            widgets.keep_avatar(
                agent, None if form.cleaned_data["no_avatar"] else form.cleaned_data["avatar"]
            )
    except widgets.BadLook as refused:
        form.add_error(refused.field, str(refused))
        return False
    return True


def _shared(agent: Agent, here: str) -> dict[str, Any]:
    tenant = organisation.current()
    return {
        "agent": agent,
        "here": here,
        "host": settings.PUBLIC_URL,
        "origins": tenant.allowed_origins,
        "is_allowed_here": settings.PUBLIC_URL in tenant.allowed_origins,
    }
