"""docker-compose.yml brought up without an engine, with nothing in the environment but what .env, the file and the image say."""

import json
import os
import re
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from chatwithus.embedded import Services
from chatwithus.embedded.processes import Child
from tests.deploy.backing import DATABASES, Backing
from tests.deploy.checkout import Checkout
from tests.deploy.installation import Installation
from tests.deploy.rights import contents, rights
from tests.folders import fresh_folder
from tests.server import Visitor
from tests.services import ROOT

QUESTION = "How long do I have to return something?"


@dataclass
class Up:
    installation: Installation
    backing: Backing
    checkout: Checkout
    web: Child
    worker: Child
    reader: Child

    def rest(self) -> httpx.Client:
        """Past the proxy, by the port that is published to the host alone."""
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.checkout.ports['web']}",
            headers={"Host": "localhost"},
            timeout=30,
        )


@pytest.fixture(scope="module")
def up(services: Services) -> Iterator[Up]:
    with fresh_folder() as folder:
        folder.mkdir()
        checkout = Checkout(folder)
        installation = Installation(checkout, services.children, folder)
        backing = Backing(checkout, services.children, folder)
        installation.build()
        for name in DATABASES:
            backing.start_database(name)
        backing.start_valkey()
        installation.run("init")
        web, worker, reader = (installation.start(name) for name in ("web", "worker", "reader"))
        installation.start("beat")
        yield Up(installation, backing, checkout, web, worker, reader)
        installation.stop_all()
        backing.stop_all()


@pytest.fixture(scope="module")
def demo(up: Up) -> dict[str, str]:
    up.installation.run("demo")
    found: dict[str, str] = json.loads((up.installation.data("demo") / "demo.json").read_text())
    return found


@pytest.mark.parametrize(("server", "database"), DATABASES.items())
def test_roles_and_grants_are_those_of_make_up(
    up: Up, services: Services, server: str, database: str
) -> None:
    here = rights(partial(up.backing.connect, server, "superuser"), database)
    assert here == rights(services.cluster.connect, database)
    assert {row[0] for row in here[f"{database}: roles"]} == {"superuser", "owner", "app", "lookup"}


def test_a_database_is_healthy_once_app_can_sign_in(up: Up) -> None:
    for name in DATABASES:
        [_, command] = up.checkout.compose.services[name]["healthcheck"]["test"]
        up.backing.inside(name, command)


def test_bootstrap_run_again_takes_over_a_new_password(up: Up) -> None:
    with up.backing.connect("app-db", "superuser", "postgres") as superuser:
        superuser.execute("ALTER ROLE app PASSWORD 'forgotten' BYPASSRLS")
    up.backing.inside("app-db", "bash /docker-entrypoint-initdb.d/bootstrap.sh")
    test_a_database_is_healthy_once_app_can_sign_in(up)
    with up.backing.connect("app-db", "app", "chatwithus") as app:
        assert app.execute("SELECT rolbypassrls FROM pg_roles WHERE rolname = 'app'").fetchone() == (False,)


def test_web_becomes_ready_and_answers(up: Up) -> None:
    up.installation.wait_until_healthy("web")
    with up.rest() as rest:
        assert rest.get("/readyz").json()["status"] == "ready"
        assert rest.get("/widget.js").status_code == 200
        assert rest.get("/console/login/").status_code == 200


@pytest.mark.parametrize("name", ["worker", "reader"])
def test_each_worker_says_ready_and_answers_its_health_check(up: Up, name: str) -> None:
    up.installation.wait_for(name, " ready.")
    assert up.installation.complaint(name) == ""


def test_the_demo_is_answered_from_what_the_worker_read(up: Up, demo: dict[str, str]) -> None:
    wait_until_read(up)
    with up.rest() as rest:
        key = {"Authorization": f"Bearer {demo['api_key']}"}
        answer = rest.post("/api/v1/chat", json={"agent": demo["agent"], "message": QUESTION}, headers=key)
    assert "30 days" in answer.json()["response"]


def wait_until_read(up: Up) -> None:
    unread = "SELECT count(*) FROM knowledge_knowledge WHERE status IN ('waiting', 'working')"
    with up.backing.connect("app-db", "owner", "chatwithus") as owner:
        while owner.execute(unread).fetchone() != (0,):
            assert not up.reader.has_ended(), up.reader.last_lines()
            time.sleep(0.1)


def test_beat_catches_up_after_a_pause(up: Up) -> None:
    up.installation.wait_for("beat", "beat: Starting")
    assert up.installation.complaint("beat") == ""
    up.installation.stop("beat")
    up.installation.age_schedule()
    assert "last written" in up.installation.complaint("beat")
    up.installation.start("beat")
    up.installation.wait_for("beat", "Sending due task sweep-unscored-exchanges")
    up.installation.wait_for("worker", "Task apps.analysis.tasks.sweep_tenant")
    assert up.installation.complaint("beat") == ""


def test_processes_run_as_the_user_of_the_image_and_hold_only_the_address_of_app(up: Up) -> None:
    user = up.installation.machine.user
    for child in (up.web, up.worker, up.reader):
        [uid] = re.findall(r"^Uid:\t(\d+)", Path(f"/proc/{child.pid}/status").read_text(), re.MULTILINE)
        assert int(uid) == (user.uid if user else os.getuid()) != 0
        variables = Path(f"/proc/{child.pid}/environ").read_text()
        assert "//app:" in variables
        assert not re.search("OWNER|owner|superuser|POSTGRES_", variables)


def test_the_doctor_finds_nothing_in_the_container(up: Up) -> None:
    up.installation.wait_for("worker", " ready.")
    found = up.installation.inside("web", ["python", "manage.py", "doctor"])
    assert found.stdout.endswith("All is well.\n"), found.stdout


def test_no_library_reports_home(up: Up) -> None:
    assert "telemetry" not in up.web.log.read_text() + up.worker.log.read_text()


def test_the_proxy_redirects_to_https_and_passes_sockets(up: Up, demo: dict[str, str]) -> None:
    certificate = up.installation.start_proxy(Path(sys.executable).parent / "caddy")
    trusted = ssl.create_default_context(cafile=certificate)
    with httpx.Client(verify=trusted, timeout=30) as rest:
        moved = rest.get(f"http://localhost:{up.checkout.ports['http']}/console/")
        assert (moved.status_code, moved.headers["Location"]) == (308, f"{up.checkout.public_url}/console/")
        assert rest.get(f"{up.checkout.public_url}/readyz").headers["Strict-Transport-Security"]
        assert "Secure" in rest.get(f"{up.checkout.public_url}/console/login/").headers["Set-Cookie"]
    address = f"{up.checkout.public_url}/ws/chat/{demo['agent']}".replace("https:", "wss:")
    with connect(address, ssl=trusted, origin=Origin(up.checkout.public_url)) as socket:
        visitor = Visitor(socket)
        visitor.say("hello")
        visitor.hear("welcome")
        assert visitor.ask(QUESTION)[-1]["type"] == "reply.completed"


def test_a_backup_made_as_the_page_says_brings_everything_back(up: Up, demo: dict[str, str]) -> None:
    wait_until_read(up)
    up.installation.stop_all()
    folder = up.backing.folder("backup")
    for server, database in DATABASES.items():
        connect_as_owner = partial(up.backing.connect, server, "owner")
        before = contents(connect_as_owner, database)
        for command in page_commands(server):
            up.backing.inside(server, command, folder=folder)
        assert contents(connect_as_owner, database) == before
        assert all(before[f"{database}: {name}"] for name in ("tables", "policies", "django_migrations"))


def page_commands(server: str) -> list[str]:
    """What docs/operating.md tells to run in a container."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    return re.findall(rf"^docker compose exec -T {server} (.*)$", page, re.MULTILINE)
