"""The page of the audit log."""

import re

from apps.tenants import audit
from tests.console.signing import body, browser_of
from tests.tenants.acting import at_work
from tests.world import House

ADDRESS = "/console/organisation/audit/"


def rows(page: str) -> int:
    return page.count('data-testid="audit-row"')


def test_it_shows_the_houses_own_lines_and_filters_them(acme: House, globex: House) -> None:
    owner = browser_of(acme)
    with at_work(acme):
        audit.note("key.minted", scopes=["chat", "read"])
        audit.note("member.removed", outcome=audit.REFUSED, reason="<script>alert(1)</script>")
    page = body(owner.get(ADDRESS))
    assert rows(page) == 3  # and that the owner came in
    assert "<script>alert" not in page
    assert rows(body(owner.get(ADDRESS, {"action": "key"}))) == 1
    assert rows(body(owner.get(ADDRESS, {"outcome": "refused"}))) == 1
    assert rows(body(owner.get(ADDRESS, {"actor": "nobody"}))) == 0
    assert rows(body(browser_of(globex).get(ADDRESS))) == 1


def test_it_goes_on_page_by_page(acme: House) -> None:
    owner = browser_of(acme)
    with at_work(acme):
        for number in range(60):
            audit.note("key.minted", number=number)
    first = body(owner.get(ADDRESS, {"action": "key"}))
    following = re.search(r'href="(\?[^"]*)" rel="next"', first)
    assert following
    second = body(owner.get(ADDRESS + following[1].replace("&amp;", "&")))
    assert (rows(first), rows(second)) == (50, 10)
    assert 'rel="next"' not in second


def test_nonsense_in_the_address_is_passed_over(acme: House) -> None:
    owner = browser_of(acme)
    for query in ({"cursor": "x"}, {"outcome": "x"}, {"action": "\0"}, {"actor": "x" * 5000}):
        assert owner.get(ADDRESS, query).status_code == 200


def test_staff_do_not_read_it(acme: House) -> None:
    assert browser_of(acme, "staff").get(ADDRESS).status_code == 403
    assert browser_of(acme, "manager").get(ADDRESS).status_code == 200
