"""Agents over REST: prepared, published, compared, taken back."""

from typing import Any

import pytest
from django.test import Client

from apps.agents.models import Agent, Version
from apps.tenants.models import ApiKey
from tests.world import House

BASE = "/api/v1/agents"


def call(house: House, method: str, path: str = "", body: Any = None, key: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {key or house.key}"}
    return getattr(Client(), method)(
        f"{BASE}{path}", data=body, content_type="application/json", headers=headers
    )


def of(house: House) -> str:
    return f"/{house.agent.id}"


def test_an_agent_is_added_read_and_listed(acme: House, globex: House) -> None:
    added = call(acme, "post", body={"name": "Fern", "suggestions": ["What does delivery cost?"]})
    assert added.status_code == 201, added.json()
    agent = added.json()
    assert (agent["version"], agent["has_draft"], agent["suggestions"]) == (
        1,
        False,
        ["What does delivery cost?"],
    )
    assert call(acme, "get", f"/{agent['id']}").json() == agent | {"status": {"state": "ready", "says": ""}}
    listed = call(acme, "get").json()["agents"]
    assert [one["name"] for one in listed] == ["Fern", acme.agent.name]
    assert globex.agent.name not in str(listed)


def test_a_draft_is_edited_compared_published_and_taken_back(acme: House) -> None:
    before = call(acme, "get", of(acme)).json()
    assert call(acme, "get", f"{of(acme)}/draft").json()["edited_at"] is None
    edited = call(acme, "patch", f"{of(acme)}/draft", {"greeting": "Good evening.", "top_p": 0.9}).json()
    assert (edited["greeting"], edited["top_p"], edited["refusal"]) == (
        "Good evening.",
        0.9,
        before["refusal"],
    )
    assert call(acme, "get", of(acme)).json() == before | {"has_draft": True}
    compared = call(acme, "get", f"{of(acme)}/diff").json()["differences"]
    assert compared == [
        {"field": "top_p", "before": None, "after": 0.9},
        {"field": "greeting", "before": before["greeting"], "after": "Good evening."},
    ]
    published = call(acme, "post", f"{of(acme)}/publish", {"note": "Warmer"})
    assert (published.status_code, published.json()["number"], published.json()["note"]) == (201, 2, "Warmer")
    assert call(acme, "get", of(acme)).json()["greeting"] == "Good evening."
    assert call(acme, "post", f"{of(acme)}/publish", {}).json()["code"] == "nothing_to_publish"
    back = call(acme, "post", f"{of(acme)}/versions/1/rollback")
    assert (back.status_code, back.json()["number"], back.json()["greeting"]) == (201, 3, before["greeting"])
    listed = call(acme, "get", f"{of(acme)}/versions").json()["versions"]
    assert [one["number"] for one in listed] == [3, 2, 1]
    assert call(acme, "get", f"{of(acme)}/versions/2").json()["top_p"] == 0.9
    query = "?before=1&after=2"
    assert len(call(acme, "get", f"{of(acme)}/diff{query}").json()["differences"]) == 2


def test_the_temperature_may_be_left_to_the_model(acme: House) -> None:
    assert call(acme, "patch", f"{of(acme)}/draft", {"temperature": None}).json()["temperature"] is None
    assert call(acme, "post", f"{of(acme)}/publish", {}).json()["temperature"] is None
    assert call(acme, "get", of(acme)).json()["temperature"] is None


def test_a_draft_is_discarded(acme: House) -> None:
    call(acme, "patch", f"{of(acme)}/draft", {"greeting": "Good evening."})
    assert call(acme, "delete", f"{of(acme)}/draft").status_code == 204
    assert call(acme, "get", of(acme)).json()["has_draft"] is False


@pytest.mark.parametrize(("body", "pointer"), [
    ({"name": ""}, "/name"), ({"temperature": 3}, "/temperature"), ({"temperature": "hot"}, "/temperature"), ({"language": "plain English"}, "/language"),
    ({"provider": "oracle"}, "/provider"), ({"fallbacks": ["oracle:x"]}, "/fallbacks"), ({"stop": ["a", "a"]}, "/stop"),
    ({"context_tokens": 10}, "/context_tokens"), ({"hands_over": "yes"}, "/hands_over"), ({"instructions": "a\0b"}, "/instructions"),
])  # fmt: skip
def test_what_cannot_hold_is_refused_by_its_pointer(acme: House, body: dict[str, Any], pointer: str) -> None:
    for method, path in (("patch", f"{of(acme)}/draft"), ("post", "")):
        refused = call(acme, method, path, {"name": "Another", **body})
        assert refused.status_code == 422, refused.json()
        assert {one["pointer"] for one in refused.json()["errors"]} == {pointer}
    with acme.scope():
        assert (Agent.objects.count(), Version.objects.count()) == (1, 1)
        assert not acme.agent.drafts.exists()


def test_a_key_that_reads_changes_nothing_and_one_that_asks_reads_nothing(
    houses: tuple[House, House],
) -> None:
    acme, _ = houses
    with acme.scope():
        _, reads = ApiKey.mint("Reads", ["read"])
        _, asks = ApiKey.mint("Asks", ["chat"])
    assert call(acme, "get", of(acme), key=reads).status_code == 200
    assert call(acme, "patch", f"{of(acme)}/draft", {"greeting": "x"}, key=reads).status_code == 403
    assert call(acme, "post", f"{of(acme)}/publish", {}, key=reads).status_code == 403
    assert call(acme, "get", of(acme), key=asks).status_code == 403


def test_the_rivals_agents_and_unknown_versions_are_not_found(acme: House, globex: House) -> None:
    calls = [("get", ""), ("get", "/draft"), ("patch", "/draft"), ("delete", "/draft"), ("post", "/publish"), ("get", "/versions"),
             ("get", "/versions/1"), ("post", "/versions/1/rollback"), ("get", "/diff")]  # fmt: skip
    for method, path in calls:
        assert (
            call(acme, method, f"{of(globex)}{path}", {} if method in {"post", "patch"} else None).status_code
            == 404
        )
    for number in ("7", "99999999999999999999"):
        assert call(acme, "get", f"{of(acme)}/versions/{number}").status_code == 404
        assert call(acme, "post", f"{of(acme)}/versions/{number}/rollback").status_code == 404
    assert call(acme, "get", f"{of(acme)}/diff?before=7").status_code == 404
    assert call(acme, "get", f"{of(acme)}/diff?before=x").status_code == 422
