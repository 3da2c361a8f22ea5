"""docs/protocol.md is the contract: its examples are read here and held against what the server says."""

import json
import re
from typing import Any

import pytest

from apps.chats import events
from consumers import frames
from consumers.chat import ChatConsumer
from consumers.dashboard import DashboardConsumer
from tests.server import Server
from tests.services import ROOT
from tests.world import House

PAGE = (ROOT / "docs" / "protocol.md").read_text()


def examples(side: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    decoder = json.JSONDecoder()
    for block in re.findall(rf"```json {side}\n(.*?)```", PAGE, re.DOTALL):
        rest = block.strip()
        while rest:
            frame, end = decoder.raw_decode(rest)
            found.append(frame)
            rest = rest[end:].strip()
    return found


@pytest.mark.parametrize("frame", examples("client"), ids=lambda frame: frame["type"])
def test_every_client_frame_of_the_page_is_understood(frame: dict[str, Any]) -> None:
    assert frames.parse(json.dumps(frame)) == frame
    assert hasattr(ChatConsumer, f"on_{frame['type'].replace('.', '_')}")


def test_the_server_sends_the_fields_the_page_names(server: Server, houses: tuple[House, House]) -> None:
    acme, _ = houses
    acme.knows("The Quito depot is closed on the second Friday of March.")
    with server.visitor(acme) as visitor:
        heard = [visitor.welcome, *visitor.ask("When is the Quito depot closed?", message_id="c1")]
        heard += [visitor.ask(" ")[-1]]
        visitor.say("ping")
        heard.append(visitor.next())
    said = {frame["type"]: set(frame) for frame in heard}
    for example in examples("server"):
        if example["type"] in said:
            assert set(example) == said[example["type"]], example["type"]


def test_every_code_of_the_page_is_one_the_server_knows() -> None:
    source = "".join(
        (ROOT / path).read_text()
        for path in (
            "consumers/frames.py",
            "consumers/chat.py",
            "consumers/base.py",
            "apps/chats/conversations.py",
        )
    )
    for code in re.findall(r"^\| `([a-z_`, ]+)` \|", PAGE, re.MULTILINE)[1:]:
        for name in code.replace("`", "").split(", "):
            assert f'"{name}"' in source, name


def test_the_snapshot_on_the_page_is_what_a_dashboard_gets(acme: House) -> None:
    from apps.analysis import snapshots

    [example] = [frame for frame in examples("server") if frame["type"] == "snapshot"]
    with acme.scope():
        frame = events.frame("snapshot", **snapshots.take())
    assert set(frame) == set(example)
    assert set(frame["today"]) == set(example["today"])
    assert hasattr(DashboardConsumer, "snapshot_taken")
