"""The address that somebody comes from, as limits count it."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

UNKNOWN = "unknown"
PEER = "REMOTE_ADDR"
_HOUSEHOLD = 64  # bits of an IPv6 address; a provider gives out the rest in their thousands to everybody


def client_address(connection: HttpRequest | Mapping[str, Any]) -> str:
    """Of a request, or of an ASGI scope. What a proxy says counts where uvicorn believed it (FORWARDED_ALLOW_IPS), and nowhere
    else; an IPv6 address is told as its network."""
    if isinstance(connection, HttpRequest):
        return normal(connection.META.get(PEER) or "")
    return normal((connection.get("client") or ("",))[0])


def normal(text: str) -> str:
    """One spelling for each; what is no address is `unknown`, all of it together."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _HOUSEHOLD), strict=False))
