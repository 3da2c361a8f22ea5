"""The line of who waits for a person."""

import asyncio

from apps.chats import bell, handoff, line, replies
from apps.chats.line import Place
from chatwithus.embedded import Services
from tests.bare import until
from tests.chats.test_replies import ask
from tests.locks import cut_who_waits, locked
from tests.server import wait_until
from tests.world import House


async def test_a_line_that_could_not_be_read_is_read_again(house: House, services: Services) -> None:
    """Nobody rings for it a second time."""
    chat = (await ask(house)).log.chat_id
    await replies.settle()
    await handoff.request(chat)
    await until(lambda: bell.ear().is_connected)
    await asyncio.sleep(2 * bell.ECHO)  # what rang until now has been heard
    heard = asyncio.Queue[Place]()
    with locked(services, "chats_chat") as other:
        leave = line.join(chat, heard.put_nowait)
        await asyncio.to_thread(wait_until, lambda: cut_who_waits(other, "chats_chat"))
    assert (await asyncio.wait_for(heard.get(), 10)).position == 1
    leave()
