"""The bodies of REST requests and responses; `POST /chat` keeps its four fields for ever, others may only be added."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field


class ChatRequest(Schema):
    agent: UUID
    message: str
    session_id: UUID | None = None


class ChatResponse(Schema):
    agent: UUID
    message: str
    session_id: UUID
    response: str
    exchange_id: UUID
    citations: list[dict[str, Any]]
    grounded: bool
    handled_by: str
    usage: dict[str, int]
    created_at: datetime


class KnowledgeRequest(Schema):
    name: Annotated[str, Field(max_length=200)]
    category: Literal["plain_document"] = "plain_document"
    content: str = ""
    description: str = ""
    agents: list[UUID] = []


class KnowledgeResponse(Schema):
    id: UUID
    name: str
    category: str
    description: str
    status: str
    failure: str
    passages: int
    agents: list[UUID]
    created_at: datetime
    updated_at: datetime
