"""What this door remembers on its own account: which requests were asked under which `Idempotency-Key`."""

from django.db import models
from django.utils import timezone

from apps.tenants.owned import TenantOwned


class IdempotencyKey(TenantOwned):
    """One key of one caller and what was asked under it. Its id names the question and the chat that it may begin, so that
    every repeat, in whichever process, joins the same reply."""

    caller = models.CharField(max_length=60, help_text="An API key's prefix, or a visitor's id.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the key.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was asked.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "caller", "digest", name="one_question_per_key")]
        indexes = [models.Index("tenant_id", "created_at", name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return f"{self.digest[:8]} of {self.caller}"
