"""The one way out, on a small internet of its own: nothing that tenants, pages or name servers say leads into our network."""

import pytest

from apps.knowledge import egress
from apps.knowledge.weburl import BadUrl, parse
from apps.tenants import addresses
from tests import internet
from tests.knowledge import scenes

ATTEMPTS = 900  # benchmarks/ssrf makes 5,000
SCENES = "tests.knowledge.scenes"


def test_no_spelling_redirect_or_name_reaches_an_address_that_is_not_public() -> None:
    seen = internet.play(f"{SCENES}:attempts", str(ATTEMPTS))
    assert (seen["packets"], seen["reached"]) == (0, 0), seen
    assert sum(seen["said"].values()) == ATTEMPTS
    assert seen["said"][egress.REASON] > ATTEMPTS / 3


def test_the_address_that_was_judged_is_the_one_that_is_asked() -> None:
    seen = internet.play(f"{SCENES}:rebinding", "200")
    assert seen["packets"] == 0
    assert seen["asked"] == 200, "each fetch resolves once"
    assert seen["said"] == {"200": 100, egress.REASON: 100}
    assert seen["both"] == egress.REASON


def test_each_redirect_is_judged_and_takes_nothing_along() -> None:
    seen = internet.play(f"{SCENES}:redirects")
    assert seen["packets"] == 0
    assert list(seen["inward"]) == [egress.REASON]
    assert (seen["loop"], seen["hops"]) == (egress.REASON, egress.MOST_REDIRECTS + 1)
    assert (seen["chain"], seen["long"]) == ("200", egress.REASON)
    assert seen["leaked"] == []


def test_what_went_wrong_reads_the_same_whatever_it_was() -> None:
    assert internet.play(f"{SCENES}:oracle") == {"said": [egress.REASON], "packets": 0}


def test_bombs_drips_and_floods_end_within_their_bounds() -> None:
    seen = internet.play(f"{SCENES}:appetite")
    assert (seen["/honest"]["said"], seen["/honest"]["size"]) == ("200", 7000)
    for path in ("/gzip", "/tail", "/declared", "/endless"):
        assert "larger than 1 MB" in seen[path]["said"]
    assert "longer than 2 seconds" in seen["/drip"]["said"]
    assert seen["/headers"]["said"] == seen["/cut"]["said"] == seen["name"]["said"] == egress.REASON
    assert seen["name"]["seconds"] < 1.5, "also the time in which a name server says nothing"
    assert "not asked for" in seen["/unasked"]["said"]
    assert max(one["seconds"] for path, one in seen.items() if path != "rss") < 3
    assert seen["rss"] < 150


def test_certificates_are_for_names_and_the_operators_list_is_exact() -> None:
    seen = internet.play(f"{SCENES}:names")
    assert {name for name, said in seen.items() if said == "200"} == {"right", "six", "listed", "host"}
    assert {seen[name] for name in ("wrong", "port", "suffix")} == {egress.REASON}


@pytest.mark.parametrize("text", [*scenes.TARGETS, "2606:4700::1111%eth0", "localhost"])
def test_addresses_that_are_not_public(text: str) -> None:
    assert not addresses.is_public(text)


@pytest.mark.parametrize(
    "text",
    ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"],
)
def test_addresses_that_are_public(text: str) -> None:
    assert addresses.is_public(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("HTTP://Shop.Example:80/a/../b?x=ü y#c", "http://shop.example/b?x=%C3%BC%20y"),
        ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ("http://[2606:4700::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("http://shop.example/a%2Fb%zz/./c/..", "http://shop.example/a%2Fb%25zz/"),
        ("http://shop.example/../../etc/", "http://shop.example/etc/"),
    ],
)
def test_one_spelling_for_each_address(text: str, read: str) -> None:
    assert str(parse(text)) == str(parse(read)) == read


@pytest.mark.parametrize(
    "text",
    ["", "shop.example", "ftp://shop.example/", "file:///etc/passwd", "javascript:alert(1)", "http://u:p@shop.example/", "http:///x",
     "http://127.1/", "http://a b/", "http://shop.example:99999/", "http://\\shop.example/", "http://x/" + "a" * 2000, "http://shop.example/" + "日" * 200,
     "http://x\u202e.example/"],
)  # fmt: skip
def test_what_is_no_address_is_said(text: str) -> None:
    with pytest.raises(BadUrl):
        parse(text)


def test_links_lead_where_a_browser_would_go() -> None:
    page = parse("https://shop.example/a/b?q=1")
    links = {
        "c": "/a/c",
        "../d": "/d",
        "?q=2": "/a/b?q=2",
        "//other.example/x": "https://other.example/x",
        "#top": "/a/b?q=1",
    }
    for link, wanted in links.items():
        assert str(page.join(link)) == (
            wanted if wanted.startswith("https") else f"https://shop.example{wanted}"
        )
    with pytest.raises(BadUrl):
        page.join("mailto:a@b.example")
