"""A request goes through our middleware without a thread for each step of it."""

from collections import Counter
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.test import Client

from tests.world import PASSWORD, House


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was done in a thread, by name."""
    seen: Counter[str] = Counter()
    call = SyncToAsync.__call__

    async def noting(self: Any, *arguments: Any, **named: Any) -> Any:
        seen[getattr(self.func, "__qualname__", type(self.func).__name__)] += 1
        return await call(self, *arguments, **named)

    monkeypatch.setattr(SyncToAsync, "__call__", noting)
    return seen


def of_middleware(hops: Counter[str]) -> set[str]:
    return {name for name in hops if "Middleware." in name or name.startswith("Csrf")}


def test_what_waits_for_nothing_takes_no_thread(acme: House, hops: Counter[str]) -> None:
    assert Client().get("/console/login/").status_code == 200
    assert hops["_admit"] == 1  # it does ask the database
    assert of_middleware(hops) == set()


def test_what_reads_a_body_or_saves_a_session_takes_one(acme: House, hops: Counter[str]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/console/login/")
    token = browser.cookies["csrftoken"].value
    said = {"username": acme.user.username, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert browser.post("/console/login/", {**said, "csrfmiddlewaretoken": "x" * 32}).status_code == 403
    assert of_middleware(hops) == {"CsrfViewMiddleware.process_view"}
    assert browser.post("/console/login/", said).status_code == 302
    assert of_middleware(hops) == {"CsrfViewMiddleware.process_view", "SessionMiddleware.process_response"}


def test_what_is_kept_for_the_next_page_is_told_there_once(acme: House) -> None:
    browser = Client()
    browser.force_login(acme.user)
    browser.post("/console/tenant/", {"tenant": str(acme.tenant.id)})
    new = dict.fromkeys(("new_password1", "new_password2"), "a long and winding road")
    browser.post("/console/account/password/", {"old_password": PASSWORD, **new})
    pages = [browser.get("/console/account/").content.decode() for _ in range(2)]
    assert ["signed out everywhere else" in page for page in pages] == [True, False]
