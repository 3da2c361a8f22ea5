"""The doctor where all is well, and where settings are not."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from chatwithus.embedded import Services
from chatwithus.embedded.processes import Child
from tests.chatwithus.doctor.diagnosis import HEALTHY, ROOT, Diagnosis, in_another_process
from tests.server import Server
from tests.services import environment


class TestWhatIsWell:
    def test_nothing_is_wrong_and_the_exit_status_is_0(self, examined: Callable[..., Diagnosis]) -> None:
        diagnosis = examined()
        assert (diagnosis.status, diagnosis.bad) == (0, HEALTHY)
        skipped = {name for name, one in diagnosis.checks.items() if one["state"] == "skipped"}
        assert skipped <= {
            "beat",
            "cache",
            "limits",
        }  # it does not run here, and nobody may have asked anything yet
        assert "vector 0." in diagnosis.of("vectors extension")

    def test_people_read_a_line_for_each_check(self, worker: Child) -> None:
        out = io.StringIO()
        call_command("doctor", stdout=out)
        lines = out.getvalue().splitlines()
        assert lines[-1] == "All is well."
        assert {line[0] for line in lines[:-1]} == {"✓", "–"}

    def test_our_own_server_may_have_the_port(
        self, examined: Callable[..., Diagnosis], server: Server
    ) -> None:
        assert "is served by Chat With Us" in examined(PORT=str(server.port)).of("port")


class TestSettings:
    """What keeps Django's settings from loading, so most of these are programs of their own."""

    def test_without_any_variable_all_missing_ones_are_named_at_once(self, tmp_path: Path) -> None:
        diagnosis = in_another_process(ROOT, DATA_DIR=str(tmp_path))
        assert diagnosis.bad == {"settings"}
        said = diagnosis.of("settings")
        assert said.startswith(
            "DATABASE_URL, VECTOR_DATABASE_URL, REDIS_URL and SECRET_KEY are not set: start"
        )
        assert diagnosis.checks["database role"]["words"] == "database must be good first"

    def test_a_missing_variable_hides_nothing_else(self, services: Services, tmp_path: Path) -> None:
        """In a copy of the program without its front end, with one variable missing and another senseless."""
        for name in ("apps", "chatwithus", "consumers"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "manage.py", tmp_path)
        given = environment(services)
        del given["SECRET_KEY"]
        diagnosis = in_another_process(tmp_path, **given, EMBEDDER="oracle")
        assert diagnosis.bad >= {"settings", "front end", "embedder"}
        assert "SECRET_KEY is not set" in diagnosis.of("settings")
        assert "frontend/dist lacks console.css" in diagnosis.of("front end")
        assert "there is no embedder oracle: set EMBEDDER to minilm" in diagnosis.of("embedder")
        assert diagnosis.checks["database walls"]["state"] == "good"
        assert diagnosis.checks["database migrations"]["words"] == "settings must be good first"

    def test_a_malformed_variable_is_named(self, services: Services) -> None:
        diagnosis = in_another_process(ROOT, **environment(services), DEBUG="maybe")
        assert "DEBUG must be true or false, not 'maybe'" in diagnosis.of("settings")

    def test_an_address_where_sessions_can_be_read_is_named(self, services: Services) -> None:
        diagnosis = in_another_process(ROOT, **environment(services) | {"PUBLIC_URL": "http://chat.example"})
        assert "PUBLIC_URL is http://chat.example, where sessions" in diagnosis.of("settings")
        assert "https://" in diagnosis.of("settings")

    def test_a_password_that_breaks_the_address_is_not_shown(
        self, examined: Callable[..., Diagnosis]
    ) -> None:
        diagnosis = examined(DATABASE_URL="postgresql://app:hunter2/half@127.0.0.1/chatwithus")
        assert diagnosis.of("settings").startswith("DATABASE_URL is not an address: write postgresql://")
        assert "hunter2" not in json.dumps(diagnosis.checks)

    def test_a_secret_file_that_is_not_there_is_named(
        self, examined: Callable[..., Diagnosis], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SECRET_KEY")
        diagnosis = examined(SECRET_KEY_FILE="/nowhere/key")
        assert "SECRET_KEY_FILE points at /nowhere/key" in diagnosis.of("settings")

    def test_a_damaged_file_of_addresses_is_named(
        self, examined: Callable[..., Diagnosis], tmp_path: Path
    ) -> None:
        (tmp_path / "run.json").write_text("{")
        assert f"{tmp_path}/run.json cannot be read" in examined(DATA_DIR=str(tmp_path)).of("settings")

    def test_missing_packages_are_named(self) -> None:
        ended = subprocess.run(
            [sys.executable, "-S", "manage.py", "doctor"], cwd=ROOT, capture_output=True, text=True
        )
        assert ended.returncode == 1
        assert ended.stderr.startswith("✗ packages  ")
        assert "is not installed" in ended.stderr

    @pytest.mark.parametrize(
        ("key", "cause"),
        [("change-me-" * 6, "is a placeholder"), ("short", "can be guessed"), ("ab" * 40, "can be guessed")],
    )
    def test_a_signing_key_that_others_know_is_named(
        self, examined: Callable[..., Diagnosis], key: str, cause: str
    ) -> None:
        diagnosis = examined(SECRET_KEY=key)
        assert diagnosis.bad == {"secrets"}
        assert cause in diagnosis.of("secrets")
        assert "token_urlsafe" in diagnosis.of("secrets")
        assert examined(DEBUG="true").bad == HEALTHY
