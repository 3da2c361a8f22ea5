"""What is going on: the live dashboard."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.analysis import snapshots
from apps.console.guards import staff


@staff("chats.read")
def dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "console/dashboard.html", {"snapshot": snapshots.take()})
