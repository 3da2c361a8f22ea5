"""Parsers in their child: each file that would harm ends with a reason that a person understands, and the next is read."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from apps.knowledge import contained
from apps.knowledge.sniff import Unreadable
from tests.knowledge import hostile
from tests.knowledge.test_partition import pdf
from tests.services import ROOT

LONG = b"<h2>Depots</h2><p>%s</p>" % (hostile.WORDS.encode() * 40) * 4000


@pytest.fixture(autouse=True, scope="module")
def warm() -> None:
    """The first child waits for the server's imports; what is timed here is the files."""
    reason("x.md", b"words")


def reason(name: str, content: bytes) -> str:
    """What whoever uploaded it reads; empty where it was read, a status where the child died."""
    try:
        contained.run("document", name, content)
    except Unreadable as error:
        return error.reason
    except contained.Died as error:
        return str(error)
    return ""


@pytest.mark.parametrize("files", ["bombs", "entities", "liars"])
def test_what_harms_or_lies_is_refused_in_words(files: str) -> None:
    for name, content in getattr(hostile, files)():
        began = time.monotonic()
        said = reason(name, content)
        assert said[:1].isupper(), name
        assert said.endswith("."), name
        assert not any(sign in said for sign in ("Error", "Traceback", "0x", "/")), said
        assert time.monotonic() - began < 5, name


def test_entities_are_refused_as_what_they_are() -> None:
    """Whatever the encoding: the parser would refuse some of them as damaged, and others not at all."""
    said = {reason(name, content) for name, content in hostile.entities()}
    assert said == {"The document declares entities, which no Office program writes."}


def test_pdfs_made_to_break_readers_end_within_seconds() -> None:
    for name, content in hostile.pdfs():
        began = time.monotonic()
        said = reason(name, content)
        assert time.monotonic() - began < 10, name
        assert said or name in {"xref.pdf", "prev.pdf", "length.pdf"}, f"{name} was read"
    assert reason("x.pdf", pdf(hostile.WORDS)) == ""


def test_what_only_looks_odd_is_read(tmp_path: Path) -> None:
    slipped = [Path("/tmp/slipped"), Path("/tmp/escaped.md")]
    for name, content, phrase in hostile.harmless():
        found = contained.run("document", name, content)["passages"]
        assert phrase in " ".join(one["text"] for one in found), name
    assert not any(path.exists() for path in slipped)


@pytest.mark.parametrize(
    ("name", "content"),
    [("long.html", LONG), ("brackets.md", b"[" * 200_000), ("columns.csv", b"a," * 9_000_000)],
    ids=["long", "crafted against expressions", "of many columns"],
)
def test_a_parser_that_takes_too_long_is_ended(settings: Any, name: str, content: bytes) -> None:
    settings.PARSE_SECONDS = 1
    began = time.monotonic()
    assert reason(name, content) == contained.SLOW
    assert time.monotonic() - began < 2 * (1 + contained.LATE), "by the clock, however busy the machine is"


def test_a_parser_that_does_nothing_is_ended_in_the_same_time(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No bound on its processor ends one that waits."""
    settings.PARSE_SECONDS = 1
    monkeypatch.setattr(contained, "LATE", 0)
    stopped = threading.Thread(target=_send_the_first, args=[signal.SIGSTOP])
    stopped.start()
    began = time.monotonic()
    assert reason("long.html", LONG) == contained.SLOW
    assert time.monotonic() - began < 10
    stopped.join()


def test_one_that_says_more_than_can_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "LARGEST_ANSWER", 40)
    assert reason("x.md", hostile.WORDS.encode() * 10) == contained.WORDY


def test_a_parser_that_takes_too_much_memory_ends_alone(settings: Any) -> None:
    """It says so, unless it was native code that met the bound: that crashes."""
    settings.PARSE_MEMORY_MB = 24
    assert reason("long.html", LONG) in {contained.GREEDY, "status -11", "status -6"}
    settings.PARSE_MEMORY_MB = 1024
    assert reason("x.md", hostile.WORDS.encode()) == ""


def test_a_parser_that_is_killed_costs_its_own_document_alone() -> None:
    ended = threading.Thread(target=_send_the_first, args=[signal.SIGKILL])
    ended.start()
    with pytest.raises(contained.Died):
        contained.run("document", "long.html", LONG)
    ended.join()
    assert reason("x.md", hostile.WORDS.encode()) == ""


def test_several_at_once_do_not_meet(settings: Any) -> None:
    said: dict[str, str] = {}
    files = [
        ("good.md", hostile.WORDS.encode()),
        ("bad.pdf", b"%PDF-1.4"),
        ("good.txt", hostile.WORDS.encode()),
    ]
    readers = [threading.Thread(target=lambda f=file: said.update({f[0]: reason(*f)})) for file in files]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert (said["good.md"], said["good.txt"]) == ("", "")
    assert "cut off" in said["bad.pdf"]


def _send_the_first(sign: signal.Signals) -> None:
    """To the first process that appears below the server of parsers."""
    before = set(_descendants(os.getpid()))
    while not (new := set(_descendants(os.getpid())) - before):
        time.sleep(0.005)
    time.sleep(0.3)  # into the parsing
    for pid in new:
        os.kill(pid, sign)


def _descendants(pid: int) -> Iterable[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _descendants(int(child))


IN_THE_POOL = """
import billiard
from apps.knowledge import contained
from tests.knowledge import hostile

child = billiard.Process(target=contained.run, args=("document", "x.md", hostile.WORDS.encode()))
child.daemon = True
child.start()
child.join()
raise SystemExit(child.exitcode)
"""


def test_a_process_of_celerys_pool_may_have_parsers() -> None:
    """It is told that it may have no children, and has an identity that multiprocessing cannot use."""
    subprocess.run([sys.executable, "-c", IN_THE_POOL], cwd=ROOT, timeout=300, check=True)
