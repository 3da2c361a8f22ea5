"""What the agents may read: the shelf, putting something on it, and how each reading went."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.agents.models import Agent
from apps.chats import outdated
from apps.console import paging
from apps.console.guards import staff
from apps.console.knowledge_forms import (
    ContentForm,
    KnowledgeForm,
    SourceForm,
    WebsiteForm,
    reading_of,
)
from apps.knowledge import changes, drafts, library
from apps.knowledge import shelf as shelves
from apps.knowledge.models import Document, Knowledge, Passage
from apps.tenants import pages

CHANGED = "changed"
KINDS = {"waiting": "To come", "ready": "Read", "failed": "Failed", "skipped": "Left out", "gone": "Gone"}
_PREVIEW = 20


@staff("knowledge.read")
def shelf(request: HttpRequest) -> HttpResponse:
    page = paging.page(request, partial(pages.cut, shelves.sources(), by="created_at"))
    context = {"page": page, "is_under_way": any(source.is_under_way for source in page.rows)}
    return render(request, "console/knowledge/list.html", context)


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
    passages = Passage.objects.filter(knowledge_id=source.id).order_by("position")[:_PREVIEW]
    counts = shelves.counted([source.id])[source.id]
    context: dict[str, Any] = {
        "knowledge": source,
        "website": source.websites.first(),
        "document": None if source.is_website else Document.objects.filter(knowledge=source).first(),
        "passages": passages,
        "counts": counts,
        "drafted": drafts.progress(source) if source.is_under_way else 0,
        "delete_url": reverse("console:knowledge_delete", args=[source.id]),
    }
    if source.is_website:
        context |= _documents(request, source, counts)
    return render(request, "console/knowledge/detail.html", context)


@staff("knowledge.read")
def document(request: HttpRequest, pk: UUID, document: UUID) -> HttpResponse:
    """What it says, what it said before, and which answers cited that."""
    found = get_object_or_404(Document.objects.select_related("knowledge"), knowledge_id=pk, id=document)
    context = {
        "document": found,
        "knowledge": found.knowledge,
        "changes": _part(request, changes.folded(changes.of(found)), found, "changes"),
        "outdated": outdated.answers(found),
        "text": _part(request, found.cut, found, "text"),
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
@require_http_methods(["GET", "POST"])
def replace(request: HttpRequest, pk: UUID) -> HttpResponse:
    source = get_object_or_404(Knowledge, id=pk, category=Knowledge.Category.PLAIN_DOCUMENT)
    form = ContentForm(request.POST or None, request.FILES or None, initial={"content": source.content})
    if form.is_valid() and form.tried(partial(library.replace, source)):
        messages.success(request, "Replaced. Agents answer from the old text until the new one is read.")
        return redirect(source)
    context = {"form": form, "knowledge": source}
    return render(request, "console/knowledge/replace.html", context, status=422 if form.errors else 200)


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


def _documents(request: HttpRequest, source: Knowledge, counts: dict[str, int]) -> dict[str, Any]:
    """A website's pages, all of them or of one kind."""
    kind = request.GET.get("kind", "")
    known = kind if kind in Document.Status.values else None
    told = partial(shelves.documents, source, status=known, changed=kind == CHANGED)
    kinds = [("", "All", sum(counts.values()))]
    kinds += [(one, said, counts[one]) for one, said in KINDS.items() if one in counts]
    if changed := Document.objects.filter(knowledge=source).exclude(changed_at=None).count():
        kinds.append((CHANGED, "Changed", changed))
    return {
        "page": paging.page(request, told),
        "kinds": kinds,
        "kind": kind if known or kind == CHANGED else "",
    }


def _part(request: HttpRequest, told: Sequence[Any], document: Document, named: str) -> paging.Page[Any]:
    return paging.page(request, partial(pages.part, told, of=document.version), named=named)


def _put_website(*, content: str, **told: Any) -> Knowledge:
    return library.add_website(content, **told)
