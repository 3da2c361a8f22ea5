"""Trespasses, one for each door, for the proof to find."""

from typing import Any
from uuid import UUID, uuid4

from celery import shared_task
from django.core.cache import cache
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from ninja import Schema

from apps.agents.models import Agent
from apps.api.document import Api
from apps.api.guards import ByKey
from apps.chats import events
from apps.chats.models import Chat, ContentChat
from apps.console.guards import signed_in, staff
from apps.tenants import scope
from apps.tenants.hops import hop
from apps.tenants.models import Tenant
from apps.tenants.postgres.prepared import Prepared
from apps.tenants.tasks import TenantTask
from chatwithus.urls import urlpatterns as ours


def whoever_has(model: Any, pk: UUID) -> Any:
    """The row, in whichever tenant it is: what a door does that trusts the id it is given."""
    for tenant_id in Tenant.objects.values_list("id", flat=True):
        with scope.scoped_to(tenant_id):
            if found := model.objects.filter(id=pk).first():
                return found
    return None


@signed_in
def reading(request: HttpRequest, pk: UUID) -> HttpResponse:
    chat = whoever_has(Chat, pk)
    if chat is None:
        return HttpResponse(status=404)
    with scope.scoped_to(chat.tenant_id):
        said = chat.exchanges.values_list("request", flat=True)
        return HttpResponse(" ".join(said))


@signed_in
def writing(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Says what it should to strangers, but only after the deed."""
    agent = whoever_has(Agent, pk)
    is_own = agent is not None and agent.tenant_id == scope.current_or_none()
    if agent is not None:
        with scope.scoped_to(agent.tenant_id):
            Agent.objects.filter(id=pk).update(greeting=f"Trespassed {uuid4()}")
    return HttpResponse(status=200 if is_own else 404)


_SAID = Prepared("SELECT request FROM chats_contentchat WHERE tenant_id = %(tenant)s AND chat_id = %(chat)s")
_PASSAGES = (
    "SELECT text FROM knowledge_passage p WHERE p.tenant_id = %(tenant)s AND knowledge_id = %(source)s"
)


@staff("chats.read")
def asking_by_hand(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Right, as long as the statement names who asks."""
    said = [row[0] for row in _SAID.rows(chat=pk)]
    return HttpResponse(" ".join(said), status=200 if said else 404)


@staff("knowledge.read")
def searching_by_hand(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same in the other database."""
    with connections["vectors"].cursor() as cursor:
        cursor.execute(_PASSAGES, {"tenant": scope.current(), "source": pk})
        found = [row[0] for row in cursor.fetchall()]
    return HttpResponse(" ".join(found), status=200 if found else 404)


@staff("chats.read")
def caching(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keeps a tenant's words under a name that another's could have."""
    agent = get_object_or_404(Agent, id=pk)
    cache.set("greeting", agent.greeting, 30)
    return HttpResponse(str(cache.get("greeting")))


@signed_in
def sending_on(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Takes any chat, and sends on to a page that is another for each."""
    chat = whoever_has(Chat, pk)
    if chat is None:
        return HttpResponse(status=404)
    return redirect("console:chat", pk=uuid4())


def opened_by_anybody(request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
    """In place of what the admin finds: the agent, in whichever tenant it is."""
    return whoever_has(Agent, UUID(object_id))


class About(Schema):
    agent: UUID


async def named(request: HttpRequest, about: About) -> dict[str, bool]:
    """Trusts the id in its body, and says nothing of what it found."""
    if await hop(whoever_has)(Agent, about.agent) is None:
        raise Http404
    return {"done": True}


def programs() -> Any:
    """An API with this one operation, for keys like all others."""
    api = Api(urls_namespace="trespass", docs_url=None, openapi_url=None, auth=ByKey("agents.read"))
    api.post("/named")(named)
    return api.urls


def everybody() -> str:
    """In place of the group of a tenant's dashboards."""
    return "dashboard.everybody"


def puzzling(request: HttpRequest, thing: str) -> HttpResponse:
    return HttpResponse(status=404)


def at(view: Any, address: str) -> Any:
    """The URLconf with one more route."""
    return [path(address, view), *ours]


async def on_trespass(socket: Any, frame: dict[str, Any]) -> None:
    await socket.say(events.frame("trespass", text=await hop(_said)(UUID(frame["chat"]))))


def _said(chat_id: UUID) -> str:
    chat = whoever_has(Chat, chat_id)
    with scope.scoped_to(chat.tenant_id):
        return str(ContentChat.objects.filter(chat=chat).first().request)  # type: ignore[union-attr]


async def on_puzzle(socket: Any, frame: dict[str, Any]) -> None:
    frame.get("thing")


def trespass(*, chat_id: str) -> None:
    chat = whoever_has(Chat, UUID(chat_id))
    with scope.scoped_to(chat.tenant_id):
        Chat.objects.filter(id=chat.id).update(visitor="trespassed")


def idle(*, chat_id: str) -> None:
    """Finds nothing to do, whoever asks."""


def puzzle(*, thing: str) -> None: ...


def task(function: Any) -> Any:
    return shared_task(base=TenantTask, name=f"apps.trespass.{function.__name__}")(function)
