"""Installations for the doctor, whole and broken on purpose."""

import io
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.core.management import call_command

from chatwithus.embedded import Services
from chatwithus.embedded.processes import Child
from tests.chatwithus.doctor.diagnosis import Diagnosis
from tests.server import free_port
from tests.services import TEMPLATES
from tests.valkeys import own_valkey


@pytest.fixture(autouse=True)
def _on_a_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(free_port()))
    for name in ("HOST", "DEBUG", "EMBEDDER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def examined(worker: Child, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Diagnosis]:
    """Examines the installation of this run, with some of its variables replaced."""

    def examine_it(**variables: str) -> Diagnosis:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        out, status = io.StringIO(), 0
        try:
            call_command("doctor", as_json=True, stdout=out)
        except SystemExit as end:
            status = int(end.code or 0)
        return Diagnosis.read(status, out.getvalue())

    return examine_it


@pytest.fixture
def broken(services: Services) -> Iterator[Callable[..., str]]:
    """Makes a clone of one of the databases and breaks it as a superuser; returns the address of `app` in it."""
    names: list[str] = []

    def break_one(kind: str, *statements: str, template: str | None = None) -> str:
        names.append(f"broken_{uuid4().hex}")
        services.create_database(names[-1], template=template or TEMPLATES[kind])
        with services.cluster.connect(names[-1]) as superuser:
            for statement in statements:
                superuser.execute(statement.encode())
        return services.database_url("app", names[-1])

    yield break_one
    for name in names:
        services.drop_database(name)


@pytest.fixture(scope="module")
def second_valkey(services: Services) -> Iterator[str]:
    """The address of a Valkey that tests may spoil."""
    with own_valkey(services) as own:
        yield own.url
