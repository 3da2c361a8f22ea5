"""Web pages at the REST door: a visitor's token in place of a key, and what browsers are told about origins."""

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.core import signing

from apps.chats import visitors
from tests.api.streams import Heard, asking, following, is_problem, question, text_of, to_the_end
from tests.server import Server, wait_until
from tests.world import House

Houses = tuple[House, House]
ALLOW = "access-control-allow-origin"


def become(server: Server, house: House, *, origin: str | None = None) -> httpx.Response:
    headers = {"Origin": house.origin if origin is None else origin}
    return httpx.post(
        f"{server.url}/api/v1/visitors",
        json={"agent": str(house.agent.id)},
        headers={name: value for name, value in headers.items() if value},
    )


def page(
    server: Server, house: House, *, token: str | None = None, origin: str | None = None
) -> httpx.Client:
    """A page of this house with a visitor's token, as its script would ask."""
    token = become(server, house).json()["token"] if token is None else token
    headers = {"Authorization": f"Bearer {token}", "Origin": origin or house.origin}
    return httpx.Client(base_url=server.url, headers=headers, timeout=30)


def test_a_page_becomes_a_visitor_and_talks_without_a_key(server: Server, houses: Houses) -> None:
    acme, _ = houses
    found = become(server, acme)
    assert set(found.json()) == {"visitor", "token", "expires_at", "agent", "offers", "session_id"}
    assert found.json()["agent"]["name"] == acme.agent.name
    assert found.headers[ALLOW] == acme.origin
    with page(server, acme, token=found.json()["token"]) as client:
        answer = client.post("/api/v1/chat", json=question(acme))
        assert answer.headers[ALLOW] == acme.origin
        assert answer.headers["vary"] == "Origin"
        session_id = answer.json()["session_id"]
        with asking(client, question(acme, "Go on", session_id=session_id)) as told:
            streamed: list[Heard] = to_the_end(told)
        chat = client.get(f"/api/v1/chats/{session_id}").json()
        with following(client, session_id, "0.0.0.-1") as told:
            again = [next(told), *to_the_end(told)]
    assert [one["request"] for one in chat["messages"]] == ["Say something", "Go on"]
    assert text_of(streamed) == chat["messages"][1]["response"]
    assert text_of(again) == chat["messages"][0]["response"]


def test_a_message_keeps_its_name_from_door_to_door(server: Server, houses: Houses) -> None:
    """A page whose socket broke right behind a message sends it again by REST: it was asked once."""
    acme, _ = houses
    with server.visitor(acme) as visitor:
        first = visitor.ask("Say something", message_id="m1")
        token = visitor.welcome["token"]
    body = question(acme, "Say something") | {"client_message_id": "m1"}
    with page(server, acme, token=token) as client:
        again = client.post("/api/v1/chat", json=body).json()
        other = client.post("/api/v1/chat", json=body | {"message": "Something else"})
        told = client.get(f"/api/v1/chats/{again['session_id']}").json()["messages"]
        nameless = client.post("/api/v1/chat", json=body | {"client_message_id": "m 1"})
    assert again["session_id"] == first[0]["chat"]
    assert [(one["client_message_id"], one["request"]) for one in told] == [("m1", "Say something")]
    assert is_problem(other, 422, "message_id_taken")
    assert other.json()["errors"][0]["pointer"] == "/client_message_id"
    assert is_problem(nameless, 422, "invalid")


def test_a_visitor_has_their_own_chats_alone(server: Server, houses: Houses) -> None:
    """Neither another visitor nor the same one at another agent gets in, and a session id proves nothing."""
    acme, globex = houses
    other_agent = acme.scripted("tokens=3")
    with page(server, acme) as owner:
        session_id = owner.post("/api/v1/chat", json=question(acme)).json()["session_id"]
        elsewhere = {**question(acme), "agent": str(other_agent.id)}
        assert is_problem(owner.post("/api/v1/chat", json=elsewhere), 404, "not_found")
        assert is_problem(owner.post("/api/v1/chat", json=question(globex)), 404, "not_found")
    with server.rest(acme) as program:
        of_program = program.post("/api/v1/chat", json=question(acme)).json()["session_id"]
    for thief, stolen in ((page(server, acme), session_id), (page(server, acme), of_program), (page(server, globex), session_id)):  # fmt: skip
        with thief as client:
            for found in (
                client.get(f"/api/v1/chats/{stolen}"),
                client.get(f"/api/v1/chats/{stolen}/events"),
                client.post("/api/v1/chat", json=question(acme, session_id=stolen)),
                client.post("/api/v1/chat", json=question(globex, session_id=stolen)),
            ):
                assert is_problem(found, 404, "not_found")


def test_each_of_ten_visitors_opens_one_of_ten_chats(server: Server, houses: Houses) -> None:
    """Two of each of five agents of two tenants."""
    agents = [(house, agent) for house in houses for agent in (house.agent, house.scripted("tokens=1"))]
    agents.append((houses[0], houses[0].scripted("tokens=2")))
    chats, tokens = [], []
    for house, agent in agents * 2:
        body, origin = {"agent": str(agent.id)}, {"Origin": house.origin}
        token = httpx.post(f"{server.url}/api/v1/visitors", json=body, headers=origin).json()["token"]
        with page(server, house, token=token) as client:
            asked = client.post("/api/v1/chat", json={"message": "Hello?", **body})
        chats.append(asked.json()["session_id"])
        tokens.append((house, token))
    for number, (house, token) in enumerate(tokens):
        with page(server, house, token=token) as client:
            found = [client.get(f"/api/v1/chats/{chat}").status_code for chat in chats]
        assert found == [200 if other == number else 404 for other in range(len(chats))]


def test_a_visitors_idempotency_keys_are_their_own(server: Server, houses: Houses) -> None:
    acme, _ = houses
    key = {"Idempotency-Key": "mine"}
    sessions = set()
    for _ in range(2):
        with page(server, acme) as client:
            found = [client.post("/api/v1/chat", json=question(acme), headers=key).json() for _ in range(2)]
            assert found[0] == found[1]
            sessions.add(found[0]["session_id"])
    assert len(sessions) == 2


def origins(house: House) -> list[str]:
    host = house.origin.removeprefix("https://")
    return [
        "",
        "null",
        "https://evil.example",
        f"http://{host}",
        f"{house.origin}:8443",
        f"{house.origin}.evil.example",
        f"https://evil{host}",
        f"{house.origin}.",
        f"{house.origin}/",
        house.origin.upper(),
        f"{house.origin}, https://evil.example",
        "*",
    ]


def test_no_other_origin_becomes_or_is_a_visitor(server: Server, houses: Houses) -> None:
    acme, globex = houses
    token = become(server, acme).json()["token"]
    for origin in [*origins(acme), globex.origin]:
        refused = become(server, acme, origin=origin)
        assert is_problem(refused, 403, "origin_not_allowed"), origin
        with page(server, acme, token=token, origin=origin or None) as client:
            if not origin:
                del client.headers["Origin"]
            asked = client.post("/api/v1/chat", json=question(acme))
            assert is_problem(asked, 403, "origin_not_allowed"), origin
        assert not {ALLOW, "access-control-allow-credentials"} & {*refused.headers, *asked.headers}


def test_an_origin_that_is_taken_off_the_list_is_shut_out_at_once(server: Server, houses: Houses) -> None:
    acme, _ = houses
    with page(server, acme) as client:
        session_id = client.post("/api/v1/chat", json=question(acme)).json()["session_id"]
        acme.tenant.allowed_origins = []
        acme.tenant.save()
        for found in (
            client.post("/api/v1/chat", json=question(acme)),
            client.get(f"/api/v1/chats/{session_id}"),
            client.get(f"/api/v1/chats/{session_id}/events"),
        ):
            assert is_problem(found, 403, "origin_not_allowed")
        assert is_problem(become(server, acme), 403, "origin_not_allowed")


def test_a_page_of_our_own_host_may_leave_its_origin_out_of_a_get(server: Server, houses: Houses) -> None:
    """As browsers do; they set `Sec-Fetch-Site`, which no script can."""
    acme, _ = houses
    acme.tenant.allowed_origins.append(server.url)
    acme.tenant.save()
    with page(server, acme, origin=server.url) as client:
        session_id = client.post("/api/v1/chat", json=question(acme)).json()["session_id"]
        del client.headers["Origin"]
        path = f"/api/v1/chats/{session_id}"
        assert client.get(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
        assert is_problem(client.get(path), 403, "origin_not_allowed")
        assert is_problem(
            client.get(path, headers={"Sec-Fetch-Site": "cross-site"}), 403, "origin_not_allowed"
        )


class LastMonth(signing.TimestampSigner):
    def timestamp(self) -> str:
        return signing.b62_encode(int(time.time()) - 31 * 24 * 3600)


def bad_tokens(house: House) -> dict[str, str]:
    visitor = visitors.new(house.agent.id)
    good = visitors.issue(visitor)
    return {
        "nothing much": "x",
        "garbage": "eyJhbGciOiJub25lIn0.e30.",
        "cut": good[:-1],
        "turned": good[::-1],
        "of another purpose": signing.dumps([visitor.id, house.agent.id.hex], salt="other"),
        "of another form": signing.dumps({"id": visitor.id}, salt="chatwithus.visitor"),
        "of no agent": signing.dumps([visitor.id, uuid4().hex], salt="chatwithus.visitor"),
        "unsigned": good.rpartition(":")[0],
        "expired": LastMonth(salt="chatwithus.visitor").sign_object([visitor.id, house.agent.id.hex]),
        "a key's shape": f"cwu_sk_{good}",
    }


def test_a_token_that_was_not_given_out_opens_nothing(server: Server, houses: Houses) -> None:
    acme, _ = houses
    for name, token in bad_tokens(acme).items():
        with page(server, acme, token=token) as client:
            found = client.post("/api/v1/chat", json=question(acme))
            assert found.status_code in {401, 403}, name
            assert found.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["knowledge", "openai/models", "openai/chat/completions"])
def test_a_visitors_token_is_no_key(server: Server, houses: Houses, path: str) -> None:
    acme, _ = houses
    with page(server, acme) as client:
        for method in ("GET", "POST"):
            assert client.request(method, f"/api/v1/{path}").status_code in {401, 405}


def test_a_key_in_a_page_reads_nothing(server: Server, houses: Houses) -> None:
    """The browser is not told that the page may read the answer."""
    acme, _ = houses
    with server.rest(acme) as client:
        found = client.post("/api/v1/chat", json=question(acme), headers={"Origin": acme.origin})
    assert ALLOW not in found.headers


def test_a_page_can_read_that_its_token_holds_no_more_and_no_other_page_can(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    for origin, readable in ((acme.origin, acme.origin), ("https://evil.example", None)):
        with page(server, acme, token="eyJ.of.yesterday", origin=origin) as client:
            for found in (
                client.get(f"/api/v1/chats/{uuid4()}/events"),
                client.post("/api/v1/chat", json=question(acme)),
            ):
                assert is_problem(found, 401, "unauthorized")
                assert found.headers.get(ALLOW) == readable
                assert found.headers["vary"] == "Origin"


def preflight(server: Server, origin: str, path: str = "/api/v1/chat") -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return httpx.options(f"{server.url}{path}", headers=asked)


def test_browsers_are_told_that_an_allowed_page_may_ask(server: Server, houses: Houses) -> None:
    acme, _ = houses
    for path in ("/api/v1/chat", "/api/v1/visitors", f"/api/v1/chats/{uuid4()}/events"):
        found = preflight(server, acme.origin, path)
        assert found.status_code == 204
        assert found.headers[ALLOW] == acme.origin
        allowed = found.headers["access-control-allow-headers"].lower().split(", ")
        assert {"authorization", "content-type", "idempotency-key", "last-event-id"} <= set(allowed)
        assert found.headers["access-control-allow-methods"] == "GET, POST"
        assert found.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in found.headers


def test_browsers_are_told_nothing_about_other_pages(server: Server, houses: Houses) -> None:
    acme, _ = houses
    for origin in origins(acme)[1:]:
        found = preflight(server, origin)
        assert ALLOW not in found.headers, origin
        assert found.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["knowledge", "openai/chat/completions", "openai/models"])
def test_what_is_for_servers_is_for_no_page(server: Server, houses: Houses, path: str) -> None:
    assert ALLOW not in preflight(server, houses[0].origin, f"/api/v1/{path}").headers


@pytest.mark.parametrize("body", [{}, {"agent": None}, {"agent": "x"}, {"agent": 7}])
def test_an_agent_that_is_none_is_explained(server: Server, houses: Houses, body: Any) -> None:
    found = httpx.post(f"{server.url}/api/v1/visitors", json=body, headers={"Origin": houses[0].origin})
    assert is_problem(found, 422, "invalid")


def test_a_suspended_tenants_pages_are_shut_out(server: Server, houses: Houses) -> None:
    from django.utils import timezone

    acme, _ = houses
    with page(server, acme) as client:
        acme.tenant.suspended_at = timezone.now()
        acme.tenant.save()
        assert is_problem(client.post("/api/v1/chat", json=question(acme)), 403, "origin_not_allowed")
    wait_until(lambda: ALLOW not in preflight(server, acme.origin).headers)
