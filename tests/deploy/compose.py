"""docker-compose.yml as Compose reads it: `.env` filled in, each service with its environment and its command."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.dockerfile import Image
from tests.services import ROOT


class Missing(Exception):
    """A variable that has to be set is empty; the message is the file's own."""


def read_env(path: Path) -> dict[str, str]:
    """The variables of a .env file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"[A-Z]", line)]
    return dict(line.split("=", 1) for line in lines)


def filled(text: str, variables: dict[str, str]) -> str:
    """`$NAME`s in braces replaced, with `:-default` and `:?message`, one inside another; `$$` is a dollar sign."""
    done, rest = "", text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        done += before
        if rest.startswith("{"):
            inside, rest = _inside(rest)
            done += _value(inside, variables)
        else:
            assert rest.startswith("$"), f"a lone dollar sign in {text!r}"
            done, rest = done + "$", rest[1:]
    return done + rest


def _inside(text: str) -> tuple[str, str]:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[1:place], text[place + 1 :]
    raise AssertionError(f"an open brace in {text!r}")


def _value(inside: str, variables: dict[str, str]) -> str:
    match = re.fullmatch(r"(\w+)(?:(:-|:\?)(.*))?", inside, re.DOTALL)
    assert match is not None, inside
    name, kind, other = match.groups()
    if value := variables.get(name):
        return value
    if kind == ":?":
        raise Missing(f"{name}: {other}")
    return filled(other, variables) if kind == ":-" else ""


class Compose:
    """The file with the variables of one .env; an unset one that has to be set raises Missing."""

    def __init__(self, variables: dict[str, str], path: Path = ROOT / "docker-compose.yml") -> None:
        self._variables = variables
        self.raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.services: dict[str, dict[str, Any]] = self._fill(self.raw)["services"]

    def _fill(self, value: Any) -> Any:
        match value:
            case str():
                return filled(value, self._variables)
            case list():
                return [self._fill(one) for one in value]
            case dict():
                return {name: self._fill(one) for name, one in value.items()}
            case _:
                return value

    def ours(self) -> list[str]:
        """The services that run our own image."""
        return [name for name, service in self.services.items() if "build" in service]

    def image(self, service: str) -> Image:
        return Image(self.services[service]["build"]["target"])

    def environment(self, service: str) -> dict[str, str]:
        """What is null is passed on where .env sets it, and not given where it does not."""
        given = {
            name: self._variables.get(name) if value is None else str(value)
            for name, value in self.services[service]["environment"].items()
        }
        return {name: value for name, value in given.items() if value is not None}

    def command(self, service: str) -> list[str]:
        found: list[str] = self.services[service].get("command") or self.image(service).command()
        return found

    def health(self, service: str) -> list[str]:
        test: list[str] = self.services[service].get("healthcheck", {}).get("test", [])
        return test[1:] or self.image(service).health()
