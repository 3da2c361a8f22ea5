"""Signing in: in one step or two, not as often as one likes, and into one's own organisations."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from apps.tenants import limits, twofactor
from apps.tenants.models import AuditEntry, Membership
from tests.console.signing import LOGIN, body, browser_of, sign_in
from tests.tenants.phone import code, set_up, wait_over
from tests.world import PASSWORD, House

CODE, FACTOR, HOME = "/console/login/code/", "/console/account/", "/console/"


def now_of(user: Any) -> str:
    return code(twofactor.device_of(user))


def require(house: House) -> None:
    house.tenant.requires_two_factor = True
    house.tenant.save()


def test_with_a_second_factor_the_password_alone_opens_nothing(acme: House) -> None:
    set_up(acme.user)
    browser, answer = sign_in(acme.user.username)
    assert answer.headers["Location"] == CODE
    assert browser.get(HOME).headers["Location"].startswith(LOGIN)
    assert browser.post(CODE, {"code": "000000"}).status_code == 422
    assert browser.get(HOME).status_code == 302
    wait_over(acme.user)
    assert browser.post(CODE, {"code": now_of(acme.user)}).headers["Location"] == HOME
    assert browser.get(HOME).status_code == 200
    with acme.scope():
        assert AuditEntry.objects.filter(action="second_factor.shown", outcome="refused").count() == 1


def test_a_recovery_code_signs_in_too(acme: House) -> None:
    paper = set_up(acme.user)
    browser, _ = sign_in(acme.user.username)
    assert browser.post(CODE, {"code": paper[3]}).status_code == 302
    assert browser.get(HOME).status_code == 200


def test_the_second_step_needs_the_first(acme: House, db: None) -> None:
    assert Client().get(CODE).headers["Location"] == LOGIN
    assert Client().post(CODE, {"code": "123456"}).headers["Location"] == LOGIN


@pytest.mark.parametrize("meanwhile", ["password", "left", "late"])
def test_half_way_in_does_not_last(acme: House, meanwhile: str) -> None:
    set_up(acme.user)
    browser, _ = sign_in(acme.user.username)
    if meanwhile == "password":
        acme.user.set_password("another long password")
        acme.user.save()
    if meanwhile == "left":
        acme.user.is_active = False
        acme.user.save()
    if meanwhile == "late":
        session = browser.session
        session["half_way"] = session["half_way"] | {"until": 0}
        session.save()
    assert browser.post(CODE, {"code": now_of(acme.user)}).headers["Location"] == LOGIN
    assert browser.get(HOME).status_code == 302


def test_where_a_tenant_requires_it_nothing_is_seen_before_it_is_set_up(acme: House) -> None:
    require(acme)
    browser = browser_of(acme)
    assert browser.get(HOME).headers["Location"] == FACTOR
    page = body(browser.get(FACTOR))
    assert 'data-testid="required"' in page
    assert "<svg" in page
    assert browser.post(FACTOR, {"code": "000000"}).status_code == 422
    wait_over(acme.user)
    shown = browser.post(FACTOR, {"code": code(twofactor.begin(acme.user))})
    assert body(shown).count("<li><code>") == 10
    assert "no-store" in shown["Cache-Control"]
    assert browser.get(HOME).status_code == 200
    with acme.scope():
        assert AuditEntry.objects.filter(action="second_factor.turned_on").count() == 1


def test_a_session_that_is_older_than_the_second_factor_shows_it_first(acme: House) -> None:
    old = browser_of(acme)
    set_up(acme.user)
    for page in (HOME, FACTOR, "/console/account/password/", "/console/tenant/"):
        assert old.get(page).headers["Location"] == CODE
    form = {"old_password": PASSWORD, "new_password1": "a long and winding road", "new_password2": "a long and winding road"}  # fmt: skip
    for page, sent in (("/console/account/password/", form), ("/console/tenant/", {}), ("/console/account/off/", {}), ("/console/account/codes/", {})):  # fmt: skip
        assert old.post(page, sent).headers["Location"] == CODE
    acme.user.refresh_from_db()
    assert acme.user.check_password(PASSWORD)
    assert old.post(CODE, {"code": now_of(acme.user)}).status_code == 302
    assert old.get(HOME).status_code == 200


def test_turning_it_off_takes_a_code_and_is_refused_where_it_is_required(acme: House) -> None:
    session: dict[str, Any] = {}
    browser = browser_of(acme)
    set_up(acme.user, session)
    browser.post(CODE, {"code": now_of(acme.user)})
    assert browser.post("/console/account/off/", {"code": "000000"}).status_code == 422
    wait_over(acme.user)
    require(acme)
    refused = browser.post("/console/account/off/", {"code": now_of(acme.user)}, follow=True)
    assert "requires it" in body(refused)
    assert twofactor.device_of(acme.user) is not None
    acme.tenant.requires_two_factor = False
    acme.tenant.save()
    browser.post("/console/account/off/", {"code": now_of(acme.user)})
    assert twofactor.device_of(acme.user) is None
    assert browser.get(HOME).status_code == 200


def test_new_recovery_codes_take_a_code(acme: House) -> None:
    paper, browser = set_up(acme.user), Client()
    sign_in(acme.user.username, browser=browser)
    browser.post(CODE, {"code": now_of(acme.user)})
    assert browser.post("/console/account/codes/", {"code": ""}).status_code == 422
    made = browser.post("/console/account/codes/", {"code": now_of(acme.user)})
    assert body(made).count("<li><code>") == 10
    assert paper[0] not in body(made)


def test_a_changed_password_signs_out_everywhere_else(acme: House) -> None:
    here, elsewhere = browser_of(acme), browser_of(acme)
    fields = {
        "old_password": PASSWORD,
        "new_password1": "a long and winding road",
        "new_password2": "a long and winding road",
    }
    assert here.post("/console/account/password/", fields | {"old_password": "wrong"}).status_code == 422
    assert here.post("/console/account/password/", fields).status_code == 302
    assert here.get(HOME).status_code == 200
    assert elsewhere.get(HOME).status_code == 302


def test_whoever_guesses_passwords_is_stopped_and_told_how_long(acme: House) -> None:
    name = acme.user.username
    answers = [sign_in(name, f"wrong {number}")[1] for number in range(limits.LOGIN.capacity + 5)]
    assert [answer.status_code for answer in answers].count(200) == limits.LOGIN.capacity
    last = answers[-1]
    assert last.status_code == 429
    assert int(last["Retry-After"]) > 0
    assert 'data-testid="too-many"' in body(last)
    assert sign_in(name.upper())[1].status_code == 429  # also with the right password, in other letters


def test_whoever_comes_in_is_forgiven(acme: House) -> None:
    for _ in range(3):
        for number in range(limits.LOGIN.capacity - 1):
            assert sign_in(acme.user.username, f"wrong {number}")[1].status_code == 200
        assert sign_in(acme.user.username)[1].status_code == 302


def test_an_unknown_name_is_answered_as_a_wrong_password(acme: House) -> None:
    from django.utils.html import escape

    known, unknown = (sign_in(name, "wrong")[1] for name in (acme.user.username, "nobody@acme.example"))
    told = [body(answer).replace(escape(name), "").partition("<form class")[2].partition("csrfmiddlewaretoken")[2][90:] for answer, name in
            ((known, acme.user.username), (unknown, "nobody@acme.example"))]  # fmt: skip
    assert known.status_code == unknown.status_code == 200
    assert told[0] == told[1]


def test_somebody_of_two_houses_goes_from_one_to_the_other(acme: House, globex: House) -> None:
    with globex.scope():
        Membership.objects.create(user=acme.user, role="staff")
    browser, _ = sign_in(acme.user.username)
    assert browser.get(HOME).headers["Location"] == "/console/tenant/"
    chosen = browser.post("/console/tenant/", {"tenant": str(globex.tenant.id)}, follow=True)
    assert f'data-testid="tenant">{globex.tenant.name}' in body(chosen)
    assert browser.get("/console/organisation/").status_code == 403
    browser.post("/console/tenant/", {"tenant": str(acme.tenant.id)})
    assert browser.get("/console/organisation/").status_code == 200
    with globex.scope():
        assert AuditEntry.objects.filter(action="member.came_in").count() == 1


@pytest.mark.parametrize("chosen", ["rival", "x", "", "suspended"])
def test_nobody_chooses_a_house_that_is_not_theirs(acme: House, globex: House, chosen: str) -> None:
    browser = browser_of(acme)
    if chosen == "suspended":
        acme.tenant.suspended_at = timezone.now()
        acme.tenant.save()
    wanted = {"rival": str(globex.tenant.id), "suspended": str(acme.tenant.id)}.get(chosen, chosen)
    assert browser.post("/console/tenant/", {"tenant": wanted}).status_code == 200
    assert browser.session["tenant_id"] == str(acme.tenant.id)
    assert browser.get(HOME).status_code == (302 if chosen == "suspended" else 200)


@pytest.mark.parametrize("following", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"])  # fmt: skip
def test_signing_in_leads_to_no_other_site(acme: House, following: str) -> None:
    set_up(acme.user)
    browser = Client()
    fields = {"username": acme.user.username, "password": PASSWORD, "next": following}
    browser.post(LOGIN, fields)
    assert browser.post(CODE, {"code": now_of(acme.user)}).headers["Location"] == HOME


def test_the_operator_comes_in_by_the_same_door(db: None) -> None:
    operator = get_user_model().objects.create_superuser("root@here.example", password=PASSWORD)
    set_up(operator)
    browser = Client()
    door = browser.get("/admin/", follow=True).redirect_chain[-1][0]
    assert door.startswith(LOGIN)
    browser.post(door, {"username": operator.username, "password": PASSWORD, "next": "/admin/"})
    assert browser.get("/admin/").status_code == 302
    assert browser.post(CODE, {"code": now_of(operator)}).headers["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_whoever_is_no_operator_is_told_so(acme: House) -> None:
    assert browser_of(acme).get("/admin/", follow=True).status_code == 403


def refused(house: House, action: str) -> list[tuple[str, str, str]]:
    with house.scope():
        found = AuditEntry.objects.filter(action=action, outcome="refused")
        return [(line.actor_kind, line.actor_name, line.target_name) for line in found]


def test_a_wrong_password_stands_in_the_log_of_every_house_of_that_account(
    acme: House, globex: House
) -> None:
    with globex.scope():
        Membership.objects.create(user=acme.user, role="staff")
    sign_in(f" {acme.user.username.upper()} ", "wrong")
    sign_in("nobody@acme.example", "my own password")
    sign_in("\0", "wrong")
    for house in (acme, globex):
        assert refused(house, "member.signed_in") == [("visitor", "", acme.user.username)]
        with house.scope():
            assert not AuditEntry.objects.filter(facts__icontains="wrong").exists()


def test_guesses_that_the_limit_turns_away_write_nothing(acme: House) -> None:
    for number in range(limits.LOGIN.capacity + 20):
        sign_in(acme.user.username, f"wrong {number}")
    assert len(refused(acme, "member.signed_in")) == limits.LOGIN.capacity


def test_whoever_finds_a_screen_unlocked_does_not_guess_the_password_for_ever(acme: House) -> None:
    browser, form = browser_of(acme), {"new_password1": "a long and winding road", "new_password2": "a long and winding road"}  # fmt: skip
    guesses = [
        browser.post("/console/account/password/", form | {"old_password": f"wrong {number}"})
        for number in range(limits.LOGIN.capacity)
    ]
    assert {guess.status_code for guess in guesses} == {422}
    too_many = browser.post("/console/account/password/", form | {"old_password": PASSWORD})
    assert too_many.status_code == 429
    assert 'data-testid="too-many"' in body(too_many)
    acme.user.refresh_from_db()
    assert acme.user.check_password(PASSWORD)
    assert len(refused(acme, "password.changed")) == limits.LOGIN.capacity


def attempt(browser: Client, house: House, password: str, address: str) -> int:
    form = {"username": house.user.username, "password": password}
    return browser.post(LOGIN, form, REMOTE_ADDR=address).status_code


@pytest.fixture
def narrow(settings: LazySettings) -> None:
    """Fewer attempts, since checking a password is slow on purpose."""
    settings.LIMITS = {"login": (3, 900), "login-name": (6, 3600)}


def test_one_address_locks_nobody_out_elsewhere(narrow: None, acme: House) -> None:
    for number in range(8):
        attempt(Client(), acme, f"wrong {number}", "203.0.113.7")
    assert attempt(Client(), acme, PASSWORD, "203.0.113.7") == 429
    assert attempt(Client(), acme, PASSWORD, "198.51.100.1") == 302


def test_one_address_gets_less_than_an_account_has_for_ever() -> None:
    one, all_of_them = limits.LOGIN, limits.LOGIN_NAME
    assert one.capacity < all_of_them.capacity
    assert one.capacity / one.seconds < all_of_them.capacity / all_of_them.seconds


def test_a_browser_that_was_signed_in_before_is_not_locked_out_by_many_strangers(
    narrow: None, acme: House
) -> None:
    known = browser_of(acme)
    known.post("/console/logout/")
    for number in range(8):
        attempt(Client(), acme, f"wrong {number}", f"203.0.113.{number}")
    assert attempt(Client(), acme, PASSWORD, "198.51.100.1") == 429
    assert attempt(known, acme, PASSWORD, "198.51.100.1") == 302


def test_such_a_browser_does_not_guess_more_than_others(narrow: None, acme: House, globex: House) -> None:
    known = browser_of(acme)
    known.post("/console/logout/")
    answers = [attempt(known, acme, f"wrong {number}", f"203.0.113.{number}") for number in range(5)]
    assert answers.count(200) == 3
    cookie = known.cookies["cwu_device"]
    assert cookie["httponly"]
    assert acme.user.username not in cookie.value
    other = Client()
    other.cookies["cwu_device"] = cookie.value
    for number in range(6):  # it is of one account alone
        attempt(other, globex, f"wrong {number}", f"203.0.113.{number}")
    assert attempt(other, globex, PASSWORD, "198.51.100.1") == 429


@pytest.mark.parametrize("value", ["x", "a:b:c", "é", "x" * 4000])
def test_a_made_up_device_is_none(acme: House, value: str) -> None:
    browser = Client()
    browser.cookies["cwu_device"] = value
    assert attempt(browser, acme, PASSWORD, "198.51.100.1") == 302
