"""Another tenant's id and one of nobody's are answered alike, byte for byte but for what was asked and when."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from apps.chats.models import Chat
from tests.world import House

UUIDS = re.compile(rb"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
NONCES = re.compile(rb'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"')


@pytest.mark.parametrize(
    "address",
    ["/api/v1/chats/{}", "/api/v1/chats/{}/events", "/api/v1/knowledge/{}", "/api/v1/openai/models/{}"],
)
def test_programs_learn_nothing(acme: House, globex: House, address: str) -> None:
    with globex.scope():
        theirs = {
            "chats": Chat.objects.create(agent=globex.agent, visitor="v").id,
            "knowledge": uuid4(),
            "openai": globex.agent.id,
        }
    foreign = theirs[address.split("/")[3]]
    assert _answer(acme, address.format(foreign)) == _answer(acme, address.format(uuid4()))


@pytest.mark.parametrize("address", ["/console/chats/{}/", "/console/inbox/{}/", "/console/agents/{}/"])
def test_staff_learn_nothing(acme: House, globex: House, address: str) -> None:
    with globex.scope():
        foreign = (
            globex.agent.id
            if "agents" in address
            else Chat.objects.create(agent=globex.agent, visitor="v").id
        )
    assert _page(acme, address.format(foreign)) == _page(acme, address.format(uuid4()))


def _answer(house: House, address: str) -> tuple[int, bytes]:
    answer = Client().get(address, headers=house.headers)
    assert answer.status_code == 404
    return answer.status_code, UUIDS.sub(b"", answer.content)


def _page(house: House, address: str) -> tuple[int, bytes]:
    client = Client()
    client.force_login(house.user)
    session = client.session
    session["tenant_id"] = str(house.tenant.id)
    session.save()
    answer = client.get(address)
    assert answer.status_code == 404
    return answer.status_code, NONCES.sub(b"", UUIDS.sub(b"", answer.content))
