"""Who: the organisations, the people who work for them, and the keys their programs carry."""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from apps.tenants import keys, origins, sealing
from apps.tenants.owned import TenantForeignKey, TenantOwned

INVITATION_DAYS = 7


def builtin_only() -> list[str]:
    return ["builtin"]


def chat_only() -> list[str]:
    return ["chat"]


def in_some_days() -> datetime:
    return timezone.now() + timedelta(days=INVITATION_DAYS)


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
    allowed_models = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Which models of these, such as ollama:llama3.2 or bedrock:*; empty: all of them.",
    )
    locale = models.CharField(
        max_length=16, default="en", help_text="The language its people read, as BCP 47."
    )
    retention_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Chats are deleted so long after their last message; empty: never."
    )
    requires_two_factor = models.BooleanField(
        default=False, help_text="Whoever works here signs in with a second factor."
    )
    sealed_identity_secret = models.TextField(blank=True, editable=False)
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

    def clean(self) -> None:
        """Write the origins as browsers do, and refuse what is none."""
        try:
            self.allowed_origins = origins.parse_all(self.allowed_origins)
        except origins.BadOrigin as error:
            raise ValidationError({"allowed_origins": str(error)}) from error

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.clean()
        super().save(*args, **kwargs)

    @property
    def is_active(self) -> bool:
        return self.suspended_at is None

    def may_use(self, provider: str, model: str = "") -> bool:
        """Of a provider that `allowed_models` names, only those models; of others all."""
        named = [one for one in self.allowed_models if one.startswith(f"{provider}:")]
        asked = f"{provider}:{model}"
        return provider in self.providers and (not named or any(fnmatchcase(asked, one) for one in named))

    def admits_origin(self, origin: str | None) -> bool:
        """Whether a page of this origin may open a visitor's socket; a missing or `null` origin never may."""
        return origin is not None and origin in self.allowed_origins

    @property
    def identity_secret(self) -> str | None:
        """What the tenant's own server signs its visitors' identities with (HS256). Raises Unsealable."""
        return sealing.unseal(self.sealed_identity_secret) if self.sealed_identity_secret else None

    def keep_identity_secret(self, secret: str) -> None:
        self.sealed_identity_secret = sealing.seal(secret) if secret else ""
        self.save(update_fields=["sealed_identity_secret"])


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


class Portrait(TenantOwned):
    """What a member looks like to the visitors they talk with, if they gave a picture."""

    member = TenantForeignKey(Membership, models.CASCADE, db_index=False, related_name="+")
    image = models.BinaryField(help_text="A PNG, JPEG or WebP image.")
    stamp = models.CharField(max_length=16, help_text="Changes when the image does; part of its address.")

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "member", name="one_portrait_per_member")]
        indexes = [models.Index("tenant_id", "stamp", name="portrait_by_stamp")]

    def __str__(self) -> str:
        return f"the picture of {self.member}"


class ApiKey(TenantOwned):
    """A secret that a tenant's program presents: only its SHA-256 is kept, its prefix names it on screens."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=20), default=chat_only)
    minted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="Empty: the operator, or nobody remembers.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index("tenant_id", "created_at", name="apikey_by_tenant")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @classmethod
    def mint(
        cls,
        name: str,
        scopes: Iterable[str] = ("chat",),
        expires_at: datetime | None = None,
        minted_by: int | None = None,
    ) -> tuple["ApiKey", str]:
        """A new key and its only appearance in clear."""
        secret = keys.generate()
        known = {"prefix": keys.prefix(secret), "digest": keys.digest(secret)}
        given = {"scopes": list(scopes), "expires_at": expires_at, "minted_by_id": minted_by}
        made = cls.objects.create(name=name, **given, **known)
        return made, secret

    @property
    def is_valid(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def opens_with(self, secret: str) -> bool:
        return self.is_valid and keys.match(secret, self.digest)

    def revoke(self) -> None:
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])


class Invitation(TenantOwned):
    """A signed link, sent to somebody, that makes them a member once."""

    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.STAFF)
    invited_by = models.CharField(max_length=150, blank=True)
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="Who has to be able to give this role until it is taken; empty: the operator.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=in_some_days)
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index("tenant_id", "created_at", name="invitation_by_tenant")]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()


class Credential(TenantOwned):
    """What a provider asks of a tenant, sealed: written, used, never shown again."""

    provider = models.CharField(max_length=20)
    sealed = models.TextField(editable=False)
    hint = models.CharField(
        max_length=20, blank=True, help_text="Its last characters, to tell it from others."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(TenantOwned.Meta):
        constraints = [models.UniqueConstraint("tenant_id", "provider", name="one_credential_per_provider")]

    def __str__(self) -> str:
        return f"{self.provider} ({self.hint})" if self.hint else self.provider

    @classmethod
    def keep(cls, provider: str, secrets: dict[str, str], *, hint: str) -> "Credential":
        """In place of what was kept for this provider before."""
        kept = {"sealed": sealing.seal(json.dumps(secrets)), "hint": hint}
        return cls.objects.update_or_create(provider=provider, defaults=kept)[0]

    def opened(self) -> dict[str, str]:
        """Raises Unsealable."""
        return dict(json.loads(sealing.unseal(self.sealed)))


class Phone(TOTPDevice):  # type: ignore[misc]  # django-otp is untyped
    """What makes somebody's codes; django-otp's own device, but that its secret lies sealed in the database (36 bytes in place of 20)."""

    class Meta:
        proxy = True

    @classmethod
    def new(cls, user_id: int) -> "Phone":
        """One that was not shown to work yet."""
        device = cls(user_id=user_id, confirmed=False, name="app")
        device.keep(random_hex())
        device.save()
        return device

    def keep(self, key: str) -> None:
        """`key` is written in hexadecimal; not saved yet."""
        self.key = sealing.seal_short(bytes.fromhex(key), f"phone of {self.user_id}").hex()

    @property
    def is_sealed(self) -> bool:
        """Those of before were not."""
        return len(self.key) > 40

    @property
    def bin_key(self) -> bytes:
        """Raises Unsealable."""
        held = bytes.fromhex(self.key)
        return sealing.unseal_short(held, f"phone of {self.user_id}") if self.is_sealed else held


class AuditEntry(TenantOwned):
    """One line of the audit log. The database lets nobody change or delete it."""

    class Outcome(models.TextChoices):
        DONE = "done"
        REFUSED = "refused"

    at = models.DateTimeField(default=timezone.now, editable=False)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=80, blank=True)
    actor_name = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=60)
    target_kind = models.CharField(max_length=40, blank=True)
    target_id = models.CharField(max_length=80, blank=True)
    target_name = models.CharField(max_length=150, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.DONE)
    facts = models.JSONField(default=dict)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index("tenant_id", models.F("at").desc(), name="audit_by_time")]

    def __str__(self) -> str:
        return (
            f"{self.at:%Y-%m-%d %H:%M} {self.actor_name or self.actor_kind}: {self.action} ({self.outcome})"
        )


class AccessVersion(models.Model):
    """One row, counted up by the database whenever a user, membership, key, tenant or agent changes in a way that may
    shut somebody out; every process polls it (see watch.py)."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
