"""What nobody may learn or do at the front doors, tried at all of them: other credentials, words that are no filters, and what is
written down of secrets."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
import redis
from django.utils import timezone
from psycopg import sql

from apps.chats import visitors
from apps.tenants.models import ApiKey
from chatwithus.embedded import Services
from tests.api.streams import ask, question
from tests.server import Server, serving
from tests.services import CLONES
from tests.tokens import signed, vouching
from tests.world import House

Houses = tuple[House, House]
SOME_ID = "00000000-0000-4000-8000-000000000000"
FILTERS = (
    "' OR '1'='1",
    "') OR 1=1 --",
    "'; SELECT pg_sleep(5); --",
    "1 UNION SELECT secret FROM keys",
    "%",
    "_",
    "\\",
    '{"$ne": null}',
    "action__startswith",
    "$(sleep 5)",
    "{{7*7}}",
    "\u202e",
    "a\r\nb",
)


def operations(server: Server, method: str = "") -> list[tuple[str, str, list[str]]]:
    """Method, path and query parameters of each documented operation."""
    paths = httpx.get(f"{server.url}/api/v1/openapi.json").json()["paths"]
    return [
        (verb, filled(path, told.get("parameters", [])), names(told.get("parameters", []), "query"))
        for path, verbs in paths.items()
        for verb, told in verbs.items()
        if method in {"", verb}
    ]


def names(parameters: list[dict[str, Any]], place: str) -> list[str]:
    return [one["name"] for one in parameters if one["in"] == place]


def filled(path: str, parameters: list[dict[str, Any]]) -> str:
    """An address that leads to a route, though to nothing that is there."""
    numbers = {one["name"] for one in parameters if one["schema"].get("type") == "integer"}
    return re.sub(r"\{(\w+)\}", lambda found: "1" if found[1] in numbers else SOME_ID, path)


def bad_credentials(house: House) -> Iterator[dict[str, str]]:
    with house.scope():
        gone, revoked = ApiKey.mint("Revoked", ["chat", "read", "manage"])
        gone.revoke()
        _, expired = ApiKey.mint("Expired", ["chat", "read", "manage"], timezone.now() - timedelta(seconds=1))
    key = house.key
    yield {}
    yield {"Authorization": f"Bearer {revoked}"}
    yield {"Authorization": f"Bearer {expired}"}
    yield {"Authorization": f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'B'}"}
    yield {"Authorization": f"Bearer {key[:16]}"}
    yield {"Authorization": f"Basic {key}"}
    yield {"Authorization": f"Token {key}"}
    yield {"Authorization": key}
    yield {"X-Api-Key": key}
    yield {"Api-Key": key}
    yield {"Cookie": f"sessionid={key}; api_key={key}"}
    yield {"Authorization": f"Bearer {visitors.issue(visitors.new(house.agent.id))}"}  # from no page


def test_every_route_refuses_every_credential_that_is_none(server: Server, houses: Houses) -> None:
    acme, _ = houses
    tried = 0
    with httpx.Client(base_url=server.url) as client:
        for headers in bad_credentials(acme):
            for method, path, _ in operations(server):
                asked = {"api_key": acme.key, "key": acme.key} if not headers else {}
                found = client.request(method, path, headers=headers, params=asked, json={})
                assert found.status_code in {401, 403}, (method, path, headers, found.text)
                tried += 1
    assert tried > 300


def test_no_answer_and_no_page_may_be_read_by_foreign_pages(server: Server, houses: Houses) -> None:
    acme, _ = houses
    pages: list[tuple[str, str, list[str]]] = [
        ("get", path, []) for path in ("/", "/console/", "/console/login/", "/admin/", "/livez", "/metrics")
    ]
    with server.rest(acme) as client:
        for origin in ("https://evil.example", "null", f"{acme.origin}.evil.example"):
            for method, path, _ in [*operations(server), *pages]:
                headers = {"Origin": origin, "Access-Control-Request-Method": method.upper()}
                for verb in {method, "options"}:
                    found = client.request(verb, path, headers=headers)
                    told = [name for name in found.headers if name.startswith("access-control-allow")]
                    assert told == [], (verb, path, origin)


def test_words_that_are_no_filter_find_nothing_and_break_nothing(server: Server, houses: Houses) -> None:
    """Filters take parameters: what is typed is looked for, never run."""
    acme, _ = houses
    with server.rest(acme) as client:
        assert client.post("/api/v1/keys", json={"name": "Noted"}).status_code == 201
        assert len(client.get("/api/v1/audit").json()["entries"]) == 1
        for _, path, filters in operations(server, "get"):
            for name in filters:
                for word in FILTERS:
                    found = client.get(path, params={name: word})
                    assert found.status_code in {200, 404, 422}, (path, name, word, found.text)
                    assert found.elapsed < timedelta(seconds=4), (path, name, word)
                    assert rows(found, name) == [], (path, name, word)


def rows(found: httpx.Response, name: str) -> list[Any]:
    """What a filter of the audit log let through; other routes have cursors and numbers alone."""
    is_filtered = found.status_code == 200 and name in {"action", "actor"}
    return list(found.json()["entries"]) if is_filtered else []


@pytest.mark.parametrize("path", [
    "/.env", "/.git/config", "/debug", "/__debug__/", "/server-status", "/static/../chatwithus/settings.py", "/static/%2e%2e/manage.py", "/api/v1/%00",
    "/admin/login/../../etc/passwd", "/console/%ff", "/phpinfo.php", "/api/v1/chats/%27", "/metrics/", "/api/", "/api/v2/chat",
])  # fmt: skip
def test_a_scanner_finds_nothing_and_is_told_nothing(server: Server, path: str) -> None:
    found = httpx.get(f"{server.url}{path}")
    assert found.status_code in {301, 302, 400, 401, 404}, found.text
    for word in ("Traceback", "DEBUG", "site-packages", "/chatwithus/", "django.", "SECRET_KEY", "psycopg"):
        assert word not in found.text, word
    assert "x-powered-by" not in found.headers


def test_no_credential_stands_in_a_log_a_database_the_cache_or_the_figures(
    services: Services, houses: Houses
) -> None:
    """Each is used in every way it can be, also wrongly, and then looked for wherever bytes are kept."""
    acme = vouching(houses[0])
    with serving(services, LOG_LEVEL="DEBUG") as server:
        identity = signed(acme)
        with server.visitor(acme) as visitor, server.visitor(acme, jwt=identity) as known:
            visitor.ask("Hello? WORDS-OF-A-VISITOR")
            tokens = [visitor.welcome["token"], known.welcome["token"]]
            visitor.say("hello", token=tokens[0][:-2])
            visitor.hear("welcome")
        headers = {"Authorization": f"Bearer {tokens[0]}", "Origin": acme.origin}
        assert (
            httpx.post(f"{server.url}/api/v1/chat", json=question(acme), headers=headers).status_code == 200
        )
        made = httpx.post(f"{server.url}/api/v1/visitors", json={"agent": str(acme.agent.id)}, headers={"Origin": acme.origin}).json()["token"]  # fmt: skip
        assert ask(server, acme, question(acme)).status_code == 200
        httpx.post(f"{server.url}/api/v1/chat", json={}, headers={"Authorization": f"Bearer {acme.key}"})
        with server.rest(acme) as client:
            minted = client.post("/api/v1/keys", json={"name": "Made", "scopes": ["chat"]}).json()["secret"]
            secret = client.post("/api/v1/organisation/identity-secret").json()["secret"]
        figures = httpx.get(f"{server.url}/metrics").content
        kept = {
            "log": server.web.log.read_bytes(),
            "figures": figures,
            "cache": b"\n".join(everything_in_valkey(services)),
            "database": b"\n".join(everything_in_postgres(services)),
        }
    assert acme.key[:16].encode() in kept["database"]  # so it was looked at
    assert b"WORDS-OF-A-VISITOR" in kept["database"]
    assert b"WORDS-OF-A-VISITOR" not in kept["log"] + kept["figures"]
    for secret_of_all in (*tokens, made, identity, acme.key, minted, secret):
        assert len(secret_of_all) > 40
        found = [place for place, held in kept.items() if secret_of_all.encode() in held]
        assert found == [], secret_of_all


def everything_in_valkey(services: Services) -> Iterator[bytes]:
    client = redis.Redis.from_url(services.redis_url())
    for key in client.scan_iter(count=1000):
        yield key
        yield client.dump(key) or b""


def everything_in_postgres(services: Services) -> Iterator[bytes]:
    """As the owner, whom no wall holds."""
    for address in services.owner_environment(**CLONES).values():
        with psycopg.connect(address) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            for (table,) in tables:
                rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
                yield from (row[0].encode() for row in rows)
