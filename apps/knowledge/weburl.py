"""What an address on the web is: the one parser between what people, pages and redirects say and what is connected to."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from apps.tenants import origins

LONGEST = 1000
SHAPE = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?:#.*)?", re.I | re.S
)
PORTS = {"http": 80, "https": 443}
KEPT = "%:@!$&'()*+,;=~-._/?[]"


class BadUrl(ValueError):
    """It is no address that could be fetched; the message is for the person who gave it."""


@dataclass(frozen=True, slots=True)
class WebUrl:
    """`origin` as `origins` writes it; `target` is path and query, percent-encoded, without dot segments and fragment."""

    origin: str
    target: str

    def __str__(self) -> str:
        return self.origin + self.target

    @property
    def scheme(self) -> str:
        return self.origin.partition(":")[0]

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.origin).port or PORTS[self.scheme]

    @property
    def authority(self) -> str:
        return self.origin.partition("://")[2]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def join(self, reference: str) -> "WebUrl":
        """Where a link or redirect on this page leads. Raises BadUrl."""
        try:
            return parse(urljoin(str(self), _plain(reference)))
        except ValueError as error:
            raise error if isinstance(error, BadUrl) else BadUrl("This is no address.") from error


def parse(text: str) -> WebUrl:
    """`HTTP://Shop.Example:80/a/../b#c` → `http://shop.example/b`. Raises BadUrl."""
    found = SHAPE.fullmatch(_plain(text))
    if found is None:
        raise BadUrl("Write the whole address, like https://shop.example/help.")
    if found["scheme"].lower() not in PORTS:
        raise BadUrl("Only addresses that begin with http:// or https:// can be read.")
    if "@" in found["authority"]:
        raise BadUrl("Leave out the user name and password: an address is shown to visitors.")
    try:
        origin = origins.parse(f"{found['scheme']}://{found['authority']}")
    except origins.BadOrigin as error:
        raise BadUrl("The name of the site in this address is not valid.") from error
    url = WebUrl(origin, _target(found["rest"]))
    if len(str(url)) > LONGEST:  # a letter of other scripts is up to twelve characters there
        raise BadUrl("The address is too long.")
    return url


def _plain(text: str) -> str:
    """Refuses what two parsers could read differently."""
    text = text.strip(" \t\r\n")
    if not text.isprintable() or "\\" in text or len(text) > LONGEST:
        raise BadUrl("The address has characters that no address has, or too many.")
    return text


def _target(rest: str) -> str:
    path, mark, query = rest.partition("?")
    quoted = quote(_without_dots(path) + mark + query, safe=KEPT)
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quoted)


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4."""
    kept: list[str] = []
    *folders, last = path.lstrip("/").split("/") if path.startswith("/") else [""]
    for part in folders:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    if last == "..":
        del kept[-1:]
    return "/" + "/".join([*kept, "" if last in (".", "..") else last])
