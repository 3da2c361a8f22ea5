"""The bodies about knowledge: sources, how they are read, and the documents found in them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import BaseModel, Field

from apps.api.organisation_schemas import NO_NUL, NextCursor
from apps.api.schemas import SEEN
from apps.knowledge.library import MAX_CONTENT

Scope = Annotated[
    Literal["page", "sitemap", "crawl"],
    Field(
        description="This page alone, the pages of the site's sitemap, or the pages that its links lead to."
    ),
]
Patterns = Annotated[
    str,
    Field(
        description="Of paths, one a line: `/help/*`; a path without a star means itself and what is below, `/` the front page.",
        max_length=5000,
        pattern=NO_NUL,
    ),
]
Description = Annotated[str, Field(json_schema_extra={"maxLength": 2000, "pattern": r"^[^\u0000]*$"})]
Name = Annotated[
    str, Field(max_length=200, description="Shown in citations.", json_schema_extra={"minLength": 1, **SEEN})
]


class Reading(BaseModel):
    """How a website is read; plain documents take none of it."""

    scope: Scope = "crawl"
    include: Patterns = ""
    exclude: Patterns = ""
    depth: Annotated[
        int, Field(strict=True, ge=0, le=20, description="How many links from the first page.")
    ] = 4
    most_pages: Annotated[int, Field(strict=True, ge=1, le=5000)] = 200
    every_hours: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=2160,
            description="After how many hours it is read again; 0 for only when asked.",
        ),
    ] = 168


Content = Annotated[
    str,
    Field(
        description="The text, or the website's address.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_CONTENT, **SEEN},
    ),
]


class KnowledgeRequest(Schema):
    """Text for agents to read, a file in its place in a form, or the address of a website."""

    name: Name
    category: Literal["plain_document", "website"] = "plain_document"
    content: Content = ""
    description: Description = ""
    agents: Annotated[list[UUID], Field(description="Who may read it.")] = []
    website: Annotated[Reading | None, Field(description="How a website is read, where not as usual.")] = None


class Replacement(Schema):
    """Another text for a document, or a file in a form."""

    content: Content = ""


class KnowledgeChange(Schema):
    """What is left out stays."""

    name: Name | None = None
    description: Description | None = None
    agents: list[UUID] | None = None
    website: Reading | None = None


class KnowledgeResponse(Schema):
    id: UUID
    name: str
    category: str
    address: Annotated[str | None, Field(description="A website's.")]
    description: str
    status: Annotated[str, Field(json_schema_extra={"enum": ["waiting", "working", "ready", "failed"]})]
    failure: str
    passages: Annotated[int, Field(description="From which agents answer.")]
    documents: Annotated[
        dict[str, int],
        Field(description="How many of its documents are waiting, ready, failed, skipped and gone."),
    ]
    website: Reading | None
    agents: list[UUID]
    created_at: datetime
    updated_at: datetime
    synced_at: Annotated[
        datetime | None,
        Field(description="When its last good reading ended; until then agents do not answer from it."),
    ]
    rests_until: Annotated[
        datetime | None,
        Field(
            description="Until when a website is left alone, as it asked for with `Retry-After`, a quarter of an hour at most: "
            "its reading is `waiting` and goes on then. Null where it did not ask."
        ),
    ]
    due_at: Annotated[
        datetime | None,
        Field(
            description="When a website is read again by its schedule, also after a reading that failed. Null where it is "
            "only read when asked, or is being read."
        ),
    ]


class Shelf(Schema):
    knowledge: list[KnowledgeResponse]
    next_cursor: NextCursor


DocumentStatus = Literal["waiting", "ready", "failed", "skipped", "gone"]


class DocumentResponse(Schema):
    """An upload, a pasted text, or a page of a website."""

    id: UUID
    title: str
    url: str | None
    status: DocumentStatus
    failure: str
    size: Annotated[int, Field(description="Bytes.")]
    passages: int
    milliseconds: Annotated[int, Field(description="What fetching and parsing took.")]
    seen_at: Annotated[datetime | None, Field(description="When it was last seen to say what it says.")]
    changed_at: datetime | None


class Documents(Schema):
    documents: list[DocumentResponse]
    next_cursor: NextCursor


class Line(Schema):
    sign: Annotated[
        str,
        Field(
            description="A space for what stayed, + for what is new, - for what is gone.",
            json_schema_extra={"enum": [" ", "+", "-"]},
        ),
    ]
    text: str


class Outdated(Schema):
    """An answer that cited what the document says no more."""

    chat: UUID
    exchange: int
    request: str
    quote: str
    created_at: datetime


class DocumentDetail(Schema):
    document: DocumentResponse
    outdated: Annotated[list[Outdated], Field(description="The latest twenty of ninety days.")]


class DocumentText(Schema):
    text: Annotated[list[str], Field(description="Its passages.")]
    next_cursor: NextCursor


class Changes(Schema):
    changes: Annotated[
        list[Line], Field(description="From what it said before; empty where it never changed.")
    ]
    next_cursor: NextCursor
