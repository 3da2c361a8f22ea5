"""Knowing what: the sources agents may use, the files they came in, and the passages cut from them."""

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from pgvector.django import VectorField

from apps.agents.models import Agent
from apps.tenants.owned import TenantForeignKey, TenantOwned

DIMENSIONS = 384  # of every vector: an index can be made of a column of one width only


class Removed(Exception):
    """The source that is being read is not there any more."""


class Knowledge(TenantOwned):
    """One source an agent may use. It answers from its first good reading on, whatever a later one comes to, and only for the
    agents it is linked to. `status` is that of the reading."""

    class Category(models.TextChoices):
        PLAIN_DOCUMENT = "plain_document", "Plain document"
        WEBSITE = "website", "Website"

    class Status(models.TextChoices):
        WAITING = "waiting"
        WORKING = "working"
        READY = "ready"
        FAILED = "failed"

    name = models.CharField(max_length=200)
    category = models.CharField(max_length=20, choices=Category.choices, default=Category.PLAIN_DOCUMENT)
    content = models.TextField(
        blank=True, help_text="The pasted text, or a website's address; empty where a file was uploaded."
    )
    description = models.TextField(blank=True)
    agents = models.ManyToManyField(Agent, through="KnowledgeLink", related_name="knowledge")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, editable=False)
    failure = models.CharField(max_length=300, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    passages = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False, help_text="When its last good reading ended.")

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "knowledge"
        indexes = [
            models.Index("tenant_id", models.F("created_at").desc(), name="knowledge_by_tenant"),
            models.Index("tenant_id", "status", name="knowledge_by_status"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("console:knowledge_detail", args=[self.id])

    def begin(self) -> bool:
        """Claim this source for one worker; False where another already has it or it no longer waits."""
        waiting = Knowledge.objects.filter(id=self.id, status=self.Status.WAITING)
        return (
            waiting.update(status=self.Status.WORKING, attempts=models.F("attempts") + 1, updated_at=Now())
            == 1
        )

    def finish(self, *, passages: int) -> bool:
        return self._leave_working(
            status=self.Status.READY, passages=passages, failure="", attempts=0, synced_at=Now()
        )

    def fail(self, reason: str) -> bool:
        return self._leave_working(status=self.Status.FAILED, failure=reason[:300], attempts=0)

    def wait_again(self) -> bool:
        return self._leave_working(status=self.Status.WAITING)

    def pause(self) -> bool:
        """Leave the rest for another turn, after work that went well."""
        return self._leave_working(status=self.Status.WAITING, attempts=0)

    def give_way(self) -> bool:
        """Leave it for this tenant's next turn, where it comes before whatever else waits."""
        return self._leave_working(status=self.Status.WAITING, attempts=0, updated_at=self.updated_at)

    def show_life(self) -> None:
        """Whoever works on it says so now and then. Raises Removed."""
        if not self._leave_working() and not Knowledge.objects.filter(id=self.id).exists():
            raise Removed

    def replace(self, content: str) -> bool:
        """Have another text read in the place of this one; False while a reader has it, which would end with the old one."""
        resting = Knowledge.objects.filter(id=self.id).exclude(status=self.Status.WORKING)
        return resting.update(content=content, status=self.Status.WAITING, attempts=0, updated_at=Now()) == 1

    def read_again(self) -> bool:
        """Have it read once more; False where that is under way already."""
        ended = Knowledge.objects.filter(id=self.id, status__in=[self.Status.READY, self.Status.FAILED])
        return ended.update(status=self.Status.WAITING, attempts=0, updated_at=Now()) == 1

    @property
    def draft_id(self) -> UUID:
        """Under which its next passages are written, where no search looks, until they take the place of those that answer."""
        return uuid5(self.id, "draft")

    @property
    def renewal_id(self) -> UUID:
        """Under which its passages are copied for vectors of another model, where no search looks either."""
        return uuid5(self.id, "renewal")

    @property
    def shelves(self) -> list[UUID]:
        """Under which it has passages: those that answer, and those that do not yet."""
        return [self.id, self.draft_id, self.renewal_id]

    @property
    def is_website(self) -> bool:
        return self.category == self.Category.WEBSITE

    @property
    def is_under_way(self) -> bool:
        return self.status in {self.Status.WAITING, self.Status.WORKING}

    def _leave_working(self, **changes: object) -> bool:
        working = Knowledge.objects.filter(id=self.id, status=self.Status.WORKING)
        return working.update(**{"updated_at": Now()} | changes) == 1


class KnowledgeLink(TenantOwned):
    """That an agent may read a source."""

    agent = TenantForeignKey(Agent, models.CASCADE, related_name="+")
    knowledge = TenantForeignKey(Knowledge, models.CASCADE, related_name="links")

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "agent", "knowledge", name="one_link_per_source")]


class Calibration(TenantOwned):
    """How sure a search for an agent must be for it to answer, as found with its own knowledge (calibration.py)."""

    agent = TenantForeignKey(Agent, models.CASCADE, related_name="+")
    threshold = models.FloatField(help_text="The least score of the best passage.")
    kept = models.FloatField(help_text="Share of questions about its knowledge that it would answer.")
    refused = models.FloatField(help_text="Share of questions about anything else that it would not.")
    passages = models.PositiveIntegerField(help_text="How many there were then.")
    at = models.DateTimeField(default=timezone.now)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "agent", name="one_calibration_per_agent")]

    def __str__(self) -> str:
        return f"{self.threshold:.3f}"


class Upload(TenantOwned):
    """The bytes a source came in, kept in the database so that one backup and one wall hold them too."""

    knowledge = TenantForeignKey(Knowledge, models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=255)
    data = models.BinaryField()

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "knowledge", name="one_upload_per_source")]


class Website(TenantOwned):
    """How far a website is read, how often, and how far the reading under way has come. Readings are counted as rounds."""

    class Scope(models.TextChoices):
        PAGE = "page", "This page alone"
        SITEMAP = "sitemap", "The pages of its sitemap"
        CRAWL = "crawl", "The pages that its links lead to"

    class Every(models.IntegerChoices):
        NEVER = 0, "Only when asked"
        DAY = 24, "Every day"
        WEEK = 168, "Every week"

    knowledge = TenantForeignKey(Knowledge, models.CASCADE, related_name="websites")
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.CRAWL)
    include = models.TextField(blank=True, help_text="Patterns of paths, one a line; empty for all.")
    exclude = models.TextField(blank=True)
    depth = models.PositiveSmallIntegerField(default=4)
    most_pages = models.PositiveIntegerField(default=200)
    every_hours = models.PositiveIntegerField(choices=Every.choices, default=Every.WEEK)
    due_at = models.DateTimeField(null=True, editable=False)
    round = models.PositiveIntegerField(default=0, editable=False)
    is_due = models.BooleanField(default=True, editable=False, help_text="Whether a round is to begin.")
    is_running = models.BooleanField(default=False, editable=False)
    is_whole = models.BooleanField(
        default=True, editable=False, help_text="Whether this round has found all there is."
    )
    spent_seconds = models.FloatField(default=0, editable=False, help_text="On this round, not in the queue.")
    rests_until = models.DateTimeField(null=True, editable=False, help_text="As the site asked for.")
    fetched_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    robots = models.TextField(blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "knowledge", name="one_website_per_source")]

    def __str__(self) -> str:
        return str(self.knowledge.content)

    def due_after(self, moment: datetime) -> datetime | None:
        """When its schedule has it read next, after a reading that ended at this moment."""
        return moment + timedelta(hours=self.every_hours) if self.every_hours else None

    @property
    def is_resting(self) -> bool:
        """Whether the site has asked to be left alone for a while."""
        return self.rests_until is not None and self.rests_until > timezone.now()


class Said(NamedTuple):
    """What a document says, each passage once, and the digest by which two are found to say the same."""

    cut: list[dict[str, Any]]
    digest: str


def said(title: str, passages: list[dict[str, Any]]) -> Said:
    cut = list({(one["heading"], one["page"], one["text"]): one for one in passages}.values())
    return Said(cut, sha256(json.dumps([title, cut], sort_keys=True).encode()).hexdigest())


class Document(TenantOwned):
    """One thing that is read: an upload, a pasted text, or a page of a website; how its reading went, and what it said."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        FAILED = "failed"
        SKIPPED = "skipped"
        GONE = "gone"

    knowledge = TenantForeignKey(Knowledge, models.CASCADE, related_name="documents", db_index=False)
    number = models.PositiveIntegerField(default=0, help_text="Its place among the source's documents.")
    url = models.CharField(max_length=1000, blank=True)
    title = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    failure = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    depth = models.PositiveSmallIntegerField(default=0)
    found_round = models.PositiveIntegerField(default=0)
    read_round = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField(default=0, help_text="Bytes.")
    passages = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(default=0)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    links = models.JSONField(default=list)
    digest = models.CharField(max_length=64, blank=True, help_text="Of what it says now.")
    answering = models.CharField(max_length=64, blank=True, help_text="Of what agents answer from.")
    cut = models.JSONField(default=list, help_text="What it says now, in passages.")
    before = models.JSONField(default=list, help_text="What it said before that.")
    seen_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint("tenant_id", "knowledge", "url", name="one_document_per_address")
        ]
        indexes = [models.Index("tenant_id", "knowledge", "number", name="document_by_number")]

    def __str__(self) -> str:
        return self.title or self.url or self.knowledge.name

    @property
    def version(self) -> str:
        """Of what it says and said before: another one as soon as either is something else."""
        return f"{self.digest or '-'}{self.changed_at.timestamp() if self.changed_at else ''}"

    def say(self, passages: list[dict[str, Any]], **facts: Any) -> None:
        """What it was now read to say, each passage once; what it said before is kept where that was something else."""
        cut, digest = said(facts.get("title", self.title), passages)
        now = timezone.now()
        if digest != self.digest:
            if self.cut and cut != self.cut:  # another title is no change of what it says
                facts |= {"before": self.cut, "changed_at": now}
            facts |= {"cut": cut, "digest": digest}
        self.become(self.Status.READY, seen_at=now, **facts)

    def become(self, status: str, failure: str = "", **facts: Any) -> None:
        """How its latest reading ended. What is gone or skipped says nothing more; what it last said is kept to compare with."""
        facts |= {"status": status, "failure": failure[:300]}
        if status in {self.Status.GONE, self.Status.SKIPPED} and self.cut:
            facts |= {
                "before": self.cut,
                "cut": [],
                "digest": "",
                "answering": "",
                "passages": 0,
                "changed_at": timezone.now(),
            }
        for name, value in facts.items():
            setattr(self, name, value)
        self.save(update_fields=list(facts))


class Passage(TenantOwned):
    """A piece of a source with its embedding; lives in the vector database, where `knowledge_id` is only a number."""

    database = "vectors"

    knowledge_id = models.UUIDField()
    document_id = models.UUIDField(null=True)
    position = models.PositiveIntegerField()
    url = models.CharField(max_length=1000, blank=True)
    title = models.CharField(max_length=200)
    heading = models.TextField(blank=True)
    page = models.PositiveIntegerField(null=True)
    text = models.TextField()
    language = models.CharField(
        max_length=20, blank=True, help_text="PostgreSQL's text search configuration; empty: not indexed yet."
    )
    length = models.PositiveIntegerField(default=0, help_text="Its words and its heading's.")
    embedder = models.CharField(max_length=60)
    embedding = VectorField(dimensions=DIMENSIONS)

    class Meta(TenantOwned.Meta):
        indexes = [
            models.Index(
                "tenant_id",
                "knowledge_id",
                "position",
                name="passage_by_source",
                include=[
                    "embedder",
                    "language",
                    "length",
                ],  # a search counts what there is without reading it
            ),
            models.Index("tenant_id", condition=models.Q(language=""), name="passage_unindexed"),
            models.Index("tenant_id", "document_id", name="passage_by_document"),
        ]


class Seen(TenantOwned):
    """When a document was last seen to say what agents answer from. Beside its passages and not in them: their rows have vectors in them,
    and each one that changes costs a new place in an index of vectors."""

    database = "vectors"

    knowledge_id = models.UUIDField()
    document_id = models.UUIDField()
    at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "document_id", name="one_sight_per_document")]
        indexes = [models.Index("tenant_id", "knowledge_id", name="seen_by_source")]

    def __str__(self) -> str:
        return self.at.isoformat()


class Sentence(TenantOwned):
    """A sentence of a passage with a vector of its own: it is what is quoted, and what an answer is checked against."""

    database = "vectors"

    passage = TenantForeignKey(Passage, models.CASCADE, related_name="sentences", db_index=False)
    position = models.PositiveSmallIntegerField()
    text = models.TextField()
    length = models.PositiveIntegerField(help_text="Its words.")
    embedding = VectorField(dimensions=DIMENSIONS)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint("tenant_id", "passage", "position", name="one_sentence_per_position")
        ]

    def __str__(self) -> str:
        return self.text


class Term(TenantOwned):
    """That a lexeme stands in a passage, and in which of its sentences: what BM25 counts."""

    HEADING = -1

    database = "vectors"

    knowledge_id = models.UUIDField()
    passage = TenantForeignKey(Passage, models.CASCADE, related_name="+", db_index=False)
    language = models.CharField(max_length=20)
    lexeme = models.TextField()
    places = ArrayField(
        models.SmallIntegerField(), help_text="The sentence of each occurrence, by its position."
    )
    length = models.PositiveIntegerField(help_text="The passage's.")

    class Meta(TenantOwned.Meta):
        indexes = [
            # All that a search needs to know of a word: it reads no row of this table.
            models.Index(
                "tenant_id",
                "language",
                "lexeme",
                "knowledge_id",
                name="term_by_lexeme",
                include=["passage", "places", "length"],
            ),
            models.Index("tenant_id", "passage", name="term_by_passage"),
        ]

    def __str__(self) -> str:
        return self.lexeme
