"""What providers ask of a tenant: sealed when it is typed in, opened where a provider is called, never shown again."""

from apps.tenants import audit
from apps.tenants.models import Credential

# What each provider asks for; what is optional may stay empty.
FIELDS: dict[str, tuple[str, ...]] = {
    "ollama": ("api_key",),
    "bedrock": ("access_key_id", "secret_access_key", "session_token"),
    "openai": ("api_key",),
}
OPTIONAL = {"session_token"}
SHORTEST, LONGEST = 8, 4096  # the last four characters are shown; of a shorter one that would be too much


class BadCredential(ValueError):
    """No provider asks for this, or it asks for more; `field` says what is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def keep(provider: str, secrets: dict[str, str]) -> Credential:
    """In place of what was kept for this provider before. Raises BadCredential."""
    wanted = _checked(provider, secrets)
    with audit.deed("credential.kept", provider=provider, fields=sorted(wanted)):
        return Credential.keep(provider, wanted)


def forget(credential: Credential) -> None:
    with audit.deed("credential.forgotten", credential, provider=credential.provider):
        credential.delete()


def _checked(provider: str, secrets: dict[str, str]) -> dict[str, str]:
    if provider not in FIELDS:
        raise BadCredential(f"Choose from {', '.join(FIELDS)}.", "provider")
    known = {name: value.strip() for name, value in secrets.items() if name in FIELDS[provider]}
    for name in FIELDS[provider]:
        _check(name, known.get(name, ""))
    return {name: known[name] for name in FIELDS[provider] if known.get(name)}


def _check(name: str, value: str) -> None:
    if not value and name in OPTIONAL:
        return
    if not SHORTEST <= len(value) <= LONGEST:
        raise BadCredential(f"It has {SHORTEST} to {LONGEST} characters.", name)
    if not value.isprintable() or not value.isascii():
        raise BadCredential("It has characters that no such secret has.", name)
