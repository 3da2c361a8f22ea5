"""Reading a website page by page. What is left to visit stands in the database, so that any worker can go on anywhere."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

from django.db.models import Max
from django.utils import timezone

from apps.knowledge import aside, contained, egress, index, quota, robots, sites
from apps.knowledge.models import Document, Knowledge, Passage, Said, Website, said
from apps.knowledge.sitemaps import Sitemaps
from apps.knowledge.sniff import Unreadable
from apps.knowledge.turns import Turn
from apps.knowledge.weburl import WebUrl, parse

MOST_BYTES = 500 * 1024 * 1024
MOST_SECONDS = 3600  # of work, and of rest that the site asked for
LONGEST_REST = 900  # seconds; a site that asks for more is left alone no longer
MOST_TRIES = 3
LATER = (408, 425, 429, 500, 502, 503, 504)
LEADS = "It leads to "
NAMES = {
    "text/html": "",
    "application/xhtml+xml": "",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
}


class Unfit(Exception):
    """The website as a whole cannot be read; the message is for whoever added it."""


class Crawl:
    """One turn at one website."""

    def __init__(self, source: Knowledge, website: Website, client: egress.Client, turn: Turn) -> None:
        self._source, self._website, self._client, self._turn = source, website, client, turn
        self._site = sites.site(source.content, website.include, website.exclude)
        self._pages = Document.objects.filter(knowledge=source)

    def step(self) -> bool:
        """Visit the next page of the round, which begins with the first; False where the round has ended."""
        if not self._website.is_running:
            self._begin()
        page = self._pages.filter(
            found_round=self._website.round, read_round__lt=self._website.round
        ).order_by("attempts", "depth", "number")
        found = page.first()
        if found is None or self._is_used_up():
            if found is None and self._look_after_the_rest():
                return True
            self._end()
            return False
        began = monotonic()
        try:
            self._visit(found)
        finally:
            self._change(spent_seconds=self._website.spent_seconds + monotonic() - began)
        if self._rules.gap and self._turn.is_awaited():
            self._rest(self._rules.gap)
        return True

    @property
    def _rules(self) -> robots.Rules:
        if not hasattr(self, "_known_rules"):
            self._known_rules = robots.Rules(self._website.robots)
        return self._known_rules

    def _begin(self) -> None:
        text = robots.fetch(self._client, self._site.start)
        self._change(
            round=self._website.round + 1, robots=text.replace("\0", ""), is_whole=True, fetched_bytes=0, spent_seconds=0
        )  # fmt: skip
        if self._website.scope != Website.Scope.SITEMAP:
            self._find([self._site.start], depth=0)
        if self._website.scope != Website.Scope.PAGE:
            self._find(self._in_sitemaps(), depth=1)
        self._change(is_running=True, is_due=False)

    @property
    def is_to_do(self) -> bool:
        """Whether a round is under way or to begin."""
        return self._website.is_running or self._website.is_due

    @property
    def is_resting(self) -> bool:
        return self._website.is_resting

    def _in_sitemaps(self) -> list[WebUrl]:
        sitemaps = Sitemaps(self._client, self._site, self._rules, beat=self._source.show_life)
        found = sitemaps.pages(enough=self._website.most_pages)
        if not sitemaps.is_whole:
            self._change(is_whole=False)
        if self._website.scope == Website.Scope.SITEMAP and not found:
            raise Unfit(
                "No sitemap with pages of this site was found. Give its address, or follow links instead."
            )
        return found

    def _find(self, urls: Iterable[WebUrl], *, depth: int) -> None:
        """Have these visited in this round, as many as there is room for."""
        now = self._website.round
        known = {
            page.url: page
            for page in self._pages.filter(url__in=[str(url) for url in urls]).defer("cut", "before", "links")
        }
        found = self._pages.filter(found_round=now)
        moved = found.filter(
            status=Document.Status.SKIPPED, read_round=now, failure__startswith=LEADS
        ).count()
        room = self._website.most_pages - found.count() + min(moved, self._website.most_pages)
        waiting = [str(url) for url in urls if str(url) not in known or known[str(url)].found_round < now]
        if len(waiting) > room:
            self._change(is_whole=False)
        taken = waiting[: max(room, 0)]
        again = [known[url].id for url in taken if url in known]
        self._pages.filter(id__in=again).update(found_round=now, depth=depth, attempts=0)
        number = (self._pages.aggregate(last=Max("number"))["last"] or 0) + 1
        new = [url for url in taken if url not in known]
        Document.objects.bulk_create(
            Document(knowledge=self._source, url=url, depth=depth, found_round=now, number=number + place)
            for place, url in enumerate(new)
        )

    def _visit(self, page: Document) -> None:
        url = parse(page.url)
        if not self._rules.allow(url):
            self._close(page, Document.Status.SKIPPED, "The site’s robots.txt asks not to read this page.")
            return
        if not page.size and quota.room() <= 0:  # what is known is kept fresh all the same
            self._fail(page, quota.full())
            return
        self._rules.wait(url.host)
        began = monotonic()
        try:
            answer = aside.fetch(self._turn, url, _conditions(page), beat=self._source.show_life)
            self._change(fetched_bytes=self._website.fetched_bytes + len(answer.body))
            self._take(page, answer)
        except (egress.Unreachable, egress.TooMuch, Unreadable) as error:
            self._fail(page, str(error))
        except contained.Died:
            self._try_later(
                page, "This page could not be read: the reader stopped three times while working on it."
            )
        Document.objects.filter(id=page.id).update(milliseconds=int(1000 * (monotonic() - began)))

    def _take(self, page: Document, answer: egress.Fetched) -> None:
        if answer.status == 304:
            self._close(page, Document.Status.READY, seen_at=timezone.now())
            self._follow(page)
        elif answer.status in egress.GONE:
            self._bury(page, f"The page is gone: the site answered with status {answer.status}.")
        elif answer.status in LATER:
            self._try_later(page, f"The site answered with status {answer.status}.")
            self._rest(_seconds(answer.headers.get("retry-after", "")))
        elif answer.status in (401, 403):
            self._fail(page, f"The site lets nobody read this without signing in (status {answer.status}).")
        elif answer.status in egress.REDIRECTS:
            self._lead_on(page, answer.url)
        elif answer.status != 200:
            self._fail(page, f"The site answered with status {answer.status}.")
        else:
            self._read(page, answer)

    def _read(self, page: Document, answer: egress.Fetched) -> None:
        kind = answer.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        if kind not in NAMES:
            self._close(
                page, Document.Status.SKIPPED, f"It is not a page but {kind[:60] or 'of no known kind'}."
            )
            return
        what: tuple[Any, ...] = (
            ("document", f"page{NAMES[kind]}", answer.body)
            if NAMES[kind]
            else ("web_page", answer.body, _charset(answer))
        )
        told = aside.run(self._turn, *what, beat=self._source.show_life)
        title = str(told.get("title", ""))[:200]
        base, *_ = references = told.get("links", [""])
        links = sites.led_to(self._site, answer.url, references)
        kept = {
            "links": [str(link) for link in links], "size": len(answer.body), "title": title,
            "etag": answer.headers.get("etag", "")[:300], "last_modified": answer.headers.get("last-modified", "")[:100],
            "read_round": self._website.round, "attempts": 0,
        }  # fmt: skip
        if not told["passages"]:
            failure = told.get("failure", "The page holds no words.")
            self._close(page, Document.Status.SKIPPED, failure, **kept)
        elif own := self._own_address(page, [base, told.get("canonical", "")]):
            self._close(page, Document.Status.SKIPPED, f"{LEADS}{own}"[:300], **kept)
            self._find([own], depth=page.depth)
        elif twin := self._twin(page, said(title, told["passages"])):
            self._close(page, Document.Status.SKIPPED, f"It says the same as {twin.url}"[:300], **kept)
        else:
            page.say(told["passages"], **kept)
        self._follow(page)

    def _own_address(self, page: Document, references: list[str]) -> WebUrl | None:
        """What it gives as its own, where it was found with more of a query; where the path differs too, such a word is often wrong."""
        url = parse(page.url)
        found = filter(self._site.wants, sites.led_to(self._site, url, references))
        own = next(found, None) if page.depth else None
        return own if own and own.path == url.path and len(own.target) < len(url.target) else None

    def _twin(self, page: Document, words: Said) -> Document | None:
        """The same words under two addresses answer once, from the first."""
        ready = self._pages.filter(status=Document.Status.READY, number__lt=page.number)
        return ready.filter(digest=words.digest).order_by("number").first()

    def _follow(self, page: Document) -> None:
        if self._website.scope == Website.Scope.CRAWL and page.depth < self._website.depth:
            found = filter(self._site.wants, map(parse, page.links))  # by the patterns of today
            self._find(list(found), depth=page.depth + 1)

    def _lead_on(self, page: Document, url: WebUrl) -> None:
        if not self._site.holds(url):
            self._close(
                page,
                Document.Status.SKIPPED,
                f"{LEADS}another site, {url.host}, which is not read."[:300],
            )
            return
        self._close(page, Document.Status.SKIPPED, f"{LEADS}{url}"[:300])
        if self._site.wants(url) or page.depth == 0:
            self._find([url], depth=page.depth)

    def _fail(self, page: Document, reason: str) -> None:
        """What it said before answers on, and what it led to is still looked after."""
        if not page.links:
            self._change(is_whole=False)
        self._close(page, Document.Status.FAILED, reason)
        self._follow(page)

    def _try_later(self, page: Document, reason: str) -> None:
        page.attempts += 1
        if page.attempts < MOST_TRIES:
            page.failure = reason if page.status == Document.Status.WAITING else page.failure
            page.save(update_fields=["attempts", "failure"])
        else:
            self._fail(page, reason)

    def _rest(self, asked: float) -> None:
        """As long as the site asks for, while others have their turns; it counts as time spent on it."""
        if seconds := min(asked, LONGEST_REST):
            until = timezone.now() + timedelta(seconds=seconds)
            self._change(rests_until=until, spent_seconds=self._website.spent_seconds + seconds)

    def _close(self, page: Document, status: str, failure: str = "", **facts: object) -> None:
        page.become(status, failure, **{"read_round": self._website.round, **facts})

    def _bury(self, page: Document, reason: str) -> None:
        """It stops answering now, not when the round ends."""
        self._close(page, Document.Status.GONE, reason)
        index.remove(Passage.objects.filter(document_id=page.id))

    def _is_used_up(self) -> bool:
        return self._website.fetched_bytes > MOST_BYTES or self._website.spent_seconds > MOST_SECONDS

    def _look_after_the_rest(self) -> bool:
        """Where the first page itself is gone nothing leads to the others any more: they are asked one by one."""
        now = self._website.round
        if (
            not self._website.is_whole
            or self._pages.filter(read_round=now, status=Document.Status.READY).exists()
        ):
            return False
        rest = self._pages.filter(found_round__lt=now).exclude(status=Document.Status.GONE)
        return rest.update(found_round=now, attempts=0) > 0

    def _end(self) -> None:
        """What this round did not come to has vanished, if the round has seen everything there is."""
        now = self._website.round
        for page in self._pages.filter(found_round=now, read_round__lt=now):
            self._change(is_whole=False)
            self._fail(page, "The time or size for one website was used up before this page.")
        if (
            self._website.is_whole
            and self._pages.filter(read_round=now, status=Document.Status.READY).exists()
        ):
            for page in self._pages.filter(found_round__lt=now).exclude(status=Document.Status.GONE):
                self._bury(page, "The page is gone: no page of the site leads to it any more.")
        self._website.refresh_from_db(fields=["every_hours"])  # may have been changed meanwhile
        self._change(is_running=False, due_at=self._website.due_after(timezone.now()))

    def _change(self, **facts: object) -> None:
        for name, value in facts.items():
            setattr(self._website, name, value)
        self._website.save(update_fields=list(facts))


def _conditions(page: Document) -> dict[str, str]:
    """Asked only where the answer "not changed" can be used."""
    if not page.cut or page.status != Document.Status.READY:
        return {}
    told = {"If-None-Match": page.etag, "If-Modified-Since": page.last_modified}
    return {name: value for name, value in told.items() if value and value.isascii() and value.isprintable()}


def _seconds(retry_after: str) -> float:
    """As the header gives them (RFC 9110): a number, or the moment until which; nothing where it says neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        until = parsedate_to_datetime(retry_after)
        return max(0.0, (until - datetime.now(until.tzinfo or UTC)).total_seconds())
    except (ValueError, OverflowError, TypeError):
        return 0.0


def _charset(answer: egress.Fetched) -> str:
    """What the header says; decoding is for the child, since some codecs take time by the square of a page."""
    _, _, charset = answer.headers.get("content-type", "").lower().partition("charset=")
    return charset.partition(";")[0].strip(" \"'")
