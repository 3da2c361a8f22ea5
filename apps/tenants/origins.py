"""What an origin is: the scheme, host and port of a page, written as browsers write it into `Origin` (RFC 6454, WHATWG URL).

The one parser. What a tenant lists goes through it when it is saved; what a browser sends is then compared letter by letter."""

import ipaddress
import re

import idna

_SHAPE = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\s/\\?#@:\[\]]+)(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE,
)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_PORTS = {"http": 80, "https": 443}
LONGEST = 200


class BadOrigin(ValueError):
    """It is no origin that a browser could send."""


def parse(text: str) -> str:
    """`HTTPS://Shop.Example:443/` → `https://shop.example`. Raises BadOrigin."""
    found = _SHAPE.fullmatch(text.strip()) if text.isprintable() else None
    if found is None:
        raise BadOrigin(f"{text[:60]!r} is no origin: write it like https://shop.example, without a path.")
    scheme = found["scheme"].lower()
    origin = f"{scheme}://{_host(found['host'])}{_port(scheme, found['port'])}"
    if len(origin) > LONGEST:
        raise BadOrigin(f"An origin has at most {LONGEST} characters.")
    return origin


def parse_all(texts: list[str]) -> list[str]:
    """Each once, in their order. Raises BadOrigin."""
    return list(dict.fromkeys(parse(text) for text in texts))


def _host(text: str) -> str:
    if text.startswith("["):
        return f"[{_address(ipaddress.IPv6Address, text[1:-1])}]"
    name = _ascii(text)
    last = name.rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):  # browsers read it as an address, in whatever notation
        return str(_address(ipaddress.IPv4Address, name))
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise BadOrigin(f"{text[:60]!r} is no name of a host.")
    return name


def _ascii(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        raise BadOrigin(f"{text[:60]!r} is no name of a host.") from None


def _address(kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address], text: str) -> str:
    try:
        return str(kind(text))
    except ValueError:
        raise BadOrigin(f"{text[:60]!r} is no address of a host.") from None


def _port(scheme: str, text: str | None) -> str:
    if text is None or int(text) == _PORTS[scheme]:
        return ""
    if not 0 < int(text) < 65536:
        raise BadOrigin(f"{text} is no port.")
    return f":{int(text)}"
