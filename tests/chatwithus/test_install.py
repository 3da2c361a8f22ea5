"""The installation behind every make target, with real pip and a wheel written here, so without a network."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

INSTALL = Path(__file__).resolve().parents[2] / "chatwithus/install.py"


def wheel(folder: Path) -> Path:
    """The smallest package that pip accepts."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    files = {
        "tiny.py": "WORD = 'installed'\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


class Clone:
    """A folder with a lock of one package and, after `install`, an environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock = folder, folder / "up.txt"
        package = wheel(folder)
        digest = hashlib.sha256(package.read_bytes()).hexdigest()
        self.lock.write_text(f"tiny @ {package.as_uri()} --hash=sha256:{digest}\n")

    def install(self, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
        command = [python, str(INSTALL), str(self.folder / ".venv"), str(self.lock)]
        environment = {**os.environ, "PIP_NO_INDEX": "1"}
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def word(self) -> str:
        python = self.folder / ".venv/bin/python"
        return subprocess.check_output([python, "-c", "import tiny; print(tiny.WORD)"], text=True).strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    found = Clone(tmp_path_factory.mktemp("clone"))
    assert found.install().returncode == 0
    return found


def test_a_second_time_nothing_is_done(clone: Clone) -> None:
    assert clone.word() == "installed"
    again = clone.install()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_a_changed_lock_is_installed(clone: Clone) -> None:
    clone.lock.write_text("# a new line\n" + clone.lock.read_text())
    assert "Installing 1 packages" in clone.install().stdout
    assert clone.install().stdout == ""


def test_a_package_with_another_hash_is_refused_in_one_sentence(clone: Clone) -> None:
    good = clone.lock.read_text()
    clone.lock.write_text(good.replace("sha256:", "sha256:" + "0" * 64)[: len(good)])
    refused = clone.install()
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("The packages of ")
    clone.lock.write_text(good)


def test_after_an_interrupted_attempt_it_begins_afresh(clone: Clone) -> None:
    environment = clone.folder / ".venv"
    (environment / "unfinished").touch()
    (environment / "half-written").touch()
    assert clone.install().returncode == 0
    assert clone.word() == "installed"
    assert not (environment / "half-written").exists()
    assert not (environment / "unfinished").exists()


def test_an_environment_whose_python_is_gone_is_made_again(clone: Clone) -> None:
    python = clone.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert clone.install().returncode == 0
    assert clone.word() == "installed"
