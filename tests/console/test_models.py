"""Which models there are to choose from, as staff and programs see them, and what is said of those that are missing."""

import asyncio
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client

from apps.agents import choices, pulls
from apps.agents.models import Agent
from apps.tenants.models import Tenant
from tests.chats.elsewhere import elsewhere
from tests.console.signing import browser_of
from tests.console.test_agents import FIELDS
from tests.upstream import Script, Upstream
from tests.wires import WIRES
from tests.world import House

PULLED = b'{"models":[{"model":"llama3.2:latest","size":2019393189},{"model":"<b>secret</b>","size":1}]}'
PULLING = Script(
    raw=b'{"status":"pulling manifest"}\n{"status":"pulling 6a07","total":2000000000,"completed":860000000}\n'
)
PULL = "Its operator runs: ollama pull qwen3"


@pytest.fixture
def acme(houses: tuple[House, House]) -> House:
    """Committed, since other threads read it."""
    return houses[0]


@pytest.fixture
def ollama(acme: House, settings: LazySettings) -> Iterator[Upstream]:
    """The operator's, which has two models."""
    upstream = Upstream(WIRES["ollama"], Script(raw=PULLED))
    with elsewhere() as other:
        asyncio.run(other.do(upstream.__aenter__()))
        settings.OLLAMA_URL = f"http://127.0.0.1:{upstream.port}"
        Tenant.objects.filter(id=acme.tenant.id).update(providers=["builtin", "ollama"])
        yield upstream
        asyncio.run(other.do(upstream.__aexit__(None, None, None)))


def page(house: House) -> str:
    return browser_of(house, "staff").get("/console/agents/models/").content.decode()


def listed(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Client().get("/api/v1/models", headers=house.headers).json()["providers"]
    return found


def test_staff_and_programs_see_what_a_server_has(acme: House, ollama: Upstream) -> None:
    seen = page(acme)
    assert "llama3.2:latest" in seen
    assert "2.0 GB" in seen
    assert "<b>secret" not in seen
    [shelf] = listed(acme)
    assert {one["name"] for one in shelf["models"]} == {"llama3.2:latest", "<b>secret</b>"}
    assert (shelf["provider"], shelf["missing"], shelf["problem"]) == ("ollama", [], "")


def test_a_list_without_end_costs_its_own_page_alone(acme: House, ollama: Upstream) -> None:
    ollama.script = Script(raw=json.dumps({"models": [{"model": f"m{n:05}"} for n in range(1_200)]}).encode())
    assert len(listed(acme)[0]["models"]) == choices.MOST
    names = ["x" * 121, "y" * 120]
    ollama.script = Script(raw=json.dumps({"models": [{"model": one} for one in names]}).encode())
    assert [one["name"] for one in listed(acme)[0]["models"]] == names[1:]
    body = b'{"models":[' + b",\n".join([b'{"model":"m"}'] * 150_000) + b"]}"
    ollama.script = Script(raw=body)
    [shelf] = listed(acme)
    assert (shelf["models"], "cannot be read" in shelf["problem"]) == ([], True)


def test_a_model_that_was_not_pulled_comes_with_the_command_wherever_it_is_wanted(
    acme: House, ollama: Upstream
) -> None:
    staff = browser_of(acme, "manager")
    wanted = FIELDS | {"provider": "ollama", "model": "llama3.2", "fallbacks": "ollama:qwen3"}
    saved = staff.post(f"/console/agents/{acme.agent.id}/", wanted, follow=True).content.decode()
    assert 'data-testid="saved"' in saved
    assert PULL in saved
    assert "ollama pull llama3.2" not in saved  # it is there, as llama3.2:latest
    staff.post(f"/console/agents/{acme.agent.id}/publish/", {"note": ""})
    assert PULL in page(acme)
    [shelf] = listed(acme)
    assert len(shelf["missing"]) == 1
    assert shelf["missing"][0].startswith("Fern: The operator's ollama has no model qwen3")


def test_staff_see_how_far_a_model_is_that_the_operator_fetches(
    acme: House, ollama: Upstream, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "_OFTEN", 0.0)
    with acme.scope():
        Agent.objects.filter(id=acme.agent.id).update(provider="ollama", model="qwen3")

    def missing() -> str:
        [said] = listed(acme)[0]["missing"]
        return str(said)

    async def fetched() -> list[str]:
        """What staff read meanwhile, of the server that says nothing of it."""
        async with Upstream(WIRES["ollama"], PULLING) as upstream:
            known, settings.OLLAMA_URL = settings.OLLAMA_URL, f"http://127.0.0.1:{upstream.port}"
            fetching = pulls.fetch("qwen3")
            await anext(fetching)
            settings.OLLAMA_URL = known
            read = [await asyncio.to_thread(missing)]
            read += [await asyncio.to_thread(missing) async for _ in fetching]
            assert upstream.asked[0].json["model"] == "qwen3"
            return read

    first, second = asyncio.run(fetched())
    said = "The operator's ollama has no model qwen3 yet. Its operator is fetching it: "
    assert first.endswith(f"{said}pulling manifest.")
    assert second.endswith(f"{said}43% of 2.0 GB.")
    assert PULL in missing()  # it has ended, and left nothing there


def test_the_operator_fetches_a_model_by_a_command(ollama: Upstream) -> None:
    ollama.script, told = PULLING, io.StringIO()
    call_command("pull_model", "qwen3", stdout=told)
    assert told.getvalue().split("\n") == ["pulling manifest", "43% of 2.0 GB", "qwen3 is there.", ""]
    for failing in (Script(raw=b'{"error":"file does not exist"}\n'), Script(status=500), Script(raw=b"?")):
        ollama.script = failing
        with pytest.raises(CommandError, match="The operator's ollama"):
            call_command("pull_model", "qwen3", stdout=told)


def test_programs_are_warned_where_they_save(acme: House, ollama: Upstream) -> None:
    said = {"content_type": "application/json", "headers": acme.headers}
    body = json.dumps({"name": "New", "provider": "ollama", "model": "qwen3"})
    added = Client().post("/api/v1/agents", body, **said)  # type: ignore[arg-type]
    assert added.status_code == 201
    assert PULL in added.json()["warnings"][0]
    draft = f"/api/v1/agents/{added.json()['id']}/draft"
    changed = Client().patch(draft, json.dumps({"model": "llama3.2"}), **said)  # type: ignore[arg-type]
    assert changed.json()["warnings"] == []


def test_what_the_operator_or_the_owner_does_not_give_is_not_told_of(
    acme: House, ollama: Upstream, settings: LazySettings
) -> None:
    settings.SHARED_MODELS = ["ollama:llama*"]
    assert [one["name"] for one in listed(acme)[0]["models"]] == ["llama3.2:latest"]
    Tenant.objects.filter(id=acme.tenant.id).update(allowed_models=["ollama:qwen3"])
    assert listed(acme)[0]["models"] == []
    Tenant.objects.filter(id=acme.tenant.id).update(providers=["builtin"])
    assert listed(acme) == []


@pytest.mark.parametrize(("script", "said"), [
    (Script(status=500), "answered 500"), (Script(raw=b"<html>"), "cannot be read"), (Script(before=60), "did not answer within"),
])  # fmt: skip
def test_a_server_that_cannot_be_asked_is_said_to_and_keeps_nobody_from_saving(
    acme: House, ollama: Upstream, script: Script, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "PATIENCE", 1.0)
    ollama.script = script
    assert said in page(acme)
    wanted = FIELDS | {"provider": "ollama", "model": "qwen3"}
    saved = browser_of(acme, "manager").post(f"/console/agents/{acme.agent.id}/", wanted, follow=True)
    assert 'data-testid="saved"' in saved.content.decode()
    assert 'data-testid="warned"' not in saved.content.decode()
