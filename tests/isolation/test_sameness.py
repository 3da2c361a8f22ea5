"""Another tenant's id and one of nobody's are answered alike, byte for byte but for what was asked and when."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from apps.agents import versions
from apps.chats.models import Chat
from apps.tenants import keys
from apps.tenants.models import ApiKey, Invitation
from tests.tenants.acting import member
from tests.world import House

UUIDS = re.compile(rb"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
NONCES = re.compile(rb'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"')


READ = ["/chats/{chat}", "/chats/{chat}/events", "/knowledge/{knowledge}", "/openai/models/{agent}"]
CHANGED = [
    ("PATCH", "/knowledge/{knowledge}", {"description": "mine"}), ("POST", "/knowledge/{knowledge}/sync", {}), ("POST", "/knowledge/{knowledge}/content", {"content": "mine"}),
    ("DELETE", "/knowledge/{knowledge}", {}), ("POST", "/agents/{agent}/publish", {"note": "mine"}),
    ("PATCH", "/members/{member}", {"role": "manager"}), ("DELETE", "/members/{member}", {}),
    ("DELETE", "/invitations/{invitation}", {}), ("DELETE", "/keys/{key}", {}),
    ("PUT", "/budgets", {"agent": "{agent}", "period": "day", "tokens": 1}),
    ("POST", "/knowledge", {"name": "Mine", "content": "Ours.", "agents": ["{agent}"]}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "address", "body"), [*(("GET", one, {}) for one in READ), *CHANGED])
def test_programs_learn_nothing(
    houses: tuple[House, House], method: str, address: str, body: dict[str, Any]
) -> None:
    """Whoever owns it is answered well, so it was there to be learnt of."""
    acme, globex = houses
    theirs = _owned(globex)
    nobodys = dict.fromkeys(theirs, uuid4())
    foreign = _asked(acme, method, address, body, theirs)
    assert 400 <= foreign[0] < 500
    assert foreign == _asked(acme, method, address, body, nobodys)
    assert _asked(globex, method, address, body, theirs)[0] < 300


def test_asking_a_foreign_agent_tells_nothing(houses: tuple[House, House]) -> None:
    acme, globex = houses
    for address, body in (
        ("/chat", {"agent": "{agent}", "message": "Hello?"}),
        (
            "/openai/chat/completions",
            {"model": "{agent}", "messages": [{"role": "user", "content": "Hello?"}]},
        ),
    ):
        foreign = _asked(acme, "POST", address, body, {"agent": globex.agent.id})
        assert foreign[0] == 404
        assert foreign == _asked(acme, "POST", address, body, {"agent": uuid4()})


@pytest.mark.parametrize("address", ["/console/chats/{}/", "/console/inbox/{}/", "/console/agents/{}/"])
def test_staff_learn_nothing(acme: House, globex: House, address: str) -> None:
    with globex.scope():
        foreign = (
            globex.agent.id
            if "agents" in address
            else Chat.objects.create(agent=globex.agent, visitor="v").id
        )
    assert _page(acme, address.format(foreign)) == _page(acme, address.format(uuid4()))


def _owned(house: House) -> dict[str, UUID]:
    source = house.knows("Parcels leave on Mondays.").id
    with house.scope():
        versions.edit(house.agent, greeting="Good morning")
        return {
            "agent": house.agent.id,
            "chat": Chat.objects.create(agent=house.agent, visitor=keys.prefix(house.key)).id,
            "knowledge": source,
            "member": member(house, house.colleague("staff")).id,
            "invitation": Invitation.objects.create(email="grace@globex.example").id,
            "key": ApiKey.mint("Another")[0].id,
        }


def _asked(
    house: House, method: str, address: str, body: dict[str, Any], ids: dict[str, UUID]
) -> tuple[int, bytes]:
    sent = json.dumps(body)
    for name, value in ids.items():
        address, sent = address.replace(f"{{{name}}}", str(value)), sent.replace(f"{{{name}}}", str(value))
    told: dict[str, Any] = {} if method == "GET" else {"data": sent, "content_type": "application/json"}
    answer = Client().generic(method, f"/api/v1{address}", headers=house.headers, **told)
    return answer.status_code, b"" if answer.streaming else UUIDS.sub(b"", answer.content)


def _page(house: House, address: str) -> tuple[int, bytes]:
    client = Client()
    client.force_login(house.user)
    session = client.session
    session["tenant_id"] = str(house.tenant.id)
    session.save()
    answer = client.get(address)
    assert answer.status_code == 404
    return answer.status_code, NONCES.sub(b"", UUIDS.sub(b"", answer.content))
