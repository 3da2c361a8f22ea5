"""Typed readers of the environment: a missing or malformed variable stops the boot by its name."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_LIMIT = re.compile(r"off|(?P<most>[1-9]\d{0,8})(/(?P<seconds>[1-9]\d{0,8}))?", re.ASCII)
_PRICE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)/(\d{1,6}(?:\.\d{1,6})?)", re.ASCII)


PLACEHOLDERS = ("change", "insecure", "placeholder", "example", "replace")
DEFAULTS = {
    "admin",
    "app",
    "chatwithus",
    "owner",
    "password",
    "postgres",
    "redis",
    "root",
    "secret",
    "valkey",
}
SHORTEST_KEY = 32


def weakness(key: str) -> str | None:
    """Why others may know this key or guess it; None where they cannot."""
    if any(word in key.lower() for word in PLACEHOLDERS):
        return "is a placeholder that anybody can read"
    if len(key) < SHORTEST_KEY or len(set(key)) < 8:
        return f"can be guessed: it has {len(key)} characters, {len(set(key))} of them different"
    return None


def refuse_weak(name: str, *keys: str) -> None:
    """No process serves with a key that others know."""
    for cause in filter(None, map(weakness, keys)):
        raise ImproperlyConfigured(f"{name} {cause}: `openssl rand -hex 32` makes one that cannot.")


def refuse_default(name: str, password: object) -> None:
    """No process serves with a password that comes out of the box."""
    if isinstance(password, str) and password.lower() in DEFAULTS:
        raise ImproperlyConfigured(
            f"{name} has a password that anybody would try first: give the role another."
        )


def is_bare(public_url: str) -> bool:
    """Whether sessions would cross a network readable to whoever is on the way."""
    address = urlsplit(public_url)
    return address.scheme != "https" and not _is_loopback(address.hostname or "")


def refuse_bare(name: str, public_url: str) -> None:
    """No process serves others over plain HTTP; a proxy in front that speaks HTTPS is what the address names."""
    if is_bare(public_url):
        raise ImproperlyConfigured(
            f"{name} is {public_url}, where sessions and passwords can be read on their way: write the https:// address"
            " that people open (docs/operating.md)."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Environment:
    """Variables of the process, then `NAME_FILE` secrets, then what a running `make up` left in its JSON files."""

    def __init__(self, variables: Mapping[str, str], *fallbacks: Path) -> None:
        self._variables = variables
        self._fallbacks: dict[str, str] = {}
        for path in fallbacks:
            self._fallbacks.update(_read_json(path))

    def text(self, name: str, default: str | None = None) -> str:
        value = self._find(name)
        if value is None:
            value = default
        if value is None:
            raise ImproperlyConfigured(
                f"{name} is not set. Start the embedded services with `make up`, or set {name} (see .env.example)."
            )
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "true" if default else "false").lower()
        if value not in {"true", "false", "1", "0", "yes", "no"}:
            raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
        return value in {"true", "1", "yes"}

    def integer(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        try:
            return int(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None

    def words(self, name: str, default: str = "") -> list[str]:
        return [word for word in self.text(name, default).replace(",", " ").split() if word]

    def pairs(self, name: str, default: str = "") -> dict[str, str]:
        """Words of the form `key=value`."""
        found = [word.split("=", 1) for word in self.words(name, default)]
        if not all(len(pair) == 2 and all(pair) for pair in found):
            raise ImproperlyConfigured(f"{name} must be words like key=value.")
        return dict(found)

    def limits(self, name: str) -> dict[str, tuple[int, int]]:
        """Words like `message-ip=600/60` (so many, refilled in so many seconds), `sockets-ip=50` (so many at once), `login=off`."""
        found = {}
        for limit, said in self.pairs(name).items():
            numbers = _LIMIT.fullmatch(said)
            if numbers is None:
                raise ImproperlyConfigured(f"{name}: {limit} must be like 600/60, 50 or off, not {said!r}.")
            found[limit] = int(numbers["most"] or 0), int(numbers["seconds"] or 0)
        return found

    def prices(self, name: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Words like `openai:gpt-*=2.50/10`: what a million tokens cost that go in, and that come out."""
        found = {}
        for model, said in self.pairs(name).items():
            numbers = _PRICE.fullmatch(said)
            if numbers is None:
                raise ImproperlyConfigured(f"{name}: {model} must be like 2.50/10, not {said!r}.")
            found[model] = Decimal(numbers[1]), Decimal(numbers[2])
        return found

    def postgres(self, name: str) -> dict[str, object]:
        """A Django database entry from a `postgresql://user:password@host:port/name?option=…` address."""
        try:
            url = urlsplit(self.text(name))
            port = url.port or 5432
        except ValueError:  # says what it read, which may be a password
            url, port = urlsplit(""), 0
        if url.scheme not in {"postgres", "postgresql"} or not url.path.strip("/"):
            raise ImproperlyConfigured(
                f"{name} is not an address: write postgresql://user:password@host:5432/name, with %2F for a / in the password."
            )
        return {
            "ENGINE": "apps.tenants.postgres",
            "NAME": unquote(url.path.lstrip("/")),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": unquote(url.hostname or ""),
            "PORT": str(port),
            "OPTIONS": dict(parse_qsl(url.query)),
        }

    def _find(self, name: str) -> str | None:
        if value := self._variables.get(name):
            return value
        if path := self._variables.get(f"{name}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ImproperlyConfigured(f"{name}_FILE points at {path}: {error.strerror}.") from error
        return self._fallbacks.get(name)


def _read_json(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read ({error}). Stop the server and start it again."
        ) from error
    return {name: str(value) for name, value in found.items()}
