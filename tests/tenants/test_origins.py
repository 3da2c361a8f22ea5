"""One parser of origins: what a tenant writes becomes what browsers send, and what no browser sends is refused."""

import pytest
from django.core.exceptions import ValidationError

from apps.tenants import origins
from tests.world import House


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.EXAMPLE/", "https://shop.example"),
        (" https://shop.example ", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("https://shop.example:08443", "https://shop.example:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"),
        ("https://my_shop.example", "https://my_shop.example"),
    ],
)
def test_what_is_written_becomes_what_browsers_send(written: str, meant: str) -> None:
    assert origins.parse(written) == meant
    assert origins.parse(meant) == meant


@pytest.mark.parametrize(
    "written",
    [
        "", "*", "null", "shop.example", "//shop.example", "https://", "https:///", "https://*", "https://*.shop.example",
        "ftp://shop.example", "file:///", "javascript:alert(1)", "https://shop.example/path", "https://shop.example//",
        "https://shop.example?x", "https://shop.example#x", "https://user@shop.example", "https://user:pw@shop.example",
        "https://good.example\\@evil.example", "https://shop.example:0", "https://shop.example:65536", "https://shop.example:",
        "https://shop.example:x", "https://shop..example", "https://.shop.example", "https://shop.example.", "https://-shop.example",
        "https://shop example", "https://shop.example, https://evil.example", "https://shop.example\nhttps://evil.example",
        "https://shop.example\x00", "https://shop.example\x85", "https://127.1", "https://0x7f.1", "https://2130706433",
        "https://1.2.3.4.5", "https://[::1", "https://[::1%25eth0]", "https://[::g]", f"https://{'a' * 64}.{'b' * 300}",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(origins.BadOrigin):
        origins.parse(written)


def test_a_tenants_list_is_kept_as_browsers_send_it(acme: House) -> None:
    acme.tenant.allowed_origins = [
        "HTTPS://Shop.example/",
        "https://shop.example:443",
        "https://bücher.example",
    ]
    acme.tenant.save()
    acme.tenant.refresh_from_db()
    assert acme.tenant.allowed_origins == ["https://shop.example", "https://xn--bcher-kva.example"]
    assert acme.tenant.admits_origin("https://shop.example")
    for other in (None, "null", "HTTPS://shop.example", "https://shop.example:443", "https://shop.example.", "https://shop.example.evil.example"):  # fmt: skip
        assert not acme.tenant.admits_origin(other)


def test_a_list_with_what_is_no_origin_is_not_saved(acme: House) -> None:
    acme.tenant.allowed_origins = ["*"]
    with pytest.raises(ValidationError, match="no origin"):
        acme.tenant.save()
