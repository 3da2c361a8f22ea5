"""A page on its way: fetched in a thread, so that a site that drips keeps nobody but itself waiting."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait

from apps.knowledge import egress
from apps.knowledge.weburl import WebUrl

LARGEST = 10 * 1024 * 1024
_THREADS = ThreadPoolExecutor(16, "visit")


class Visit:
    """Ends by itself, within the time that a request may take."""

    is_late = False

    def __init__(self, url: WebUrl, headers: Mapping[str, str]) -> None:
        self._answer = _THREADS.submit(_fetched, url, headers)

    def is_done(self, *, within: float) -> bool:
        return bool(wait([self._answer], within).done)

    def answer(self) -> egress.Fetched:
        """Raises as the client does."""
        return self._answer.result()

    def stand_back(self) -> None:
        """It waits for another computer anyway."""

    def end(self) -> None:
        self._answer.cancel()


def _fetched(url: WebUrl, headers: Mapping[str, str]) -> egress.Fetched:
    with egress.Client(largest=LARGEST) as client:
        return client.get(url, headers, within=_nowhere)


def _nowhere(url: WebUrl) -> bool:
    """Where a redirect leads is a page of its own: robots.txt is asked about it, and its turn comes."""
    return False
