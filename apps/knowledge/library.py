"""The shelf: adding and removing sources. Reading them in is the worker's work, started here."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.agents.models import Agent
from apps.knowledge import drafts, index, quota, sites, tasks
from apps.knowledge.models import Document, Knowledge, Passage, Seen, Upload, Website
from apps.knowledge.quota import BadSource as BadSource
from apps.knowledge.quota import Unreplaceable as Unreplaceable
from apps.knowledge.weburl import BadUrl, WebUrl, parse
from apps.tenants import audit

MAX_CONTENT = 1_000_000
BOUNDS = (("depth", 0, 20), ("most_pages", 1, 5_000), ("every_hours", 0, 24 * 90))
SCHEMES = ("javascript:", "data:", "mailto:", "file:", "about:")


class Reading(TypedDict, total=False):
    """How a website is read; the fields are those of Website."""

    scope: str
    include: str
    exclude: str
    depth: int
    most_pages: int
    every_hours: int


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file as it came: the name its owner gave it and its bytes."""

    name: str
    data: bytes


def add(
    name: str,
    *,
    content: str = "",
    file: File | None = None,
    description: str = "",
    agents: Iterable[UUID] = (),
) -> Knowledge:
    """Put a plain document on the shelf, `waiting` to be read in. Raises BadSource; an empty file fails later, with its reason."""
    _check(name, content, file, description)
    _check_text(name=name, content=content, description=description)
    chosen = _agents(agents)
    with quota.kept(added=len(file.data) if file else len(content)):
        source = Knowledge.objects.create(name=name.strip(), content=content, description=description)
        source.agents.set(chosen)
        if file is not None:
            Upload.objects.create(knowledge=source, filename=file.name[-255:], data=file.data)
        audit.note("knowledge.added", source, category=source.category, agents=[one.name for one in chosen])
        tasks.call_reader()
    return source


def add_website(
    url: str,
    *,
    name: str = "",
    description: str = "",
    agents: Iterable[UUID] = (),
    **reading: Unpack[Reading],
) -> Knowledge:
    """Put a website on the shelf, `waiting` to be read. Raises BadSource; what cannot be fetched fails later, with its reason."""
    address = _address(url)
    name = name.strip() or address.host
    _check(name, url, None, description)
    _check_text(name=name, content=url, description=description)
    _check_reading(reading)
    chosen = _agents(agents)
    with quota.kept():
        source = Knowledge.objects.create(
            name=name, category=Knowledge.Category.WEBSITE, content=str(address), description=description
        )
        source.agents.set(chosen)
        Website.objects.create(knowledge=source, **reading)
        audit.note("knowledge.added", source, category=source.category, agents=[one.name for one in chosen])
        tasks.call_reader()
    return source


def change(
    source: Knowledge,
    *,
    name: str | None = None,
    description: str | None = None,
    agents: Iterable[UUID] | None = None,
    **reading: Unpack[Reading],
) -> Knowledge:
    """What is given here is changed, and how a website is read holds from its next reading on. Raises BadSource."""
    _check(source.name if name is None else name, "x", None, description or "")
    _check_text(name=name or "", description=description or "")
    _check_reading(reading)
    if reading and not source.is_website:
        raise BadSource("website", "Only a website is read by pages and times.")
    chosen = None if agents is None else _agents(agents)
    with transaction.atomic():
        told = {"name": name and name.strip(), "description": description}
        facts = {field: value for field, value in told.items() if value is not None}
        Knowledge.objects.filter(id=source.id).update(**facts)
        if chosen is not None:
            source.agents.set(chosen)
        if reading:
            _set_reading(source, reading)
        if name is not None:
            _rename(source, name.strip())
        audit.note(
            "knowledge.changed",
            source,
            fields=sorted([*facts, *reading, *(["agents"] if chosen is not None else [])]),
        )
    source.refresh_from_db()
    return source


def replace(source: Knowledge, *, content: str = "", file: File | None = None) -> Knowledge:
    """Put another text or file in the place of a document's. It answers as before until that is read, and what it said before is kept.
    Raises BadSource, and Unreplaceable while it is being read."""
    if source.is_website:
        raise Unreplaceable("content", "A website has no text of its own. Have it read again instead.")
    _check(source.name, content, file, "")
    _check_text(content=content)
    with quota.kept(added=len(file.data) if file else len(content), instead_of=source):
        if not source.replace(content):
            raise Unreplaceable("content", "It is being read just now. Replace it when that has ended.")
        Upload.objects.filter(knowledge=source).delete()
        if file is not None:
            Upload.objects.create(knowledge=source, filename=file.name[-255:], data=file.data)
        Document.objects.filter(knowledge=source).update(status=Document.Status.WAITING, failure="")
        audit.note("knowledge.replaced", source)
        tasks.call_reader()
    source.refresh_from_db()
    return source


def read_again(source: Knowledge) -> bool:
    """Have a source read once more, as its website or file is now; False where that is under way. Until then it answers as before."""
    with transaction.atomic():
        if not source.read_again():
            return False
        Website.objects.filter(knowledge=source).update(is_due=True, due_at=None)
        if not source.is_website:
            Document.objects.filter(knowledge=source).update(status=Document.Status.WAITING)
        audit.note("knowledge.read_again", source)
        tasks.call_reader()
    return True


def remove(source: Knowledge) -> None:
    """Take a source off the shelf, with its passages and their vectors. The act is one: where the vector database cannot be
    reached, the source stays too. The sweep looks for what a crash between the two commits left."""
    ids = source.shelves
    with audit.deed("knowledge.removed", source):
        source.delete()
        index.remove(Passage.objects.filter(knowledge_id__in=ids))
        Seen.objects.filter(knowledge_id=ids[0]).delete()


def _check(name: str, content: str, file: File | None, description: str) -> None:
    if not name.strip():
        raise BadSource("name", "Give it a name, so that people recognise it in citations.")
    if len(name) > 200:
        raise BadSource("name", "The name has more than 200 characters.")
    if file is None and not content.strip():
        raise BadSource("content", "Paste some text or choose a file.")
    if file is not None and content.strip():
        raise BadSource("content", "Paste text or choose a file, not both.")
    if len(description) > 2000:
        raise BadSource("description", "The description has more than 2,000 characters.")
    if len(content) > MAX_CONTENT:
        raise BadSource(
            "content", f"The text has more than {MAX_CONTENT:,} characters. Split it into several documents."
        )


def _check_text(**fields: str) -> None:
    for field, text in fields.items():
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise BadSource(field, "It has characters that cannot be stored.")


def _rename(source: Knowledge, name: str) -> None:
    if not source.is_website:  # from before documents left their titles to their sources
        Document.objects.filter(knowledge=source).update(title="")
    drafts.rename(source, name)


def _set_reading(source: Knowledge, reading: Reading) -> None:
    """With another schedule it is due as long after its last reading as that says now, which may be at once."""
    websites = Website.objects.filter(knowledge=source)
    websites.update(**reading)
    if "every_hours" in reading:
        due_at = websites.get().due_after(source.synced_at or timezone.now())
        websites.update(due_at=due_at)


def _check_reading(reading: Reading) -> None:
    try:
        field = "include"
        sites.patterns(reading.get("include", ""))
        field = "exclude"
        sites.patterns(reading.get("exclude", ""))
    except sites.BadPattern as error:
        raise BadSource(f"website.{field}", str(error)) from error
    for name, least, most in BOUNDS:
        value = reading.get(name)
        if isinstance(value, int) and not least <= value <= most:
            raise BadSource(f"website.{name}", f"Choose a number from {least} to {most:,}.")
    if reading.get("scope", Website.Scope.CRAWL) not in Website.Scope.values:
        raise BadSource("website.scope", f"Choose one of {', '.join(Website.Scope.values)}.")


def _address(url: str) -> WebUrl:
    """People leave out https://, and mean it."""
    url = url.strip()
    try:
        address = parse(url if "://" in url or url.lower().startswith(SCHEMES) else f"https://{url}")
    except BadUrl as error:
        raise BadSource("content", str(error)) from error
    if not {".", ":"} & set(address.host):
        raise BadSource("content", "Write the site's whole name, like shop.example.")
    return address


def _agents(ids: Iterable[UUID]) -> list[Agent]:
    wanted = set(ids)
    chosen = list(Agent.objects.filter(id__in=wanted))
    if len(chosen) != len(wanted):
        raise BadSource("agents", "There is no such agent.")
    return chosen
