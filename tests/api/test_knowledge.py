"""`/api/v1/knowledge`, through a real server and a real worker."""

import uuid
from typing import Any

import httpx
import pytest

from chatwithus.embedded.processes import Child
from tests.server import Server, wait_until_read
from tests.world import House

Houses = tuple[House, House]


def upload(client: httpx.Client, house: House, name: str, content: bytes) -> dict[str, Any]:
    fields = {"name": name, "agents": [str(house.agent.id)]}
    response = client.post("/api/v1/knowledge", data=fields, files={"file": (name, content)})
    assert response.status_code == 202, response.text
    return wait_until_read(client, response.json()["id"])


def test_a_pasted_document_is_read_in_answers_and_is_forgotten(
    server: Server, worker: Child, houses: Houses
) -> None:
    acme, _ = houses
    fact = f"The code word of the Lima depot is {uuid.uuid4().hex[:8]}."
    question = {"agent": str(acme.agent.id), "message": "What is the code word of the Lima depot?"}
    with server.rest(acme) as client:
        body = {
            "name": "Depots",
            "category": "plain_document",
            "content": fact,
            "description": "",
            "agents": [str(acme.agent.id)],
        }
        added = client.post("/api/v1/knowledge", json=body)
        assert added.status_code == 202
        assert added.json()["status"] == "waiting"
        assert wait_until_read(client, added.json()["id"])["status"] == "ready"
        answer = client.post("/api/v1/chat", json=question).json()
        assert fact in answer["response"]
        assert answer["citations"][0]["knowledge"] == added.json()["id"]
        assert client.delete(f"/api/v1/knowledge/{added.json()['id']}").status_code == 204
        after = client.post("/api/v1/chat", json=question).json()
        assert (after["citations"], after["response"]) == ([], acme.agent.refusal)
        assert client.get(f"/api/v1/knowledge/{added.json()['id']}").status_code == 404


def test_a_document_serves_only_the_agents_it_is_linked_to(
    server: Server, worker: Child, houses: Houses
) -> None:
    acme, _ = houses
    with server.rest(acme) as client:
        added = client.post(
            "/api/v1/knowledge", json={"name": "Depots", "content": "The Lima depot is green."}
        )
        wait_until_read(client, added.json()["id"])
        answer = client.post(
            "/api/v1/chat", json={"agent": str(acme.agent.id), "message": "Is the Lima depot green?"}
        )
        assert answer.json()["citations"] == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.pdf", b"", "empty"),
        ("broken.pdf", b"%PDF-1.7\nthis is no pdf", "PDF"),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n" + b"\x00" * 64, "PNG"),
        ("page.docx", b"<!doctype html><p>Hello</p>", "not a Word document"),
        ("blank.txt", b"  \n\n ", "no"),
        ("music.mp3", b"ID3\x03", "mp3"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    server: Server, worker: Child, houses: Houses, name: str, content: bytes, reason: str
) -> None:
    with server.rest(houses[0]) as client:
        found = upload(client, houses[0], name, content)
    assert found["status"] == "failed"
    assert reason.lower() in found["failure"].lower()


@pytest.mark.parametrize(
    "fields",
    [{}, {"name": ""}, {"name": " ", "content": "x"}, {"name": "x"}, {"name": "x" * 201, "content": "y"},
     {"name": "x", "content": "y", "category": "website"}, {"name": "x", "content": "y", "agents": ["nobody"]},
     {"name": "x", "content": "y", "agents": [str(uuid.uuid4())]}, {"name": "x", "content": "a\x00"}, {"name": "x", "content": "y", "description": "a\x00"}, {"name": "x", "content": ["y"]}],
)  # fmt: skip
def test_what_cannot_become_knowledge_is_explained(
    server: Server, houses: Houses, fields: dict[str, Any]
) -> None:
    with server.rest(houses[0]) as client:
        response = client.post("/api/v1/knowledge", json=fields)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"content": "ftp://shop.example"}, "/content"),
        ({"website": {"include": "help"}}, "/website/include"),
        ({"website": {"exclude": "/x\n" * 51}}, "/website/exclude"),
        ({"website": {"depth": 21}}, "/website/depth"),
    ],
)
def test_what_is_wrong_with_a_website_is_pointed_at(
    server: Server, houses: Houses, wrong: dict[str, Any], pointer: str
) -> None:
    body = {"name": "Shop", "category": "website", "content": "https://shop.example", **wrong}
    with server.rest(houses[0]) as client:
        response = client.post("/api/v1/knowledge", json=body)
    assert response.status_code == 422
    assert [one["pointer"] for one in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain", ""]
)
def test_a_body_that_is_neither_json_nor_a_form_is_explained(
    server: Server, houses: Houses, kind: str
) -> None:
    with server.rest(houses[0]) as client:
        response = client.post("/api/v1/knowledge", content=b"\xff{", headers={"Content-Type": kind})
    assert response.status_code in {400, 422}, response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_a_document_is_replaced_by_a_text_and_by_a_file(
    server: Server, worker: Child, houses: Houses
) -> None:
    acme, _ = houses
    source = acme.knows("The Lima depot is green.")
    address = f"/api/v1/knowledge/{source.id}"
    with server.rest(acme) as client:
        wait_until_read(client, str(source.id))
        for body in (
            {"json": {"content": "The Lima depot is white."}},
            {"files": {"file": ("a.txt", b"It is blue.")}},
        ):
            replaced = client.post(f"{address}/content", **body)
            assert replaced.status_code == 202, replaced.text
            assert replaced.json()["id"] == str(source.id)
            assert wait_until_read(client, str(source.id))["status"] == "ready"
        [document] = client.get(f"{address}/documents").json()["documents"]
        read = f"{address}/documents/{document['id']}"
        assert client.get(f"{read}/text").json()["text"] == ["It is blue."]
        assert [line["sign"] for line in client.get(f"{read}/changes").json()["changes"]] == ["-", "+"]
        for wrong in ({}, {"content": ""}, {"content": "a\x00"}, {"content": ["x"]}):
            assert client.post(f"{address}/content", json=wrong).status_code == 422
        site = {"name": "Site", "category": "website", "content": "https://shop.invalid/"}
        address_of_site = f"/api/v1/knowledge/{client.post('/api/v1/knowledge', json=site).json()['id']}"
        refused = client.post(f"{address_of_site}/content", json={"content": "Ours."})
        assert (refused.status_code, refused.json()["code"]) == (409, "unreplaceable")
    with server.rest(houses[1]) as client:
        assert client.post(f"{address}/content", json={"content": "Ours."}).status_code == 404


def test_a_file_above_the_limit_is_refused(server: Server, houses: Houses) -> None:
    with server.rest(houses[0]) as client:
        response = client.post(
            "/api/v1/knowledge", data={"name": "big"}, files={"file": ("big.txt", b"x" * 21 * 2**20)}
        )
    assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")


def test_the_rival_neither_sees_nor_deletes_nor_links_it(server: Server, houses: Houses) -> None:
    acme, globex = houses
    source = acme.knows("The Lima depot is green.")
    with server.rest(globex) as client:
        assert client.get(f"/api/v1/knowledge/{source.id}").status_code == 404
        assert client.delete(f"/api/v1/knowledge/{source.id}").status_code == 404
        linked = {"name": "x", "content": "y", "agents": [str(acme.agent.id)]}
        assert client.post("/api/v1/knowledge", json=linked).status_code == 422
    with server.rest(acme) as client:
        assert client.get(f"/api/v1/knowledge/{source.id}").json()["status"] == "ready"
