"""A round of checks: each has its time, and none that fails hides another."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from chatwithus.doctor.findings import Finding, Skip, Trouble
from chatwithus.doctor.installation import Installation


@dataclass(frozen=True, slots=True)
class Check:
    """`look` says what is well, or raises Trouble or Skip; it is skipped unless all it `needs` are good."""

    name: str
    look: Callable[[Installation], str]
    needs: tuple[str, ...] = ()
    limit: float = 8.0


def examine(checks: Iterable[Check], installation: Installation) -> Iterator[Finding]:
    """One finding for each check, in their order, as soon as it is known."""
    unsound: set[str] = set()
    for check in checks:
        lacking = [name for name in check.needs if name in unsound]
        finding = _lacking(check, lacking) if lacking else _in_time(check, installation)
        if finding.state != "good":
            unsound.add(check.name)
        yield finding


def _lacking(check: Check, names: list[str]) -> Finding:
    return Finding(check.name, "skipped", f"{' and '.join(names)} must be good first")


def _in_time(check: Check, installation: Installation) -> Finding:
    found: SimpleQueue[Finding] = SimpleQueue()
    Thread(target=lambda: found.put(_look(check, installation)), daemon=True).start()
    try:
        return found.get(timeout=check.limit)
    except Empty:
        cause = f"there was no answer within {check.limit:.0f} s"
        return Finding(check.name, "bad", cause, "see what keeps it busy")


def _look(check: Check, installation: Installation) -> Finding:
    try:
        return Finding(check.name, "good", check.look(installation))
    except Skip as reason:
        return Finding(check.name, "skipped", str(reason))
    except Trouble as trouble:
        return Finding(check.name, "bad", str(trouble), trouble.remedy)
    except Exception as error:  # unforeseen, and no reason to hide what the other checks see
        cause = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        return Finding(check.name, "bad", cause, "see what the log of that service says")
