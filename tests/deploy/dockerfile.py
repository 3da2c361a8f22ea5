"""The Dockerfile, read as far as the tests need it: stages, what they inherit, and what they copy from the project."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import ROOT


@dataclass
class Stage:
    """One FROM with the instructions below it, as (keyword, rest of the line)."""

    name: str
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)


def stages(text: str) -> dict[str, Stage]:
    found: dict[str, Stage] = {}
    for keyword, rest in _instructions(text):
        if keyword == "FROM":
            base, _, name = re.sub(r"\s+AS\s+", " ", rest).partition(" ")
            found[name] = Stage(name, base)
        else:
            list(found.values())[-1].lines.append((keyword, rest))
    return found


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    meant = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in meant.replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, rest = line.strip().partition(" ")
            yield keyword.upper(), rest.strip()


class Image:
    """One target with everything it inherits."""

    def __init__(self, target: str, path: Path = ROOT / "Dockerfile") -> None:
        known = stages(path.read_text(encoding="utf-8"))
        self.target = target
        self.chain = [known[target]]
        while self.chain[0].base in known:
            self.chain.insert(0, known[self.chain[0].base])

    def all(self, keyword: str) -> list[str]:
        return [rest for stage in self.chain for found, rest in stage.lines if found == keyword]

    def command(self) -> list[str]:
        words: list[str] = json.loads(self.all("CMD")[-1])
        return words

    def health(self) -> list[str]:
        words: list[str] = json.loads(self.all("HEALTHCHECK")[-1].partition(" CMD ")[2])
        return words

    def user(self) -> tuple[int, int]:
        user, _, group = self.all("USER")[-1].partition(":")
        return int(user), int(group)

    def environment(self) -> dict[str, str]:
        """What ENV says; PATH begins with what is put before the engine's own."""
        return dict(word.split("=", 1) for line in self.all("ENV") for word in shlex.split(line))

    def copied(self) -> list[tuple[str, str]]:
        """What comes from the project, as (source, destination below the working directory)."""
        pairs = [line.split() for line in self.all("COPY") if not line.startswith("--from")]
        return [(source, destination) for source, destination in pairs]

    def lock(self) -> str:
        """The lock file of the packages that this target carries."""
        packages = next(line for line in self.all("COPY") if line.startswith("--from"))
        stage = packages.split()[0].removeprefix("--from=")
        return Image(stage).copied()[-1][0]


def is_pinned(image: str) -> bool:
    """Whether its tag names a version, so that it cannot move to another major one."""
    name, _, tag = image.rpartition(":")
    return bool(name) and "/" not in tag and re.search(r"\d", tag) is not None


def admitted(paths: list[str], rules: str) -> list[str]:
    """What .dockerignore lets into the build: the last rule that names a path or a folder above it decides."""
    compiled = [
        (not rule.startswith("!"), _pattern(rule.lstrip("!")))
        for rule in rules.splitlines()
        if rule and not rule.startswith("#")
    ]
    return [path for path in paths if not _is_ignored(path, compiled)]


def _is_ignored(path: str, rules: list[tuple[bool, re.Pattern[str]]]) -> bool:
    return next((ignores for ignores, pattern in reversed(rules) if pattern.fullmatch(path)), False)


def _pattern(rule: str) -> re.Pattern[str]:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|\*\*|\*)", rule.strip("/"))
    return re.compile("".join(words.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")
