"""`/api/v1/members` and `/api/v1/invitations`: who works here, and who was asked to."""

from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from apps.api.guards import ByKey
from apps.api.organisation_schemas import (
    Cursor,
    InvitationMade,
    InvitationRequest,
    InvitationResponse,
    Invitations,
    Limit,
    MemberResponse,
    Members,
    Role,
    RoleRequest,
)
from apps.api.problems import Invalid, NotFound
from apps.api.reference import people as reference
from apps.api.widget_schemas import PictureRequest, decoded
from apps.tenants import invitations, members, pages, portraits
from apps.tenants.models import Invitation, Membership

router = Router(tags=["people"])
_READ, _MANAGE = ByKey("people.read"), ByKey("people.manage")


@router.get("/members", response=Members, summary="List members", auth=_READ, **reference.MEMBERS)
def list_members(request: HttpRequest, cursor: Cursor = None, limit: Limit = pages.FEW) -> Members:
    """Everybody who works here, and their role."""
    rows, following = pages.cut(Membership.objects.select_related("user"), cursor=cursor, limit=limit)
    pictures = portraits.addresses_of(row.user_id for row in rows)
    told = [_member(row, pictures.get(row.user_id)) for row in rows]
    return Members(members=told, next_cursor=following)


@router.patch(
    "/members/{uuid:member_id}",
    response=MemberResponse,
    summary="Change a role",
    auth=_MANAGE,
    **reference.CHANGE_MEMBER,
)
def change_member(request: HttpRequest, member_id: UUID, body: RoleRequest) -> MemberResponse:
    """No key makes or unmakes an owner: that takes an owner, signed in."""
    found = _find_member(member_id)
    members.change_role(found, body.role, by=request.admitted)  # type: ignore[attr-defined]
    return _alone(_find_member(member_id))


@router.delete(
    "/members/{uuid:member_id}",
    response={204: None},
    summary="Remove a member",
    auth=_MANAGE,
    **reference.REMOVE_MEMBER,
)
def remove_member(request: HttpRequest, member_id: UUID) -> Status[None]:
    """They see nothing of the organisation any more, also where they are signed in, within a second. Keys that they minted are revoked
    (each in the audit log), and their open invitations hold no more."""
    members.remove(_find_member(member_id), by=request.admitted)  # type: ignore[attr-defined]
    return Status(204, None)


@router.put(
    "/members/{uuid:member_id}/portrait",
    response=MemberResponse,
    summary="Set a member's picture",
    auth=_MANAGE,
    **reference.PORTRAIT,
)
def keep_portrait(request: HttpRequest, member_id: UUID, body: PictureRequest) -> MemberResponse:
    """A PNG, JPEG or WebP image of at most 200 kB, which visitors see while this member talks with them."""
    found, image = _find_member(member_id), decoded(body.image)
    portraits.keep(found, image, by=request.admitted)  # type: ignore[attr-defined]
    return _alone(found)


@router.delete(
    "/members/{uuid:member_id}/portrait",
    response={204: None},
    summary="Remove a member's picture",
    auth=_MANAGE,
    **reference.DROP_PORTRAIT,
)
def drop_portrait(request: HttpRequest, member_id: UUID) -> Status[None]:
    """Visitors see initials instead."""
    portraits.remove(_find_member(member_id), by=request.admitted)  # type: ignore[attr-defined]
    return Status(204, None)


@router.get(
    "/invitations", response=Invitations, summary="List invitations", auth=_READ, **reference.INVITATIONS
)
def list_invitations(request: HttpRequest, cursor: Cursor = None, limit: Limit = pages.FEW) -> Invitations:
    """Those that hold: neither accepted nor revoked nor too old."""
    rows, following = pages.cut(_open(), by="created_at", cursor=cursor, limit=limit)
    return Invitations(invitations=[_invitation(row) for row in rows], next_cursor=following)


@router.post(
    "/invitations",
    response={201: InvitationMade},
    summary="Invite somebody",
    auth=_MANAGE,
    **reference.INVITE,
)
def invite(request: HttpRequest, body: InvitationRequest) -> Status[InvitationMade]:
    """Answers with the link to pass on; nobody is sent any mail. It ends an earlier invitation of the same address."""
    try:
        validate_email(body.email)
    except ValidationError:
        raise Invalid("This is no e-mail address.", "/email") from None
    made, link = invitations.invite(body.email, body.role, by=request.admitted)  # type: ignore[attr-defined]
    return Status(201, InvitationMade(link=link, **_invitation(made).dict()))


@router.delete(
    "/invitations/{uuid:invitation_id}",
    response={204: None},
    summary="Revoke an invitation",
    auth=_MANAGE,
    **reference.REVOKE_INVITATION,
)
def revoke_invitation(request: HttpRequest, invitation_id: UUID) -> Status[None]:
    """Its link opens nothing any more."""
    found = _open().filter(id=invitation_id).first()
    if found is None:
        raise NotFound("There is no open invitation with this id.")
    invitations.revoke(found)
    return Status(204, None)


def _open() -> Any:
    return Invitation.objects.filter(expires_at__gt=timezone.now(), **invitations.OPEN)


def _find_member(member_id: UUID) -> Membership:
    found = Membership.objects.select_related("user").filter(id=member_id).first()
    if found is None:
        raise members.NoSuchMember
    return found


def _alone(row: Membership) -> MemberResponse:
    return _member(row, portraits.address_of(row.user))


def _member(row: Membership, avatar: str | None) -> MemberResponse:
    user: Any = row.user
    return MemberResponse(
        id=row.id,
        user=user.get_username(),
        name=user.get_full_name(),
        role=cast(Role, row.role),
        avatar=avatar,
    )


def _invitation(row: Invitation) -> InvitationResponse:
    return InvitationResponse(
        id=row.id,
        email=row.email,
        role=cast(Role, row.role),
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
