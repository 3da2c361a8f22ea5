"""What can only be seen while web and worker run together."""

import os
import signal
import threading

import httpx

from chatwithus.embedded import Services
from chatwithus.embedded.processes import Child
from tests.server import PATIENCE, Server, serving, text_of, wait_until_read
from tests.services import CLONES
from tests.world import House

Houses = tuple[House, House]


def test_web_and_worker_are_app_in_both_databases(
    services: Services, server: Server, worker: Child, houses: Houses
) -> None:
    with server.visitor(houses[0]) as visitor:
        visitor.ask("Is anybody there?")
    with services.cluster.connect("postgres") as superuser:
        found = superuser.execute(
            "SELECT DISTINCT datname, usename FROM pg_stat_activity WHERE datname = ANY(%s)",
            [list(CLONES.values())],
        ).fetchall()
    assert set(found) == {(name, "app") for name in CLONES.values()}


def test_fifty_visitors_and_a_program_are_served_over_a_pool_of_one(
    services: Services, houses: Houses
) -> None:
    """Nobody holds a connection while a reply runs, or the reply itself would find none."""
    acme, _ = houses
    ended: list[str] = []

    def ask(server: Server) -> None:
        with server.visitor(acme) as visitor:
            ended.append(visitor.ask("Is anybody there?")[-1]["type"])

    with serving(services, DATABASE_POOL_SIZE="1") as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with server.rest(acme) as client:
            answer = client.post("/api/v1/chat", json={"agent": str(acme.agent.id), "message": "And now?"})
    assert ended == ["reply.completed"] * 50
    assert answer.status_code == 200


def test_an_uploaded_file_answers_on_the_socket_and_over_rest(
    server: Server, worker: Child, houses: Houses
) -> None:
    acme, globex = houses
    with server.rest(acme) as client:
        fields = {"name": "Depots", "category": "plain_document", "agents": str(acme.agent.id)}
        fact = b"<h1>Depots</h1><p>The Nairobi depot opens at 07:43 on Mondays.</p>"
        added = client.post("/api/v1/knowledge", data=fields, files={"file": ("depots.html", fact)}).json()
        wait_until_read(client, added["id"])
        question = "When does the Nairobi depot open?"
        over_rest = client.post(
            "/api/v1/chat", json={"agent": str(acme.agent.id), "message": question}
        ).json()
    with server.visitor(acme) as visitor:
        frames = visitor.ask(question)
    with server.visitor(globex) as rival:
        foreign = rival.ask(question)
    assert "07:43" in over_rest["response"]
    assert "07:43" in text_of(frames)
    assert frames[-2]["citations"][0]["knowledge"] == over_rest["citations"][0]["knowledge"] == added["id"]
    assert (text_of(foreign), foreign[-2]["citations"]) == (globex.agent.refusal, [])


def test_a_visitor_is_answered_while_valkey_hangs_and_readiness_says_so(
    services: Services, server: Server, houses: Houses
) -> None:
    [valkey] = [child.pid for child in services.children.running if child.name == "valkey"]
    os.kill(valkey, signal.SIGSTOP)
    try:
        with server.visitor(houses[0]) as visitor:
            assert visitor.ask("Is anybody there?")[-1]["type"] == "reply.completed"
        unready = httpx.get(f"{server.url}/readyz", timeout=PATIENCE)
        assert (unready.status_code, unready.json()["redis"]) == (503, "unreachable")
        assert unready.json()["database"] == unready.json()["vectors"] == "ok"
        assert httpx.get(f"{server.url}/livez", timeout=PATIENCE).status_code == 200
    finally:
        os.kill(valkey, signal.SIGCONT)
    assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200
