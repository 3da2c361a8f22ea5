"""Inviting people by a signed link: it holds for some days, for one person, once, and until it is revoked.

Nobody is sent any mail: whoever invites passes the link on. Whoever holds it proves the address with it, and nothing else."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.tenants import audit, keyring, limits, members, roles, scope
from apps.tenants.access import Admitted, Forbidden
from apps.tenants.models import Invitation, Membership, Tenant

_SALT = "chatwithus.invitation"
OPEN = {"accepted_at": None, "revoked_at": None}


class BadLink(ValueError):
    """It was not signed here, or its invitation was accepted, revoked, is too old, or not its inviter's to give any more."""

    def __init__(self) -> None:
        super().__init__("This link does not hold any more. Ask whoever invited you for a new one.")


class WrongAccount(PermissionError):
    """The invitation is for somebody else."""

    def __init__(self, email: str) -> None:
        super().__init__(f"This invitation is for {email}. Sign in with that account.")


class AlreadyMember(ValueError):
    """They work here already."""

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} works here already. Change the role in the list of members instead.")


class HasAccount(ValueError):
    """Somebody signs in with this address already."""

    def __init__(self, email: str) -> None:
        super().__init__(f"This did not work. If you have an account as {email}, sign in with it.")


def invite(email: str, role: str, *, by: Admitted | None = None) -> tuple[Invitation, str]:
    """An invitation and its link. An earlier one for the same address ends. Without `by` it is the operator's command.

    Raises Forbidden, AlreadyMember, limits.TooMany."""
    email = email.strip().lower()
    if by is not None:
        _require(by, email, role)
        limits.take((limits.INVITE, str(scope.current())))
    if (user := account_of(email)) and members.is_member(user):
        raise AlreadyMember(email)
    with transaction.atomic():
        for earlier in Invitation.objects.filter(email=email, **OPEN):
            revoke(earlier)
        inviter = {"invited_by": by.actor.name if by else "", "inviter_id": keyring.person_behind(by)}
        made = Invitation.objects.create(email=email, role=role, **inviter)
        audit.note("invitation.made", made, role=role)
    return made, link(made)


def link(invitation: Invitation) -> str:
    signed = signing.dumps([invitation.tenant_id.hex, invitation.id.hex], salt=_SALT)
    return f"{settings.PUBLIC_URL}/console/join/{signed}/"


def read(signed: str) -> tuple[UUID, UUID]:
    """The tenant and the invitation that a link names, which may have ended since. Raises BadLink."""
    try:
        tenant_hex, invitation_hex = signing.loads(signed, salt=_SALT)
        return UUID(tenant_hex), UUID(invitation_hex)
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise BadLink from error


def find(invitation_id: UUID) -> Invitation:
    """The invitation of the tenant in scope, while it holds. Raises BadLink."""
    found = Invitation.objects.filter(id=invitation_id).first()
    if found is None or not found.is_open or not Tenant.objects.get(id=scope.current()).is_active:
        raise BadLink
    _require_inviter(found)
    return found


def revoke(invitation: Invitation) -> None:
    """Its link opens nothing from now on."""
    with audit.deed("invitation.revoked", invitation):
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])


def account_of(email: str) -> User | None:
    """Who signs in with this address."""
    return get_user_model().objects.filter(username__iexact=email).order_by("id").first()


def is_for(invitation: Invitation, user: Any) -> bool:
    return str(user.get_username()).lower() == invitation.email


def accept(invitation: Invitation, user: Any) -> Membership:
    """Makes this account a member, once, however many try at a time. Raises WrongAccount, AlreadyMember, BadLink."""
    refusals = (WrongAccount, AlreadyMember, BadLink)
    with audit.deed("invitation.accepted", invitation, refusals=refusals, user=user.get_username()):
        if not is_for(invitation, user):
            raise WrongAccount(invitation.email)
        if members.is_member(user):
            raise AlreadyMember(invitation.email)
        _require_inviter(invitation)
        _use_up(invitation)
        return Membership.objects.create(user=user, role=invitation.role)


def sign_up(invitation: Invitation, password: str, *, name: str = "") -> User:
    """A new account under the invited address, which is a member at once. Raises HasAccount, BadLink, and Django's
    ValidationError where the password is too easy."""
    first, _, last = name.strip().partition(" ")
    user = get_user_model()(
        username=invitation.email,
        email=invitation.email,
        first_name=first[:150],
        last_name=last.strip()[:150],
    )
    validate_password(password, user)
    if account_of(invitation.email):
        audit.note("invitation.accepted", invitation, outcome=audit.REFUSED, reason="has an account")
        raise HasAccount(invitation.email)
    user.set_password(password)
    with transaction.atomic():
        _save(user, invitation.email)
        accept(invitation, user)
    return user


def _save(user: Any, email: str) -> None:
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise HasAccount(email) from None


def _use_up(invitation: Invitation) -> None:
    now = timezone.now()
    held = Invitation.objects.filter(id=invitation.id, expires_at__gt=now, **OPEN)
    if held.update(accepted_at=now) != 1:
        raise BadLink


def _require_inviter(invitation: Invitation) -> None:
    """It holds while whoever made it could make it again: not once they are removed, made less, or locked out."""
    if invitation.inviter_id is None:
        return
    inviter = Membership.objects.filter(user_id=invitation.inviter_id, user__is_active=True).first()
    if inviter is None or not members.can_give(roles.of(inviter.role), invitation.role):
        raise BadLink


def _require(by: Admitted, email: str, role: str) -> None:
    try:
        by.require("people.manage")
        if role == members.OWNER:
            by.require("owners.manage")
    except Forbidden as error:
        audit.note("invitation.made", outcome=audit.REFUSED, email=email, role=role, reason=str(error))
        raise
