"""Two thousand ids of chats that exist at another tenant, in every frame that takes one: none is answered as if it were there."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.test import Client

from apps.chats.models import Chat, ContentChat
from chatwithus.isolation import walls
from chatwithus.isolation.browser import Socket
from tests.world import House

STAFF, VISITORS = 1_400, 600
AT_ONCE = 50
KINDS = ("chat_open", "take_over", "hand_back", "resolve", "message.send", "note", "typing")
CANARY = "canary of globex"


def test_staff_open_nothing_by_guessing(houses: tuple[House, House]) -> None:
    acme, globex = houses
    chats = _furnish(globex, STAFF)
    frames = (_about(chat, KINDS[number % len(KINDS)]) for number, chat in enumerate(chats))
    heard = _told(acme, "/ws/inbox", _signed_in(acme), frames)
    assert Counter(frame["code"] for frame in heard) == {"no_such_chat": STAFF}
    assert CANARY not in str(heard)
    with globex.scope():
        assert ContentChat.objects.filter(request=CANARY).count() == STAFF == ContentChat.objects.count()
        assert not Chat.objects.exclude(handled_by="agent", last_seq=0, epoch=0).exists()


def test_visitors_open_nothing_by_guessing(houses: tuple[House, House]) -> None:
    acme, globex = houses
    frames = (_about(chat, "hello") for chat in _furnish(globex, VISITORS))
    heard = _told(acme, f"/ws/chat/{acme.agent.id}", {"origin": acme.origin}, frames)
    assert Counter((frame["type"], frame["chat"], frame["recovered"]) for frame in heard) == {
        ("welcome", None, False): VISITORS
    }
    assert CANARY not in str(heard)


def _furnish(house: House, count: int) -> list[UUID]:
    """Chats with something said in them."""
    with house.scope():
        chats = Chat.objects.bulk_create([Chat(agent=house.agent, visitor="v") for _ in range(count)])
        ContentChat.objects.bulk_create(
            [ContentChat(chat=chat, number=1, client_message_id="1", request=CANARY) for chat in chats]
        )
    return [chat.id for chat in chats]


def _about(chat: UUID, kind: str) -> str:
    said = {"client_message_id": chat.hex, "text": "Let me in."}
    return orjson.dumps({"type": kind, "chat": chat, **said}).decode()


def _signed_in(house: House) -> dict[str, str]:
    client = Client()
    client.force_login(house.user)
    session = client.session
    session["tenant_id"] = str(house.tenant.id)
    session.save()
    return {"cookie": f"sessionid={client.cookies['sessionid'].value}", "origin": settings.PUBLIC_URL}


def _told(house: House, path: str, headers: dict[str, str], frames: Iterable[str]) -> list[dict[str, Any]]:
    """The answer to each frame."""
    with walls.no_limits():
        return asyncio.run(_tell(path, headers, list(frames)))


async def _tell(path: str, headers: dict[str, str], frames: list[str]) -> list[dict[str, Any]]:
    from chatwithus.asgi import application

    socket = Socket(application, path, headers)
    assert await socket.opened()
    socket.heard.clear()
    for begin in range(0, len(frames), AT_ONCE):
        some = frames[begin : begin + AT_ONCE]
        for frame in some:
            await socket.say(frame)
        enough = begin + len(some)
        await socket.settle(lambda heard, enough=enough: len(_answers(heard)) >= enough)
    await socket.leave()
    return [orjson.loads(text) for text in _answers(socket.heard)]


def _answers(heard: list[str]) -> list[str]:
    """Without the server's own pings."""
    return [text for text in heard if '"type":"ping"' not in text]
