"""The image without an engine: its Python, packages and files in folders that its user may read and not write."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chatwithus.embedded.processes import User
from tests.deploy.dockerfile import Image, admitted
from tests.services import ROOT

NOT_OURS = {".git", ".venv", ".data", "node_modules"}
NOT_NEEDED = ("site-packages", "test", "tests", "config-*", "idlelib", "tkinter", "__pycache__")


class Machine:
    """Below one folder. The user is the image's where root runs the tests; else whoever runs them, who is ordinary already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = User("app", *Image("web").user()) if os.geteuid() == 0 else None
        self.libraries: dict[str, str] = {}
        self._python = os.path.realpath(sys.executable)
        if not self.may("-x", Path(self._python)):
            self._copy_python()
        packages = Path(str(importlib.metadata.distribution("django").locate_file("django/__init__.py")))
        if not self.may("-r", packages):
            pytest.skip(f"Another user cannot read {packages}: put the project where others may pass.")

    def may(self, how: str, path: Path) -> bool:
        """Whether the user may do what an option of test(1) asks."""
        return self.run(["test", how, str(path)], {"PATH": os.defpath}).returncode == 0

    def run(
        self, command: list[str], variables: dict[str, str], *, folder: Path = Path("/")
    ) -> subprocess.CompletedProcess[str]:
        """A command as the user, with these variables and no others."""
        found = shutil.which(command[0], path=variables["PATH"]) or command[0]
        return subprocess.run(
            [found, *command[1:]],
            env=variables,
            cwd=folder,
            user=self.user.uid if self.user else None,
            group=self.user.gid if self.user else None,
            extra_groups=[] if self.user else None,
            capture_output=True,
            text=True,
        )

    def build(self, image: Image) -> None:
        """The packages of its lock file and no others, and of the project what the Dockerfile copies."""
        home = self.folder / image.target
        subprocess.run([self._python, "-m", "venv", "--without-pip", home / "venv"], check=True)
        self._install(ROOT / image.lock(), home / "venv")
        for source, destination in _copied(image):
            (home / "app" / destination).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, home / "app" / destination)
        compile_all = [str(home / "venv/bin/python"), "-m", "compileall", "-q", "."]
        subprocess.run(compile_all, cwd=home / "app", check=True)

    def _install(self, lock: Path, venv: Path) -> None:
        """Links to what is installed beside the tests; what is not is for other systems."""
        packages = next(venv.glob("lib/python*/site-packages"))
        for name in re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock.read_text(encoding="utf-8"), re.MULTILINE):
            with suppress(importlib.metadata.PackageNotFoundError):
                _link(importlib.metadata.distribution(name), packages)
        script = venv / "bin" / "celery"
        script.write_text(f"#!{venv}/bin/python\nfrom celery.__main__ import main\nmain()\n")
        script.chmod(0o755)

    def _copy_python(self) -> None:
        """Ours lies in a folder that the user may not enter."""
        copy, version = self.folder / "python", f"python{sysconfig.get_python_version()}"
        (copy / "bin").mkdir(parents=True)
        self._python = shutil.copy(self._python, str(copy / "bin" / version))
        ignored = shutil.ignore_patterns(*NOT_NEEDED)
        shutil.copytree(sysconfig.get_path("stdlib"), copy / "lib" / version, ignore=ignored)
        if sysconfig.get_config_var("Py_ENABLE_SHARED"):
            name = sysconfig.get_config_var("INSTSONAME")
            shutil.copy(Path(sysconfig.get_config_var("LIBDIR"), name), copy / "lib" / name)
            self.libraries = {"LD_LIBRARY_PATH": str(copy / "lib")}


def _link(package: importlib.metadata.Distribution, packages: Path) -> None:
    for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
        with suppress(FileExistsError):  # a folder that two packages share
            (packages / top).symlink_to(Path(str(package.locate_file(top))).resolve())


def _copied(image: Image) -> Iterator[tuple[str, str]]:
    """Files that reach the image, as paths below the project and below the working directory."""
    let_in = admitted(list(_files()), (ROOT / ".dockerignore").read_text(encoding="utf-8"))
    for source, destination in image.copied():
        for path in let_in:
            if path == source:
                yield path, f"{destination}{Path(path).name}"
            elif path.startswith(f"{source}/"):
                yield path, f"{destination}{path.removeprefix(f'{source}/')}"


def _files() -> Iterator[str]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        yield from (str((Path(folder) / name).relative_to(ROOT)) for name in names)
