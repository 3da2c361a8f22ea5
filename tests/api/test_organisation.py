"""People, keys, settings, credentials and the audit log over REST: what a key may, and what it never learns."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.tenants import access, invitations
from apps.tenants.models import ApiKey, AuditEntry, Credential, Invitation, Tenant
from tests.tenants.acting import log, member
from tests.world import House

Houses = tuple[House, House]
Ask = Callable[..., Any]


def asking(house: House, *scopes: str) -> Ask:
    """A program with a key of these scopes, or the house's own: chat and manage."""
    key = house.key
    if scopes:
        with house.scope():
            key = ApiKey.mint("Program", scopes)[1]
    client = Client(headers={"Authorization": f"Bearer {key}"})

    def ask(method: str, path: str, body: Any = None, **query: Any) -> Any:
        options = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1{path}", query_params=query, **options)

    return ask


def addresses(house: House) -> list[tuple[str, str, Any]]:
    """Every route with something that is really this house's."""
    colleague = member(house, house.colleague("staff"))
    with house.scope():
        key, invitation = ApiKey.mint("Theirs")[0], Invitation.objects.create(email="x@y.example")
    return [
        ("patch", f"/members/{colleague.id}", {"role": "manager"}),
        ("delete", f"/invitations/{invitation.id}", None),
        ("delete", f"/keys/{key.id}", None),
        ("delete", f"/members/{colleague.id}", None),
    ]


def test_members_are_listed_changed_and_removed(houses: Houses) -> None:
    acme, globex = houses
    ask, row = asking(acme), member(acme, acme.colleague("staff"))
    listed = ask("get", "/members").json()["members"]
    assert {one["id"] for one in listed} >= {str(row.id)}
    assert globex.user.username not in str(listed)
    assert ask("patch", f"/members/{row.id}", {"role": "manager"}).json()["role"] == "manager"
    assert ask("delete", f"/members/{row.id}").status_code == 204
    assert access.by_membership(row.user, acme.tenant.id) is None


def test_no_key_makes_touches_or_removes_an_owner(houses: Houses) -> None:
    acme, _ = houses
    ask, owner, staff = asking(acme), member(acme, acme.user), member(acme, acme.colleague("staff"))
    refused = [
        ask("patch", f"/members/{staff.id}", {"role": "owner"}),
        ask("patch", f"/members/{owner.id}", {"role": "staff"}),
        ask("delete", f"/members/{owner.id}"),
        ask("post", "/invitations", {"email": "a@b.example", "role": "owner"}),
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(403, "forbidden")] * 4
    assert member(acme, acme.user).role == "owner"
    assert [entry.actor_kind for entry in log(acme) if entry.outcome == "refused"] == ["key"] * 4


def test_an_invitation_gives_its_link_once(houses: Houses) -> None:
    acme, _ = houses
    ask = asking(acme)
    made = ask("post", "/invitations", {"email": "Ada@Shop.example", "role": "manager"})
    assert made.status_code == 201
    assert invitations.read(made.json()["link"].rstrip("/").rpartition("/")[2])[0] == acme.tenant.id
    [listed] = ask("get", "/invitations").json()["invitations"]
    assert (listed["email"], listed["role"]) == ("ada@shop.example", "manager")
    assert "link" not in listed
    for status in (204, 404):
        assert ask("delete", f"/invitations/{listed['id']}").status_code == status
    assert ask("post", "/invitations", {"email": "nobody"}).json()["errors"][0]["pointer"] == "/email"
    again = ask("post", "/invitations", {"email": acme.user.username})
    assert (again.status_code, again.json()["code"]) == (409, "already_member")


def test_a_key_gives_its_secret_once(houses: Houses) -> None:
    acme, _ = houses
    ask = asking(acme)
    made = ask("post", "/keys", {"name": "Report", "scopes": ["read"], "expires_at": "2099-01-01T00:00:00"})
    assert made.status_code == 201
    secret = made.json()["secret"]
    admitted = access.by_key(secret)
    assert admitted is not None
    assert not admitted.may("keys.manage")
    assert secret[16:] not in ask("get", "/keys").content.decode()
    for status in (204, 404):
        assert ask("delete", f"/keys/{made.json()['id']}").status_code == status
    assert access.by_key(secret) is None


def test_settings_are_read_and_changed_one_by_one(houses: Houses) -> None:
    acme, _ = houses
    ask = asking(acme)
    before = ask("get", "/organisation").json()
    after = ask(
        "patch", "/organisation", {"retention_days": 90, "allowed_origins": ["HTTPS://Shop.Example"]}
    ).json()
    assert after == {**before, "retention_days": 90, "allowed_origins": ["https://shop.example"]}
    assert ask("patch", "/organisation", {"retention_days": None}).json()["retention_days"] is None
    assert ask("patch", "/organisation", {}).json()["name"] == before["name"]


@pytest.mark.parametrize(("method", "path", "body", "pointer"), [
    ("patch", "/organisation", {"allowed_origins": ["x"]}, "/allowed_origins"), ("patch", "/organisation", {"idle_minutes": 0}, "/idle_minutes"),
    ("patch", "/organisation", {"idle_minutes": None}, "/idle_minutes"), ("patch", "/organisation", {"name": None}, "/name"),
    ("patch", "/organisation", {"locale": "x y"}, "/locale"), ("patch", "/organisation", {"providers": ["elsewhere"]}, "/providers"),
    ("patch", "/organisation", {"name": "a\0b"}, "/name"), ("patch", "/organisation", {"description": "\ud800"}, None),
    ("patch", "/organisation", {"requires_two_factor": "yes"}, "/requires_two_factor"),
    ("post", "/keys", {"name": ""}, "/name"), ("post", "/keys", {"name": "a\0b"}, "/name"), ("post", "/keys", {"name": "A", "scopes": ["god"]}, "/scopes/0"),
    ("post", "/keys", {"name": "A", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"), ("put", "/credentials/openai", {"secrets": {}}, "/api_key"),
    ("put", "/credentials/openai", {"secrets": {"api_key": 1}}, "/secrets/api_key"), ("post", "/invitations", {"email": "a\0b@c.example"}, "/email"),
    ("post", "/invitations", {"email": "a@b.example", "role": "god"}, "/role"),
])  # fmt: skip
def test_nonsense_is_explained_and_changes_nothing(
    houses: Houses, method: str, path: str, body: Any, pointer: str | None
) -> None:
    acme, _ = houses
    before = Tenant.objects.values().get(id=acme.tenant.id)
    found = asking(acme)(method, path, body)
    assert found.status_code in ({422} if pointer else {400, 422}), found.content
    assert pointer is None or pointer in {one["pointer"] for one in found.json()["errors"]}, found.content
    assert Tenant.objects.values().get(id=acme.tenant.id) == before


def test_an_identity_secret_and_credentials_are_written_and_never_read(houses: Houses) -> None:
    acme, globex = houses
    ask = asking(acme)
    made = ask("post", "/organisation/identity-secret")
    assert made.status_code == 201
    assert Tenant.objects.get(id=acme.tenant.id).identity_secret == made.json()["secret"]
    kept = ask("put", "/credentials/openai", {"secrets": {"api_key": "sk-canary-0123-tail"}})
    assert kept.json()["hint"] == "…tail"
    told = b"".join(ask("get", path).content for path in ("/organisation", "/credentials", "/audit"))
    assert b"canary" not in told
    assert made.json()["secret"].encode() not in told
    assert b"openai" in told
    assert asking(globex)("delete", "/credentials/openai").status_code == 404
    assert ask("delete", "/credentials/openai").status_code == 204
    assert ask("delete", "/credentials/openai").status_code == 404
    assert ask("put", "/credentials/nobody", {"secrets": {}}).status_code == 404
    assert ask("put", "/credentials/%00", {"secrets": {}}).status_code == 404
    assert ask("delete", "/organisation/identity-secret").status_code == 204
    with acme.scope():
        assert not Credential.objects.exists()
    assert Tenant.objects.get(id=acme.tenant.id).identity_secret is None


def test_the_audit_log_is_read_page_by_page(houses: Houses) -> None:
    acme, globex = houses
    ask = asking(acme)
    for number in range(5):
        ask("post", "/keys", {"name": f"Key {number}"})
    asking(globex)("post", "/keys", {"name": "CANARY"})
    names, cursor = [], None
    while True:
        page = ask(
            "get", "/audit", action="key.minted", limit=2, **({"cursor": cursor} if cursor else {})
        ).json()
        names += [entry["target_name"][:5] for entry in page["entries"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == ["Key 4", "Key 3", "Key 2", "Key 1", "Key 0"]
    assert ask("get", "/audit", cursor="x").json()["errors"][0]["location"] == "query"
    assert ask("get", "/audit", limit=0).status_code == 422
    assert ask("get", "/audit", action="\0").status_code in {200, 422}
    assert ask("get", "/audit", outcome="refused").json()["entries"] == []


GUARDED = {
    "read": [("get", "/members"), ("get", "/invitations"), ("get", "/organisation"), ("get", "/credentials"), ("get", "/audit")],
    "manage": [("get", "/keys"), ("post", "/keys"), ("post", "/invitations"), ("patch", "/organisation"), ("post", "/organisation/identity-secret"),
               ("delete", "/organisation/identity-secret"), ("put", "/credentials/openai"), ("delete", "/credentials/openai"),
               ("patch", f"/members/{uuid4()}"), ("delete", f"/members/{uuid4()}"), ("delete", f"/invitations/{uuid4()}"), ("delete", f"/keys/{uuid4()}")],
}  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "included"), [("chat", set()), ("read", {"read"}), ("manage", {"read", "manage"})]
)
def test_a_scope_opens_what_it_says_and_what_was_refused_is_noted(
    houses: Houses, scope: str, included: set[str]
) -> None:
    acme, _ = houses
    ask, refused = asking(acme, scope), 0
    for needed, routes in GUARDED.items():
        for method, path in routes:
            status = ask(method, path, {} if method in {"post", "patch", "put"} else None).status_code
            assert (status == 403) == (needed not in included), (method, path, status)
            refused += status == 403
    with acme.scope():
        assert AuditEntry.objects.filter(action="request.refused", outcome="refused").count() == refused


def test_the_rivals_ids_are_not_found_and_stay_as_they_are(houses: Houses) -> None:
    acme, globex = houses
    theirs = addresses(globex)
    for method, path, body in theirs:
        assert asking(acme)(method, path, body).status_code == 404, path
    for method, path, body in theirs:
        assert asking(globex)(method, path, body).status_code in {200, 204}, path


def test_fields_that_nobody_asked_for_change_nothing(houses: Houses) -> None:
    acme, globex = houses
    before = Tenant.objects.values().get(id=globex.tenant.id)
    extra = {"id": str(globex.tenant.id), "tenant": str(globex.tenant.id), "tenant_id": str(globex.tenant.id), "slug": "x", "suspended_at": "2026-01-01T00:00:00Z"}  # fmt: skip
    ask = asking(acme)
    ask("patch", "/organisation", {"name": "Acme", **extra})
    made = ask("post", "/keys", {"name": "A", **extra}).json()
    row = member(acme, acme.colleague("staff"))
    ask("patch", f"/members/{row.id}", {"role": "staff", "user": globex.user.pk, **extra})
    assert made["id"] != extra["id"]
    assert Tenant.objects.values().get(id=globex.tenant.id) == before
    assert Tenant.objects.get(id=acme.tenant.id).suspended_at is None
    assert member(acme, row.user).user_id == row.user_id
