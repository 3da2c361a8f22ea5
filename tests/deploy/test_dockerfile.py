"""The Dockerfile as it stands: what cannot be built here can at least be read."""

import re

import pytest

from tests.deploy.dockerfile import Image, admitted, is_pinned, stages
from tests.services import ROOT

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
TARGETS = ("web", "worker")


@pytest.mark.parametrize("target", TARGETS)
def test_the_image_has_an_ordinary_user_with_a_fixed_number(target: str) -> None:
    user, group = Image(target).user()
    assert user == group >= 10_000
    made = " ".join(Image(target).all("RUN"))
    assert f"groupadd --gid {group} app" in made
    assert f"useradd --uid {user} --gid app" in made


@pytest.mark.parametrize("target", TARGETS)
def test_only_packages_are_added_once_the_user_has_taken_over(target: str) -> None:
    lines = [line for stage in Image(target).chain for line in stage.lines]
    [place] = [place for place, (keyword, _) in enumerate(lines) if keyword == "USER"]
    added = [rest for keyword, rest in lines[place:] if keyword in {"ADD", "COPY", "RUN"}]
    assert added == [f"--from={target}-packages /opt/venv /opt/venv"]


def test_every_base_is_pinned_to_a_version() -> None:
    known = stages(TEXT)
    bases = {stage.base for stage in known.values()} - set(known)
    assert bases
    assert [base for base in bases if not is_pinned(base)] == []


@pytest.mark.parametrize(
    "image", ["python", "python:latest", "python:slim", "host:5000/python", "valkey:alpine"]
)
def test_an_image_without_a_version_is_noticed(image: str) -> None:
    assert not is_pinned(image)


@pytest.mark.parametrize("target", TARGETS)
def test_every_package_comes_with_its_hash_from_the_lock_of_its_target(target: str) -> None:
    *_, install = Image(f"{target}-packages").all("RUN")
    assert f"install --no-deps --require-hashes --requirement /requirements/{target}.txt" in install
    assert Image(target).lock() == f"requirements/{target}.txt"


def test_the_python_is_the_oldest_that_the_project_supports() -> None:
    [version] = re.findall(r"^FROM python:(\d+\.\d+)", TEXT, re.MULTILINE)
    assert f'requires-python = ">={version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_only_named_files_reach_the_build() -> None:
    there = [
        ".env",
        ".git/config",
        "apps/x.py",
        "apps/__pycache__/x.pyc",
        "deploy/health.py",
        "deploy/secrets.sh",
    ]
    there += [
        "frontend/dist/widget.js",
        "frontend/node_modules/x.js",
        "requirements/web.txt",
        ".data/owner.json",
    ]
    assert admitted(there, (ROOT / ".dockerignore").read_text(encoding="utf-8")) == [
        "apps/x.py",
        "deploy/health.py",
        "frontend/dist/widget.js",
        "requirements/web.txt",
    ]
