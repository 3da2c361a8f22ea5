"""The doctor on a queue without a worker, and on checks that hang."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from chatwithus.doctor import broker, report
from chatwithus.doctor.checkup import Check, examine
from chatwithus.doctor.findings import Finding, Trouble
from chatwithus.doctor.installation import Installation
from chatwithus.embedded import Services
from tests.chatwithus.doctor.diagnosis import ROOT, Diagnosis
from tests.server import free_port
from tests.services import environment


@contextmanager
def spoilt(address: str, command: tuple[str, ...], *, cure: tuple[str, ...]) -> Iterator[None]:
    with redis.Redis.from_url(address) as client:
        client.execute_command(*command)
        yield
        client.execute_command(*cure)


AILMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "a replica": (
        ("REPLICAOF", "127.0.0.1", "1"),
        ("REPLICAOF", "NO", "ONE"),
        "is a read-only replica: put the address of the primary",
    ),
    "full": (
        ("CONFIG", "SET", "maxmemory", "1"),
        ("CONFIG", "SET", "maxmemory", "0"),
        "is full: raise its maxmemory",
    ),
}


class TestQueue:
    @pytest.mark.parametrize("ailment", AILMENTS)
    def test_what_ails_valkey_is_named(
        self, ailment: str, second_valkey: str, examined: Callable[..., Diagnosis]
    ) -> None:
        command, cure, words = AILMENTS[ailment]
        with spoilt(second_valkey, command, cure=cure):
            diagnosis = examined(REDIS_URL=second_valkey)
        assert diagnosis.bad == {"valkey"}
        assert words in diagnosis.of("valkey")

    def test_a_policy_that_drops_work_is_named(self, second_valkey: str) -> None:
        command = ("CONFIG", "SET", "maxmemory-policy")
        with (
            spoilt(second_valkey, (*command, "allkeys-lru"), cure=(*command, "noeviction")),
            pytest.raises(Trouble, match="is allkeys-lru, which may drop queued work") as raised,
        ):
            broker.eviction(Installation({"REDIS_URL": second_valkey}))
        assert raised.value.remedy == "set maxmemory-policy to noeviction"

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("redis://127.0.0.1:{closed}/0", "Connection refused"),
            ("redis://:wrong@127.0.0.1:{port}/0", "refuses the password: correct the password in REDIS_URL"),
            ("redis://127.0.0.1:{port}/0", "refuses the password"),
            ("http://127.0.0.1:{port}", "REDIS_URL is not an address"),
        ],
    )
    def test_a_valkey_that_cannot_be_used_is_named(
        self, services: Services, examined: Callable[..., Diagnosis], address: str, words: str
    ) -> None:
        diagnosis = examined(REDIS_URL=address.format(closed=free_port(), port=services.valkey.port))
        assert diagnosis.bad == {"valkey"}
        assert words in diagnosis.of("valkey")
        assert diagnosis.checks["worker"]["state"] == "skipped"

    def test_a_missing_worker_is_named(self, services: Services, examined: Callable[..., Diagnosis]) -> None:
        """None works at another numbered database of the same Valkey."""
        diagnosis = examined(REDIS_URL=services.redis_url(7))
        assert diagnosis.bad == {"worker"}
        assert (
            "nobody serves celery and reading (asked for 3 s): start one: celery -A chatwithus worker"
            in diagnosis.of("worker")
        )

    def test_a_beat_that_fell_silent_is_named(
        self, services: Services, examined: Callable[..., Diagnosis], tmp_path: Path
    ) -> None:
        """A real one writes its schedule, ends, and grows old."""
        schedule = _schedule_of_a_real_beat(services, tmp_path)
        assert "wrote its schedule" in examined(DATA_DIR=str(tmp_path)).of("beat")
        for path in schedule:
            os.utime(path, (0, time.time() - 600))
        diagnosis = examined()
        assert diagnosis.bad == {"beat"}
        assert "has not written" in diagnosis.of("beat")
        assert "celery -A chatwithus beat" in diagnosis.of("beat")


def _schedule_of_a_real_beat(services: Services, folder: Path) -> list[Path]:
    command = [sys.executable, "-m", "celery", "-A", "chatwithus", "beat", "--pidfile="]
    here = {**os.environ, **environment(services), "DATA_DIR": str(folder)}
    child = services.children.start("beat", command, environment=here, folder=ROOT)
    services.children.wait_for(child, lambda: any(folder.iterdir()), patience=30, remedy="see its log")
    services.children.stop(child, patience=5)
    return list(folder.glob("celerybeat-schedule*"))


class TestARound:
    def installation(self, folder: Path) -> Installation:
        return Installation({"DATA_DIR": str(folder)})

    def test_a_check_that_takes_too_long_hides_no_other(self, tmp_path: Path) -> None:
        checks = [
            Check("endless", lambda installation: str(threading.Event().wait()), limit=0.05),
            Check("next", lambda installation: "was made"),
        ]
        found = [(one.name, one.state) for one in examine(checks, self.installation(tmp_path))]
        assert found == [("endless", "bad"), ("next", "good")]

    def test_a_check_that_breaks_is_itself_a_finding(self, tmp_path: Path) -> None:
        (found,) = examine([Check("odd", lambda installation: str(1 / 0))], self.installation(tmp_path))
        assert found.words == "ZeroDivisionError: division by zero"

    def test_what_needs_a_skipped_check_is_skipped(self, tmp_path: Path) -> None:
        checks = [
            Check("first", lambda installation: installation.text("DATABASE_URL")),
            Check("second", lambda installation: "made", needs=("first",)),
            Check("third", lambda installation: "made", needs=("second",)),
        ]
        found = [(one.state, one.words) for one in examine(checks, self.installation(tmp_path))]
        assert found == [
            ("skipped", "DATABASE_URL is not set"),
            ("skipped", "first must be good first"),
            ("skipped", "second must be good first"),
        ]

    @pytest.mark.parametrize(("no_colour", "is_coloured"), [("", True), ("1", False)])
    def test_colour_is_for_terminals_and_never_alone(
        self, monkeypatch: pytest.MonkeyPatch, no_colour: str, is_coloured: bool
    ) -> None:
        monkeypatch.setenv("NO_COLOR", no_colour)
        reader, writer = os.openpty()
        with open(writer, "w") as terminal:
            is_well = report.tell_people([Finding("disk", "bad", "is full", "make room")], terminal)
            terminal.flush()
            said = ""
            while "checks failed" not in said:  # what goes to a terminal arrives in parts
                said += os.read(reader, 4096).decode()
        os.close(reader)
        assert not is_well
        assert ("\033[31m✗" in said) is is_coloured
        assert "✗" in said
        assert "is full: make room" in said
        assert said.splitlines()[-1] == "1 of 1 checks failed."
