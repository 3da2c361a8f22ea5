"""How each agent introduces itself and behaves, as its tenant's staff set it."""

from uuid import UUID

from django.contrib import messages
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from apps.agents.models import Agent
from apps.console.forms import AgentForm
from apps.console.guards import staff


@staff("agents.read")
def agents(request: HttpRequest) -> HttpResponse:
    return render(request, "console/agents/list.html", {"agents": Agent.objects.order_by("name")})


@staff("agents.manage")
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Writes the form's columns alone, so that an agent whose provider was withdrawn can still be changed."""
    agent = get_object_or_404(Agent, id=pk)
    form = AgentForm(request.POST if request.method == "POST" else None, initial=model_to_dict(agent))
    if form.is_valid():
        Agent.objects.filter(id=agent.id).update(**form.cleaned_data)
        messages.success(request, "Saved. The next answer and the next chat that is opened use it.")
        return redirect("console:agent", pk=agent.id)
    context = {"agent": agent, "form": form}
    return render(request, "console/agents/edit.html", context, status=422 if form.errors else 200)
