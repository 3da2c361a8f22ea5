"""Browsers of a house's people."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.test import Client

from tests.world import PASSWORD, House

LOGIN = "/console/login/"


def sign_in(username: str, password: str = PASSWORD, *, browser: Client | None = None) -> tuple[Client, Any]:
    """The browser, and what it was answered."""
    client = browser or Client()
    return client, client.post(LOGIN, {"username": username, "password": password})


def browser_of(house: House, role: str = "owner") -> Client:
    """Signed in, and come into the house: as its owner, or as a new colleague."""
    user = house.user
    if role != "owner":
        user = house.colleague(role)
        user.password = make_password(PASSWORD)
        user.save()
    client, answer = sign_in(user.username)
    assert answer.status_code == 302
    client.user = user  # type: ignore[attr-defined]
    return client


def body(response: Any) -> str:
    return str(response.content.decode())
