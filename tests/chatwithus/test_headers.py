"""What browsers are told, and what keeps a process from serving."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from django.test import Client

from chatwithus import env
from tests.services import ROOT
from tests.world import House

PAGES = ("/console/", "/console/inbox/", "/console/agents/", "/console/knowledge/", "/console/knowledge/add/", "/console/organisation/", "/console/login/",
         "/admin/login/", "/api/v1/docs", "/console/nowhere/")  # fmt: skip


class Inline(HTMLParser):
    """What a page has in it that a content security policy is there to stop."""

    def __init__(self, nonce: str) -> None:
        super().__init__()
        self.nonce = nonce
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        self.found += [
            f"{tag} {name}={value}"
            for name, value in given.items()
            if (value or "").lstrip().lower().startswith("javascript:")
        ]
        is_data = given.get("type") == "application/json"
        has_own_words = tag == "style" or (tag == "script" and "src" not in given and not is_data)
        self._inside = tag if has_own_words and given.get("nonce") != self.nonce else ""

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.found.append(f"<{self._inside}>{data.strip()[:40]}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


@pytest.fixture
def browser(acme: House) -> Client:
    client = Client()
    client.force_login(acme.user)
    session = client.session
    session["tenant_id"] = str(acme.tenant.id)
    session.save()
    return client


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_a_policy_that_lets_nothing_foreign_run(browser: Client, page: str) -> None:
    answer = browser.get(page, follow=True)
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    for kind in ("script-src", "style-src"):
        assert re.fullmatch(r"'self'( 'nonce-[\w+/=]+')?", policy[kind])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"
    nonce = re.search(r"nonce-([\w+/=]+)", policy["script-src"])
    page_read = Inline(nonce[1] if nonce else "")
    page_read.feed(answer.content.decode())
    assert page_read.found == []


def test_the_eye_for_what_is_inline_sees_it() -> None:
    seen = Inline("right")
    seen.feed(
        '<p style="x" onclick="y"><a href=" JavaScript:z">a</a><script>b</script><style>c</style><script nonce="right">d</script>'
    )
    assert seen.found == ["p style", "p onclick", "a href= JavaScript:z", "<script>b", "<style>c"]


STRONG = "Zk3v0b6bq1yYt2xAqQ8s7dLr5mN4pW9e"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY can be guessed"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "change-me-" * 6}, "SECRET_KEY is a placeholder"),
        ({"SECRET_KEY": "django-insecure-" + STRONG}, "SECRET_KEY is a placeholder"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY can be guessed"),
        ({"DEPLOYMENT_KEYS": f"{STRONG} short"}, "DEPLOYMENT_KEYS can be guessed"),
        ({"DATABASE_URL": "postgresql://app:postgres@127.0.0.1/x"}, "DATABASE_URL has a password"),
        ({"VECTOR_DATABASE_URL": "postgresql://app:APP@127.0.0.1/x"}, "VECTOR_DATABASE_URL has a password"),
        ({"SECRET_KEY": "short", "DEBUG": "true"}, ""),
        ({"PUBLIC_URL": "http://chat.example"}, "PUBLIC_URL is http://chat.example, where sessions"),
        ({"PUBLIC_URL": "http://192.168.1.7:8000"}, "PUBLIC_URL is http://192.168.1.7:8000"),
        ({"PUBLIC_URL": "http://0.0.0.0:8000"}, "PUBLIC_URL is http://0.0.0.0:8000"),
        ({"PUBLIC_URL": "http://localhost.example"}, "PUBLIC_URL is"),
        ({"PUBLIC_URL": "http://127.0.0.1@chat.example"}, "PUBLIC_URL is"),
        ({"PUBLIC_URL": "chat.example"}, "PUBLIC_URL is"),
        ({"PUBLIC_URL": "http://chat.example", "DEBUG": "true"}, ""),
        ({"PUBLIC_URL": "https://chat.example"}, ""),
        ({"PUBLIC_URL": "http://127.0.0.2:8000"}, ""),
        ({"PUBLIC_URL": "http://[::1]:8000"}, ""),
        ({"PUBLIC_URL": "http://shop.localhost:8000"}, ""),
        ({}, ""),
    ],
)
def test_no_process_starts_where_others_know_its_secrets_or_read_its_sessions(
    variables: dict[str, str], says: str, tmp_path: object
) -> None:
    address = "postgresql://nobody@127.0.0.1/nowhere"
    given = {
        "DATABASE_URL": address,
        "VECTOR_DATABASE_URL": address,
        "REDIS_URL": "redis://127.0.0.1",
        "SECRET_KEY": STRONG,
    }
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    command = [sys.executable, "-c", "import chatwithus.settings"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, **given, "DATA_DIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode == 0) == (says == "")
    assert says in ended.stderr


def test_over_https_cookies_and_pages_stay_there(tmp_path: object) -> None:
    given = {"PUBLIC_URL": "https://chat.example", "DATA_DIR": str(tmp_path)}
    asked = "from chatwithus import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS)"
    ended = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True
    )
    assert ended.stdout.strip() == f"True True {365 * 86400}"


def test_what_openssl_makes_is_strong() -> None:
    assert env.weakness(os.urandom(32).hex()) is None
