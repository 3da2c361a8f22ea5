"""A frame as a request's body."""

from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from apps.chats import acts


class FrameRequest(Schema):
    """Its other fields are those of its type; what is wrong with them is said by `code` as on the socket."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(max_length=40, json_schema_extra={"enum": list(acts.ACTS)})]
    exchange: Annotated[Any, Field(description="`feedback`: the number of the answer.")] = None
    value: Annotated[Any, Field(description="`feedback`: 1 or -1; `csat`: 1 to 5.")] = None
    comment: Annotated[Any, Field(description="`feedback` and `csat`: at most 1,000 characters.")] = None
    address: Annotated[Any, Field(description="`email`: where to answer.")] = None
    context: Annotated[Any, Field(description="`context`: what the page says of itself.")] = None
    attributes: Annotated[Any, Field(description="`context`: what the page says of the visitor.")] = None
