"""The inbox: one page, whose list and open chat come over its socket."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.chats.models import Chat
from apps.console.guards import staff


@staff("chats.read")
def inbox(request: HttpRequest) -> HttpResponse:
    return render(request, "console/inbox/inbox.html")


@staff("chats.read")
def chat(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same page; its script opens the chat that the address names."""
    get_object_or_404(Chat, id=pk)
    return render(request, "console/inbox/inbox.html")
