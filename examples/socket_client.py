"""Be a visitor on the socket, through the reference client: python -m examples.socket_client ORIGIN "How long …?"

ORIGIN is a page's origin that the agent's organisation allows."""

import asyncio
import os
import sys

from tests.client import Client, Refused


async def main(origin: str, question: str) -> None:
    """Ask once; the client reconnects and resumes by itself until the reply has ended."""
    address = (
        f"{os.environ['CHATWITHUS_URL'].replace('http', 'ws', 1)}/ws/chat/{os.environ['CHATWITHUS_AGENT']}"
    )
    async with Client(address, origin=origin) as client:
        name = await client.ask(question)
        await client.until(lambda transcript: transcript.is_settled(name))
        answered = client.transcript.exchange_of(name)
        print(answered.response if answered else "")


try:
    asyncio.run(main(*sys.argv[1:]))
except Refused as refused:  # an origin that is not allowed, or no such agent
    sys.exit(f"Not admitted: {refused}")
