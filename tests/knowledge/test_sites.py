"""Which addresses are a website's, as its tenant wants it read."""

import time

import pytest

from apps.knowledge import sites
from apps.knowledge.weburl import parse


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("/help/*", ["/help/", "/help/a/b"], ["/help", "/helps/a"]),
        ("/help", ["/help", "/help/a"], ["/helper"]),
        ("/", ["/"], ["/a"]),
        ("*/print", ["/a/print", "/print/print"], ["/a/print/b"]),
        ("/a*b*c", ["/abc", "/a-b-b-c-c"], ["/acb", "/abcd"]),
        ("**", ["/", "/a"], []),
    ],
)
def test_a_star_stands_for_anything(pattern: str, matched: list[str], others: list[str]) -> None:
    [found] = sites.patterns(pattern)
    assert [path for path in matched + others if found.fullmatch(path)] == matched


def test_no_pattern_takes_longer_than_its_path() -> None:
    """One reader serves all organisations: a pattern that is never done would end reading for everybody."""
    [found] = sites.patterns("*" + "a*" * 12 + "b")
    began = time.monotonic()
    assert not found.fullmatch("/" + "a" * 900)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("/a?utm_source=x&id=7&fbclid=1", "/a?id=7"),
        ("/a?ref=x", "/a"),
        ("/s?q=%E4pfel&flag&n=", "/s?q=%E4pfel&flag&n="),
        ("/s?q=a%20b+c;d=1", "/s?q=a%20b+c;d=1"),
    ],
)
def test_what_tells_where_a_visitor_came_from_goes_and_the_rest_stays_as_it_is(
    address: str, read: str
) -> None:
    assert sites.plain(parse(f"https://shop.example{address}")).target == read
