"""Which network addresses are the public internet's, and which lead into somebody's own network.

Pure: it resolves nothing. Whoever connects has to judge the very address that it then connects to."""

import ipaddress
from collections.abc import Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What the IANA registries of special purposes have beyond what every Python we run on knows.
SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4", "64:ff9b:1::/48", "100::/64",
            "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
        ),
    )
)  # fmt: skip
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
COMPATIBLE = ipaddress.IPv6Network("::/96")
ISATAP = (0x00005EFE, 0x02005EFE)
_LOW_32 = 0xFFFFFFFF


def is_public(text: str) -> bool:
    """Whether this address, and each that is wrapped in it, is one of the public internet; False for what is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return all(map(_is_public, unwrapped(address)))


def unwrapped(address: Address) -> Iterator[Address]:
    """The addresses that a packet to this one may reach: itself, or what a translator or tunnel takes out of it."""
    inner = _inside(address) if isinstance(address, ipaddress.IPv6Address) else None
    if inner is None:
        yield address
    else:
        yield inner


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Mapped, 6to4, NAT64, IPv4-compatible and ISATAP (RFC 4291, 3056, 6052, 5214)."""
    number = int(address)
    if wrapped := address.ipv4_mapped or address.sixtofour:
        return wrapped
    is_low = address in NAT64 or (address in COMPATIBLE and number > 1)
    if is_low or (number >> 32) & _LOW_32 in ISATAP:
        return ipaddress.IPv4Address(number & _LOW_32)
    return None


def _is_public(address: Address) -> bool:
    """Both of Python's judgements, since each alone lets some through (docs/security.md names them)."""
    is_odd = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    is_zoned = bool(getattr(address, "scope_id", None))
    return address.is_global and not is_odd and not is_zoned and not any(address in net for net in SPECIAL)
