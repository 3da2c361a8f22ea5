"""With what mind: the agents visitors talk to."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from apps.agents.providers import catalogue
from apps.tenants import scope
from apps.tenants.models import Tenant
from apps.tenants.owned import TenantOwned

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
        if not Tenant.objects.get(id=scope.current()).may_use(self.provider):
            raise ValidationError({"provider": f"This tenant may not use {self.provider!r}."})

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.clean()
        super().save(*args, **kwargs)
