"""What OpenAI's clients send, as far as an agent can act on it; fields that are not named here are ignored."""

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, Field, StrictBool

from apps.api.schemas import MESSAGE
from apps.chats.conversations import clean


def _none(given: list[Any]) -> list[Any]:
    if given:
        raise ValueError("agents offer no tools")
    return given


def _one(given: int) -> int:
    if given != 1:
        raise ValueError("one answer at a time is given")
    return given


def _sayable(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text has characters that cannot be stored")
    return text


Text = Annotated[str, AfterValidator(_sayable)]
NoTools = Annotated[list[Any], AfterValidator(_none), Field(json_schema_extra={"maxItems": 0})]


class TextPart(Schema):
    """The only kind of content that agents read."""

    type: Literal["text"]
    text: Text


class SeenPart(Schema):
    """The same from a user, who has to say something."""

    type: Literal["text"]
    text: Annotated[Text, Field(json_schema_extra=MESSAGE)]


class User(Schema):
    role: Literal["user"]
    content: (
        Annotated[Text, Field(json_schema_extra=MESSAGE)] | Annotated[list[SeenPart], Field(min_length=1)]
    )

    @property
    def text(self) -> str:
        """Raises BadMessage."""
        parts = [self.content] if isinstance(self.content, str) else [part.text for part in self.content]
        return clean("\n".join(map(clean, parts)))


class Assistant(Schema):
    role: Literal["assistant"]
    content: Text | list[TextPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or ())


class Instruction(Schema):
    """Not used: the agent's own instructions hold."""

    role: Literal["system", "developer"]
    content: Any = None


ROLES = frozenset({"user", "assistant", "system", "developer"})
FROM_USER = {"type": "object", "required": ["role"], "properties": {"role": {"const": "user"}}}
Said = Annotated[User | Assistant | Instruction, Field(discriminator="role")]


class StreamOptions(Schema):
    include_usage: StrictBool = False


class CompletionRequest(Schema):
    """A conversation, oldest message first."""

    model: Annotated[str, Field(description="The agent's id.")]
    messages: Annotated[list[Said], Field(min_length=1, json_schema_extra={"contains": FROM_USER})]
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, AfterValidator(_one), Field(json_schema_extra={"const": 1})] | None = None
    tools: NoTools | None = None
    functions: NoTools | None = None
