"""The OpenAPI document and the page that shows it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from apps.api import page
from apps.api.reference import standins
from chatwithus.embedded import Services
from tests.server import Server, serving
from tests.world import House

Houses = tuple[House, House]


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/api/v1/openapi.json").json()
    return found


def routes(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", route)
        for path, methods in document["paths"].items()
        for method, route in methods.items()
    ]


def test_every_route_says_what_it_does_and_shows_it(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert len(routes(document)) >= 10
    for name, route in routes(document):
        assert route["summary"], name
        assert route["description"], name
        for content in route.get("requestBody", {}).get("content", {}).values():
            assert "examples" in content or "multipart" in str(route["requestBody"]), name
        for status, response in route["responses"].items():
            assert response["description"], (name, status)
            for content in response.get("content", {}).values():
                assert "schema" in content, (name, status)
                assert "example" in content, (name, status)


def test_every_problem_of_a_route_is_described(document: dict[str, Any]) -> None:
    for name, route in routes(document):
        kind = "application/json" if "/openai/" in name else "application/problem+json"
        failures = {status: one for status, one in route["responses"].items() if int(status) >= 400}
        assert ("401" in failures) == bool(route.get("security")), name
        assert {"429", "503"} <= set(failures), name
        assert "403" in failures or not route.get("security"), name
        for status, response in failures.items():
            assert list(response["content"]) == [kind], (name, status)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    named = json.dumps(document).split('"#/components/schemas/')[1:]
    assert {one.partition('"')[0] for one in named} <= set(document["components"]["schemas"])


def test_the_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    import jsonschema_rs

    for name, route in routes(document):
        answers = [one.get("content", {}) for one in route["responses"].values()]
        for content in (*answers, route.get("requestBody", {}).get("content", {})):
            told = content.get("application/json", {})
            schema = {**told.get("schema", {}), "components": document["components"]}
            for example in [one["value"] for one in told.get("examples", {}).values()] + [
                told.get("example")
            ]:
                assert example is None or jsonschema_rs.is_valid(schema, example), (name, example)


def test_a_page_without_a_demo_holds_no_key(server: Server) -> None:
    told = httpx.get(f"{server.url}/api/v1/docs").text
    assert "AGENT_ID" in told
    assert standins.KEY in told
    assert "A demo is open" not in told


def test_where_a_demo_is_open_the_page_can_be_tried_as_it_is(
    services: Services, houses: Houses, chromium: Browser, tmp_path: Path
) -> None:
    acme, _ = houses
    tmp_path.chmod(0o755)
    demo = {"agent": str(acme.agent.id), "api_key": acme.key, "email": "e", "password": "never shown"}
    (tmp_path / "demo.json").write_text(json.dumps(demo))
    asked: list[str] = []
    with serving(services, DATA_DIR=str(tmp_path)) as running:
        shown = chromium.new_page()
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(f"{running.url}/api/v1/docs")
        assert acme.key in shown.get_by_test_id("ask").inner_text()
        assert str(acme.agent.id) in shown.get_by_test_id("openai").inner_text()
        assert "never shown" not in shown.content()
        shown.locator("#operations-chat-chat_ask").get_by_text("Ask an agent").click()
        shown.get_by_role("button", name="Try it out").click()
        shown.get_by_role("button", name="Execute").click()
        answer = shown.locator(".live-responses-table .response-col_description pre").first
        assert json.loads(answer.inner_text())["agent"] == str(acme.agent.id)
        shown.close()
    assert {url.partition("/api")[0].partition("/static")[0] for url in asked} == {running.url}


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"agent": 1}', "null"])
def test_what_cannot_be_read_is_no_demo(settings: Any, tmp_path: Path, kept: str) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "demo.json").write_text(kept)
    assert page._demo() == {}
