"""Compose files that need no services."""

import re

import pytest

from tests.deploy.compose import Compose
from tests.services import ROOT


@pytest.fixture(scope="session")
def secrets() -> list[str]:
    """The variables that .env.example leaves empty: those without which nothing starts."""
    return re.findall(r"^([A-Z_]+)=$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="session")
def anything(secrets: list[str]) -> Compose:
    """docker-compose.yml with something in each secret and all else left out."""
    return Compose(dict.fromkeys(secrets, "0123456789abcdef"))
