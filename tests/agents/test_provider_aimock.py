"""The same clients on a model server that is not ours, well and badly behaved."""

from pathlib import Path
from uuid import uuid4

import pytest

from apps.agents import attempts
from apps.agents.attempts import Attempts, Heard
from apps.agents.minds import Mind
from apps.agents.providers.base import Connection, Piece, ProviderError, Usage
from tests.agents.asking import PROMPT
from tests.aimock import ANSWER, aimock
from tests.server import free_port

SPOKEN = ["ollama", "openai"]  # its Bedrock does not speak as boto3 listens


def mind(name: str, url: str) -> Mind:
    path = "/v1" if name == "openai" else ""
    connection = Connection(url=url + path, secrets=(("api_key", "sk-canary-0123456789"),), is_trusted=True)
    return Mind(uuid4(), name, "m", connection)


async def heard(one: Mind) -> list[Piece]:
    said: list[Piece] = []
    await Attempts((one,), PROMPT).tell(Heard(said.append), said.append)
    return said


@pytest.mark.parametrize("name", SPOKEN)
async def test_its_answer_arrives_in_pieces(name: str, tmp_path: Path) -> None:
    async with aimock(tmp_path, free_port(), "--chunk-size", "7") as url:
        said = await heard(mind(name, url))
    pieces = [piece for piece in said if isinstance(piece, str)]
    assert "".join(pieces) == ANSWER
    assert len(pieces) == -(-len(ANSWER) // 7)
    is_believed = name == "openai"  # as Ollama it says that its answers took no tokens at all
    assert any(isinstance(piece, Usage) for piece in said) is is_believed


@pytest.mark.parametrize("name", SPOKEN)
@pytest.mark.parametrize(("chaos", "kind"), [
    ("--chaos-drop", "unreachable"), ("--chaos-malformed", "garbled"), ("--chaos-disconnect", "garbled"), ("--chaos-ratelimit", "overloaded"),
])  # fmt: skip
async def test_its_chaos_ends_in_words_for_staff(
    name: str, chaos: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MOST", 1)
    async with aimock(tmp_path, free_port(), chaos, "1.0") as url:
        with pytest.raises(ProviderError) as raised:
            await heard(mind(name, url))
    assert raised.value.kind == kind
    assert "canary" not in str(raised.value)
