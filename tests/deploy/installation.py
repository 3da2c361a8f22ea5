"""What `docker compose up` starts, as processes of this machine: each of our services with its own command and environment from
docker-compose.yml and the image, as the image's user, and with nothing else."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from chatwithus.embedded.children import Children
from chatwithus.embedded.processes import Child
from tests.deploy.checkout import Checkout
from tests.deploy.dockerfile import Image
from tests.deploy.machine import Machine

AGE = """
import datetime, shelve, sys
with shelve.open(sys.argv[1], writeback=True) as kept:
    for entry in kept["entries"].values():
        entry.last_run_at -= datetime.timedelta(hours=1)
"""


class Installation:
    """Keeps its children among those of the test services, so that none outlives the run."""

    def __init__(self, checkout: Checkout, children: Children, folder: Path) -> None:
        self._checkout, self._compose, self._children = checkout, checkout.compose, children
        self._running: dict[str, Child] = {}
        self.machine = Machine(folder)

    def build(self) -> None:
        for target in ("web", "worker"):
            self.machine.build(Image(target))

    def environment(self, service: str) -> dict[str, str]:
        image = self._compose.image(service)
        given = image.environment() | self._compose.environment(service) | self.machine.libraries
        venv = str(self.machine.folder / image.target / "venv")
        path = given["PATH"].replace("/opt/venv", venv).replace("$PATH", os.defpath)
        here = {"PATH": path, "PORT": str(self._checkout.ports["web"])}
        return {name: self._here(value, service) for name, value in given.items()} | here

    def start(self, service: str) -> Child:
        variables = self.environment(service)
        words = [self._here(word, service) for word in self._compose.command(service)]
        self._running[service] = self._children.start(
            f"compose-{service}",
            [shutil.which(words[0], path=variables["PATH"]) or words[0], *words[1:]],
            environment=variables,
            user=self.machine.user,
            folder=self._home(service),
        )
        return self._running[service]

    def run(self, service: str) -> None:
        """A service that comes to an end, which has to be a good one."""
        child = self.start(service)
        while not child.has_ended():
            self._children.pause(0.05)
        self.stop(service)
        assert child.process.returncode == 0, "\n".join(child.last_lines())

    def stop(self, service: str) -> None:
        self._children.stop(self._running.pop(service), patience=20)

    def stop_all(self) -> None:
        for service in reversed(list(self._running)):
            self.stop(service)

    def wait_for(self, service: str, line: str) -> None:
        """Until its log says so."""
        child = self._running[service]
        self._children.wait_for(
            child,
            lambda: line in child.log.read_text(errors="replace"),
            patience=60,
            remedy=f"see {child.log}",
        )

    def wait_until_healthy(self, service: str) -> None:
        child = self._running[service]
        self._children.wait_for(
            child, lambda: not self.complaint(service), patience=60, remedy=f"see {child.log}"
        )

    def complaint(self, service: str) -> str:
        """What its health check says; nothing where it is content."""
        asked = self.inside(service, self._compose.health(service))
        assert (asked.returncode == 0) == (asked.stderr == ""), asked.stderr
        return asked.stderr

    def inside(self, service: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        """A command as by `docker compose exec`."""
        return self.machine.run(command, self.environment(service), folder=self._home(service))

    def start_proxy(self, caddy: Path) -> Path:
        """The proxy in front of web, on ports that need no privilege; returns its own authority's certificate."""
        home, ports = self.data("caddy"), self._checkout.ports
        text = (self._checkout.folder / "deploy/caddy/Caddyfile").read_text(encoding="utf-8")
        text = text.replace("{\n", f"{{\n\thttp_port {ports['http']}\n\tadmin off\n", 1)
        text = text.replace("dynamic a web 8000", f"dynamic a 127.0.0.1 {ports['web']}")
        (home / "Caddyfile").write_text(text, encoding="utf-8")
        self._running["caddy"] = self._children.start(
            "compose-caddy",
            [caddy, "run", "--config", home / "Caddyfile", "--adapter", "caddyfile"],
            environment=self._compose.environment("caddy")
            | {"XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)},
            user=self.machine.user,
            folder=home,
        )
        self.wait_for("caddy", "certificate obtained successfully")
        return home / "caddy/pki/authorities/local/root.crt"

    def age_schedule(self) -> None:
        """As if beat had last been at work an hour ago."""
        schedule = self.data("beat") / "celerybeat-schedule"
        aged = self.inside("beat", ["python", "-c", AGE, str(schedule)])
        assert aged.returncode == 0, aged.stderr
        for path in schedule.parent.glob("celerybeat-schedule*"):
            os.utime(path, (0, 0))

    def data(self, service: str) -> Path:
        """The /data of a service: its user may write there where a volume is mounted, and nowhere else."""
        folder = self.machine.folder / "data" / service
        if not folder.exists():
            folder.mkdir(parents=True)
            volumes = self._compose.services[service].get("volumes", [])
            if self.machine.user and any(volume.endswith(":/data") for volume in volumes):
                os.chown(folder, self.machine.user.uid, self.machine.user.gid)
        return folder

    def _home(self, service: str) -> Path:
        return self.machine.folder / self._compose.image(service).target / "app"

    def _here(self, text: str, service: str) -> str:
        return re.sub(r"^/data(?=/|$)", str(self.data(service)), self._checkout.here(text))
