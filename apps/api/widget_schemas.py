"""A widget's settings and pictures as bodies."""

from base64 import b64decode
from typing import Annotated
from uuid import UUID

from ninja import Schema
from pydantic import Field, StrictInt

from apps.agents import widgets
from apps.agents.models import Offer, Widget
from apps.api.problems import Invalid

Color = Annotated[
    str,
    Field(
        description="As `#rrggbb`; empty for ours.",
        json_schema_extra={"pattern": "^(#[0-9a-fA-F]{6})?$"},
    ),
]
Radius = Annotated[
    StrictInt,
    Field(
        description="Of its corners, in pixels.",
        json_schema_extra={"minimum": 0, "maximum": widgets.LARGEST_RADIUS},
    ),
]
Title = Annotated[
    str,
    Field(
        description="In place of the agent's name.",
        json_schema_extra={"maxLength": widgets.LONGEST_TITLE, "pattern": "^[^\\u0000]*$"},
    ),
]
Theme = Annotated[str, Field(json_schema_extra={"enum": list(Widget.Theme.values)})]
Position = Annotated[str, Field(json_schema_extra={"enum": list(Widget.Position.values)})]
Launcher = Annotated[str, Field(json_schema_extra={"enum": list(Widget.Launcher.values)})]
Offers = Annotated[
    list[Annotated[str, Field(json_schema_extra={"enum": list(Offer.values)})]],
    Field(description="What visitors may do beside asking."),
]


class WidgetRequest(Schema):
    """What is to be changed."""

    color: Color = ""
    theme: Theme = "auto"
    position: Position = "right"
    radius: Radius = 14
    title: Title = ""
    launcher: Launcher = "shown"
    offers: Offers = []


class PictureRequest(Schema):
    image: Annotated[
        str,
        Field(
            description="The file in base64.",
            json_schema_extra={"contentEncoding": "base64", "minLength": 1, "maxLength": 280_000},
        ),
    ]


class WidgetResponse(Schema):
    agent: UUID
    color: str
    theme: str
    position: str
    radius: int
    title: str
    launcher: str
    offers: list[str]
    has_avatar: bool


def decoded(image: str) -> bytes:
    """Raises Invalid."""
    try:
        return b64decode(image, validate=True)
    except ValueError:
        raise Invalid("The image is not base64.", "/image") from None
