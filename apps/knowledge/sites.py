"""Which addresses belong to a website as its tenant wants it read. Pure: nothing is fetched here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from apps.knowledge.weburl import WebUrl, parse

TRACKING = re.compile(r"utm_\w+|fbclid|gclid|msclkid|mc_[ce]id|_ga|ref|sessionid|phpsessid|jsessionid", re.I)
OTHER_FILES = re.compile(
    r"\.(png|jpe?g|gif|webp|avif|svg|ico|css|js|mjs|json|xml|woff2?|ttf|mp[34]|webm|wav|zip|gz|tgz|exe|dmg|apk)$",
    re.I,
)
MOST_PATTERNS = 50


class BadPattern(ValueError):
    """The patterns cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Site:
    """The host of `start` (with or without `www.`), of its addresses those that `include` matches and `exclude` does not."""

    start: WebUrl
    include: tuple[re.Pattern[str], ...] = ()
    exclude: tuple[re.Pattern[str], ...] = ()

    def holds(self, url: WebUrl) -> bool:
        return _bare(url.host) == _bare(self.start.host) and (
            url.port == self.start.port or _is_plain(url, self.start)
        )

    def may_have(self, url: WebUrl) -> bool:
        """Whether a page of it may be at this address, whatever the patterns say."""
        return self.holds(url) and not OTHER_FILES.search(url.path)

    def wants(self, url: WebUrl) -> bool:
        """Whether this address is to be read, where its pages lead to it."""
        if not self.may_have(url):
            return False
        is_in = not self.include or any(pattern.fullmatch(url.path) for pattern in self.include)
        return is_in and not any(pattern.fullmatch(url.path) for pattern in self.exclude)


def site(start: str, include: str, exclude: str) -> Site:
    """Raises BadUrl or BadPattern."""
    return Site(parse(start), patterns(include), patterns(exclude))


def patterns(text: str) -> tuple[re.Pattern[str], ...]:
    """One a line: `/help/*` for what begins so, `*` for anything in between; a path without a star means itself and what is below,
    `/` the front page alone."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_PATTERNS:
        raise BadPattern(f"There are more than {MOST_PATTERNS} patterns.")
    if wrong := next((line for line in lines if not line.startswith(("/", "*"))), None):
        raise BadPattern(f"“{wrong[:40]}” is no pattern: begin with / or *, like /help/*.")
    return tuple(re.compile(_expression(line)) for line in lines)


def plain(url: WebUrl) -> WebUrl:
    """Without what only says where a visitor came from, so that a page is read once. What is left stays letter by letter: sites
    have charsets and separators of their own."""
    path, _, query = url.target.partition("?")
    kept = [
        part
        for part in query.split("&")
        if part and not TRACKING.fullmatch(unquote_plus(part.partition("=")[0]))
    ]
    return WebUrl(url.origin, f"{path}?{'&'.join(kept)}" if kept else path)


def led_to(site: Site, page: WebUrl, references: Iterable[str]) -> list[WebUrl]:
    """Where on this site a page's links lead, wanted or not; the first is its `base`."""
    base, *links = [*references] or [""]
    root = _joined(page, base) or page
    found = (plain(url) for url in (_joined(root, link) for link in links) if url is not None)
    return list(dict.fromkeys(url for url in found if site.may_have(url)))


def _joined(page: WebUrl, reference: str) -> WebUrl | None:
    try:
        return page.join(reference) if reference else None
    except ValueError:
        return None


def _expression(line: str) -> str:
    if line == "/":
        return line
    first, *runs = map(re.escape, re.split(r"\*+", line))
    if not runs:
        return rf"{first.rstrip('/')}(/.*)?"
    *between, last = runs
    # What was found once is not looked for further on: with ten stars that would take time by the tenth power of the path.
    return first + "".join(rf"(?>.*?{run})" for run in between) + f".*{last}"


def _bare(host: str) -> str:
    return host.removeprefix("www.")


def _is_plain(url: WebUrl, start: WebUrl) -> bool:
    """From http to https and back, at the usual ports."""
    return {url.port, start.port} <= {80, 443}
