"""The page about usage: what agents have used, how far budgets are, and who may set them."""

from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from apps.agents import budgets
from apps.agents.models import Budget, Spending
from apps.chats.conversations import Opening, ask, chat_id_for
from apps.chats.models import ContentChat
from tests.world import PASSWORD, House

ADDRESS = "/console/organisation/usage/"


@pytest.fixture
def staff(acme: House) -> Client:
    return signed_in(acme.user.username)


def signed_in(username: str) -> Client:
    client = Client()
    client.post("/console/login/", {"username": username, "password": PASSWORD})
    return client


def used_by(house: House, *, into: int, out: int) -> None:
    with house.scope():
        opening = Opening(house.agent.id, "v_test")
        asked = ask(
            chat_id_for(opening), "Hello", client_message_id="m", holder=house.tenant.id, opening=opening
        )
        usage = {"input_tokens": into, "output_tokens": out}
        ContentChat.objects.filter(id=asked.exchange.id).update(state="completed", usage=usage)


def test_it_says_what_agents_have_used_and_nothing_of_a_rival(
    staff: Client, acme: House, globex: House
) -> None:
    used_by(acme, into=1234, out=56)
    used_by(globex, into=987_654, out=1)
    page = staff.get(ADDRESS).content.decode()
    assert page.count("1,234 in, 56 out") == 2  # today and this month
    assert "987" not in page
    assert "No budgets" in page


def test_a_budget_is_set_shown_and_deleted(staff: Client, acme: House) -> None:
    form = {"agent": "", "period": "month", "tokens": "1000", "cost": "25.50"}
    saved = staff.post(ADDRESS, form, follow=True)
    assert 'data-testid="saved"' in saved.content.decode()
    with acme.scope():
        budget = Budget.objects.get()
        assert (budget.agent, budget.tokens, budget.cost) == (None, 1000, Decimal("25.5"))
        start = budget.start(timezone.now().date())
        Spending.objects.create(budget=budget, start=start, tokens_used=900, tokens_reserved=100)
    page = staff.get(ADDRESS).content.decode()
    assert "900 of 1,000 tokens" in page
    assert "used up" in page
    assert 'value="1.0000"' in page
    staff.post(f"{ADDRESS}{budget.id}/delete/")
    with acme.scope():
        assert not list(budgets.gauges())


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": ""},
        {"tokens": "-1"},
        {"tokens": "many"},
        {"tokens": "9" * 30},
        {"cost": "NaN"},
        {"cost": "1e99"},
        {"period": "year"},
        {"agent": "0b0cfd5e-5e6c-4a0e-9d0a-0f6b9c0f3a11"},
        {"agent": "x"},
    ],
)
def test_nonsense_is_explained_and_changes_nothing(staff: Client, acme: House, wrong: dict[str, str]) -> None:
    answer = staff.post(ADDRESS, {"agent": "", "period": "day", "tokens": "5", "cost": "", **wrong})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    with acme.scope():
        assert not list(budgets.gauges())


def test_a_rivals_agent_and_budget_are_not_there(staff: Client, acme: House, globex: House) -> None:
    with globex.scope():
        theirs = budgets.keep(globex.agent, "day", tokens=5, cost=None)
    assert staff.post(f"{ADDRESS}{theirs.id}/delete/").status_code == 404
    form = {"agent": str(globex.agent.id), "period": "day", "tokens": "7"}
    assert staff.post(ADDRESS, form).status_code == 422
    with globex.scope():
        assert Budget.objects.get().tokens == 5


def test_a_manager_reads_and_does_not_set(acme: House) -> None:
    client = Client()
    client.force_login(acme.colleague("manager"))
    session = client.session
    session["tenant_id"] = str(acme.tenant.id)
    session.save()
    page = client.get(ADDRESS)
    assert page.status_code == 200
    assert "Set a budget" not in page.content.decode()
    assert client.post(ADDRESS, {"period": "day", "tokens": "5"}).status_code == 403
    with acme.scope():
        assert not list(budgets.gauges())
