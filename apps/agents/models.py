"""With what mind: the agents visitors talk to, and what they may spend."""

from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from apps.agents.providers import catalogue
from apps.tenants import scope
from apps.tenants.models import Tenant
from apps.tenants.owned import TenantForeignKey, TenantOwned

REFUSAL = "I could not find that in what I have been given to read, so I would rather not guess."


class Agent(TenantOwned):
    """A name, instructions and a model configuration; what it may read is linked from its knowledge."""

    class SecondMessage(models.TextChoices):
        QUEUE = "queue"
        INTERRUPT = "interrupt"

    name = models.CharField(max_length=80)
    instructions = models.TextField(
        blank=True, help_text="How the agent should behave; visitors never see it."
    )
    provider = models.CharField(max_length=20, default="builtin")
    model = models.CharField(max_length=120, blank=True, help_text="Empty for the provider's only model.")
    temperature = models.FloatField(default=0.2, validators=[MinValueValidator(0.0), MaxValueValidator(2.0)])
    greeting = models.CharField(max_length=300, default="Hello. What would you like to know?")
    refusal = models.CharField(
        max_length=300, default=REFUSAL, help_text="Said when the knowledge has no answer."
    )
    second_message = models.CharField(
        max_length=10,
        choices=SecondMessage.choices,
        default=SecondMessage.QUEUE,
        help_text="What a message does that comes while a reply runs: wait for its turn, or stop that reply.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index("tenant_id", "name", name="agent_by_tenant")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a provider that does not exist or that this tenant may not use."""
        if self.provider not in catalogue.PROVIDERS:
            raise ValidationError({"provider": f"There is no provider called {self.provider!r}."})
        tenant = Tenant.objects.get(id=scope.current())
        if not tenant.may_use(self.provider, self.model):
            wrong = "model" if tenant.may_use(self.provider) else "provider"
            raise ValidationError({wrong: f"This tenant may not use {getattr(self, wrong)!r}."})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.clean()
        super().save(*args, **kwargs)

    @property
    def minds(self) -> list[tuple[str, str]]:
        """Provider and model, the first one first, then those that take its place."""
        return [(self.provider, self.model)]


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


class Budget(TenantOwned):
    """The most that may be spent in each day or month (UTC): by one agent, or without one by the whole organisation."""

    class Period(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    agent = TenantForeignKey(Agent, models.CASCADE, null=True, blank=True, related_name="budgets")
    period = models.CharField(max_length=5, choices=Period.choices)
    tokens = models.PositiveBigIntegerField(null=True, blank=True, help_text="In and out; empty: any number.")
    cost = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, help_text="By the setting PRICES; empty: any."
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
