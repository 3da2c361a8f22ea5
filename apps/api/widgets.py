"""`/api/v1/agents/{agent_id}/widget`: how an agent's widget looks and what it offers; and its picture, for every page."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from apps.agents import widgets
from apps.agents.models import Agent, Widget
from apps.api.guards import ByKey
from apps.api.problems import NotFound
from apps.api.reference import widgets as reference
from apps.api.widget_schemas import PictureRequest, WidgetRequest, WidgetResponse, decoded

router = Router(tags=["widget"])
_READ, _MANAGE = ByKey("agents.read"), ByKey("agents.manage")
_PATH = "/agents/{uuid:agent_id}/widget"


@router.get(
    _PATH, response=WidgetResponse, summary="Read a widget's settings", auth=_READ, **reference.WIDGET
)
def read(request: HttpRequest, agent_id: UUID) -> WidgetResponse:
    """What pages get that do not say otherwise in the widget's own `data-` attributes."""
    return _describe(widgets.of(_find(agent_id)))


@router.patch(
    _PATH, response=WidgetResponse, summary="Change a widget", auth=_MANAGE, **reference.CHANGE_WIDGET
)
def change(request: HttpRequest, agent_id: UUID, body: WidgetRequest) -> WidgetResponse:
    """Only the fields that are sent are changed; it takes effect on the next visit."""
    return _describe(widgets.change(_find(agent_id), **body.model_dump(exclude_unset=True)))


@router.put(
    f"{_PATH}/avatar", response=WidgetResponse, summary="Set a picture", auth=_MANAGE, **reference.AVATAR
)
def keep_avatar(request: HttpRequest, agent_id: UUID, body: PictureRequest) -> WidgetResponse:
    """A PNG, JPEG or WebP image of at most 200 kB, shown at the top of the chat."""
    return _describe(widgets.keep_avatar(_find(agent_id), decoded(body.image)))


@router.delete(
    f"{_PATH}/avatar",
    response={204: None},
    summary="Remove the picture",
    auth=_MANAGE,
    **reference.DROP_AVATAR,
)
def drop_avatar(request: HttpRequest, agent_id: UUID) -> HttpResponse:
    """The agent's initials are shown instead."""
    widgets.keep_avatar(_find(agent_id), None)
    return HttpResponse(status=204)


def _find(agent_id: UUID) -> Agent:
    agent = Agent.objects.filter(id=agent_id).first()
    if agent is None:
        raise NotFound("There is no agent with this id.")
    return agent


def _describe(widget: Widget) -> WidgetResponse:
    told = {name: getattr(widget, name) for name in widgets.SETTINGS}
    return WidgetResponse(agent=widget.agent_id, has_avatar=widget.avatar is not None, **told)
