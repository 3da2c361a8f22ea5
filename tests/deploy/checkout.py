"""A checkout with its own .env, and what Compose makes of both."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.deploy.compose import Compose, read_env
from tests.server import free_port
from tests.services import ROOT

BACKING = ("app-db", "vector-db", "valkey")
SCRIPTS = "/docker-entrypoint-initdb.d"


class Checkout:
    """Made as a person does it: take the files, let the secrets be made, say where people come in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.ports = {name: free_port() for name in (*BACKING, "web", "https", "http")}
        self.public_url = f"https://localhost:{self.ports['https']}"
        shutil.copytree(ROOT / "deploy", self.folder / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / ".env.example", self.folder)
        make_secrets(self.folder)
        with open(self.folder / ".env", "a") as file:
            file.write(f"PUBLIC_URL={self.public_url}\nALLOWED_HOSTS=localhost\n")
        self.compose = Compose(read_env(self.folder / ".env"))

    def here(self, text: str) -> str:
        """Names of containers become addresses of this machine, what is mounted into them becomes the checkout."""
        for name in BACKING:
            text = re.sub(rf"\b{name}:\d+", f"127.0.0.1:{self.ports[name]}", text)
        proxy = self.compose.services["caddy"]["networks"]["edge"]["ipv4_address"]
        return text.replace(proxy, "127.0.0.1").replace(SCRIPTS, str(self.folder / "deploy/postgres"))


def make_secrets(folder: Path) -> None:
    """The way the operator's page says; the folder is a checkout."""
    subprocess.run(["sh", folder / "deploy/secrets.sh"], check=True, env={"PATH": os.defpath})
