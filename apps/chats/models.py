"""Saying what: chats, their exchanges, and the numbered events that retell them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.agents.models import Agent
from apps.tenants.owned import TenantForeignKey, TenantOwned


class Chat(TenantOwned):
    """One conversation; its id is the session id. `epoch` fences replies: each reply begins by bumping it, whoever takes a
    reply away bumps it too, and only the reply that bumped it last may save."""

    class HandledBy(models.TextChoices):
        AGENT = "agent"
        WAITING = "waiting"
        STAFF = "staff"

    agent = TenantForeignKey(Agent, models.CASCADE, related_name="chats")
    visitor = models.CharField(
        max_length=60, help_text="A visitor id from a signed token, or the API key's prefix."
    )
    handled_by = models.CharField(max_length=10, choices=HandledBy.choices, default=HandledBy.AGENT)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    waiting_since = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)
    last_exchange = models.PositiveIntegerField(default=0)
    answering = models.PositiveIntegerField(
        default=0, help_text="The number of the exchange that is being answered now; 0 for none."
    )
    csat = models.PositiveSmallIntegerField(null=True, help_text="How satisfied the visitor is, from 1 to 5.")
    csat_comment = models.CharField(max_length=1000, blank=True, default="", db_default="")
    email = models.CharField(
        max_length=254,
        blank=True,
        default="",
        db_default="",
        help_text="Where the visitor wants to be answered; proves nothing.",
    )
    said_by_page = models.JSONField(
        null=True, help_text="What the embedding page says of itself and of the visitor; proves nothing."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantOwned.Meta):
        indexes = [
            models.Index("tenant_id", models.F("last_at").desc(), name="chat_by_recency"),
            models.Index("tenant_id", "created_at", name="chat_by_start"),
            models.Index("tenant_id", "visitor", models.F("last_at").desc(), name="chat_by_visitor"),
            models.Index("tenant_id", "last_at", condition=models.Q(resolved_at=None), name="chat_open"),
        ]

    def __str__(self) -> str:
        return f"Chat {self.id}"


class Visitor(TenantOwned):
    """A person whom the tenant itself has vouched for, and what it told of them; their chats carry the same visitor id."""

    visitor = models.CharField(max_length=60)
    subject = models.CharField(max_length=200, help_text="Who this is to the tenant: `sub` of its JWT.")
    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "visitor", name="one_person_per_visitor")]

    def __str__(self) -> str:
        return self.name or self.email or self.subject


class ContentChat(TenantOwned):
    """One exchange of a chat: what was asked and what was answered; either side may be empty."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        STOPPED = "stopped"
        FAILED = "failed"
        WAITING = "waiting"  # a person will answer

    chat = TenantForeignKey(Chat, models.CASCADE, related_name="exchanges")
    number = models.PositiveIntegerField()
    client_message_id = models.CharField(max_length=64)
    request = models.TextField(blank=True)
    response = models.TextField(blank=True)
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who wrote the response, where no agent did.",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=40, blank=True, help_text="Why it stopped or failed, in a word.")
    epoch = models.PositiveIntegerField(default=0)
    cuts = models.JSONField(
        default=list,
        help_text="The length of each delta in characters, so that a delta's name means the same text for ever.",
    )
    holder = models.UUIDField(null=True, help_text="The process that answers; see Process.")
    attempts = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(null=True, help_text="Of the agent, which answered or was to.")
    citations = models.JSONField(default=list)
    grounded = models.BooleanField(null=True)
    given = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="The passages the mind was given to read, by their ids.",
    )
    usage = models.JSONField(default=dict)
    first_token_ms = models.PositiveIntegerField(null=True)
    total_ms = models.PositiveIntegerField(null=True)
    feedback = models.SmallIntegerField(null=True, help_text="1 for a good answer, -1 for a bad one.")
    comment = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint("tenant_id", "chat", "number", name="one_exchange_per_number"),
            models.UniqueConstraint(
                "tenant_id", "chat", "client_message_id", name="one_exchange_per_message"
            ),
        ]
        indexes = [
            models.Index("tenant_id", "created_at", name="exchange_by_time"),
            models.Index(
                "tenant_id", "created_at", condition=models.Q(state="running"), name="exchange_running"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.chat_id} #{self.number}"

    @property
    def is_from_staff(self) -> bool:
        """An exchange that a person began: there is no request in it."""
        return self.request == ""

    @property
    def has_ended(self) -> bool:
        return self.state in {self.State.COMPLETED, self.State.STOPPED, self.State.FAILED}


class Explanation(TenantOwned):
    """Why an agent said what it said, for staff. The version holds the instructions, the chat question and history: here is what else
    went into it. At most a few kilobytes, and gone with its chat."""

    exchange = TenantForeignKey(ContentChat, models.CASCADE, related_name="explanations", db_index=False)
    provider = models.CharField(max_length=20, blank=True)
    model = models.CharField(max_length=120, blank=True)
    parameters = models.JSONField(default=dict)
    tokens = models.JSONField(default=dict, help_text="About how many, of each part of the prompt.")
    passages = models.JSONField(default=list)
    attempts = models.JSONField(default=list)
    timings = models.JSONField(default=dict, help_text="Milliseconds since the question came.")
    turns = models.PositiveSmallIntegerField(default=0, help_text="Earlier ones that it was told.")

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "exchange", name="one_explanation_per_exchange")]


class Event(TenantOwned):
    """A durable event: takes the chat's next `seq` in the transaction it reports, so the numbers have no gaps."""

    chat = TenantForeignKey(Chat, models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "chat", "seq", name="one_event_per_seq")]


class Note(TenantOwned):
    """What staff write to each other beside a chat; visitors never see it, so it takes no `seq` of theirs."""

    chat = TenantForeignKey(Chat, models.CASCADE, related_name="notes", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index("tenant_id", "chat", "created_at", name="note_by_chat")]


class Process(models.Model):
    """A process that answers, and until when it may be believed to live. Replies name their holder, so that one UPDATE
    renews them all; it belongs to no tenant and says nothing of any."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    leased_until = models.DateTimeField()
