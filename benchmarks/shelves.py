"""An installation with knowledge and nobody who serves it: PostgreSQL, both databases, and sources written through the product."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import django

from benchmarks.corpora import DEMO, Text
from benchmarks.ground import migrate
from chatwithus import embedded
from tests.folders import fresh_folder

if TYPE_CHECKING:
    from apps.knowledge.models import Knowledge, Passage


@contextmanager
def prepared() -> Iterator[embedded.Services]:
    """Django of this process works on fresh databases, as `app`."""
    with fresh_folder() as folder, embedded.started(folder) as services:
        migrate(services)
        os.environ |= services.environment() | {
            "DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "chatwithus.settings",
        }
        django.setup()
        yield services


def settle(services: embedded.Services) -> None:
    """What autovacuum does in its own time."""
    connection = services.cluster.connect("chatwithus_vectors")
    connection.execute("VACUUM (ANALYZE)")
    connection.close()


@contextmanager
def tenant(slug: str) -> Iterator[UUID]:
    """A new tenant in scope, and its agent's id."""
    from apps.agents.models import Agent
    from apps.tenants import scope
    from apps.tenants.models import Tenant

    opened = Tenant.objects.create(slug=slug, name=slug, allowed_origins=[])
    with scope.scoped_to(opened.id):
        yield Agent.objects.create(name=slug).id


def source(agent_id: UUID, name: str) -> "Knowledge":
    from apps.knowledge.models import Knowledge, KnowledgeLink

    made = Knowledge.objects.create(name=name[:200], status="ready")
    KnowledgeLink.objects.create(agent_id=agent_id, knowledge=made)
    return made


def shelve(agent_id: UUID, texts: Iterable[Text]) -> dict[UUID, str]:
    """Each article a source, each paragraph a passage; which text a passage is."""
    from apps.knowledge.models import Passage

    articles: dict[str, list[Text]] = {}
    for text in texts:
        articles.setdefault(text.title, []).append(text)
    known: dict[UUID, str] = {}
    for title, paragraphs in articles.items():
        made = source(agent_id, title)
        rows = [
            Passage(knowledge_id=made.id, position=n, title=made.name, text=one.text)
            for n, one in enumerate(paragraphs)
        ]
        known |= {row.id: one.id for row, one in zip(rows, paragraphs, strict=True)}
        _write(rows)
    return known


def shelve_demo(agent_id: UUID) -> dict[UUID, str]:
    """The demo's help centre, cut as the product cuts it; which document a passage is of."""
    from apps.knowledge import partition, passages

    known: dict[UUID, str] = {}
    for path in sorted(DEMO.glob("*.md")):
        made = source(agent_id, path.stem)
        rows = [_row(made, one) for one in passages.split(partition.partition(path.name, path.read_bytes()))]
        known |= dict.fromkeys((row.id for row in rows), path.stem)
        _write(rows)
    return known


def _row(made: "Knowledge", cut: Any) -> "Passage":
    from apps.knowledge.models import Passage

    heading = " › ".join(cut.heading_path)
    return Passage(
        knowledge_id=made.id, position=cut.position, title=made.name, heading=heading, text=cut.text
    )


def _write(rows: "list[Passage]") -> None:
    from apps.knowledge import index
    from apps.knowledge.models import Passage

    index.swap(index.prepared(rows), instead_of=Passage.objects.none())


def folder(data: Path | None) -> Path:
    if data is None:
        raise SystemExit("Say --data DIR: benchmarks/corpora.py says what it holds and makes it.")
    return data
