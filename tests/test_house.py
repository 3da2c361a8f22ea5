"""The architecture, read by running it. Every list below says why; an entry that became stale fails too."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from celery import current_app, shared_task
from django.apps import apps
from django.db import connection, connections, models
from django.db.models import QuerySet
from django.test import Client
from django.urls import URLPattern, get_resolver, path
from django.utils import timezone

from apps.agents.models import Call, Version
from apps.analysis.models import Rollup
from apps.chats import inbox
from apps.chats.models import Chat, ContentChat, Event, Note
from apps.knowledge.models import Document, Knowledge, Passage
from apps.tenants.models import ApiKey, AuditEntry, Invitation
from apps.tenants.owned import TenantOwned
from consumers import doors, routing
from consumers.chat import ChatConsumer
from tests import house
from tests.world import House

UNOWNED = {
    "tenants.Tenant": "the register of tenants itself; what a tenant has is owned",
    "agents.Price": "what models cost the operator; of no tenant",
    "chats.Process": "a process of the installation and until when it lives; nothing of any tenant",
    "tenants.AccessVersion": "a counter, of nobody",
    "otp_totp.TOTPDevice": "a person's second factor, whichever tenants they work for",
    "tenants.Phone": "the same, with its secret sealed",
    "otp_static.StaticDevice": "a person's recovery codes",
    "otp_static.StaticToken": "a person's recovery codes",
    "auth.User": "a person may work for several tenants; memberships are owned",
    "auth.Group": "Django's, unused",
    "auth.Permission": "Django's description of models, no tenant's data",
    "contenttypes.ContentType": "Django's description of models, no tenant's data",
    "sessions.Session": "of a person, who may switch between tenants",
    "admin.LogEntry": "the operator's own journal",
}
UNSCOPED_TASKS = {
    "apps.agents.tasks.release_stale": "lists tenants and enqueues one scoped task each",
    "apps.analysis.tasks.sweep": "lists tenants and enqueues one scoped task each",
    "apps.api.tasks.sweep": "lists tenants and enqueues one scoped task each",
    "apps.chats.tasks.delete_old": "lists tenants and enqueues one scoped task each",
    "apps.chats.tasks.end_idle": "lists tenants and enqueues one scoped task each",
    "apps.chats.tasks.rescue": "asks which tenants have abandoned replies and enqueues one scoped task each",
    "chatwithus.tasks.prove_isolation": "opens two tenants of its own",
    "apps.knowledge.tasks.sweep": "lists tenants and enqueues one scoped task each",
    "apps.tenants.tasks.forget_sessions": "sessions are people's, who may work for several tenants",
}
PUBLIC = {
    "admin/auth/user/<id>/password/": "Django's own, which asks for the permission itself",
    "": "the demo shop, as any visitor sees it",
    "avatars/<str:signed>": "a picture that its tenant shows to everybody, at an address that only the server can write",
    "livez": "says only that the process lives",
    "pulse": "what time it is, five times over",
    "readyz": "names dependencies and whether they answer, nothing else",
    "console/login/": "where people come in",
    "console/login/code/": "the second step of that, for whoever took the first",
    "console/join/<str:signed>/": "puts an invitation's link into the browser's cookie; the page behind it reads it",
    "console/logout/": "ends one's own session",
    "admin/login/": "where the operator comes in",
    "api/v1/": "the API's address, no data",
    "api/v1/docs": "documentation",
    "api/v1/openapi.json": "documentation",
}
ONE_FILE_ONLY = {
    # The proof takes `tenant_id = %(tenant)s` out of statements, so that PostgreSQL alone has to hold; it knows no other spelling.
    r"tenant_id\"?\s*(=|<>|IN)\s*(ANY\s*)?\(?%(?!\(tenant\)s)": {
        "chatwithus/isolation/tables.py": "reaches for rows of another tenant's",
        "chatwithus/isolation/walls.py": "takes it out",
        "chatwithus/isolation/witness.py": "looks at a canary's rows, with one wall as with both",
    },
    r"\bunstructured\b.*import|import unstructured": {"apps/knowledge/partition.py": "parsing"},
    r"\bvaderSentiment\b": {"apps/analysis/sentiment.py": "sentiment"},
    r"\bgroup_send\b": {"apps/analysis/live.py": "dashboards"},
    r"import (httpcore|httpx|requests|aiohttp|urllib\.request|urllib3|ftplib|smtplib|websockets)\b"
    r"|from (httpcore|httpx|requests|aiohttp|urllib3|urllib\.request|websockets(\.\w+)*\.client)\b|from urllib import .*\brequest\b": {
        "apps/knowledge/egress.py": "the one guarded way out to addresses that tenants give",
        "apps/agents/servers/wire.py": "the judged transport that providers' own clients are given",
    },
    r"import (http\.client|socket)\b|from (socket|http\.client)\b|from http import .*\bclient\b|\b(open|create)_connection\(": {
        "apps/knowledge/egress.py": "resolves a name once, to judge the address that is then connected to",
        "apps/agents/providers/bedrock.py": "ends the connection of an answer that nobody waits for",
        "chatwithus/address.py": "the supervisor asks its own web process whether it is ready",
        "chatwithus/neighbours.py": "the supervisor looks whether Ollama runs on the operator's own machine",
        "chatwithus/serve.py": "its own listeners drop clients that do not read",
        "chatwithus/embedded/cluster.py": "the supervisor asks for a free port for its own PostgreSQL",
        "chatwithus/embedded/valkey.py": "the supervisor asks for a free port for its own Valkey",
    },
}


def all_models() -> Iterator[type[models.Model]]:
    yield from apps.get_models()


def our_tasks() -> list[Any]:
    current_app.loader.import_default_modules()
    return [task for name, task in current_app.tasks.items() if name.startswith(("apps.", "chatwithus."))]


def all_routes() -> list[tuple[str, Any]]:
    return list(house.routes(get_resolver().url_patterns))


def test_every_model_belongs_to_a_tenant_or_is_listed() -> None:
    assert house.strangers(house.unowned(all_models()), UNOWNED) == []


def test_every_tenants_table_is_walled_and_indexed(db: None) -> None:
    assert list(house.unwalled(all_models())) == []


def test_every_task_enters_a_tenants_scope_or_is_listed() -> None:
    assert house.strangers(house.unscoped_tasks(our_tasks()), UNSCOPED_TASKS) == []


def test_every_route_declares_its_guard_or_is_listed_as_public() -> None:
    assert house.strangers(house.unguarded(all_routes()), PUBLIC) == []


def test_every_socket_has_a_door() -> None:
    assert list(house.unguarded(house.routes(cast(list[URLPattern], routing.sockets.routes)))) == []


@pytest.mark.parametrize("pattern", ONE_FILE_ONLY)
def test_only_the_named_files_do_it(pattern: str) -> None:
    assert house.strangers(house.users_of(pattern, house.sources()), ONE_FILE_ONLY[pattern]) == []


@pytest.mark.parametrize(
    "page",
    sorted(
        str(page.relative_to(house.ROOT))
        for page in (*house.ROOT.glob("docs/**/*.md"), *house.ROOT.glob("*.md"))
    ),
)
def test_links_in_the_docs_lead_somewhere(page: str) -> None:
    assert list(house.broken_links(house.ROOT / page)) == []


NOW = timezone.now()
YESTERDAY = NOW - timedelta(days=1)
LISTS: dict[str, Callable[[], QuerySet[Any]]] = {
    "chats": lambda: Chat.objects.order_by("-last_at")[:12],
    "exchanges of an hour": lambda: ContentChat.objects.filter(created_at__gte=YESTERDAY, created_at__lt=NOW),
    "waiting chats": lambda: inbox.chats("waiting")[: inbox.FEW],
    "chats with staff": lambda: inbox.chats("staff")[: inbox.FEW],
    "chats with agents": lambda: inbox.chats("agent")[: inbox.FEW],
    "all chats of the inbox": lambda: inbox.chats("all")[: inbox.FEW],
    "open chats by handler": lambda: Chat.objects.filter(resolved_at=None).values("handled_by"),
    "notes of a chat": lambda: Note.objects.filter(chat_id=uuid4()).order_by("-created_at"),
    "events of a chat": lambda: Event.objects.filter(chat_id=uuid4()).order_by("seq"),
    "knowledge": lambda: Knowledge.objects.order_by("-created_at")[:50],
    "rollups of today": lambda: Rollup.objects.filter(hour__gte=YESTERDAY),
    "calls of a month": lambda: Call.objects.filter(at__gte=YESTERDAY),
    "the last call of an agent": lambda: Call.objects.filter(agent_id=uuid4()).order_by("-at")[:1],
    "versions of an agent": lambda: Version.objects.filter(agent_id=uuid4()).order_by("-number")[:50],
    "api keys": lambda: ApiKey.objects.order_by("-created_at"),
    "invitations": lambda: Invitation.objects.order_by("-created_at"),
    "audit log": lambda: AuditEntry.objects.order_by("-at")[:50],
    "documents of a source": lambda: Document.objects.filter(knowledge_id=uuid4()).order_by("number"),
    "passages of a document": lambda: Passage.objects.filter(document_id=uuid4()),
    "passages of a source": lambda: Passage.objects.filter(knowledge_id=uuid4()).order_by("position"),
}


@pytest.mark.parametrize("name", LISTS)
def test_list_queries_use_the_tenants_index(acme: House, name: str) -> None:
    """With sequential scans priced out, as they are in a big table: what remains must be an index with the tenant in front."""
    with acme.scope():
        query = LISTS[name]()
        with connections[query.db].cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = query.explain()
    assert house.uses_tenant_index(plan), plan


def test_staff_pages_refuse_unsafe_requests_without_a_csrf_token(acme: House) -> None:
    """Walks the URLconf: whatever is let in by cookie answers 403 to a POST that another site could have sent."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(acme.user)
    checked = [
        address for address in _addresses("console/", "admin/") if client.post(address).status_code != 403
    ]
    assert checked == []


def test_the_api_ignores_cookies(acme: House) -> None:
    """Walks the URLconf: a signed-in browser without a key is a stranger to every route of the API."""
    client = Client()
    client.force_login(acme.user)
    guarded = [
        f"/{route}" for route, view in all_routes() if "key" in (house.guard_of(view) or "").split("|")
    ]
    addresses = [
        re.sub(r"<[^>]*_id>", str(uuid4()), address)
        .replace("<provider>", "openai")
        .replace("<int:number>", "1")
        for address in guarded
    ]
    assert addresses
    for address in addresses:
        for method in ("get", "post", "delete", "put"):
            assert getattr(client, method)(address).status_code in {401, 405}, address


def _addresses(*prefixes: str) -> list[str]:
    found = [route for route, _ in all_routes() if route.startswith(prefixes)]
    return [
        f"/{re.sub('<uuid:[a-z_]+>', str(uuid4()), route).replace('<path:object_id>', '1').replace('<slug:provider>', 'openai').replace('<int:number>', '1')}"
        for route in found
        if "(?P" not in route
    ]


# Each rule bites: one planted trespass each.


def test_an_unowned_model_is_seen() -> None:
    class Trespass(models.Model):
        class Meta:
            app_label = "chats"

    _forget("trespass")
    assert house.strangers(house.unowned([*all_models(), Trespass]), UNOWNED) == ["chats.Trespass"]


def test_a_table_without_its_wall_is_seen(db: None) -> None:
    class Trespass(TenantOwned):
        class Meta(TenantOwned.Meta):
            app_label = "chats"
            db_table = "trespass"

    _forget("trespass")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE trespass (id uuid, tenant_id uuid)")
    assert list(house.unwalled([Trespass])) == [
        "trespass: row security is not forced",
        "trespass: no policy asks for the tenant",
        "trespass: no index begins with the tenant",
    ]


def _forget(name: str) -> None:
    """Take a planted model out of the registry again, so that no other test meets it."""
    del apps.all_models["chats"][name]
    apps.clear_cache()


def test_a_task_without_a_scope_is_seen() -> None:
    @shared_task(name="apps.trespass")
    def trespass() -> None: ...

    try:
        assert house.strangers(house.unscoped_tasks([current_app.tasks["apps.trespass"]]), {}) == [
            "apps.trespass"
        ]
    finally:
        current_app.tasks.unregister("apps.trespass")


def test_a_route_without_a_guard_is_seen() -> None:
    def trespass(request: object) -> None: ...

    planted = house.routes([path("console/trespass/", trespass)])  # type: ignore[arg-type]
    assert list(house.unguarded(planted)) == ["console/trespass/"]


def test_a_socket_without_a_door_is_seen() -> None:
    planted = [("ws/guarded", doors.visitors(None)), ("ws/trespass", ChatConsumer.as_asgi())]
    assert list(house.unguarded(planted)) == ["ws/trespass"]


@pytest.mark.parametrize(
    "planted",
    ["from unstructured.partition.auto import partition", "SQL = 'DELETE FROM x WHERE tenant_id = %(whose)s'", "import vaderSentiment", "x.group_send('g', {})", "import httpx",
     "import socket", "from urllib import parse, request", "from http import client", "import websockets", "asyncio.open_connection('x', 1)", "loop.create_connection(x)"],
)  # fmt: skip
def test_an_import_in_the_wrong_file_is_seen(planted: str) -> None:
    trespass = {"apps/chats/trespass.py": house.code(planted)}
    assert any(list(house.users_of(pattern, trespass)) for pattern in ONE_FILE_ONLY)


def test_a_stale_entry_is_seen() -> None:
    assert house.strangers([], {"apps.gone": "was once"}) == ["stale: apps.gone"]


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "map.md"
    page.write_text("[here](map.md) [gone](gone.md#x) [web](https://example.org)")
    assert list(house.broken_links(page)) == ["map.md: gone.md"]


def test_a_query_past_the_tenants_index_is_seen(acme: House) -> None:
    with acme.scope(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM auth_user WHERE username = 'v'")
        assert house.uses_tenant_index("\n".join(line for (line,) in cursor.fetchall())) is False
