"""`/api/v1/agents`: prepare an agent, publish it, compare its versions, take them back."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from ninja import Query, Router
from ninja import Status as Answer

from apps.agents import choices, statuses, versions
from apps.agents.models import Agent, Draft, Version
from apps.api.agent_schemas import (
    AgentRequest,
    AgentResponse,
    Agents,
    Difference,
    Differences,
    DraftRequest,
    DraftResponse,
    PublishRequest,
    Status,
    VersionResponse,
    Versions,
)
from apps.api.guards import ByKey
from apps.api.organisation_schemas import Cursor, Limit
from apps.api.problems import NotFound
from apps.api.reference import agents as reference
from apps.tenants import pages

router = Router(tags=["agents"])
_READ, _MANAGE = ByKey("agents.read"), ByKey("agents.manage")
Which = Annotated[
    str | None, Query(pattern=r"^([0-9]{1,9}|draft)$", description="The number of a version, or `draft`.")
]


@router.get("/agents", response=Agents, summary="List agents", auth=_READ, **reference.AGENTS)
def list_agents(request: HttpRequest, cursor: Cursor = None, limit: Limit = pages.FEW) -> Agents:
    """Each as visitors get it."""
    found = Agent.objects.prefetch_related("drafts")
    rows, following = pages.cut(found, by="created_at", cursor=cursor, limit=limit)
    return Agents(agents=[_agent(row, statuses.of(row)) for row in rows], next_cursor=following)


@router.post(
    "/agents", response={201: AgentResponse}, summary="Add an agent", auth=_MANAGE, **reference.ADD_AGENT
)
def create(request: HttpRequest, body: AgentRequest) -> Answer[AgentResponse]:
    """Its first version is published at once; pages may embed it from then on."""
    agent = versions.create(**body.dict(exclude_unset=True))
    return Answer(201, _agent(agent, warnings=async_to_sync(choices.missing)(agent.minds)))


@router.get(
    "/agents/{uuid:agent_id}",
    response=AgentResponse,
    summary="Read an agent",
    auth=_READ,
    **reference.READ_AGENT,
)
def read(request: HttpRequest, agent_id: UUID) -> AgentResponse:
    """As visitors get it."""
    agent = _find(agent_id)
    return _agent(agent, statuses.of(agent))


@router.get(
    "/agents/{uuid:agent_id}/draft",
    response=DraftResponse,
    summary="Read a draft",
    auth=_READ,
    **reference.READ_DRAFT,
)
def read_draft(request: HttpRequest, agent_id: UUID) -> DraftResponse:
    """What is prepared and not published yet."""
    return _draft(versions.draft_of(_find(agent_id)))


@router.patch(
    "/agents/{uuid:agent_id}/draft",
    response=DraftResponse,
    summary="Edit a draft",
    auth=_MANAGE,
    **reference.EDIT_DRAFT,
)
def edit_draft(request: HttpRequest, agent_id: UUID, body: DraftRequest) -> DraftResponse:
    """Visitors notice nothing until it is published. What is left out stays as it is prepared."""
    draft = versions.edit(_find(agent_id), **body.dict(exclude_unset=True))
    return _draft(draft, warnings=async_to_sync(choices.missing)(draft.minds))


@router.delete(
    "/agents/{uuid:agent_id}/draft",
    response={204: None},
    summary="Discard a draft",
    auth=_MANAGE,
    **reference.DISCARD_DRAFT,
)
def discard_draft(request: HttpRequest, agent_id: UUID) -> Answer[None]:
    """What was prepared is gone; what visitors get stays."""
    versions.discard(_find(agent_id))
    return Answer(204, None)


@router.post(
    "/agents/{uuid:agent_id}/publish",
    response={201: VersionResponse},
    summary="Publish a draft",
    auth=_MANAGE,
    **reference.PUBLISH,
)
def publish(request: HttpRequest, agent_id: UUID, body: PublishRequest) -> Answer[VersionResponse]:
    """From the next reply on visitors get it. A version is never changed."""
    return Answer(201, _version(versions.publish(_find(agent_id), note=body.note)))


@router.get(
    "/agents/{uuid:agent_id}/versions",
    response=Versions,
    summary="List versions",
    auth=_READ,
    **reference.VERSIONS,
)
def list_versions(
    request: HttpRequest, agent_id: UUID, cursor: Cursor = None, limit: Limit = pages.FEW
) -> Versions:
    """The newest first."""
    found = Version.objects.filter(agent=_find(agent_id))
    rows, following = pages.cut(found, by="published_at", cursor=cursor, limit=limit)
    return Versions(versions=[_version(row) for row in rows], next_cursor=following)


@router.get(
    "/agents/{uuid:agent_id}/versions/{int:number}",
    response=VersionResponse,
    summary="Read a version",
    auth=_READ,
    **reference.READ_VERSION,
)
def read_version(request: HttpRequest, agent_id: UUID, number: int) -> VersionResponse:
    """As it was published."""
    return _version(versions.find(_find(agent_id), number))


@router.post(
    "/agents/{uuid:agent_id}/versions/{int:number}/rollback",
    response={201: VersionResponse},
    summary="Publish a version again",
    auth=_MANAGE,
    **reference.ROLL_BACK,
)
def roll_back(request: HttpRequest, agent_id: UUID, number: int) -> Answer[VersionResponse]:
    """Under the next number; what is prepared stays so."""
    return Answer(201, _version(versions.roll_back(_find(agent_id), number)))


@router.get(
    "/agents/{uuid:agent_id}/diff",
    response=Differences,
    summary="Compare versions",
    auth=_READ,
    **reference.DIFF,
)
def diff(request: HttpRequest, agent_id: UUID, before: Which = None, after: Which = None) -> Differences:
    """Field by field. Without `before` what visitors get, without `after` the draft."""
    agent = _find(agent_id)
    held, wanted = _which(agent, before or str(agent.version)), _which(agent, after or "draft")
    return Differences(
        differences=[
            Difference(field=one.field, before=one.before, after=one.after)
            for one in versions.differences(held, wanted)
        ]
    )


def _find(agent_id: UUID) -> Agent:
    found = Agent.objects.filter(id=agent_id).first()
    if found is None:
        raise NotFound("There is no agent with this id.")
    return found


def _which(agent: Agent, name: str) -> Version | Draft:
    return versions.draft_of(agent) if name == "draft" else versions.find(agent, int(name))


def _agent(
    agent: Agent, status: statuses.Status | None = None, warnings: Sequence[str] = ()
) -> AgentResponse:
    return AgentResponse(
        id=agent.id,
        status=Status(state=status.state, says=status.says) if status else None,
        version=agent.version,
        has_draft=bool(agent.drafts.all()),
        warnings=list(warnings),
        created_at=agent.created_at,
        **agent.configuration,
    )


def _draft(draft: Draft, warnings: Sequence[str] = ()) -> DraftResponse:
    is_saved = not draft._state.adding
    return DraftResponse(
        edited_by=draft.edited_by,
        edited_at=draft.edited_at if is_saved else None,
        warnings=list(warnings),
        **draft.configuration,
    )


def _version(version: Version) -> VersionResponse:
    return VersionResponse(
        number=version.number,
        note=version.note,
        published_by=version.published_by,
        published_at=version.published_at,
        **version.configuration,
    )
