"""Every example, run as somebody would who pasted it."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from apps.agents.models import Agent
from apps.chats.models import Chat, ContentChat
from tests import browser as installed
from tests.house import ROOT
from tests.proxy import Proxy
from tests.scripted import answer
from tests.server import Server
from tests.world import House

Houses = tuple[House, House]
EXAMPLES = ROOT / "examples"
SCRIPT = "tokens=60 rate=30"
QUESTION = 'Say "something"'
PYTHON = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


async def run(house: House, agent: Agent, port: int, *command: str) -> asyncio.subprocess.Process:
    told = {
        "CHATWITHUS_URL": f"http://127.0.0.1:{port}",
        "CHATWITHUS_KEY": house.key,
        "CHATWITHUS_AGENT": str(agent.id),
        "PATH": PYTHON,
    }
    return await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=told, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


def output(house: House, agent: Agent, port: int, *command: str) -> str:
    """What it prints; it has to end well."""

    async def talk() -> str:
        process = await run(house, agent, port, *command)
        out, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
        return out.decode()

    return asyncio.run(talk())


def test_curl_gets_a_whole_answer(server: Server, houses: Houses) -> None:
    acme, _ = houses
    told = output(acme, acme.scripted(SCRIPT), server.port, "examples/ask.sh", QUESTION)
    assert json.loads(told)["response"] == answer(SCRIPT)
    assert json.loads(told)["message"] == QUESTION


def test_curl_says_what_is_wrong(server: Server, houses: Houses) -> None:
    acme, globex = houses
    told = output(acme, globex.agent, server.port, "examples/ask.sh", QUESTION)
    assert json.loads(told)["code"] == "not_found"


@pytest.mark.parametrize("cuts", [(), (0,), (1, 2), (2, 3, 9)])
def test_curl_goes_on_where_the_line_broke(server: Server, houses: Houses, cuts: tuple[int, ...]) -> None:
    """Cut after so many lines; nothing is missing and nothing comes twice."""
    acme, _ = houses

    async def talk() -> list[dict[str, Any]]:
        async with Proxy(server.port) as proxy:
            process = await run(acme, acting, proxy.port, "examples/stream.sh", QUESTION)
            assert process.stdout is not None
            frames: list[dict[str, Any]] = []
            while line := await process.stdout.readline():
                if len(frames) in cuts:
                    proxy.cut()
                frames.append(json.loads(line))
            assert await process.wait() == 0
            return frames

    acting = acme.scripted(SCRIPT)
    frames = asyncio.run(talk())
    deltas = [frame for frame in frames if frame["type"] == "reply.delta"]
    assert "".join(frame["text"] for frame in deltas) == answer(SCRIPT)
    assert [frame["index"] for frame in deltas] == list(range(len(deltas)))
    with acme.scope():
        assert ContentChat.objects.get(chat__agent=acting).attempts == 1


def test_openais_client_streams_an_agents_answer(server: Server, houses: Houses) -> None:
    acme, _ = houses
    told = output(acme, acme.scripted(SCRIPT), server.port, "python", "examples/openai_client.py", QUESTION)
    assert told == answer(SCRIPT) + "\n"


def test_the_reference_client_is_a_visitor(server: Server, houses: Houses) -> None:
    acme, _ = houses
    command = ("python", "-m", "examples.socket_client", acme.origin, QUESTION)
    assert output(acme, acme.scripted(SCRIPT), server.port, *command) == answer(SCRIPT) + "\n"


def test_the_reference_client_says_that_it_was_not_let_in(server: Server, houses: Houses) -> None:
    acme, globex = houses

    async def talk() -> tuple[int | None, str]:
        command = ("python", "-m", "examples.socket_client", globex.origin, QUESTION)
        process = await run(acme, acme.agent, server.port, *command)
        _, complaint = await process.communicate()
        return process.returncode, complaint.decode()

    assert asyncio.run(talk()) == (1, "Not admitted: 4403\n")


@contextmanager
def site(agent: Agent, url: str) -> Iterator[str]:
    """The origin of a site of somebody's own, with the example on it."""
    html = (EXAMPLES / "browser.html").read_text(encoding="utf-8")
    html = html.replace("https://YOUR_HOST", url).replace("AGENT_ID", str(agent.id))

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *arguments: object) -> None:
            """Silence."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()


@asynccontextmanager
async def visiting(origin: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=installed.find(), args=["--no-sandbox"])
        page = await chromium.new_page()
        await page.goto(origin)
        await page.get_by_label("Your question").fill(QUESTION)
        yield page
        await chromium.close()


def test_a_web_page_asks_with_a_visitors_token_and_goes_on_where_the_line_broke(
    server: Server, houses: Houses
) -> None:
    acme, _ = houses
    acting = acme.scripted(SCRIPT)

    async def talk() -> list[str]:
        async with Proxy(server.port) as proxy:
            with site(acting, f"http://127.0.0.1:{proxy.port}") as origin:
                await asyncio.to_thread(allow, acme, origin)
                async with visiting(origin) as page:
                    for _ in range(2):
                        await page.get_by_role("button").click()
                        await page.wait_for_function("document.body.innerText.includes('w9 ')")
                        proxy.cut()
                        await page.locator("#answer[data-done]").wait_for()
                        assert await page.locator("#answer").text_content() == answer(SCRIPT)
                    await asyncio.to_thread(take_over, acme, acting)
                    await page.get_by_role("button").click()
                    await page.locator("#answer[data-done]").wait_for()
                    assert await page.locator("#answer").text_content() == "A person will answer you."
                    kept: list[str] = await page.evaluate("Object.keys(localStorage)")
                    return kept

    assert asyncio.run(talk()) == ["visitor"]
    with acme.scope():
        exchanges = ContentChat.objects.filter(chat__agent=acting).select_related("chat")
        assert [one.attempts for one in exchanges.order_by("number")] == [1, 1, 0]
        assert len({one.chat_id for one in exchanges}) == 1
        assert all(one.chat.visitor.startswith("v_") for one in exchanges)


def test_a_web_page_that_is_not_on_the_list_is_told_nothing(server: Server, houses: Houses) -> None:
    acme, _ = houses

    async def talk() -> str | None:
        with site(acme.agent, server.url) as origin:
            async with visiting(origin) as page:
                await page.get_by_role("button").click()
                await page.locator("#answer[data-done]").wait_for()
                return await page.locator("#answer").text_content()

    assert asyncio.run(talk()) == "Failed to fetch"


def take_over(house: House, agent: Agent) -> None:
    with house.scope():
        Chat.objects.filter(agent=agent).update(handled_by="staff", assignee=house.user)


def allow(house: House, origin: str) -> None:
    house.tenant.allowed_origins.append(origin)
    house.tenant.save()
