"""What the agents may read: the shelf, and putting something on it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.agents.models import Agent
from apps.console.forms import KnowledgeForm
from apps.console.guards import staff
from apps.knowledge import library
from apps.knowledge.models import Knowledge, Passage

_PREVIEW = 20


@staff("knowledge.read")
def shelf(request: HttpRequest) -> HttpResponse:
    knowledge = Knowledge.objects.prefetch_related("agents").order_by("-created_at")
    return render(request, "console/knowledge/list.html", {"knowledge": knowledge})


@staff("knowledge.read")
def row(request: HttpRequest, pk: UUID) -> HttpResponse:
    source = get_object_or_404(Knowledge, id=pk)
    return render(request, "console/knowledge/_row.html", {"item": source})


@staff("knowledge.manage")
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    form = KnowledgeForm(request.POST or None, request.FILES or None, initial={"agents": Agent.objects.all()})
    if request.method == "POST" and form.is_valid():
        try:
            source = library.add(
                **{**form.cleaned_data, "agents": [one.id for one in form.cleaned_data["agents"]]}
            )
            return redirect(source)
        except library.BadSource as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    return render(request, "console/knowledge/add.html", {"form": form}, status=422 if form.errors else 200)


@staff("knowledge.read")
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    source = get_object_or_404(Knowledge, id=pk)
    passages = Passage.objects.filter(knowledge_id=source.id).order_by("position")[:_PREVIEW]
    delete_url = reverse("console:knowledge_delete", args=[source.id])
    context = {"knowledge": source, "passages": passages, "delete_url": delete_url}
    return render(request, "console/knowledge/detail.html", context)


@staff("knowledge.manage")
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    library.remove(get_object_or_404(Knowledge, id=pk))
    return redirect("console:knowledge")
