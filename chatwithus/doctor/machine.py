"""What the machine gives: Python, disk, port, and the files that came with the program."""

import re
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from apps.agents.embedders import catalogue, minilm
from chatwithus.address import Address
from chatwithus.doctor.findings import Skip, Trouble
from chatwithus.doctor.installation import Installation
from chatwithus.embedded.folder import CannotStart

GIB = 1024**3


def python(installation: Installation) -> str:
    """An older one never gets here: see `chatwithus/doctor/__init__.py`."""
    return f"{sys.version.split()[0]} at {sys.executable}"


def disk(installation: Installation, *, room: int = GIB) -> str:
    """The data folder, or the nearest that exists above it, takes a file and has room."""
    place = next(path for path in (installation.folder, *installation.folder.parents) if path.exists())
    try:
        tempfile.TemporaryFile(dir=place).close()
    except OSError as error:
        cause = f"cannot write to {place} ({error.strerror})"
        if installation.is_configured:
            raise Skip(f"{cause}, which only beat and the demo need to") from error
        raise Trouble(
            cause,
            remedy="give yourself the right to write there, or choose another folder with DATA_DIR",
        ) from error
    free = shutil.disk_usage(place).free
    if free < room:
        raise Trouble(
            f"{place} has {free / GIB:.1f} GiB left and needs {room / GIB:.0f}",
            remedy="make room, or choose a folder on another disk with DATA_DIR",
        )
    return f"{installation.folder} has {free / GIB:.0f} GiB left"


def port(installation: Installation) -> str:
    """Free, or taken by ourselves: our widget is served whatever the state of the rest."""
    address = address_of(installation)
    try:
        address.claim()
    except CannotStart as error:
        if _is_ours(address):
            return f"{address.port} is served by Chat With Us"
        raise _told(error) from error
    return f"{address.port} is free, so nothing is served there yet"


def address_of(installation: Installation) -> Address:
    try:
        known = {name: installation.text(name, "") for name in ("HOST", "PORT", "PUBLIC_URL")}
        return Address.read(known | {"PORT": known["PORT"] or str(urlsplit(known["PUBLIC_URL"]).port or "")})
    except CannotStart as error:
        raise _told(error) from error


def _told(error: CannotStart) -> Trouble:
    """Its sentence says cause and remedy with a colon between them."""
    cause, _, remedy = str(error).rstrip(".").partition(": ")
    return Trouble(cause, remedy=remedy)


def _is_ours(address: Address) -> bool:
    status, body = address.get("/widget.js")
    return status == 200 and b"chatwithus:" in body


def bundles(installation: Installation) -> str:
    """What pages ask for is built and committed."""
    wanted = {"widget.js", *_asked_for(installation.root)}
    folder = installation.root / "frontend" / "dist"
    folders = [folder, *(installation.root / "apps").glob("*/static")]
    lacking = sorted(name for name in wanted if not any(_has_content(one / name) for one in folders))
    if lacking:
        raise Trouble(
            f"{folder} lacks {', '.join(lacking)}",
            remedy="restore it with `git checkout -- frontend/dist`, or build it (see frontend/package.json)",
        )
    return f"{len(wanted)} front-end files are there"


def _asked_for(root: Path) -> set[str]:
    pages = (root / "apps").glob("*/templates/**/*.html")
    named = {name for page in pages for name in re.findall(r"{% static '([^']+)'", page.read_text("utf-8"))}
    return {name for name in named if not name.startswith("ninja/")}  # that comes with its package


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def embedder(installation: Installation) -> str:
    """There is such an embedder, and the files of the packaged one, which older vectors need too, are those this version was measured with."""
    name = installation.text("EMBEDDER", "minilm")
    kind, _, model = name.partition(":")
    if kind not in catalogue.EMBEDDERS or (kind == "minilm") == bool(model):
        remote = ", ".join(f"{one}:MODEL" for one in catalogue.EMBEDDERS if one != "minilm")
        raise Trouble(f"there is no embedder {name}", remedy=f"set EMBEDDER to minilm or one of {remote}")
    try:
        sizes = [len(minilm.checked(*file)) for file in (minilm.WEIGHTS, minilm.TOKENIZER)]
    except minilm.ModelFileError as error:
        remedy = "install the packages again (remove .venv, then `make up`)"
        raise Trouble(str(error).partition(";")[0], remedy=remedy) from error
    asked = f"{name}, whose dimension is looked at when serving begins; " if model else ""
    return f"{asked}{minilm.MiniLM.model}, {sum(sizes) / 1e6:.0f} MB with the expected digests"
