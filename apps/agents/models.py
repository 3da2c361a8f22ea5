"""With what mind: the agents visitors talk to, their versions, and what they may spend."""

from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.utils import timezone

from apps.agents.configuration import Configuration
from apps.tenants import actors
from apps.tenants.owned import TenantForeignKey, TenantOwned


class Agent(Configuration):
    """Whom visitors talk to. Its configuration is the one they get: saving another publishes a version."""

    version = models.PositiveIntegerField(
        default=0, editable=False, help_text="The number of the version that visitors get."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Configuration.Meta):
        abstract = False
        indexes = [models.Index("tenant_id", "name", name="agent_by_tenant")]

    def clean(self) -> None:
        """Refuse what cannot hold. Raises ValidationError."""
        self.validate(kept=self.published())

    def save(self, *args: Any, note: str = "", **kwargs: Any) -> None:
        """What visitors get is always some version; where the configuration is none yet, this makes it one."""
        published = self.published()
        self.validate(kept=published)
        with transaction.atomic():
            if published is None or published.configuration != self.configuration:
                self.version += 1
                version = Version.of(self, note)
                version.save(force_insert=True)
                if fields := kwargs.get("update_fields"):
                    kwargs["update_fields"] = {*fields, "version"}
            super().save(*args, **kwargs)

    def published(self) -> "Version | None":
        return Version.objects.filter(agent=self, number=self.version).first() if self.version else None


class Version(Configuration):
    """A configuration as it was published. The database lets nobody change one, nor delete it while its agent is there."""

    agent = TenantForeignKey(Agent, models.DO_NOTHING, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True, help_text="What was changed, for colleagues.")
    published_by = models.CharField(max_length=150, blank=True)
    published_at = models.DateTimeField(default=timezone.now)

    class Meta(Configuration.Meta):
        abstract = False
        constraints = [models.UniqueConstraint("tenant_id", "agent", "number", name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"

    @classmethod
    def of(cls, agent: Agent, note: str = "") -> "Version":
        """The agent's configuration, not saved yet."""
        return cls(
            agent=agent,
            number=agent.version,
            note=note,
            published_by=actors.current().name,
            **agent.configuration,
        )


class Draft(Configuration):
    """What staff prepare; visitors never get it. It is there while it differs from what they get, and once per agent."""

    agent = TenantForeignKey(Agent, models.CASCADE, related_name="drafts", db_index=False)
    edited_by = models.CharField(max_length=150, blank=True)
    edited_at = models.DateTimeField(default=timezone.now)

    class Meta(Configuration.Meta):
        abstract = False
        constraints = [models.UniqueConstraint("tenant_id", "agent", name="one_draft_per_agent")]

    def __str__(self) -> str:
        return f"Draft of {self.name}"

    @classmethod
    def of(cls, agent: Agent) -> "Draft":
        """The agent's configuration to begin with, not saved yet."""
        return cls(agent=agent, **agent.configuration)


class Offer(models.TextChoices):
    """What visitors may do beside asking, where the agent's tenant wants it."""

    PERSON = "person", "Ask for a person"
    FEEDBACK = "feedback", "Rate answers with a thumb"
    CSAT = "csat", "Rate the chat when it has ended"
    EMAIL = "email", "Leave an e-mail address while nobody is there"
    TRANSCRIPT = "transcript", "Download the conversation"


def everything() -> list[str]:
    return list(Offer.values)


class Widget(TenantOwned):
    """How an agent's widget looks on pages that do not say otherwise, and what it offers. Takes effect at once: it has no versions."""

    class Theme(models.TextChoices):
        AUTO = "auto", "As the visitor's system"
        LIGHT = "light"
        DARK = "dark"

    class Position(models.TextChoices):
        RIGHT = "right"
        LEFT = "left"

    class Launcher(models.TextChoices):
        SHOWN = "shown", "Shown"
        HIDDEN = "hidden", "Hidden: the page opens the chat itself"

    agent = TenantForeignKey(Agent, models.CASCADE, related_name="widgets", db_index=False)
    color = models.CharField(max_length=7, blank=True, help_text="As #rrggbb; empty for ours.")
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    position = models.CharField(max_length=5, choices=Position.choices, default=Position.RIGHT)
    radius = models.PositiveSmallIntegerField(default=14, help_text="Of its corners, in pixels, at most 24.")
    title = models.CharField(max_length=60, blank=True, help_text="In place of the agent's name.")
    launcher = models.CharField(max_length=6, choices=Launcher.choices, default=Launcher.SHOWN)
    offers = ArrayField(
        models.CharField(max_length=10, choices=Offer.choices), default=everything, blank=True
    )
    avatar = models.BinaryField(null=True, help_text="A PNG, JPEG or WebP image.")

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "agent", name="one_widget_per_agent")]

    def __str__(self) -> str:
        return f"Widget of {self.agent}"


class Price(models.Model):
    """What a model costs, as the operator writes it down; of several patterns that fit, the longest holds."""

    pattern = models.CharField(
        max_length=141, unique=True, help_text="provider:model, such as openai:gpt-4o*, ollama:* or *."
    )
    input = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        validators=[MinValueValidator(0)],
        help_text="Of a million tokens that go in.",
    )
    output = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        validators=[MinValueValidator(0)],
        help_text="Of a million that come out.",
    )

    def __str__(self) -> str:
        return self.pattern


class Call(TenantOwned):
    """One call of a provider: what it took, and cost by the prices of that day. It outlives the chat, whose words it does not hold."""

    agent = TenantForeignKey(Agent, models.CASCADE, related_name="calls", db_index=False)
    version = models.PositiveIntegerField(default=0, help_text="0 for a draft that was tried.")
    exchange = models.UUIDField(null=True, help_text="Of the floor above, which names it here.")
    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(default=timezone.now)
    duration_ms = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    is_exact = models.BooleanField(default=False, help_text="As its provider counted; otherwise estimated.")
    cost = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    failure = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=300, blank=True, help_text="What it failed with, for staff.")

    class Meta(TenantOwned.Meta):
        indexes = [
            models.Index("tenant_id", "at", name="call_by_time"),
            models.Index("tenant_id", "agent", models.F("at").desc(), name="call_by_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.model} at {self.at:%Y-%m-%d %H:%M}"


class Budget(TenantOwned):
    """The most that may be spent in each day or month (UTC): by one agent, or without one by the whole organisation."""

    class Period(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    agent = TenantForeignKey(Agent, models.CASCADE, null=True, blank=True, related_name="budgets")
    period = models.CharField(max_length=5, choices=Period.choices)
    tokens = models.PositiveBigIntegerField(null=True, blank=True, help_text="In and out; empty: any number.")
    cost = models.DecimalField(
        max_digits=14,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="By the operator's prices; empty: any.",
    )

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                "tenant_id", "agent", "period", name="one_budget_per_period", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.agent or 'All agents'}, each {self.period}"

    def start(self, day: date) -> date:
        """The first day of the period that this day is in."""
        return day if self.period == self.Period.DAY else day.replace(day=1)

    def end(self, day: date) -> date:
        """The first day of the next period."""
        if self.period == self.Period.DAY:
            return day + timedelta(days=1)
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


class Spending(TenantOwned):
    """What a budget has seen in one period: used for good, and reserved by replies that run."""

    budget = TenantForeignKey(Budget, models.CASCADE, related_name="spendings")
    start = models.DateField()
    tokens_used = models.PositiveBigIntegerField(default=0)
    tokens_reserved = models.PositiveBigIntegerField(default=0)
    cost_used = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    cost_reserved = models.DecimalField(max_digits=20, decimal_places=6, default=0)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint("tenant_id", "budget", "start", name="one_spending_per_period")
        ]

    def __str__(self) -> str:
        return f"{self.budget_id} from {self.start}"


class Reservation(TenantOwned):
    """What one reply may cost at most, held from before its provider is asked until it has ended."""

    spending = TenantForeignKey(Spending, models.CASCADE, related_name="reservations")
    exchange = models.UUIDField(help_text="Of the floor above, which names it here.")
    tokens = models.PositiveBigIntegerField()
    cost = models.DecimalField(max_digits=20, decimal_places=6)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            models.UniqueConstraint("tenant_id", "exchange", "spending", name="one_reservation_per_exchange")
        ]
        indexes = [models.Index("tenant_id", "created_at", name="reservation_by_age")]

    def __str__(self) -> str:
        return f"{self.tokens} tokens for {self.exchange}"
