"""Usage and budgets over REST, and what a program is told whose organisation has used its budget up."""

from typing import Any
from uuid import uuid4

import openai
import pytest

from apps.agents import budgets
from tests.api.streams import asking, is_problem, question, to_the_end
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]


def test_a_budget_is_set_read_and_deleted(server: Server, houses: Houses) -> None:
    acme, _ = houses
    agent = str(acme.agent.id)
    with server.rest(acme) as client:
        assert client.get("/api/v1/usage").json()["budgets"] == []
        made = client.put("/api/v1/budgets", json={"agent": agent, "period": "day", "tokens": 10**6}).json()
        assert (made["agent"], made["tokens"], made["cost"], made["share"]) == (agent, 10**6, None, 0)
        again = client.put("/api/v1/budgets", json={"agent": agent, "period": "day", "cost": "2.5"}).json()
        assert (again["id"], again["tokens"], again["cost"]) == (made["id"], None, "2.500000")
        found = client.get("/api/v1/usage").json()
        assert found["budgets"] == [again]
        assert [one["agent"] for one in found["agents"]] == [agent]
        assert client.delete(f"/api/v1/budgets/{made['id']}").status_code == 204
        assert client.delete(f"/api/v1/budgets/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"period": "day"}, 422),
        ({"period": "year", "tokens": 5}, 422),
        ({"period": "day", "tokens": -1}, 422),
        ({"period": "day", "tokens": 10**30}, 422),
        ({"period": "day", "tokens": "5"}, 422),
        ({"period": "day", "tokens": True}, 422),
        ({"period": "day", "cost": "NaN"}, 422),
        ({"period": "day", "cost": "1e30"}, 422),
        ({"period": "day", "tokens": 5, "agent": str(uuid4())}, 404),
    ],
)
def test_nonsense_is_refused(server: Server, houses: Houses, body: dict[str, Any], status: int) -> None:
    with server.rest(houses[0]) as client:
        assert client.put("/api/v1/budgets", json=body).status_code == status
        assert client.get("/api/v1/usage").json()["budgets"] == []


def test_a_rivals_agents_and_budgets_are_not_there(server: Server, houses: Houses) -> None:
    acme, globex = houses
    with server.rest(globex) as rival:
        theirs = rival.put("/api/v1/budgets", json={"period": "day", "tokens": 5}).json()
    with server.rest(acme) as client:
        body = {"period": "day", "tokens": 7, "agent": str(globex.agent.id)}
        assert client.put("/api/v1/budgets", json=body).status_code == 404
        assert client.delete(f"/api/v1/budgets/{theirs['id']}").status_code == 404
        assert theirs["id"] not in client.get("/api/v1/usage").text
    with server.rest(globex) as rival:
        assert [one["tokens"] for one in rival.get("/api/v1/usage").json()["budgets"]] == [5]


def test_a_used_up_budget_has_a_code_of_its_own(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with acme.scope():
        budgets.keep(None, "month", tokens=10, cost=None)
    with server.rest(acme) as client:
        assert is_problem(client.post("/api/v1/chat", json=question(acme)), 402, "budget_exhausted")
        with asking(client, question(acme)) as told:
            heard = to_the_end(told)
        assert heard[-1].data["code"] == "budget_exhausted"
    program = openai.OpenAI(base_url=f"{server.url}/api/v1/openai", api_key=acme.key, max_retries=0)
    with pytest.raises(openai.APIStatusError) as refused:
        asked: Any = [{"role": "user", "content": "Hello"}]
        program.chat.completions.create(model=str(acme.agent.id), messages=asked)
    assert (refused.value.status_code, refused.value.code) == (402, "insufficient_quota")


def test_a_long_history_of_an_openai_client_is_paid_for(server: Server, houses: Houses) -> None:
    """It is not in the chat, and costs as much as if it were, up to what its agent is told at most."""
    acme, _ = houses
    with acme.scope():
        budgets.keep(None, "month", tokens=20_000, cost=None)
    program = openai.OpenAI(base_url=f"{server.url}/api/v1/openai", api_key=acme.key, max_retries=0)

    def asked(turns: int) -> Any:
        past = [{"role": "user", "content": "x" * 3000}, {"role": "assistant", "content": "I see."}] * turns
        return program.chat.completions.create(
            model=str(acme.agent.id),
            messages=[*past, {"role": "user", "content": "And?"}],  # type: ignore[list-item]
        )

    assert asked(1).choices
    with pytest.raises(openai.APIStatusError, match="budget"):
        asked(20)
