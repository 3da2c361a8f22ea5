"""How did it go: what a message felt like, and the counts that dashboards read."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.chats.models import ContentChat
from apps.tenants.owned import TenantForeignKey, TenantOwned


class SentimentAnalysis(TenantOwned):
    """What a visitor's request felt like, and the words that decided it."""

    class Sentiment(models.TextChoices):
        POSITIVE = "positive"
        NEUTRAL = "neutral"
        NEGATIVE = "negative"

    exchange = TenantForeignKey(ContentChat, models.CASCADE, related_name="analyses")
    sentiment = models.CharField(max_length=10, choices=Sentiment.choices)
    score = models.FloatField(help_text="VADER's compound score, -1 to 1.")
    cause = models.CharField(max_length=300)

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "sentiment analyses"
        constraints = [models.UniqueConstraint("tenant_id", "exchange", name="one_analysis_per_exchange")]


class Groundedness(TenantOwned):
    """Whether the passages that an agent was given say what its answer says."""

    class Verdict(models.TextChoices):
        SUPPORTED = "supported", "Says what the sources say"
        PARTLY = "partly", "Says more than the sources"
        UNSUPPORTED = "unsupported", "Not in the sources"
        REFUSED = "refused", "Said that it does not know"
        NOTHING = "nothing", "Claims nothing"

    exchange = TenantForeignKey(ContentChat, models.CASCADE, related_name="groundings")
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    support = models.FloatField(null=True, help_text="Share of its sentences that the sources support.")
    unsupported = models.JSONField(default=list, help_text="The sentences that they do not.")

    class Meta(TenantOwned.Meta):
        verbose_name_plural = "groundedness"
        constraints = [models.UniqueConstraint("tenant_id", "exchange", name="one_verdict_per_exchange")]

    def __str__(self) -> str:
        return self.get_verdict_display()


class Rollup(TenantOwned):
    """One hour of a tenant's counts, recomputed as a whole whenever something in it changes."""

    hour = models.DateTimeField()
    chats = models.PositiveIntegerField(default=0)
    exchanges = models.PositiveIntegerField(default=0)
    positive = models.PositiveIntegerField(default=0)
    neutral = models.PositiveIntegerField(default=0)
    negative = models.PositiveIntegerField(default=0)
    first_tokens = ArrayField(models.PositiveIntegerField(), default=list, help_text="See latency.BOUNDS.")

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "hour", name="one_rollup_per_hour")]
