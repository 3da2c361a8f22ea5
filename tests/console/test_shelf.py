"""Long lists of knowledge, as staff go through them."""

import re
from datetime import timedelta
from functools import partial

from django.test import Client
from django.utils import timezone

from apps.knowledge.models import Document, Knowledge, Website
from tests.console.signing import body, browser_of
from tests.world import House

SHELF = "/console/knowledge/"


def went_through(browser: Client, address: str, mark: str) -> list[int]:
    """How many rows each part of the list has, from the first on."""
    found: list[int] = []
    following = address
    while following and len(found) < 9:
        page = body(browser.get(following))
        found.append(page.count(mark))
        link = re.search(r'href="(\?[^"]*)" rel="next"', page)
        following = address.partition("?")[0] + link[1].replace("&amp;", "&") if link else ""
    return found


def shelved(house: House, many: int, **facts: object) -> None:
    with house.scope():
        Knowledge.objects.bulk_create(Knowledge(name=f"Source {n}", **facts) for n in range(many))


def website_of(house: House, pages: int) -> Knowledge:
    with house.scope():
        source = Knowledge.objects.create(
            name="Shop", category="website", content="https://shop.example/", status="ready"
        )
        Website.objects.create(knowledge=source)
        make = partial(Document, knowledge=source, status="ready")
        Document.objects.bulk_create(make(number=n, url=f"https://shop.example/{n}") for n in range(pages))
        return source


def test_a_long_shelf_is_gone_through_in_three_parts(acme: House, globex: House) -> None:
    shelved(acme, 120)
    shelved(globex, 5)
    owner = browser_of(acme)
    assert went_through(owner, SHELF, 'data-testid="knowledge-row"') == [50, 50, 20]
    first = body(owner.get(SHELF))
    assert "Source 119" in first
    assert 'id="shelf-first"' not in first


def test_a_part_that_is_being_read_asks_for_itself_again_and_a_quiet_one_does_not(acme: House) -> None:
    shelved(acme, 51, status="ready")
    owner = browser_of(acme)
    with acme.scope():
        Knowledge.objects.filter(name="Source 0").update(status="working")
    first = body(owner.get(SHELF))
    assert "hx-get" not in first
    following = re.search(r'href="(\?[^"]*)" rel="next"', first)
    assert following
    assert f'hx-get="{SHELF}{following[1]}"' in body(owner.get(SHELF + following[1]))


def test_a_websites_pages_are_gone_through_in_three_parts_of_all_or_of_one_kind(acme: House) -> None:
    source = website_of(acme, 120)
    with acme.scope():
        Document.objects.filter(number__in=[7, 110]).update(status="failed", failure="Status 418.")
        Document.objects.filter(number=60).update(changed_at=timezone.now())
    owner, address = browser_of(acme), f"{SHELF}{source.id}/"
    row = 'data-testid="page-row"'
    assert went_through(owner, address, row) == [50, 50, 20]
    assert went_through(owner, f"{address}?kind=failed", row) == [2]
    assert went_through(owner, f"{address}?kind=changed", row) == [1]
    assert went_through(owner, f"{address}?kind=gone", row) == [0]
    assert "118 read, 2 failed" in body(owner.get(f"{address}?kind=failed"))


def test_what_a_document_says_and_what_changed_in_it_are_gone_through_apart(acme: House) -> None:
    source = website_of(acme, 1)
    with acme.scope():
        document = Document.objects.get()
        for word in ("green", "violet"):
            document.say([{"heading": "", "page": None, "text": f"Depot {n} is {word}."} for n in range(60)])
    owner, address = browser_of(acme), f"{SHELF}{source.id}/documents/{document.id}/"
    page = body(owner.get(address))
    assert (page.count("<del>"), page.count("<ins>"), page.count('data-testid="passage"')) == (50, 0, 50)
    more = re.findall(r'href="(\?[^"]*)" rel="next"', page)
    assert len(more) == 2
    changed, said = (body(owner.get(address + one.replace("&amp;", "&"))) for one in more)
    assert (changed.count("<del>"), changed.count("<ins>"), changed.count('data-testid="passage"')) == (
        10,
        40,
        50,
    )
    assert (said.count("<del>"), said.count('data-testid="passage"')) == (50, 10)


def test_what_stayed_far_from_a_change_is_folded(acme: House) -> None:
    source = website_of(acme, 1)
    with acme.scope():
        document = Document.objects.get()
        for word in ("green", "violet"):
            lines = [f"Depot {n} is {word if n == 30 else 'red'}." for n in range(60)]
            document.say([{"heading": "", "page": None, "text": "\n".join(lines)}])
    page = body(browser_of(acme).get(f"{SHELF}{source.id}/documents/{document.id}/"))
    changes = page.partition('data-testid="changes"')[2].partition("</ul>")[0]
    assert "28 sentences stayed" in changes
    assert "27 sentences stayed" in changes
    assert changes.count("<li") == 8


def test_nonsense_in_the_address_is_passed_over(acme: House) -> None:
    source = website_of(acme, 60)
    owner = browser_of(acme)
    with acme.scope():
        document = Document.objects.earliest("number")
    for address in (SHELF, f"{SHELF}{source.id}/", f"{SHELF}{source.id}/documents/{document.id}/"):
        for nonsense in ("x", "\0", "MSAy", "9" * 5000):
            asked = {"cursor": nonsense, "kind": nonsense, "changes": nonsense, "text": nonsense}
            assert owner.get(address, asked).status_code == 200
    assert body(owner.get(f"{SHELF}{source.id}/", {"kind": "lost"})).count('data-testid="page-row"') == 50


def test_the_shelf_says_until_when_a_site_is_left_alone(acme: House) -> None:
    source = website_of(acme, 1)
    with acme.scope():
        Knowledge.objects.filter(id=source.id).update(status="waiting")
        Website.objects.update(rests_until=timezone.now() + timedelta(minutes=5))
    owner = browser_of(acme)
    for address in (SHELF, f"{SHELF}{source.id}/"):
        assert "as the site asked" in body(owner.get(address))
    with acme.scope():
        Website.objects.update(rests_until=timezone.now())
    for address in (SHELF, f"{SHELF}{source.id}/"):
        assert "as the site asked" not in body(owner.get(address))
