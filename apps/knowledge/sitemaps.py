"""Which pages a site's own sitemaps name, found with few requests and in little time."""

from collections.abc import Callable
from time import monotonic

from apps.knowledge import contained, egress, robots, sites
from apps.knowledge.sniff import Unreadable
from apps.knowledge.weburl import BadUrl, WebUrl

MOST = 20
SECONDS = 60.0  # for all of them: they are read in one go, in which nobody else's turn comes
Told = tuple[list[str], list[str]]  # addresses of pages, and of further sitemaps
NOTHING: Told = ([], [])


class Sitemaps:
    """Of one site; `is_whole` says whether they could all be read."""

    def __init__(
        self, client: egress.Client, site: sites.Site, rules: robots.Rules, *, beat: Callable[[], object]
    ) -> None:
        self._client, self._site, self._rules, self._beat = client, site, rules, beat
        self.is_whole = True

    def pages(self, *, enough: int) -> list[WebUrl]:
        """The wanted ones of the sitemaps that the site names, or of the usual one; more are not looked for where there are enough."""
        waiting, found = self._first(), list[WebUrl]()
        until = monotonic() + SECONDS
        for read, address in enumerate(waiting):
            if read == MOST or monotonic() > until or len(found) >= enough:
                self.is_whole = False
                break
            pages, others = self._read(address)
            found += filter(self._site.wants, sites.led_to(self._site, self._site.start, ["", *pages]))
            waiting += [one for one in others if one not in waiting][:MOST]
        return list(dict.fromkeys(found))

    def _first(self) -> list[str]:
        start = self._site.start
        own = [str(start)] if start.path.endswith((".xml", ".xml.gz")) else []
        return list(dict.fromkeys(own or self._rules.sitemaps or ["/sitemap.xml"]))

    def _read(self, address: str) -> Told:
        """One that cannot be read says nothing, also not that the pages which it named are gone."""
        try:
            url = self._site.start.join(address)
            told = self._told(url) if self._site.holds(url) else NOTHING
        except BadUrl:
            told = NOTHING
        except (contained.Died, egress.Unreachable, egress.TooMuch):
            told = None
        self.is_whole &= told is not None
        return told or NOTHING

    def _told(self, url: WebUrl) -> Told | None:
        """None where there is one that cannot be read; many sites have a page of HTML for whatever is not there."""
        self._rules.wait(url.host)
        answer = self._client.get(url, within=self._site.holds)
        if answer.status != 200:
            return NOTHING if answer.status in egress.GONE else None
        try:
            told = contained.run("sitemap", answer.body, beat=self._beat)
        except Unreadable:
            return NOTHING if "html" in answer.headers.get("content-type", "") else None
        return told["pages"], told["sitemaps"]
