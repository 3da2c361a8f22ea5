"""How a widget looks and what it offers, as staff set it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.agents import widgets
from apps.agents.models import Widget
from tests.api.test_widgets import PIXEL, SVG
from tests.console.signing import browser_of
from tests.world import House

FIELDS = {
    "color": "#AA33CC",
    "theme": "dark",
    "position": "left",
    "radius": "4",
    "title": "Ask us",
    "launcher": "shown",
    "offers": ["person", "csat"],
}


@pytest.fixture
def staff(acme: House) -> Client:
    return browser_of(acme)


def address(house: House, page: str = "widget") -> str:
    return f"/console/agents/{house.agent.id}/{page}/"


def kept(house: House) -> Widget:
    with house.scope():
        return widgets.of(house.agent)


def test_what_staff_choose_is_kept_and_in_the_line_to_copy(staff: Client, acme: House) -> None:
    saved = staff.post(address(acme), FIELDS, follow=True)
    assert saved.redirect_chain == [(address(acme), 302)]
    assert (kept(acme).color, kept(acme).radius, kept(acme).offers) == ("#aa33cc", 4, ["person", "csat"])
    page = saved.content.decode()
    assert 'data-testid="saved"' in page
    assert (
        f"data-agent=&quot;{acme.agent.id}&quot;" in page
        or f'data-agent="{acme.agent.id}" data-color="#aa33cc" data-position="left"' in page
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("color", "red"), ("radius", "25"), ("radius", "round"), ("title", "x" * 61), ("offers", ["money"])],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_lost(
    staff: Client, acme: House, field: str, value: object
) -> None:
    answer = staff.post(address(acme), FIELDS | {field: value})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert "Ask us" in answer.content.decode() or field == "title"
    assert kept(acme).color == ""


def test_a_picture_is_taken_shown_and_removed(staff: Client, acme: House) -> None:
    image = SimpleUploadedFile("logo.png", PIXEL, "image/png")
    assert "/avatars/" in staff.post(address(acme), FIELDS | {"avatar": image}, follow=True).content.decode()
    assert kept(acme).avatar is not None
    program = SimpleUploadedFile("logo.png", SVG, "image/png")
    assert staff.post(address(acme), FIELDS | {"avatar": program}).status_code == 422
    staff.post(address(acme), FIELDS | {"no_avatar": "on"})
    assert kept(acme).avatar is None


def test_who_may_only_look_changes_nothing(acme: House) -> None:
    client = browser_of(acme, "staff")
    page = client.get(address(acme))
    assert page.status_code == 200
    assert "Save</button>" not in page.content.decode()
    assert client.post(address(acme), FIELDS).status_code == 403
    assert kept(acme).color == ""


def test_the_rivals_agent_is_not_found(staff: Client, globex: House) -> None:
    for page in ("widget", "install"):
        assert staff.get(address(globex, page)).status_code == 404
    assert staff.post(address(globex), FIELDS).status_code == 404


def test_the_way_to_a_page_says_which_pages_may(staff: Client, acme: House) -> None:
    page = staff.get(address(acme, "install")).content.decode()
    assert acme.origin in page
    assert "/widget.js" in page
