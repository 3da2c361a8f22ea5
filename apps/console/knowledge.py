"""What the agents may read: the shelf, putting something on it, and how each reading went."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.agents.models import Agent
from apps.chats import outdated
from apps.console.guards import staff
from apps.console.knowledge_forms import KnowledgeForm, SourceForm, WebsiteForm, reading_of
from apps.knowledge import changes, drafts, library
from apps.knowledge.models import Document, Knowledge, Passage

_PREVIEW, _FEW = 20, 100


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
    if form.is_valid() and (source := form.tried(library.add)):
        return redirect(source)
    return render(request, "console/knowledge/add.html", {"form": form}, status=422 if form.errors else 200)


@staff("knowledge.manage")
@require_http_methods(["GET", "POST"])
def add_website(request: HttpRequest) -> HttpResponse:
    form = WebsiteForm(request.POST or None, initial={"agents": Agent.objects.all()})
    if form.is_valid() and (source := form.tried(_put_website)):
        return redirect(source)
    context = {"form": form, "bounds": form.bounds()}
    return render(request, "console/knowledge/website.html", context, status=422 if form.errors else 200)


@staff("knowledge.read")
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    source = get_object_or_404(Knowledge, id=pk)
    documents = Document.objects.filter(knowledge=source).defer("cut", "before", "links")
    passages = Passage.objects.filter(knowledge_id=source.id).order_by("position")[:_PREVIEW]
    counts = Counter(documents.values_list("status", flat=True))
    context = {
        "knowledge": source,
        "website": source.websites.first(),
        "passages": passages,
        "documents": _shown(documents) if source.is_website else [],
        "more_pages": max(0, counts.total() - _FEW),
        "counts": counts,
        "drafted": drafts.progress(source) if source.is_under_way else 0,
        "delete_url": reverse("console:knowledge_delete", args=[source.id]),
    }
    return render(request, "console/knowledge/detail.html", context)


@staff("knowledge.read")
def document(request: HttpRequest, pk: UUID, document: UUID) -> HttpResponse:
    """What it says, what it said before, and which answers cited that."""
    found = get_object_or_404(Document.objects.select_related("knowledge"), knowledge_id=pk, id=document)
    context = {
        "document": found,
        "knowledge": found.knowledge,
        "changes": changes.of(found),
        "outdated": outdated.answers(found),
        "passages": found.cut[:_FEW],
    }
    return render(request, "console/knowledge/document.html", context)


@staff("knowledge.manage")
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    source = get_object_or_404(Knowledge, id=pk)
    website = source.websites.first()
    held: dict[str, Any] = {
        "name": source.name,
        "description": source.description,
        "agents": source.agents.all(),
    }
    form = (WebsiteForm if website else SourceForm)(request.POST or None, initial=held | reading_of(website))
    form.fields.pop("content", None)
    if form.is_valid() and form.tried(partial(library.change, source)):
        messages.success(
            request, "Saved." + (" How it is read holds from the next reading on." if website else "")
        )
        return redirect(source)
    context = {"form": form, "knowledge": source, "bounds": form.bounds()}
    return render(request, "console/knowledge/change.html", context, status=422 if form.errors else 200)


@staff("knowledge.manage")
@require_POST
def sync(request: HttpRequest, pk: UUID) -> HttpResponse:
    source = get_object_or_404(Knowledge, id=pk)
    library.read_again(source)
    return redirect(source)


@staff("knowledge.manage")
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    library.remove(get_object_or_404(Knowledge, id=pk))
    return redirect("console:knowledge")


def _shown(documents: QuerySet[Document]) -> QuerySet[Document]:
    """As many as a page has room for; of more than that first those that somebody has to see to."""
    if documents.count() <= _FEW:
        return documents.order_by("number")
    unread = Q(status__in=[Document.Status.FAILED, Document.Status.SKIPPED])
    return documents.order_by(ExpressionWrapper(unread, BooleanField()).desc(), "number")[:_FEW]


def _put_website(*, content: str, **told: Any) -> Knowledge:
    return library.add_website(content, **told)
