"""The shelf, as staff see it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from apps.knowledge import ingestion
from apps.knowledge.models import Document, Knowledge
from apps.tenants.middleware import SESSION_KEY
from tests.knowledge.hostile import sheet
from tests.knowledge.test_partition import word
from tests.world import PASSWORD, House


@pytest.fixture
def staff(acme: House) -> Client:
    client = Client()
    assert (
        client.post("/console/login/", {"username": acme.user.username, "password": PASSWORD}).status_code
        == 302
    )
    return client


def test_a_member_of_one_tenant_goes_straight_to_it(staff: Client, acme: House) -> None:
    assert staff.session[SESSION_KEY] == str(acme.tenant.id)
    assert acme.tenant.name in staff.get("/console/").content.decode()


def test_a_pasted_document_waits_on_the_shelf(staff: Client, acme: House) -> None:
    added = staff.post(
        "/console/knowledge/add/", {"name": "Depots", "content": "Open.", "agents": [str(acme.agent.id)]}
    )
    assert added.status_code == 302
    with acme.scope():
        source = Knowledge.objects.get()
        assert (source.name, source.status, list(source.agents.all())) == ("Depots", "waiting", [acme.agent])
    assert "Depots" in staff.get("/console/knowledge/").content.decode()
    assert staff.get(f"/console/knowledge/{source.id}/").status_code == 200


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "content": "x"}, "This field is required"),
        ({"name": "x", "content": ""}, "Paste some text or choose a file"),
        ({"name": "x", "content": "y", "file": SimpleUploadedFile("a.txt", b"z")}, "not both"),
        ({"name": "x", "content": "y", "agents": ["nobody"]}, "nobody"),
    ],
)
def test_what_cannot_be_added_is_explained_and_nothing_typed_is_lost(
    staff: Client, acme: House, fields: dict[str, Any], said: str
) -> None:
    response = staff.post("/console/knowledge/add/", fields)
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert not fields["content"] or fields["content"] in page
    with acme.scope():
        assert not Knowledge.objects.exists()


def test_a_documents_text_is_replaced_and_what_changed_can_be_seen(staff: Client, acme: House) -> None:
    source = acme.knows("The depot is green.", name="Depots")
    address = f"/console/knowledge/{source.id}/"
    assert "The depot is green." in staff.get(f"{address}replace/").content.decode()
    refused = staff.post(f"{address}replace/", {"content": " "})
    assert (refused.status_code, "Paste some text or choose a file" in refused.content.decode()) == (
        422,
        True,
    )
    file = SimpleUploadedFile("depots.txt", b"The depot is white.")
    replaced = staff.post(f"{address}replace/", {"content": "The depot is green.", "file": file}, follow=True)
    assert "Agents answer from the old text until the new one is read." in replaced.content.decode()
    with acme.scope():
        ingestion.read_in(source.id)
        document = Document.objects.get()
    assert f"{address}documents/{document.id}/" in staff.get(address).content.decode()
    page = staff.get(f"{address}documents/{document.id}/").content.decode()
    assert "<del>The depot is green.</del>" in page
    assert "<ins>The depot is white.</ins>" in page


def test_deleting_takes_the_passages_along(staff: Client, acme: House) -> None:
    source = acme.knows("The depot is green.")
    assert staff.get(f"/console/knowledge/{source.id}/delete/").status_code == 405
    assert staff.post(f"/console/knowledge/{source.id}/delete/").status_code == 302
    with acme.scope():
        from apps.knowledge.models import Passage

        assert not Knowledge.objects.exists()
        assert not Passage.objects.exists()


def test_the_rivals_shelf_is_empty_and_ours_is_not_found(acme: House, globex: House) -> None:
    source = acme.knows("The depot is green.", name="Depots")
    client = Client()
    client.post("/console/login/", {"username": globex.user.username, "password": PASSWORD})
    assert "Depots" not in client.get("/console/knowledge/").content.decode()
    assert client.get(f"/console/knowledge/{source.id}/").status_code == 404
    assert client.post(f"/console/knowledge/{source.id}/delete/").status_code == 404
    with acme.scope():
        assert Knowledge.objects.filter(id=source.id).exists()


def test_a_session_cannot_choose_a_tenant_one_does_not_work_for(staff: Client, globex: House) -> None:
    assert staff.post("/console/tenant/", {"tenant": str(globex.tenant.id)}).status_code == 200
    assert staff.session[SESSION_KEY] != str(globex.tenant.id)


def test_a_session_key_that_no_session_ever_had_is_a_strangers(db: None) -> None:
    client = Client(headers={"cookie": 'sessionid="abcdefghij\\000klm"'})
    assert client.get("/console/").status_code == 302


def test_a_suspended_tenants_staff_are_let_in_no_more(staff: Client, acme: House) -> None:
    from django.utils import timezone

    acme.tenant.suspended_at = timezone.now()
    acme.tenant.save()
    assert staff.get("/console/knowledge/").status_code == 302


def chunked(document: Any) -> None:
    """A page inside a Word document, which Word opens (`altChunk`)."""
    page = Part(
        PackURI("/word/chunk.html"),
        "text/html",
        b"<p>CHUNK</p><script>CANARY()</script>",
        document.part.package,
    )
    chunk = OxmlElement("w:altChunk")
    chunk.set(qn("r:id"), document.part.relate_to(page, RELATIONSHIP_TYPE.A_F_CHUNK))
    document.element.body.append(chunk)
    document.add_paragraph("Open daily.")


LINKED = sheet(("Day", "Link"), ("Monday", '=HYPERLINK("javascript:CANARY()", "Open daily.")'))
ACTIVE = [
    ("a.docx", word(chunked)),
    ("a.xlsx", LINKED),
    ("a.html", b"<html><body><p>Open daily.</p><script>CANARY()</script></body></html>"),
    ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="CANARY()"><text>Open daily.</text></svg>'),
    ("a.wav", b"RIFF....WAVEfmt <script>CANARY()</script>"),
    ("a.pdf", b"%PDF-1.4\n<script>CANARY()</script>"),
    ("a.txt", b"Open daily. <script>CANARY()</script><svg onload='CANARY()'>"),
]
NUMBERED = re.compile(r"<uuid(?:str)?:(\w+)>")


def routes(resolver: Any = None, before: str = "") -> Iterator[str]:
    for one in (resolver or get_resolver()).url_patterns:
        path = before + str(one.pattern)
        yield from routes(one, path) if hasattr(one, "url_patterns") else [path]


def active(response: Any) -> bool:
    """Whether a browser that was led here would run something that was uploaded."""
    if response.headers["X-Content-Type-Options"] != "nosniff":
        return True
    kind, policy = response.headers["Content-Type"], response.headers.get("Content-Security-Policy", "")
    if kind.startswith("application/json"):
        return False
    is_ours = kind.startswith("text/html") and "script-src 'self'" in policy and "unsafe" not in policy
    return (
        not is_ours
        or re.search(rb"<script>CANARY|onload=[\"']CANARY|href=[\"']javascript|CHUNK", response.content)
        is not None
    )


@pytest.mark.parametrize(("name", "data"), ACTIVE)
def test_what_was_uploaded_is_served_by_no_route(staff: Client, acme: House, name: str, data: bytes) -> None:
    assert not any("upload" in path or "media" in path for path in routes())
    staff.post("/console/knowledge/add/", {"name": "Depots", "file": SimpleUploadedFile(name, data)})
    with acme.scope():
        source = Knowledge.objects.get()
        ingestion.read_in(source.id)
        document = Document.objects.get()
    ids = {"pk": source.id, "knowledge_id": source.id, "document": document.id, "document_id": document.id}
    asked = 0
    for path in routes():
        named = NUMBERED.findall(path)
        if "knowledge/" not in path or not set(named) <= set(ids) or "admin/" in path:
            continue
        address = "/" + NUMBERED.sub(lambda found: str(ids[found[1]]), path)
        response = staff.get(
            address, headers={"Authorization": f"Bearer {acme.key}"} if "api/" in path else {}
        )
        if response.status_code == 200:
            asked += 1
            assert not active(response), address
    assert asked >= 12
