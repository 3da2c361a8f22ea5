"""Members' pictures: their own to give, seen by the visitors of one organisation, gone with the membership."""

from io import BytesIO

import pytest
from django.test import Client

from apps.tenants import access, members, pictures, portraits
from apps.tenants.models import Portrait
from tests.api.test_organisation import asking
from tests.api.test_widgets import PIXEL, SVG, picture
from tests.console.signing import body, browser_of
from tests.tenants.acting import at_work, member, said
from tests.tenants.test_pictures import GPS, made
from tests.world import House

ADDRESS = "/console/account/picture/"
OTHER = PIXEL[:33] + b"\0\0\0\x01bKGD\0\0\0\0\0" + PIXEL[33:]
Houses = tuple[House, House]


def upload(client: Client, image: bytes, name: str = "me.png") -> str:
    sent = BytesIO(image)
    sent.name = name
    return body(client.post(ADDRESS, {"image": sent}, follow=True))


def path_of(house: House) -> str | None:
    with house.scope():
        address = portraits.address_of(house.user)
    return address and "/avatars/" + address.rpartition("/")[2]


def test_somebody_gives_replaces_and_removes_their_own(houses: Houses, client: Client) -> None:
    acme, _ = houses
    staff = browser_of(acme)
    assert "your initials" in body(staff.get(ADDRESS))
    assert 'data-testid="portrait"' in upload(staff, PIXEL)
    first = path_of(acme)
    assert first is not None
    shown = client.get(first)
    assert (shown.content, shown["content-type"]) == (PIXEL, "image/png")
    assert shown["x-content-type-options"] == "nosniff"
    assert "immutable" in shown["cache-control"]
    upload(staff, OTHER)
    assert client.get(first).status_code == 404
    assert client.get(str(path_of(acme))).content == OTHER
    assert "your initials" in body(staff.post(f"{ADDRESS}remove/", follow=True))
    assert path_of(acme) is None
    changed = ("member.portrait_changed", "done")
    assert said(acme)[-3:] == [changed, changed, ("member.portrait_removed", "done")]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (SVG, "Take a PNG, JPEG or WebP image."),
        (b"", "Take a PNG, JPEG or WebP image."),
        (b"<html><script>alert(1)</script>", "Take a PNG, JPEG or WebP image."),
        (PIXEL + b"\0" * pictures.LARGEST, "The image is larger than 200 kB"),
    ],
    ids=["svg", "empty", "html", "large"],
)
def test_what_is_no_small_picture_is_refused_and_the_one_before_stays(
    acme: House, image: bytes, says: str
) -> None:
    staff = browser_of(acme)
    upload(staff, PIXEL)
    before = path_of(acme)
    assert says in upload(staff, image)
    assert path_of(acme) == before


def test_a_rival_has_neither_the_picture_nor_its_address(houses: Houses, client: Client) -> None:
    acme, globex = houses
    upload(browser_of(acme), PIXEL)
    with globex.scope():
        assert portraits.address_of(acme.user) is None
        assert not Portrait.objects.exists()
    signed = str(path_of(acme)).rpartition("/")[2]
    tenant, rest = signed.split(".")
    assert tenant == acme.tenant.id.hex
    assert client.get(f"/avatars/{globex.tenant.id.hex}.{rest}").status_code == 404
    assert client.get(f"/avatars/{signed}x").status_code == 404


def test_a_picture_goes_with_its_member_and_with_a_suspended_organisation(
    houses: Houses, client: Client
) -> None:
    acme, _ = houses
    colleague = acme.colleague("staff")
    row = member(acme, colleague)
    with at_work(acme) as by:
        portraits.keep(row, PIXEL, by=by)
        address = "/avatars/" + str(portraits.address_of(colleague)).rpartition("/")[2]
    assert client.get(address).status_code == 200
    acme.tenant.suspended_at = acme.tenant.created_at
    acme.tenant.save()
    assert client.get(address).status_code == 404
    acme.tenant.suspended_at = None
    acme.tenant.save()
    with at_work(acme) as by:
        members.remove(row, by=by)
        assert not Portrait.objects.exists()
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_where_a_picture_was_taken_is_shown_to_nobody(houses: Houses, client: Client, kind: str) -> None:
    acme, _ = houses
    upload(browser_of(acme), made(kind))
    with acme.scope():
        assert GPS.encode() not in bytes(Portrait.objects.get().image)
    assert GPS.encode() not in client.get(str(path_of(acme))).content


def test_staff_cannot_choose_anothers_face(acme: House) -> None:
    owner = member(acme, acme.user)
    with at_work(acme, acme.colleague("staff")) as by, pytest.raises(access.Forbidden):
        portraits.keep(owner, PIXEL, by=by)


def test_programs_set_and_remove_it(houses: Houses) -> None:
    acme, globex = houses
    ask, row = asking(acme), member(acme, acme.colleague("staff"))
    kept = ask("put", f"/members/{row.id}/portrait", picture(PIXEL))
    assert kept.status_code == 200
    listed = {one["id"]: one["avatar"] for one in ask("get", "/members").json()["members"]}
    assert listed[str(row.id)] == kept.json()["avatar"]
    assert "/avatars/" in listed[str(row.id)]
    for image in (SVG, b"no picture"):
        refused = ask("put", f"/members/{row.id}/portrait", picture(image))
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/image")
    assert asking(acme, "read")("put", f"/members/{row.id}/portrait", picture(PIXEL)).status_code == 403
    assert asking(globex)("put", f"/members/{row.id}/portrait", picture(PIXEL)).status_code == 404
    assert asking(globex)("delete", f"/members/{row.id}/portrait").status_code == 404
    assert ask("delete", f"/members/{row.id}/portrait").status_code == 204
    assert {one["avatar"] for one in ask("get", "/members").json()["members"]} == {None}
