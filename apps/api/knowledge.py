"""`/api/v1/knowledge`: give agents something to read, see how the reading went, take it away again."""

from typing import Any
from uuid import UUID

import orjson
import pydantic
from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from ninja import Router, Status
from ninja.errors import HttpError, ValidationError

from apps.api import reference
from apps.api.guards import ByKey
from apps.api.problems import NotFound
from apps.api.schemas import KnowledgeRequest, KnowledgeResponse
from apps.knowledge import library
from apps.knowledge.models import Knowledge

router = Router(tags=["knowledge"])
_MANAGE = ByKey("knowledge.manage")

_FIELDS = KnowledgeRequest.model_json_schema()
_BODY = {**_FIELDS, "required": ["name", "content"]}


def _form() -> dict[str, Any]:
    """The same with a file in place of `content`; in a form everything is text, so a number is a name as well."""
    told = {name: field for name, field in _FIELDS["properties"].items() if name != "content"}
    for name in ("name", "description"):
        told[name] = {**told[name], "type": ["string", "number", "boolean"]}
    told["file"] = {"type": "string", "format": "binary"}
    return {**_FIELDS, "required": ["name", "file"], "properties": told}


_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _BODY, "examples": {"Pasted text": {"value": reference.PASTED}}},
            "multipart/form-data": {"schema": _form()},
        },
    }
}
_ADD: dict[str, Any] = {"openapi_extra": {**reference.ADD["openapi_extra"], **_REQUEST}}


@router.post(
    "/knowledge", response={202: KnowledgeResponse}, summary="Add a plain document", auth=_MANAGE, **_ADD
)
def add(request: HttpRequest) -> Status[KnowledgeResponse]:
    """Answers 202 at once; `GET` it to see `status` go from waiting over working to ready or failed."""
    fields, file = _read(request)
    try:
        asked = KnowledgeRequest.model_validate(fields)
    except pydantic.ValidationError as error:
        raise ValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error
    source = library.add(
        asked.name, content=asked.content, file=file, description=asked.description, agents=asked.agents
    )
    return Status(202, _describe(source))


@router.get(
    "/knowledge/{uuid:knowledge_id}",
    response=KnowledgeResponse,
    summary="See how the reading went",
    auth=ByKey("knowledge.read"),
    **reference.LOOK,
)
def get(request: HttpRequest, knowledge_id: UUID) -> KnowledgeResponse:
    """`status` is waiting, working, ready or failed; `failure` says why it failed."""
    return _describe(_find(knowledge_id))


@router.delete(
    "/knowledge/{uuid:knowledge_id}",
    response={204: None},
    summary="Remove a document",
    auth=_MANAGE,
    **reference.REMOVE,
)
def delete(request: HttpRequest, knowledge_id: UUID) -> Status[None]:
    """Removes it with all its passages: from now on no agent answers from it."""
    library.remove(_find(knowledge_id))
    return Status(204, None)


def _find(knowledge_id: UUID) -> Knowledge:
    source = Knowledge.objects.filter(id=knowledge_id).first()
    if source is None:
        raise NotFound("There is no knowledge with this id.")
    return source


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
    return KnowledgeResponse(
        id=source.id,
        name=source.name,
        category=source.category,
        description=source.description,
        status=source.status,
        failure=source.failure,
        passages=source.passages,
        agents=list(source.agents.values_list("id", flat=True)),
        created_at=source.created_at,
        updated_at=source.updated_at,
    )
