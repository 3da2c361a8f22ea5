"""Who: the organisations, the people who work for them, and the keys their programs carry."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.tenants import keys
from apps.tenants.owned import TenantOwned


def builtin_only() -> list[str]:
    return ["builtin"]


class Tenant(models.Model):
    """An organisation. The register itself is not tenant-owned; everything an organisation has is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    providers = ArrayField(
        models.CharField(max_length=20),
        default=builtin_only,
        help_text="Where this tenant's agents may think.",
    )
    allowed_origins = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Exact origins whose pages may embed the widget, such as https://shop.example.",
    )
    idle_minutes = models.PositiveIntegerField(
        default=30, help_text="A chat in which nothing was said for so long has ended."
    )
    suspended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.suspended_at is None

    def may_use(self, provider: str) -> bool:
        return provider in self.providers

    def admits_origin(self, origin: str | None) -> bool:
        """Whether a page of this origin may open a visitor's socket; a missing or `null` origin never may."""
        return origin is not None and origin in self.allowed_origins


class Membership(TenantOwned):
    """A user's role in a tenant."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        STAFF = "staff"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.STAFF)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "user", name="one_membership_per_user")]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"


class ApiKey(TenantOwned):
    """A secret that a tenant's program presents: only its SHA-256 is kept, its prefix names it on screens."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index("tenant_id", "created_at", name="apikey_by_tenant")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def mint(cls, name: str) -> tuple["ApiKey", str]:
        """A new key and its only appearance in clear."""
        secret = keys.generate()
        return cls.objects.create(name=name, prefix=keys.prefix(secret), digest=keys.digest(secret)), secret

    def opens_with(self, secret: str) -> bool:
        return self.revoked_at is None and keys.match(secret, self.digest)

    def revoke(self) -> None:
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])
