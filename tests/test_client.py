"""The reference client keeps to the page that it stands on."""

import asyncio
import json

from websockets.asyncio.server import ServerConnection, serve

from tests.client import Client, Frame
from tests.server import PATIENCE, Server
from tests.world import House

Houses = tuple[House, House]
WELCOME = {"type": "welcome", "token": "t", "chat": "c", "handled_by": "agent", "last_seq": 0, "recovered": True, "messages": []}  # fmt: skip
TOO_MANY = {"type": "error", "code": "too_many", "retry_after": 0}


def test_whatever_durable_frames_there_are_the_client_is_never_behind(server: Server, houses: Houses) -> None:
    acme, _ = houses

    async def talk() -> set[str]:
        address = f"ws://127.0.0.1:{server.port}/ws/chat/{acme.agent.id}"
        async with Client(address, origin=acme.origin) as client:
            for kind, fields in (("csat", {"value": 4}), ("email", {"address": "grace@example.org"})):
                await _settled(client)
                await client.say(kind, **fields)
                await client.until(lambda transcript, kind=kind: transcript.log[-1]["type"] == kind)  # type: ignore[misc]
            await _settled(client)
            return {seen.frame["type"] for seen in client.trace if seen.way == "sent"}

    assert "resume" not in asyncio.run(talk())


async def _settled(client: Client) -> None:
    name = await client.ask("Is anybody there?")
    async with asyncio.timeout(PATIENCE):
        await client.until(lambda transcript: transcript.is_settled(name))


def test_what_was_too_much_is_sent_again() -> None:
    """A resume and a message, each of which a limit refuses once."""

    async def talk() -> list[Frame]:
        refused: set[str] = set()
        heard: list[Frame] = []

        async def peer(socket: ServerConnection) -> None:
            async for text in socket:
                heard.append(frame := json.loads(text))
                named = {name: frame[name] for name in ("client_message_id",) if name in frame}
                if frame["type"] == "hello":
                    await socket.send(json.dumps(WELCOME))
                    await socket.send(json.dumps({"type": "resolved", "seq": 2}))
                elif frame["type"] not in refused:
                    refused.add(frame["type"])
                    await socket.send(json.dumps(TOO_MANY | named))
                elif frame["type"] == "resume":
                    await socket.send(json.dumps(WELCOME | {"last_seq": 2, "recovered": False}))
                else:
                    told = {"type": "message", "seq": 3, "exchange": 1, "from": "visitor", "text": "Hello"}
                    await socket.send(json.dumps({"type": "ack", "chat": "c", **named}))
                    await socket.send(json.dumps(told | named))

        async with serve(peer, "127.0.0.1", 0) as door, asyncio.timeout(PATIENCE):
            port = next(iter(door.sockets)).getsockname()[1]
            async with Client(f"ws://127.0.0.1:{port}/", origin="https://shop.example") as client:
                await client.until(lambda transcript: transcript.seq == 2)
                name = await client.ask("Hello")
                await client.until(lambda transcript: transcript.exchange_of(name) is not None)
                assert not client.rejected
        return heard

    said = [frame["type"] for frame in asyncio.run(talk())]
    assert said == ["hello", "resume", "resume", "message.send", "message.send"]
