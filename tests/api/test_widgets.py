"""An agent's widget: its looks and offers over REST, and the picture that everybody may see."""

import base64
from typing import Any

import httpx
import pytest

from apps.agents import faces
from apps.tenants.models import AuditEntry
from tests.api.streams import is_problem
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def picture(image: bytes) -> dict[str, str]:
    return {"image": base64.b64encode(image).decode()}


def at(house: House, rest: str = "") -> str:
    return f"/api/v1/agents/{house.agent.id}/widget{rest}"


def test_looks_are_changed_field_by_field_and_written_down(server: Server, houses: Houses) -> None:
    acme, globex = houses
    with server.rest(acme) as client, server.rest(globex) as rival:
        assert client.get(at(acme)).json()["radius"] == 14
        changed = client.patch(at(acme), json={"color": "#AA33CC", "offers": ["csat", "person"]}).json()
        assert (changed["color"], changed["offers"], changed["radius"]) == ("#aa33cc", ["person", "csat"], 14)
        assert is_problem(rival.get(at(acme)), 404, "not_found")
        assert is_problem(rival.patch(at(acme), json={"radius": 3}), 404, "not_found")
    with server.visitor(acme) as visitor:
        assert visitor.welcome["agent"]["appearance"]["color"] == "#aa33cc"
    with acme.scope():
        assert AuditEntry.objects.get(action="widget.changed").facts["color"] == ["", "#aa33cc"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"color": "red"},
        {"color": "#12345"},
        {"radius": 25},
        {"radius": -1},
        {"radius": "14"},
        {"theme": "neon"},
        {"position": "top"},
        {"title": "x" * 61},
        {"title": "a\x00"},
        {"launcher": "gone"},
        {"offers": ["money"]},
        {"offers": "csat"},
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    server: Server, houses: Houses, wrong: dict[str, Any]
) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        answer = client.patch(at(acme), json=wrong)
    assert is_problem(answer, 422, "invalid")
    assert answer.json()["errors"][0]["pointer"].startswith(f"/{next(iter(wrong))}")


def test_a_picture_is_shown_to_everybody_and_as_nothing_else(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        kept = client.put(at(acme, "/avatar"), json=picture(PIXEL))
        assert kept.json()["has_avatar"] is True
    with acme.scope():
        face = faces.of(acme.agent.id)
        assert face is not None
        path = "/avatars/" + str(faces.shown(face)["avatar"]).rpartition("/")[2]
    shown = httpx.get(f"{server.url}{path}")
    assert (shown.content, shown.headers["content-type"]) == (PIXEL, "image/png")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert httpx.get(f"{server.url}{path}x").status_code == 404
    with server.rest(acme) as client:
        assert client.delete(at(acme, "/avatar")).status_code == 204
    assert httpx.get(f"{server.url}{path}").status_code == 404


@pytest.mark.parametrize(
    "image", [SVG, b"", b"<html>", PIXEL + b"\0" * 200_000], ids=["svg", "empty", "html", "large"]
)
def test_what_is_no_small_picture_is_refused(server: Server, houses: Houses, image: bytes) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        assert is_problem(client.put(at(acme, "/avatar"), json=picture(image)), 422, "invalid")
        assert client.get(at(acme)).json()["has_avatar"] is False
