"""Trespasses, one for each door, for the proof to find."""

from typing import Any
from uuid import UUID, uuid4

from celery import shared_task
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from apps.agents.models import Agent
from apps.chats import events
from apps.chats.models import Chat, ContentChat
from apps.console.guards import signed_in, staff
from apps.tenants import scope
from apps.tenants.models import Tenant
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


@staff("chats.read")
def caching(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keeps a tenant's words under a name that another's could have."""
    agent = get_object_or_404(Agent, id=pk)
    cache.set("greeting", agent.greeting, 30)
    return HttpResponse(str(cache.get("greeting")))


def puzzling(request: HttpRequest, thing: str) -> HttpResponse:
    return HttpResponse(status=404)


def at(view: Any, address: str = "console/trespass/<uuid:pk>/") -> Any:
    """The URLconf with one more route."""
    return [path(address, view), *ours]


async def on_trespass(socket: Any, frame: dict[str, Any]) -> None:
    from apps.tenants.hops import hop

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


def puzzle(*, thing: str) -> None: ...


def task(function: Any) -> Any:
    return shared_task(base=TenantTask, name=f"apps.trespass.{function.__name__}")(function)
