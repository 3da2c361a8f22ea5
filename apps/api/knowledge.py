"""`/api/v1/knowledge`: give agents something to read, see how the reading went, have it read again, take it away."""

from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
import pydantic
from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from ninja import Query, Router, Status
from ninja.errors import HttpError, ValidationError

from apps.api.guards import ByKey
from apps.api.knowledge_schemas import (
    Changes,
    DocumentDetail,
    DocumentResponse,
    Documents,
    DocumentStatus,
    DocumentText,
    KnowledgeChange,
    KnowledgeRequest,
    KnowledgeResponse,
    Line,
    Outdated,
    Reading,
    Replacement,
    Shelf,
)
from apps.api.organisation_schemas import Cursor, Limit
from apps.api.problems import NotFound
from apps.api.reference import knowledge as reference
from apps.chats import outdated
from apps.knowledge import changes, library
from apps.knowledge import shelf as shelves
from apps.knowledge.models import Document, Knowledge
from apps.tenants import pages

Asked = TypeVar("Asked", bound=pydantic.BaseModel)
router = Router(tags=["knowledge"])
_READ, _MANAGE = ByKey("knowledge.read"), ByKey("knowledge.manage")
OfStatus = Annotated[DocumentStatus | None, Query(description="Only those whose latest reading ended so.")]
Changed = Annotated[
    bool, Query(description="Only those that said something else before, the latest change first.")
]

_FIELDS = KnowledgeRequest.model_json_schema(ref_template="#/components/schemas/{model}")
_FIELDS.pop("$defs", None)
_BODY = {**_FIELDS, "required": ["name", "content"]}


def _form() -> dict[str, Any]:
    """The same with a file in place of `content`; in a form everything is text, so a number is a name as well."""
    told = {
        name: field for name, field in _FIELDS["properties"].items() if name not in ("content", "website")
    }
    for name in ("name", "description"):
        told[name] = {**told[name], "type": ["string", "number", "boolean"]}
    told["category"] = {"const": "plain_document"}
    told["file"] = {"type": "string", "format": "binary"}
    return {**_FIELDS, "required": ["name", "file"], "properties": told}


_EXAMPLES = {"Pasted text": {"value": reference.PASTED}, "A website": {"value": reference.WEBSITE}}
_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _BODY, "examples": _EXAMPLES},
            "multipart/form-data": {"schema": _form()},
        },
    }
}
_ADD: dict[str, Any] = {"openapi_extra": {**reference.ADD["openapi_extra"], **_REQUEST}}
_FILE = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}
_CONTENT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {**Replacement.model_json_schema(), "required": ["content"]},
                "examples": {"Pasted text": {"value": {"content": reference.PASTED["content"]}}},
            },
            "multipart/form-data": {"schema": _FILE},
        },
    }
}
_REPLACE: dict[str, Any] = {"openapi_extra": {**reference.REPLACE["openapi_extra"], **_CONTENT}}


@router.get("/knowledge", response=Shelf, summary="See what agents may read", auth=_READ, **reference.SHELF)
def shelf(request: HttpRequest, cursor: Cursor = None, limit: Limit = pages.FEW) -> Shelf:
    """All sources, newest first."""
    rows, following = pages.cut(shelves.sources(), by="created_at", cursor=cursor, limit=limit)
    counts = shelves.counted(row.id for row in rows)
    return Shelf(knowledge=[_described(row, counts[row.id]) for row in rows], next_cursor=following)


@router.post(
    "/knowledge",
    response={202: KnowledgeResponse},
    summary="Add a document or a website",
    auth=_MANAGE,
    **_ADD,
)
def add(request: HttpRequest) -> Status[KnowledgeResponse]:
    """Answers 202 at once; `GET` it to see `status` go from waiting over working to ready or failed."""
    fields, file = _read(request)
    asked = _validated(KnowledgeRequest, fields)
    shared: dict[str, Any] = {"description": asked.description, "agents": asked.agents}
    if asked.category == "website":
        if file is not None:
            raise library.BadSource("file", "A website has an address and no file.")
        reading = asked.website.model_dump() if asked.website else {}
        source = library.add_website(asked.content, name=asked.name, **shared, **reading)
    else:
        source = library.add(asked.name, content=asked.content, file=file, **shared)
    return Status(202, _describe(source))


@router.get(
    "/knowledge/{uuid:knowledge_id}",
    response=KnowledgeResponse,
    summary="See how the reading went",
    auth=_READ,
    **reference.LOOK,
)
def get(request: HttpRequest, knowledge_id: UUID) -> KnowledgeResponse:
    """`status` is that of the latest reading; agents answer from the last good one."""
    return _describe(_find(knowledge_id))


@router.patch(
    "/knowledge/{uuid:knowledge_id}",
    response=KnowledgeResponse,
    summary="Change a source",
    auth=_MANAGE,
    **reference.CHANGE_KNOWLEDGE,
)
def change(request: HttpRequest, knowledge_id: UUID, body: KnowledgeChange) -> KnowledgeResponse:
    """Its name, its description, which agents may read it, and how a website is read from the next time on."""
    source = _find(knowledge_id)
    told = body.model_dump(exclude_unset=True, exclude={"website"})
    reading = body.website.model_dump(exclude_unset=True) if body.website else {}
    library.change(source, **told, **reading)
    return _describe(source)


@router.delete(
    "/knowledge/{uuid:knowledge_id}",
    response={204: None},
    summary="Remove a source",
    auth=_MANAGE,
    **reference.REMOVE,
)
def delete(request: HttpRequest, knowledge_id: UUID) -> Status[None]:
    """Removes it with all its passages: from now on no agent answers from it."""
    library.remove(_find(knowledge_id))
    return Status(204, None)


@router.post(
    "/knowledge/{uuid:knowledge_id}/content",
    response={202: KnowledgeResponse},
    summary="Replace a document's text or file",
    auth=_MANAGE,
    **_REPLACE,
)
def replace(request: HttpRequest, knowledge_id: UUID) -> Status[KnowledgeResponse]:
    """It keeps its id and its agents, who answer from the old text until the new one is read. Not while it is being read."""
    source = _find(knowledge_id)
    fields, file = _read(request)
    library.replace(source, content=_validated(Replacement, fields).content, file=file)
    return Status(202, _describe(_find(knowledge_id)))


@router.post(
    "/knowledge/{uuid:knowledge_id}/sync",
    response={202: KnowledgeResponse},
    summary="Have a source read again",
    auth=_MANAGE,
    **reference.SYNC,
)
def sync(request: HttpRequest, knowledge_id: UUID) -> Status[KnowledgeResponse]:
    """Agents answer from the last good reading until this one has ended. Where one is under way already, nothing is added to it."""
    source = _find(knowledge_id)
    library.read_again(source)
    return Status(202, _describe(_find(knowledge_id)))


@router.get(
    "/knowledge/{uuid:knowledge_id}/documents",
    response=Documents,
    summary="See what was read",
    auth=_READ,
    **reference.DOCUMENTS,
)
def documents(
    request: HttpRequest,
    knowledge_id: UUID,
    status: OfStatus = None,
    changed: Changed = False,
    cursor: Cursor = None,
    limit: Limit = pages.FEW,
) -> Documents:
    """The pages of a website as they were found, or the one document that was added; each says why it was not read, where it was not."""
    rows, following = shelves.documents(
        _find(knowledge_id), status=status, changed=changed, cursor=cursor, limit=limit
    )
    return Documents(documents=[_document(row) for row in rows], next_cursor=following)


@router.get(
    "/knowledge/{uuid:knowledge_id}/documents/{uuid:document_id}",
    response=DocumentDetail,
    summary="See how a document's reading went",
    auth=_READ,
    **reference.DOCUMENT,
)
def document(request: HttpRequest, knowledge_id: UUID, document_id: UUID) -> DocumentDetail:
    """With the latest answers that cited what it says no more."""
    found = _find_document(knowledge_id, document_id)
    return DocumentDetail(
        document=_document(found),
        outdated=[
            Outdated(
                chat=one.chat_id,
                exchange=one.number,
                request=one.request,
                quote=quote,
                created_at=one.created_at,
            )
            for one, quote in outdated.answers(found)
        ],
    )


@router.get(
    "/knowledge/{uuid:knowledge_id}/documents/{uuid:document_id}/text",
    response=DocumentText,
    summary="See what a document says",
    auth=_READ,
    **reference.TEXT,
)
def text(
    request: HttpRequest,
    knowledge_id: UUID,
    document_id: UUID,
    cursor: Cursor = None,
    limit: Limit = pages.FEW,
) -> DocumentText:
    """Its passages, in their order. Once it says something else a `next_cursor` of before is refused."""
    found = _find_document(knowledge_id, document_id)
    passages = [str(one["text"]) for one in found.cut]
    told, following = pages.part(passages, of=found.version, cursor=cursor, limit=limit)
    return DocumentText(text=list(told), next_cursor=following)


@router.get(
    "/knowledge/{uuid:knowledge_id}/documents/{uuid:document_id}/changes",
    response=Changes,
    summary="See what changed in a document",
    auth=_READ,
    **reference.CHANGES,
)
def compare(
    request: HttpRequest,
    knowledge_id: UUID,
    document_id: UUID,
    cursor: Cursor = None,
    limit: Limit = pages.FEW,
) -> Changes:
    """Sentence by sentence, from what it said before its latest change. Once it changes again a `next_cursor` of before is refused."""
    found = _find_document(knowledge_id, document_id)
    told, following = pages.part(changes.of(found), of=found.version, cursor=cursor, limit=limit)
    return Changes(changes=[Line(sign=one.sign, text=one.text) for one in told], next_cursor=following)


def _find(knowledge_id: UUID) -> Knowledge:
    source = Knowledge.objects.filter(id=knowledge_id).first()
    if source is None:
        raise NotFound("There is no knowledge with this id.")
    return source


def _find_document(knowledge_id: UUID, document_id: UUID) -> Document:
    found = Document.objects.filter(knowledge=_find(knowledge_id), id=document_id).first()
    if found is None:
        raise NotFound("There is no document with this id.")
    return found


def _validated(schema: type[Asked], fields: dict[str, Any]) -> Asked:
    try:
        return schema.model_validate(fields)
    except pydantic.ValidationError as error:
        raise ValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


def _read(request: HttpRequest) -> tuple[dict[str, Any], library.File | None]:
    if request.content_type == "multipart/form-data":
        return _read_form(request)
    try:
        fields = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise HttpError(400, "The body is neither JSON nor a multipart form.") from None
    if not isinstance(fields, dict):
        raise HttpError(400, "The body must be a JSON object.")
    return fields, None


def _read_form(request: HttpRequest) -> tuple[dict[str, Any], library.File | None]:
    try:
        fields: dict[str, Any] = {name: request.POST[name] for name in request.POST if name != "agents"}
        upload = request.FILES.get("file")
    except (MultiPartParserError, TooManyFilesSent):
        raise HttpError(400, "The multipart form cannot be read.") from None
    fields["agents"] = request.POST.getlist("agents")
    return fields, _file(upload) if isinstance(upload, UploadedFile) else None


def _file(upload: "UploadedFile[Any]") -> library.File:
    if (upload.size or 0) > settings.MAX_UPLOAD_BYTES:
        raise HttpError(413, f"The file is larger than {settings.MAX_UPLOAD_BYTES // 2**20} MiB.")
    return library.File(upload.name or "file", upload.read())


def _describe(source: Knowledge) -> KnowledgeResponse:
    return _described(source, shelves.counted([source.id])[source.id])


def _described(source: Knowledge, documents: dict[str, int]) -> KnowledgeResponse:
    website = next(iter(source.websites.all()), None)
    return KnowledgeResponse(
        id=source.id,
        name=source.name,
        category=source.category,
        address=source.content if source.is_website else None,
        description=source.description,
        status=source.status,
        failure=source.failure,
        passages=source.passages,
        documents=documents,
        website=Reading(**{name: getattr(website, name) for name in Reading.model_fields})
        if website
        else None,
        agents=[agent.id for agent in source.agents.all()],
        created_at=source.created_at,
        updated_at=source.updated_at,
        synced_at=source.synced_at,
        due_at=website.due_at if website else None,
        rests_until=website.rests_until if website and website.is_resting else None,
    )


def _document(found: Document) -> DocumentResponse:
    told = {name: getattr(found, name) for name in DocumentResponse.model_fields}
    return DocumentResponse(**{**told, "url": found.url or None, "title": str(found)})
