""".env.example beside the code and docker-compose.yml: nothing is read that it does not list, and nothing is listed that nobody reads."""

import ast
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.checkout import make_secrets
from tests.deploy.compose import Compose, read_env
from tests.services import ROOT

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
LISTED = dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
READERS = {"text", "flag", "integer", "words", "pairs", "limits", "prices", "postgres", "get", "_database"}
ADDRESSES = {"DATABASE_URL", "VECTOR_DATABASE_URL", "REDIS_URL"}
OWNING = ("init", "indexer")  # they connect as the owner, and have no other address
OUTSIDE_COMPOSE = {"HOST", "PORT", "DATA_DIR", "FORWARDED_ALLOW_IPS"}
OF_THE_TERMINAL = {"NO_COLOR"}


def test_every_variable_that_is_read_is_listed_and_no_other() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read = set(variables_read()) | set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose))
    assert read == set(LISTED)


def test_every_variable_has_its_line_about_it() -> None:
    lines = EXAMPLE.splitlines()
    for name in LISTED:
        [place] = [place for place, line in enumerate(lines) if re.match(rf"#?{name}=", line)]
        assert re.match(r"# \w.*\.", lines[place - 1]), name


def test_the_defaults_are_those_of_the_code() -> None:
    for name, default in variables_read().items():
        if default is not None:
            assert LISTED[name] == default, name


def test_every_setting_reaches_every_one_of_our_services(anything: Compose) -> None:
    """By its name, so that a line in .env has its effect."""
    for_all = {name for name in variables_read() if not name.startswith("OWNER_")} - OUTSIDE_COMPOSE
    for service in anything.ours():
        given = set(anything.services[service]["environment"])
        assert for_all - given == (ADDRESSES - {"REDIS_URL"} if service in OWNING else set()), service


def variables_read() -> dict[str, str | None]:
    """Every variable that our code reads, with its default where that is written down."""
    found: dict[str, str | None] = {}
    for folder in ("chatwithus", "apps", "consumers", "deploy"):
        for path in (ROOT / folder).rglob("*.py"):
            for name, default in _reads(ast.parse(path.read_text(encoding="utf-8"))):
                if name not in OF_THE_TERMINAL:
                    found[name.removesuffix("_FILE")] = found.get(name) or default
    databases = [name for name in found if name.endswith("DATABASE_URL") and not name.startswith("OWNER_")]
    return found | dict.fromkeys((f"OWNER_{name}" for name in databases), None)


def _reads(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=reader) | ast.Name(id=reader), args=[ast.Constant(value=name), *rest]
            ):
                if reader in READERS and _is_variable(name):
                    yield str(name), _plain(rest)
            case ast.Compare(left=ast.Constant(value=name), comparators=[ast.Attribute(attr="environ")]):
                yield str(name), None


def _is_variable(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(r"[A-Z][A-Z_]{3,}", name) is not None


def _plain(rest: list[ast.expr]) -> str | None:
    """A default as one would write it into a file; None where there is none or it takes more than arithmetic."""
    try:
        value = eval(ast.unparse(rest[0]), {"__builtins__": {}})
    except (IndexError, NameError):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_an_empty_secret_stops_the_start_by_its_name(secrets: list[str]) -> None:
    assert len(secrets) == 5
    for name in secrets:
        with pytest.raises(Exception, match=rf"^{name}: run deploy/secrets.sh"):
            Compose({other: "x" for other in secrets if other != name})


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path, secrets: list[str]) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    make_secrets(tmp_path)
    made = read_env(tmp_path / ".env")
    assert set(made) == set(secrets)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in made.values())
    assert len(set(made.values())) == len(secrets)
    assert stat.S_IMODE(os.stat(tmp_path / ".env").st_mode) == 0o600
    with open(tmp_path / ".env", "a") as file:
        file.write("LOG_LEVEL=")
    make_secrets(tmp_path)
    assert read_env(tmp_path / ".env") == made | {"LOG_LEVEL": ""}
