"""Where the tests' browser is; run as a program it installs one when there is none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = "install Chromium, or point CHROMIUM at the program of an installed one."


def find() -> str:
    """The path of a Chromium: CHROMIUM, one on the PATH, or Playwright's own; raises LookupError without."""
    for candidate in _candidates():
        if os.access(candidate, os.X_OK):
            return candidate
    raise LookupError(f"The tests need a browser and found none: {REMEDY}")


def _candidates() -> Iterator[str]:
    if chosen := os.environ.get("CHROMIUM"):
        yield shutil.which(chosen) or chosen
        return
    for name in NAMES:
        if path := shutil.which(name):
            yield path
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    for found in sorted(cache.glob("chromium*-*/chrome*-linux*/*chrom*"), reverse=True):
        if found.name in ("chrome", "headless_shell", "chrome-headless-shell"):
            yield str(found)


def install() -> None:
    """Debian's package as root, Playwright's own otherwise."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        commands = [
            ["apt-get", "update"],
            ["apt-get", "install", "-y", "--no-install-recommends", "chromium"],
        ]
    else:
        commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    for command in commands:
        print("  " + " ".join(command), flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode != 0:
            sys.exit(f"`{' '.join(command)}` failed (it says why above): {REMEDY}")


def main() -> None:
    """Say which browser the tests use, after installing one if need be."""
    try:
        path = find()
    except LookupError:
        if os.environ.get("CHROMIUM"):
            sys.exit(f"CHROMIUM={os.environ['CHROMIUM']} is not a program: {REMEDY}")
        print("No browser found, installing one:", flush=True)
        install()
        path = find()
    print(f"  browser   {path}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except LookupError as error:
        sys.exit(str(error))
