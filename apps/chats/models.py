"""Saying what: chats, their exchanges, and the numbered events that retell them."""

from django.db import models
from django.utils import timezone

from apps.agents.models import Agent
from apps.tenants.owned import TenantForeignKey, TenantOwned


class Chat(TenantOwned):
    """One conversation; its id is the session id. `epoch` fences replies: whoever bumps it makes older ones late."""

    class HandledBy(models.TextChoices):
        AGENT = "agent"
        WAITING = "waiting"
        STAFF = "staff"

    agent = TenantForeignKey(Agent, models.CASCADE, related_name="chats")
    visitor = models.CharField(
        max_length=60, help_text="A visitor id from a signed token, or the API key's prefix."
    )
    handled_by = models.CharField(max_length=10, choices=HandledBy.choices, default=HandledBy.AGENT)
    epoch = models.PositiveIntegerField(default=1)
    last_seq = models.PositiveBigIntegerField(default=0)
    last_exchange = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta(TenantOwned.Meta):
        indexes = [
            models.Index("tenant_id", models.F("last_at").desc(), name="chat_by_recency"),
            models.Index("tenant_id", "created_at", name="chat_by_start"),
        ]

    def __str__(self) -> str:
        return f"Chat {self.id}"


class ContentChat(TenantOwned):
    """One exchange of a chat: what was asked and what was answered; either side may be empty."""

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        STOPPED = "stopped"
        FAILED = "failed"

    chat = TenantForeignKey(Chat, models.CASCADE, related_name="exchanges")
    number = models.PositiveIntegerField()
    client_message_id = models.CharField(max_length=64)
    request = models.TextField()
    response = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    epoch = models.PositiveIntegerField()
    citations = models.JSONField(default=list)
    grounded = models.BooleanField(null=True)
    usage = models.JSONField(default=dict)
    first_token_ms = models.PositiveIntegerField(null=True)
    total_ms = models.PositiveIntegerField(null=True)
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


class Event(TenantOwned):
    """A durable event: takes the chat's next `seq` in the transaction it reports, so the numbers have no gaps."""

    chat = TenantForeignKey(Chat, models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "chat", "seq", name="one_event_per_seq")]
