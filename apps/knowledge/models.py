"""Knowing what: the sources agents may use, the files they came in, and the passages cut from them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from pgvector.django import VectorField

from apps.agents.models import Agent
from apps.tenants.owned import TenantForeignKey, TenantOwned


class Knowledge(TenantOwned):
    """One source an agent may use. It answers only while `ready`, and only for the agents it is linked to."""

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
    content = models.TextField(blank=True, help_text="The pasted text; empty where a file was uploaded.")
    description = models.TextField(blank=True)
    agents = models.ManyToManyField(Agent, through="KnowledgeLink", related_name="knowledge")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, editable=False)
    failure = models.CharField(max_length=300, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    passages = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

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
        return self._leave_working(status=self.Status.READY, passages=passages, failure="")

    def fail(self, reason: str) -> bool:
        return self._leave_working(status=self.Status.FAILED, failure=reason[:300])

    def wait_again(self) -> bool:
        return self._leave_working(status=self.Status.WAITING)

    def _leave_working(self, **changes: object) -> bool:
        working = Knowledge.objects.filter(id=self.id, status=self.Status.WORKING)
        return working.update(updated_at=Now(), **changes) == 1


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


class Passage(TenantOwned):
    """A piece of a source with its embedding; lives in the vector database, where `knowledge_id` is only a number."""

    database = "vectors"

    knowledge_id = models.UUIDField()
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    heading = models.TextField(blank=True)
    page = models.PositiveIntegerField(null=True)
    text = models.TextField()
    language = models.CharField(
        max_length=20, blank=True, help_text="PostgreSQL's text search configuration; empty: not indexed yet."
    )
    length = models.PositiveIntegerField(default=0, help_text="Its words and its heading's.")
    embedder = models.CharField(max_length=60)
    embedding = VectorField(dimensions=384)

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
        ]


class Sentence(TenantOwned):
    """A sentence of a passage with a vector of its own: it is what is quoted, and what an answer is checked against."""

    database = "vectors"

    passage = TenantForeignKey(Passage, models.CASCADE, related_name="sentences", db_index=False)
    position = models.PositiveSmallIntegerField()
    text = models.TextField()
    length = models.PositiveIntegerField(help_text="Its words.")
    embedding = VectorField(dimensions=384)

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
