"""Which models there are to choose from for agents, and which of those that they want have to be fetched first."""

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.agents import choices
from apps.console.guards import staff


@staff("agents.read")
def models(request: HttpRequest) -> HttpResponse:
    """Asks every provider while the page is waited for."""
    return render(request, "console/agents/models.html", {"shelves": async_to_sync(choices.shelves)()})
