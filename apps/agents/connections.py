"""How the tenant in scope reaches a provider: by what it keeps itself, or by what the operator gives to everybody. Never by some of
each: the operator's key would go to whatever address a tenant writes down. What is thought on the operator's account is what SHARED_MODELS
names, whatever a tenant's owner allows."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from django.conf import settings

from apps.agents.providers.base import Connection, ProviderError
from apps.agents.providers.catalogue import NOWHERE
from apps.tenants import credentials, sealing
from apps.tenants.models import Credential
from apps.tenants.postgres.prepared import Prepared, Table

Kept = Mapping[str, Credential]
ASKED = frozenset(credentials.FIELDS)  # providers that are somewhere else
PUBLIC = {"ollama": "https://ollama.com", "openai": "https://api.openai.com/v1"}


def of(provider: str, model: str, kept: Kept | None = None) -> Connection:
    """Where what the tenant keeps for it was read before, that is `kept`. Raises ProviderError where nobody has said how, or the
    operator does not give this model to everybody."""
    found = to(provider, kept)
    if not is_open(found, provider, model):
        raise ProviderError(_not_given(provider, model), kind="refused", retryable=False)
    return found


def kept_for(providers: Iterable[str]) -> Callable[[], Kept]:
    """What the tenant in scope keeps for these, to be read later: among statements that are sent `together`."""
    asked = sorted(ASKED.intersection(providers))
    if not asked:
        return dict
    cursor = _KEPT.asked(providers=asked)
    return lambda: {one.provider: one for one in map(_CREDENTIALS.read, cursor.fetchall())}


def to(provider: str, kept: Kept | None = None) -> Connection:
    """The way there, whichever model is wanted. Raises ProviderError where nobody has said how."""
    if provider not in ASKED:
        return NOWHERE
    found = (kept_for([provider])() if kept is None else kept).get(provider)
    if found is not None:
        return own(provider, _opened(found))
    return shared(provider)


def is_open(connection: Connection, provider: str, model: str) -> bool:
    return not connection.is_shared or _is_given(provider, model)


def withheld(provider: str, model: str) -> str | None:
    """A sentence for staff where the tenant in scope would think on the operator's account, which is not for this model."""
    if provider not in ASKED or _GIVEN[provider]() is None or _is_given(provider, model):
        return None
    return None if Credential.objects.filter(provider=provider).exists() else _not_given(provider, model)


def own(provider: str, kept: dict[str, str]) -> Connection:
    """By what a tenant keeps."""
    url = kept.get("url") or PUBLIC.get(provider, "")
    secrets = tuple((name, kept[name]) for name in sorted(kept) if name not in credentials.PLAIN)
    return Connection(
        provider=provider,
        url=url.rstrip("/"),
        region=kept.get("region", ""),
        role=kept.get("role", ""),
        secrets=secrets,
        is_trusted=credentials.is_allowed(urlsplit(url)),
    )


def shared(provider: str) -> Connection:
    """By what the operator gives to everybody. Raises ProviderError where that is nothing."""
    given = _GIVEN[provider]()
    if given is None:
        raise ProviderError(
            f"Nothing is kept for {provider}: an owner of the organisation adds it under Organisation.",
            kind="refused",
            retryable=False,
        )
    return given


def _ollama() -> Connection | None:
    url = settings.OLLAMA_URL.rstrip("/")
    return Connection("ollama", url, is_shared=True, is_trusted=True) if url else None


def _openai() -> Connection | None:
    if not settings.OPENAI_URL and not settings.OPENAI_API_KEY:
        return None
    url = (settings.OPENAI_URL or PUBLIC["openai"]).rstrip("/")
    secrets = (("api_key", settings.OPENAI_API_KEY),) if settings.OPENAI_API_KEY else ()
    return Connection("openai", url, secrets=secrets, is_shared=True, is_trusted=True)


def _bedrock() -> Connection | None:
    """Keys come from where boto3 looks for them in the process: environment, profile, the machine's own role."""
    if not settings.BEDROCK_REGION:
        return None
    return Connection(
        provider="bedrock",
        url=settings.BEDROCK_URL.rstrip("/"),
        region=settings.BEDROCK_REGION,
        profile=settings.BEDROCK_PROFILE,
        role=settings.BEDROCK_ROLE,
        is_shared=True,
        is_trusted=True,
    )


def _is_given(provider: str, model: str) -> bool:
    return any(fnmatchcase(f"{provider}:{model}", one) for one in settings.SHARED_MODELS)


def _not_given(provider: str, model: str) -> str:
    return (
        f"The operator does not give {provider}:{model} to everybody (SHARED_MODELS): choose another, "
        f"or an owner of the organisation adds its own way to {provider} under Organisation."
    )


def _opened(kept: Credential) -> dict[str, str]:
    try:
        return kept.opened()
    except sealing.Unsealable as error:
        raise ProviderError(str(error), kind="refused", retryable=False) from None


_CREDENTIALS = Table(Credential)
_KEPT = Prepared(
    f"SELECT {_CREDENTIALS.columns('c')} FROM tenants_credential c WHERE tenant_id = %(tenant)s AND provider = ANY(%(providers)s)"
)
_GIVEN = {"ollama": _ollama, "openai": _openai, "bedrock": _bedrock}
