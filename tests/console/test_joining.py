"""Coming to work here by an invitation's link."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.test import Client

from apps.tenants import access, invitations
from apps.tenants.models import AuditEntry, Invitation
from tests.console.signing import body, browser_of, sign_in
from tests.tenants.acting import at_work
from tests.tenants.phone import set_up
from tests.world import PASSWORD, House

JOIN = "/console/join/"
NEW = "a long and winding road"


def path_of(house: House, email: str = "ada@shop.example", role: str = "staff") -> str:
    with at_work(house) as by:
        link = invitations.invite(email, role, by=by)[1]
    return link[link.index(JOIN) :]


def test_somebody_without_an_account_makes_one_and_is_in(acme: House) -> None:
    browser = Client()
    arrived = browser.get(path_of(acme, role="manager"))
    assert arrived.headers["Location"] == JOIN  # the address holds the secret no more
    cookie = arrived.cookies["cwu_invitation"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (JOIN, True, "Lax")
    page = body(browser.get(JOIN))
    assert acme.tenant.name in page
    assert "ada@shop.example" in page
    joined = browser.post(JOIN, {"name": "Ada Okafor", "password": NEW}, follow=True)
    assert joined.redirect_chain == [("/console/", 302)]
    assert browser.cookies["cwu_invitation"].value == ""
    assert f'data-testid="tenant">{acme.tenant.name}' in body(joined)
    user = get_user_model().objects.get(username="ada@shop.example")
    admitted = access.by_membership(user, acme.tenant.id)
    assert admitted is not None
    assert admitted.role == "manager"
    assert not user.is_superuser
    with acme.scope():
        assert AuditEntry.objects.filter(action="invitation.accepted", outcome="done").count() == 1


def test_the_link_works_once(acme: House) -> None:
    link = path_of(acme)
    for expected in (200, 410):
        browser = Client()
        browser.get(link)
        assert browser.post(JOIN, {"password": NEW}, follow=True).status_code == expected


def test_however_often_somebody_comes_nothing_is_saved(acme: House) -> None:
    link = path_of(acme)
    before = Session.objects.count()
    for _ in range(20):
        assert Client().get(link, follow=True).status_code == 200
    assert Session.objects.count() == before


@pytest.mark.parametrize("password", ["", "short", "password1234"])
def test_an_easy_password_is_explained(acme: House, password: str) -> None:
    browser = Client()
    browser.get(path_of(acme))
    refused = browser.post(JOIN, {"password": password})
    assert refused.status_code == 422
    assert "errorlist" in body(refused)
    assert not get_user_model().objects.filter(username="ada@shop.example").exists()


def test_somebody_with_an_account_signs_in_and_joins(acme: House) -> None:
    get_user_model().objects.create(username="ada@shop.example", password=make_password(PASSWORD))
    browser = Client()
    browser.get(path_of(acme))
    assert "/console/login/?next=/console/join/" in body(browser.get(JOIN))
    refused = browser.post(JOIN, {"password": NEW})
    assert refused.status_code == 422  # nobody takes an account over
    fields = {"username": "ada@shop.example", "password": PASSWORD, "next": JOIN}
    assert browser.post("/console/login/", fields).headers["Location"] == JOIN
    assert "Join</button>" in body(browser.get(JOIN))
    assert browser.post(JOIN).headers["Location"] == "/console/"
    assert browser.get("/console/").status_code == 200
    with acme.scope():
        assert AuditEntry.objects.filter(action="invitation.accepted", outcome="refused").count() == 1


@pytest.mark.parametrize("sent", [None, {"password": "short"}, {"password": ""}])
def test_the_page_does_not_tell_whether_there_is_an_account(acme: House, sent: dict[str, str] | None) -> None:
    get_user_model().objects.create(username="known@shop.example")
    pages = []
    for email in ("known@shop.example", "never@shop.example"):
        browser = Client()
        browser.get(path_of(acme, email))
        answer = browser.get(JOIN) if sent is None else browser.post(JOIN, sent)
        page = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]+"', "", body(answer)).replace(email, "…")
        pages.append((answer.status_code, page))
    assert pages[0] == pages[1]


def test_whoever_owes_a_second_factor_shows_it_before_they_join(acme: House) -> None:
    user = get_user_model().objects.create(username="ada@shop.example", password=make_password(PASSWORD))
    browser, _ = sign_in("ada@shop.example")
    paper = set_up(user)
    browser.get(path_of(acme))
    assert browser.post(JOIN).headers["Location"] == "/console/login/code/"
    assert access.by_membership(user, acme.tenant.id) is None
    browser.post("/console/login/code/", {"code": paper[0]})
    assert browser.post(JOIN).headers["Location"] == "/console/"
    assert access.by_membership(user, acme.tenant.id) is not None


def test_somebody_elses_account_cannot_use_it(acme: House, globex: House) -> None:
    link, theirs = path_of(acme), browser_of(globex)
    theirs.get(link)
    get_user_model().objects.create(username="ada@shop.example")
    assert "You are signed in as" in body(theirs.get(JOIN))
    assert theirs.post(JOIN).status_code == 403
    assert access.by_membership(globex.user, acme.tenant.id) is None
    with acme.scope():
        entry = AuditEntry.objects.get(action="invitation.accepted")
        assert Invitation.objects.get().is_open
    assert (entry.outcome, entry.actor_name) == ("refused", globex.user.username)


def test_an_owner_is_not_made_a_member_twice(acme: House) -> None:
    link = path_of(acme)
    get_user_model().objects.create(username="ada@shop.example", password=make_password(PASSWORD))
    browser, _ = sign_in("ada@shop.example")
    browser.get(link)
    assert browser.post(JOIN).status_code == 302
    with acme.scope():
        again = Invitation.objects.create(email="ada@shop.example", role="owner")
    second = invitations.link(again)
    browser.get(second[second.index(JOIN) :])
    assert browser.post(JOIN).status_code == 409


@pytest.mark.parametrize("signed", ["x", "a:b:c", "%00", "x" * 3000, "é"])
def test_what_was_not_signed_here_leads_nowhere(db: None, signed: str) -> None:
    browser = Client()
    before = Session.objects.count()
    assert browser.get(f"{JOIN}{signed}/").status_code == 410
    assert Session.objects.count() == before
    assert browser.get(JOIN).status_code == 410
    assert browser.post(JOIN, {"password": NEW}).status_code == 410


def test_the_page_behind_no_link_says_so(db: None) -> None:
    assert Client().get(JOIN).status_code == 410
