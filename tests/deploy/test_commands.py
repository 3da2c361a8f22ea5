"""One set of commands: what containers run is what `make up` runs."""

import ast
from contextlib import suppress
from pathlib import Path

import pytest

from chatwithus.address import Address
from chatwithus.embedded.processes import Child
from chatwithus.signals import Signals
from chatwithus.up import Program
from tests.deploy.compose import Compose
from tests.deploy.dockerfile import Image
from tests.services import ROOT


class NotStarted(Exception):
    """Nothing is started here."""


class Noting(Program):
    """Notes the words that it would run Python with."""

    words: list[str]

    def _python(self, name: str, *arguments: str, **added: str) -> Child:
        self.words = list(arguments)
        raise NotStarted


def test_the_reader_runs_as_in_make_up(tmp_path: Path, anything: Compose) -> None:
    up = Noting(tmp_path, Address("127.0.0.1", 8000, ""), Signals())
    with suppress(NotStarted):
        up._reader()
    assert ["-m", *anything.command("reader")] == up.words


def test_the_worker_runs_as_in_make_up_where_it_keeps_the_beat_as_well(
    tmp_path: Path, anything: Compose
) -> None:
    up = Noting(tmp_path, Address("127.0.0.1", 8000, ""), Signals())
    with suppress(NotStarted):
        up._worker()
    module, *words = up.words
    beat = words.index("--beat")
    assert (module, words[beat + 1 : beat + 3]) == (
        "-m",
        ["--schedule", str(tmp_path / "celerybeat-schedule")],
    )
    assert Image("worker").command() == words[:beat] + words[beat + 3 :]
    assert anything.command("worker") == Image("worker").command()


def test_the_indexer_runs_as_in_make_up(tmp_path: Path, anything: Compose) -> None:
    up = Noting(tmp_path, Address("127.0.0.1", 8000, ""), Signals())
    up.services.owner_environment = dict  # type: ignore[method-assign]  # nothing was started
    with suppress(NotStarted):
        up._indexer()
    assert ["python", *up.words] == anything.command("indexer")


@pytest.mark.parametrize("service", ["web", "init", "demo"])
def test_the_others_run_as_in_make_up(service: str, anything: Compose) -> None:
    command = [word for word in anything.command(service) if not word.startswith("/data")]
    method, name = ("_python", "web") if service == "web" else ("_manage", command[2])
    python = ["python"] if service == "web" else ["python", "manage.py", name]
    assert command == [*python, *written(method, name)]


def test_beat_is_told_nothing_but_how_much_to_say(anything: Compose) -> None:
    assert anything.command("beat") == ["celery", "-A", "chatwithus", "beat", "--loglevel", "INFO"]


def written(method: str, name: str) -> list[str]:
    """The literal words after the name in the one call `self.method(name, …)` of chatwithus/up.py."""
    tree = ast.parse((ROOT / "chatwithus" / "up.py").read_text(encoding="utf-8"))
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _calls(node, method, name)]
    return [str(word.value) for word in call.args[1:] if isinstance(word, ast.Constant)]


def _calls(node: ast.Call, method: str, name: str) -> bool:
    first = node.args[0] if node.args else None
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(first, ast.Constant)
        and first.value == name
    )
