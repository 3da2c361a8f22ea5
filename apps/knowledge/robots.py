"""What a site asks of robots (RFC 9309), and how fast it may be asked anything at all."""

import time

from protego import Protego

from apps.knowledge import egress
from apps.knowledge.weburl import WebUrl
from apps.tenants import limits

LARGEST = 500 * 1024
SLOWEST = 10.0  # seconds between two requests; a site that asks for more is read no slower


class NotNow(Exception):
    """The site does not say what it allows, so nothing is; the message is for whoever added it."""


class Rules:
    """Of one site, as its robots.txt says them to us; `gap` is the seconds that it asks for between two pages."""

    def __init__(self, text: str) -> None:
        self._rules = Protego.parse(text)
        self.sitemaps = [str(one) for one in self._rules.sitemaps]
        self.gap = min(float(self._rules.crawl_delay(egress.BOT) or 0), SLOWEST)
        self._last = 0.0

    def allow(self, url: WebUrl) -> bool:
        return bool(self._rules.can_fetch(str(url), egress.BOT))

    def wait(self, host: str) -> None:
        """Until this host may be asked again, by us and by all other processes and tenants together."""
        time.sleep(max(0.0, self._last + self.gap - time.monotonic()))
        while (pause := _pause(host)) > 0:
            time.sleep(min(pause, 1.0))
        self._last = time.monotonic()


def fetch(client: egress.Client, start: WebUrl) -> str:
    """The text of a site's robots.txt; empty where it has none, and so allows everything. Raises NotNow and as the client does."""
    answer = client.get(start.join("/robots.txt"))
    if answer.status >= 500 or answer.status == 429:
        raise NotNow(
            f"The site does not say what may be read: its robots.txt answers with status {answer.status}."
        )
    return answer.body[:LARGEST].decode("utf-8-sig", "replace") if answer.status == 200 else ""


def _pause(host: str) -> float:
    try:
        limits.take((limits.CRAWL_HOST, host))
    except limits.TooMany as error:
        return error.retry_after
    return 0.0
