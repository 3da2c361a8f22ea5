"""The bodies of REST requests and responses; `POST /chat` keeps its four fields for ever, others may only be added."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, StrictBool

from apps.chats.conversations import MAX_MESSAGE

# What the handlers check themselves, where they can say better what is wrong; here it only stands in the document.
SPACE = r"\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
SEEN = {"pattern": rf"^[^\u0000]*[^\u0000{SPACE}][^\u0000]*$"}
MESSAGE = {"minLength": 1, "maxLength": MAX_MESSAGE, **SEEN}
HANDLERS = ["agent", "waiting", "staff"]


class ChatRequest(Schema):
    """One message to an agent."""

    agent: Annotated[UUID, Field(description="The agent's id.")]
    message: Annotated[
        str,
        Field(
            description="What is asked: text with at least one visible character.", json_schema_extra=MESSAGE
        ),
    ]
    session_id: Annotated[
        UUID | None,
        Field(description="The chat to continue, from an earlier answer. Left out, a new one begins."),
    ] = None
    stream: Annotated[
        StrictBool | None,
        Field(description="True: answer with events as they come, as `Accept: text/event-stream` does."),
    ] = None
    client_message_id: Annotated[
        str | None,
        Field(
            pattern="^[!-~]{1,64}$",
            description="Your own name for the message, as on the socket: repeated, there or here, it asks nothing new."
            " No other message of this visitor, or of this key, may have it.",
        ),
    ] = None


class Citation(Schema):
    """A source that the answer really cites, as `[number]` in its text."""

    number: int
    title: str
    url: str | None
    quote: str
    knowledge: UUID
    page: int | None
    at: Annotated[datetime | None, Field(description="When the source was last seen to say so.")] = None


class ChatResponse(Schema):
    """The whole answer."""

    agent: UUID
    message: str
    session_id: Annotated[UUID, Field(description="Send it with the next message to continue this chat.")]
    response: Annotated[str, Field(description="Empty where people handle the chat.")]
    state: Annotated[
        str,
        Field(
            description="`completed`; `stopped` in the middle, so that `response` is not whole; or `waiting` for a person.",
            json_schema_extra={"enum": ["completed", "stopped", "waiting"]},
        ),
    ]
    reason: Annotated[str, Field(description="Why it was stopped, in a word.")]
    exchange_id: UUID
    citations: list[Citation]
    grounded: Annotated[bool, Field(description="Whether the answer cites what the agent was given to read.")]
    handled_by: Annotated[
        str,
        Field(
            description="Who handles the chat now: the agent; nobody yet, people were asked for; a person.",
            json_schema_extra={"enum": HANDLERS},
        ),
    ]
    usage: Annotated[
        dict[str, int], Field(description="`input_tokens` and `output_tokens`, where an agent answered.")
    ]
    created_at: Annotated[datetime, Field(description="When it was asked; RFC 3339, UTC.")]


class Message(Schema):
    """One exchange of a chat: what was asked and what was answered. What staff wrote has an empty `request`."""

    exchange: Annotated[int, Field(description="Its number in the chat, from 1.")]
    by: Annotated[
        str,
        Field(alias="from", description="Who began it.", json_schema_extra={"enum": ["visitor", "staff"]}),
    ]
    name: Annotated[str | None, Field(description="Who of the staff wrote it.")]
    client_message_id: str
    request: str
    response: str
    citations: list[Citation]
    grounded: bool | None
    state: Annotated[
        str,
        Field(json_schema_extra={"enum": ["queued", "running", "completed", "stopped", "failed", "waiting"]}),
    ]
    reason: Annotated[str, Field(description="Why it stopped or failed, in a word.")]
    feedback: int | None
    feedback_comment: str
    created_at: datetime


class Place(Schema):
    position: Annotated[int, Field(description="How many wait, up to this chat's turn.")]
    attended: Annotated[bool, Field(description="Whether anybody of the staff is there.")]


class History(Schema):
    """A part of a chat, oldest first."""

    session_id: UUID
    agent: UUID
    handled_by: Annotated[str, Field(json_schema_extra={"enum": HANDLERS})]
    name: Annotated[str | None, Field(description="Who of the staff handles it.")]
    avatar: Annotated[str | None, Field(description="Where their picture is, if they gave one.")]
    resolved: Annotated[bool, Field(description="Whether it has ended; the next message opens it again.")]
    queue: Annotated[Place | None, Field(description="Its place in the line while it waits for a person.")]
    csat: Annotated[int | None, Field(description="How its visitor rated it, from 1 to 5.")]
    has_email: Annotated[
        bool, Field(description="Whether its visitor has left an address to be answered at.")
    ]
    messages: list[Message]
    next_cursor: Annotated[
        str | None, Field(description="Send it as `cursor` for what follows; null where nothing does.")
    ]


class VisitorRequest(Schema):
    agent: Annotated[UUID, Field(description="The agent that the page wants to talk to.")]
    jwt: Annotated[
        str | None,
        Field(
            description="Who the visitor is: signed by your server (HS256) with your organisation's identity secret."
        ),
    ] = None


class VisitorResponse(Schema):
    """A new visitor, known by nothing but this token."""

    visitor: str
    token: Annotated[str, Field(description="Send it as `Authorization: Bearer …`; keep it in the browser.")]
    expires_at: Annotated[datetime, Field(description="Until when it holds; using it does not prolong it.")]
    agent: Annotated[
        dict[str, Any], Field(description="What pages show of the agent, as the socket's `welcome` has it.")
    ]
    offers: Annotated[list[str], Field(description="What the visitor may do beside asking.")]
    session_id: Annotated[
        UUID | None,
        Field(description="The open chat that a person whom you vouch for comes back to, from any device."),
    ]


class ProblemError(Schema):
    location: Annotated[str, Field(description="body, query, path or header")]
    pointer: Annotated[str, Field(description="A JSON pointer to what is wrong.")]
    detail: str


class Problem(Schema):
    """What went wrong, as RFC 9457 has it."""

    type: Annotated[str, Field(description="`urn:chatwithus:problem:` and the code.")]
    title: str
    status: int
    detail: Annotated[str, Field(description="For a person to read.")]
    code: Annotated[str, Field(description="For a program to compare.")]
    instance: str
    request_id: str
    errors: list[ProblemError]
    session_id: Annotated[
        UUID | None,
        Field(description="The chat that has the message, where one was recorded that was not answered."),
    ] = None


JsonObject = dict[str, Any]
