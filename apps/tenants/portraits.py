"""Members' pictures, which visitors see while they talk with them: given to one organisation, at an address that only the server can
write, and gone with the membership."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing

from apps.tenants import audit, members, pictures, scope
from apps.tenants.access import Admitted, Forbidden
from apps.tenants.models import Membership, Portrait, Tenant
from apps.tenants.pictures import Picture

_SIGNER = signing.Signer(salt="portrait")


def keep(member: Membership, image: bytes, *, by: Admitted) -> None:
    """In place of the one before. Everybody may change their own. Raises BadPicture, Forbidden."""
    image = pictures.check(image)
    with _deed("member.portrait_changed", member, by):
        given = {"image": image, "stamp": pictures.stamp(image)}
        Portrait.objects.update_or_create(member=member, defaults=given)


def remove(member: Membership, *, by: Admitted) -> None:
    """Visitors see initials instead. Raises Forbidden."""
    with _deed("member.portrait_removed", member, by):
        Portrait.objects.filter(member=member).delete()


def address_of(user: Any) -> str | None:
    """Absolute, and the same for as long as the picture is; None where this organisation was given none."""
    return addresses_of([user.pk]).get(user.pk) if user else None


def addresses_of(users: Iterable[int]) -> dict[int, str]:
    """By the ids of those that have one."""
    found = Portrait.objects.filter(member__user_id__in=users).values_list("member__user_id", "stamp")
    return {user: _address(stamp) for user, stamp in found}


def find(signed: str) -> Picture | None:
    """The picture at an address; None where it was replaced, or its member or tenant is gone."""
    try:
        tenant_id, stamp = _SIGNER.unsign(signed).split(".")
    except (signing.BadSignature, ValueError):
        return None
    tenant = Tenant.objects.filter(id=UUID(tenant_id), suspended_at=None).first()
    if tenant is None:
        return None
    with scope.scoped_to(tenant.id):
        portrait = Portrait.objects.filter(stamp=stamp).first()
    return pictures.shown(portrait.image) if portrait else None


def _address(stamp: str) -> str:
    return f"{settings.PUBLIC_URL}/avatars/{_SIGNER.sign(f'{scope.current().hex}.{stamp}')}"


def _deed(action: str, member: Membership, by: Admitted) -> Any:
    if not members.is_oneself(member, by):
        by.require("people.manage")
    return audit.deed(action, member, refusals=(Forbidden,))
