"""A small client of the inbox's socket, signed in as a member of a house's staff."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.server import PATIENCE, Server, Visitor
from tests.world import PASSWORD, House

Frame = dict[str, Any]


def cookie_of(server: Server, username: str) -> str:
    """A session's cookie, as a browser gets it that signs in."""
    with httpx.Client(base_url=server.url) as browser:
        browser.get("/console/login/")
        token = browser.cookies["csrftoken"]
        form = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert browser.post("/console/login/", data=form).status_code == 302
        return f"sessionid={browser.cookies['sessionid']}"


class Staff(Visitor):
    """`hear` passes over the pings and the list, which come when they like; `see` waits for a list that shows something."""

    def next(self) -> Frame:
        while (frame := super().next())["type"] in {"ping", "inbox"}:
            pass
        return frame

    def see(self, chat: str, **wanted: Any) -> Frame:
        """The chat's row, as soon as the list has it like this."""
        while True:
            frame: Frame = json.loads(self.connection.recv(timeout=PATIENCE))
            if frame["type"] == "inbox":
                rows: list[Frame] = frame["chats"]
                found = [row for row in rows if row["chat"] == chat and wanted.items() <= row.items()]
                if found:
                    return found[0]

    def open(self, chat: str, **fields: Any) -> Frame:
        self.say("chat.open", chat=chat, **fields)
        return self.hear("welcome")

    def until(self, **wanted: Any) -> Frame:
        """The chat's state, as soon as it is like this."""
        while True:
            state: Frame = self.hear("chat.state")["state"]
            if wanted.items() <= state.items():
                return state


@contextmanager
def inbox(server: Server, house: House, *, username: str | None = None) -> Iterator[Staff]:
    headers = {"Cookie": cookie_of(server, username or house.user.username)}
    with server.socket("/ws/inbox", origin=server.url, additional_headers=headers) as connection:
        yield Staff(connection)
