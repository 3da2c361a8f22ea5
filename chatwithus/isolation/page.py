"""The operator's button: starts the proof in a worker, and shows what it says."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from chatwithus import tasks


@require_http_methods(["GET", "POST"])
def isolation(request: HttpRequest) -> HttpResponse:
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied
    if request.method == "POST":
        tasks.keep(["It is waiting for a worker."])
        tasks.prove_isolation.delay()
        return redirect("isolation")
    found = tasks.last()
    context = {
        **admin.site.each_context(request),
        "title": "Isolation",
        "result": found,
        "is_running": found is not None and found["status"] is None,
    }
    return render(request, "admin/isolation.html", context)


isolation.guard = "operator"  # type: ignore[attr-defined]
