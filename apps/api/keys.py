"""`/api/v1/keys`: the secrets that programs carry. A key makes no other that may do more than itself."""

from datetime import UTC
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from apps.api.guards import ByKey
from apps.api.organisation_schemas import Cursor, KeyMade, KeyRequest, KeyResponse, Keys, Limit
from apps.api.problems import NotFound
from apps.api.reference import organisation as reference
from apps.tenants import keyring, pages
from apps.tenants.models import ApiKey

router = Router(tags=["keys"], auth=ByKey("keys.manage"))


@router.get("/keys", response=Keys, summary="List keys", **reference.KEYS)
def list_keys(request: HttpRequest, cursor: Cursor = None, limit: Limit = pages.FEW) -> Keys:
    """Those that were revoked or have expired too. Of a secret, only the beginning is known."""
    rows, following = pages.cut(ApiKey.objects.all(), by="created_at", cursor=cursor, limit=limit)
    return Keys(keys=[_describe(row) for row in rows], next_cursor=following)


@router.post("/keys", response={201: KeyMade}, summary="Mint a key", **reference.MINT)
def mint(request: HttpRequest, body: KeyRequest) -> Status[KeyMade]:
    """Answers with the secret, once. An instant without a zone is taken as UTC."""
    expires_at = body.expires_at
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=UTC)
    key, secret = keyring.mint(body.name, body.scopes, expires_at, by=request.admitted)  # type: ignore[attr-defined]
    return Status(201, KeyMade(secret=secret, **_describe(key).dict()))


@router.delete("/keys/{uuid:key_id}", response={204: None}, summary="Revoke a key", **reference.REVOKE_KEY)
def revoke(request: HttpRequest, key_id: UUID) -> Status[None]:
    """It opens nothing any more; streams that it holds open end within a second."""
    found = ApiKey.objects.filter(id=key_id, revoked_at=None).first()
    if found is None:
        raise NotFound("There is no unrevoked key with this id.")
    keyring.revoke(found)
    return Status(204, None)


def _describe(key: ApiKey) -> KeyResponse:
    return KeyResponse(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
