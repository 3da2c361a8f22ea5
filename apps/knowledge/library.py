"""The shelf: adding and removing sources. Reading them in is the worker's work, started here."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.agents.models import Agent
from apps.knowledge import index, tasks
from apps.knowledge.models import Knowledge, Passage, Upload
from apps.tenants import audit

MAX_CONTENT = 1_000_000


class BadSource(ValueError):
    """What was offered cannot become a source; `field` says where, the message what to do."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


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
    with transaction.atomic():
        source = Knowledge.objects.create(name=name.strip(), content=content, description=description)
        source.agents.set(chosen)
        if file is not None:
            Upload.objects.create(knowledge=source, filename=file.name[-255:], data=file.data)
        audit.note("knowledge.added", source, category=source.category, agents=[one.name for one in chosen])
        tasks.read_in.delay_on_commit(knowledge_id=str(source.id))
    return source


def remove(source: Knowledge) -> None:
    """Take a source off the shelf. It stops answering with the first COMMIT; its passages follow in the vector database,
    and the sweep removes what a crash in between left there."""
    source_id = source.id
    with audit.deed("knowledge.removed", source):
        source.delete()
    index.remove(Passage.objects.filter(knowledge_id=source_id))


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


def _agents(ids: Iterable[UUID]) -> list[Agent]:
    wanted = set(ids)
    chosen = list(Agent.objects.filter(id__in=wanted))
    if len(chosen) != len(wanted):
        raise BadSource("agents", "There is no such agent.")
    return chosen
