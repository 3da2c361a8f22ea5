"""What is going on: the live dashboard, and one chat to read."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from apps.analysis import snapshots
from apps.chats.models import Chat
from apps.console.guards import staff_only


@staff_only
def dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "console/dashboard.html", {"snapshot": snapshots.take()})


@staff_only
def chat(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Chat.objects.select_related("agent"), id=pk)
    exchanges = found.exchanges.prefetch_related("analyses").order_by("number")
    return render(request, "console/chats/detail.html", {"chat": found, "exchanges": exchanges})
