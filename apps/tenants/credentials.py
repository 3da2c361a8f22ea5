"""What providers ask of a tenant: sealed when it is typed in, opened where a provider is called, never shown again."""

import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from apps.tenants import addresses, audit
from apps.tenants.models import Credential

# What each provider asks for; what is optional may stay empty. `url` is the tenant's own server, of which a key alone means the
# provider's public one.
FIELDS: dict[str, tuple[str, ...]] = {
    "ollama": ("url", "api_key"),
    "bedrock": ("access_key_id", "secret_access_key", "session_token", "region", "role"),
    "openai": ("url", "api_key"),
}
OPTIONAL = {"session_token", "role", "url", "api_key"}  # of a server of one's own and a key at least one
PLAIN = ("url", "region", "role")  # no secrets, and nothing that a hint could be taken from
SHORTEST, LONGEST = 8, 4096  # the last four characters are shown; of a shorter one that would be too much
LONGEST_URL = 200
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]{2,10}){1,3}-\d{1,2}")
_INTERNAL = {"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private"}
_ROLE = re.compile(r"arn:aws[a-z-]{0,10}:iam::\d{12}:role/[\w+=,.@/-]{1,500}", re.ASCII)


class BadCredential(ValueError):
    """No provider asks for this, or it asks for more; `field` says what is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def keep(provider: str, secrets: dict[str, str]) -> Credential:
    """In place of what was kept for this provider before. Raises BadCredential."""
    wanted = _checked(provider, secrets)
    with audit.deed("credential.kept", provider=provider, fields=sorted(wanted)):
        hidden = [value for name, value in wanted.items() if name not in PLAIN]
        return Credential.keep(provider, wanted, hint=f"…{hidden[0][-4:]}" if hidden else "no key")


def forget(credential: Credential) -> None:
    with audit.deed("credential.forgotten", credential, provider=credential.provider):
        credential.delete()


def is_allowed(url: SplitResult) -> bool:
    """Whether the operator lets tenants name this host though it is in the private network (the setting PROVIDER_HOSTS)."""
    return bool({url.hostname, url.netloc, "*"} & set(settings.PROVIDER_HOSTS))


def _checked(provider: str, secrets: dict[str, str]) -> dict[str, str]:
    if provider not in FIELDS:
        raise BadCredential(f"Choose from {', '.join(FIELDS)}.", "provider")
    said = {name: (secrets.get(name) or "").strip() for name in FIELDS[provider]}
    for name, value in said.items():
        if value:
            _CHECKS.get(name, _secret)(name, value)
        elif name not in OPTIONAL:
            raise BadCredential("This is needed.", name)
    if not any(said.values()):
        raise BadCredential("This is needed.", "api_key")
    return {name: value for name, value in said.items() if value}


def _secret(name: str, value: str) -> None:
    if not SHORTEST <= len(value) <= LONGEST:
        raise BadCredential(f"It has {SHORTEST} to {LONGEST} characters.", name)
    if not value.isprintable() or not value.isascii():
        raise BadCredential("It has characters that no such secret has.", name)


def _region(name: str, value: str) -> None:
    if not _REGION.fullmatch(value):
        raise BadCredential("Write a region as AWS names it, such as eu-central-1.", name)


def _role(name: str, value: str) -> None:
    if not _ROLE.fullmatch(value):
        raise BadCredential("Write the role's ARN, such as arn:aws:iam::123456789012:role/name.", name)


def _url(name: str, value: str) -> None:
    """An address with nothing hidden in it, which does not lead into the private network as far as can be seen now; what its name
    stands for when it is called is judged then."""
    url = _split(value)
    host = url.hostname or "" if url else ""
    if url is None or not host or url.scheme not in {"http", "https"} or len(value) > LONGEST_URL:
        raise BadCredential("Write the address of a server, such as https://models.example/v1.", name)
    if url.username is not None or url.query or url.fragment:
        raise BadCredential(
            "Leave out what is before an @ and after a ? or #: a key has its own field.", name
        )
    if not is_allowed(url) and _is_private(host):
        message = "This leads into a private network, where only the operator may let it go (PROVIDER_HOSTS)."
        raise BadCredential(message, name)


def _is_private(host: str) -> bool:
    """As far as its spelling says: a name that ends in a number is an address, however it is written."""
    name = host.rstrip(".")
    last = name.rpartition(".")[2]
    if ":" in name or last[:1].isdecimal():
        return not addresses.is_public(name)
    return last == name or last in _INTERNAL


def _split(value: str) -> SplitResult | None:
    if not value.isascii() or not value.isprintable() or any(odd in value for odd in "\\ \"'<>"):
        return None
    try:
        url = urlsplit(value)
        return url if url.port is None or url.port else None
    except ValueError:
        return None


_CHECKS: dict[str, Callable[[str, str], None]] = {"url": _url, "region": _region, "role": _role}
