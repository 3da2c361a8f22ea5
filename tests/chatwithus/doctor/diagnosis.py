"""What the doctor said about one installation."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.server import free_port

ROOT = Path(__file__).resolve().parents[3]


ROOT = Path(__file__).resolve().parents[3]
VARIABLES = {"database": "DATABASE_URL", "vectors": "VECTOR_DATABASE_URL"}
HEALTHY: set[str] = set()


@dataclass(frozen=True)
class Diagnosis:
    """What one examination said, by the names of its checks."""

    status: int
    checks: dict[str, dict[str, str]]

    @classmethod
    def read(cls, status: int, text: str) -> "Diagnosis":
        return cls(status, {one["name"]: one for one in json.loads(text)["checks"]})

    @property
    def bad(self) -> set[str]:
        return {name for name, one in self.checks.items() if one["state"] == "bad"}

    def of(self, name: str) -> str:
        """Cause and remedy; the exit status always agrees with what was found."""
        assert self.status == (1 if self.bad else 0)
        return f"{self.checks[name]['words']}: {self.checks[name]['remedy']}"


def in_another_process(folder: Path, *options: str, **variables: str) -> Diagnosis:
    """`manage.py doctor` below that folder, with these variables alone."""
    here = {"PATH": os.defpath, "PORT": str(free_port()), **variables}
    command = [sys.executable, *options, "manage.py", "doctor", "--json"]
    ended = subprocess.run(command, cwd=folder, env=here, capture_output=True, text=True)
    assert "Traceback" not in ended.stderr
    return Diagnosis.read(ended.returncode, ended.stdout)
