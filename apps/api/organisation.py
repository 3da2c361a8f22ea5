"""`/api/v1/organisation` and `/api/v1/credentials`: the settings, and secrets that are written and never read."""

from django.http import HttpRequest
from ninja import Router, Status

from apps.agents.providers import catalogue
from apps.api.guards import ByKey
from apps.api.organisation_schemas import (
    CredentialRequest,
    CredentialResponse,
    Credentials,
    IdentitySecret,
    SettingsRequest,
    SettingsResponse,
)
from apps.api.problems import Invalid, NotFound
from apps.api.reference import organisation as reference
from apps.tenants import credentials
from apps.tenants import organisation as story
from apps.tenants.models import Credential, Tenant

router = Router(tags=["organisation"])
_READ, _MANAGE = ByKey("organisation.read"), ByKey("organisation.manage")


@router.get(
    "/organisation", response=SettingsResponse, summary="Read the settings", auth=_READ, **reference.SETTINGS
)
def read(request: HttpRequest) -> SettingsResponse:
    """Never a secret."""
    return _describe(story.current())


@router.patch(
    "/organisation",
    response=SettingsResponse,
    summary="Change settings",
    auth=_MANAGE,
    **reference.CHANGE_SETTINGS,
)
def change(request: HttpRequest, body: SettingsRequest) -> SettingsResponse:
    """Fields that are left out stay as they are."""
    wanted = body.dict(exclude_unset=True)
    _refuse_unknown(wanted.get("providers", []))
    return _describe(story.change(**wanted))


@router.post(
    "/organisation/identity-secret",
    response={201: IdentitySecret},
    summary="Make an identity secret",
    auth=_MANAGE,
    **reference.IDENTITY_SECRET,
)
def rotate_identity_secret(request: HttpRequest) -> Status[IdentitySecret]:
    """Answers with it, once. Identities that were signed with the one before are refused from now on."""
    return Status(201, IdentitySecret(secret=story.rotate_identity_secret()))


@router.delete(
    "/organisation/identity-secret",
    response={204: None},
    summary="Forget the identity secret",
    auth=_MANAGE,
    **reference.FORGET_IDENTITY_SECRET,
)
def forget_identity_secret(request: HttpRequest) -> Status[None]:
    """Every visitor is anonymous from now on."""
    story.forget_identity_secret()
    return Status(204, None)


@router.get(
    "/credentials", response=Credentials, summary="List credentials", auth=_READ, **reference.CREDENTIALS
)
def list_credentials(request: HttpRequest) -> Credentials:
    """For which providers something is kept; never what."""
    found = Credential.objects.order_by("provider")
    return Credentials(credentials=[_credential(one) for one in found])


@router.put(
    "/credentials/{provider}",
    response=CredentialResponse,
    summary="Keep a credential",
    auth=_MANAGE,
    **reference.KEEP,
)
def keep_credential(request: HttpRequest, provider: str, body: CredentialRequest) -> CredentialResponse:
    """In place of what was kept before. `ollama` and `openai` ask for `api_key`, for the `url` of a server of your own, or for both;
    `bedrock` for `access_key_id`, `secret_access_key`, `region`, and perhaps `session_token` and the `role` to assume."""
    if provider not in credentials.FIELDS:
        raise NotFound("There is no provider of this name that asks for a credential.")
    return _credential(credentials.keep(provider, body.secrets))


@router.delete(
    "/credentials/{provider}",
    response={204: None},
    summary="Forget a credential",
    auth=_MANAGE,
    **reference.FORGET,
)
def forget_credential(request: HttpRequest, provider: str) -> Status[None]:
    """Agents of this provider stop answering, unless it asks for nothing."""
    found = Credential.objects.filter(provider=provider).first() if provider in credentials.FIELDS else None
    if found is None:
        raise NotFound("Nothing is kept for a provider of this name.")
    credentials.forget(found)
    return Status(204, None)


def _refuse_unknown(providers: list[str]) -> None:
    unknown = set(providers) - set(catalogue.PROVIDERS) - set(story.current().providers)
    if unknown:
        raise Invalid(f"Choose from {', '.join(sorted(catalogue.PROVIDERS))}.", "/providers")


def _describe(tenant: Tenant) -> SettingsResponse:
    fields = {field: getattr(tenant, field) for field in story.SETTINGS}
    return SettingsResponse(
        id=tenant.id,
        slug=tenant.slug,
        has_identity_secret=bool(tenant.sealed_identity_secret),
        created_at=tenant.created_at,
        **fields,
    )


def _credential(one: Credential) -> CredentialResponse:
    return CredentialResponse(provider=one.provider, hint=one.hint, updated_at=one.updated_at)
