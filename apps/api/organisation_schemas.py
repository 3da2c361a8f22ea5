"""The bodies of requests and responses about people, keys, settings and the audit log."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query, Schema
from pydantic import Field, StrictBool

from apps.tenants import pages
from apps.tenants.organisation import LONGEST_IDLE, LONGEST_RETENTION, SETTINGS

Role = Literal["owner", "manager", "staff"]
Scope = Literal["chat", "read", "manage"]
NextCursor = Annotated[
    str | None, Field(description="Send it as `cursor` for what follows; null where nothing does.")
]
# What lists are asked with.
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=pages.MANY, description="How many at most.")]
NO_NUL = r"^[^\u0000]*$"


class MemberResponse(Schema):
    id: UUID
    user: Annotated[str, Field(description="What they sign in with.")]
    name: str
    role: Role
    avatar: Annotated[str | None, Field(description="Where their picture is, if they gave one.")]


class Members(Schema):
    members: list[MemberResponse]
    next_cursor: NextCursor


class RoleRequest(Schema):
    role: Role


class InvitationRequest(Schema):
    email: Annotated[
        str, Field(max_length=150, description="They sign in with it.", json_schema_extra={"format": "email"})
    ]
    role: Role = "staff"


class InvitationResponse(Schema):
    id: UUID
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime


class InvitationMade(InvitationResponse):
    link: Annotated[
        str, Field(description="Pass it on: whoever opens it may join, once. It is not shown again.")
    ]


class Invitations(Schema):
    invitations: list[InvitationResponse]
    next_cursor: NextCursor


class KeyRequest(Schema):
    name: Annotated[str, Field(pattern=NO_NUL, min_length=1, max_length=80, description="What it is for.")]
    scopes: Annotated[list[Scope], Field(min_length=1)] = ["chat"]
    expires_at: Annotated[datetime | None, Field(description="Left out: it holds until it is revoked.")] = (
        None
    )


class KeyResponse(Schema):
    id: UUID
    name: str
    prefix: Annotated[str, Field(description="How the secret begins, to tell it from others.")]
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="To the minute.")]
    revoked_at: datetime | None


class KeyMade(KeyResponse):
    secret: Annotated[str, Field(description="Keep it: it is not shown again.")]


class Keys(Schema):
    keys: list[KeyResponse]
    next_cursor: NextCursor


class SettingsRequest(Schema):
    """What is left out stays as it is."""

    name: Annotated[str, Field(pattern=NO_NUL, min_length=1, max_length=120)] = ""
    description: Annotated[str, Field(pattern=NO_NUL, max_length=2000)] = ""
    locale: Annotated[str, Field(max_length=16, description="As BCP 47 writes it.")] = ""
    allowed_origins: Annotated[
        list[str], Field(max_length=100, description="Whose pages may embed the widget.")
    ] = []
    retention_days: Annotated[
        int | None,
        Field(
            ge=1,
            le=LONGEST_RETENTION,
            description="Chats are deleted so long after their last message; null: never.",
        ),
    ] = None
    idle_minutes: Annotated[int, Field(ge=1, le=LONGEST_IDLE)] = 30
    requires_two_factor: StrictBool = False
    providers: Annotated[list[str], Field(description="Where agents may think.")] = []
    allowed_models: Annotated[
        list[str],
        Field(max_length=100, description="Such as `ollama:llama3.2` or `bedrock:*`; empty: all of them."),
    ] = []


class SettingsResponse(Schema):
    id: UUID
    slug: str
    name: str
    description: str
    locale: str
    allowed_origins: list[str]
    retention_days: int | None
    idle_minutes: int
    requires_two_factor: bool
    providers: list[str]
    allowed_models: list[str]
    has_identity_secret: Annotated[
        bool, Field(description="Whether visitors may be identified by a signed token.")
    ]
    created_at: datetime


class IdentitySecret(Schema):
    secret: Annotated[
        str, Field(description="Sign visitors' identities with it (HS256). It is not shown again.")
    ]


class CredentialRequest(Schema):
    secrets: Annotated[dict[str, str], Field(description="What this provider asks for.")]


class CredentialResponse(Schema):
    provider: str
    hint: Annotated[str, Field(description="Its last characters.")]
    updated_at: datetime


class Credentials(Schema):
    credentials: list[CredentialResponse]


class AuditEntryResponse(Schema):
    id: UUID
    at: datetime
    actor_kind: Annotated[str, Field(description="user, operator, key, visitor, command or system")]
    actor_id: str
    actor_name: str
    action: Annotated[str, Field(description="A thing and a verb, such as `key.revoked`.")]
    target_kind: str
    target_id: str
    target_name: str
    outcome: Literal["done", "refused"]
    facts: dict[str, Any]


class AuditLog(Schema):
    entries: list[AuditEntryResponse]
    next_cursor: NextCursor


assert set(SettingsRequest.model_fields) == set(SETTINGS)
