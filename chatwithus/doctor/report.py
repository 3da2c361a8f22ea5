"""How findings are told: a line each to people, one JSON object to programs."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import TextIO

from django.core.management.base import OutputWrapper

from chatwithus.doctor.findings import Finding

Out = TextIO | OutputWrapper
MARKS = {"good": "✓", "bad": "✗", "skipped": "–"}
COLOURS = {"good": "\033[32m", "bad": "\033[31m", "skipped": "\033[2m"}
PLAIN = "\033[0m"


def tell_people(findings: Iterable[Finding], out: Out) -> bool:
    """Each as soon as it is known, coloured on a terminal unless NO_COLOR is set; whether nothing is bad."""
    is_coloured = out.isatty() and not os.environ.get("NO_COLOR")
    states = []
    for finding in findings:
        states.append(finding.state)
        out.write(f"{_line(finding, is_coloured=is_coloured)}\n")
        out.flush()
    bad = states.count("bad")
    out.write(f"{bad} of {len(states)} checks failed.\n" if bad else "All is well.\n")
    return bad == 0


def _line(finding: Finding, *, is_coloured: bool) -> str:
    mark = MARKS[finding.state]
    if is_coloured:
        mark = f"{COLOURS[finding.state]}{mark}{PLAIN}"
    words = f"skipped: {finding.words}" if finding.state == "skipped" else finding.words
    return f"{mark} {finding.name:<20}{words}{f': {finding.remedy}' if finding.remedy else ''}"


def tell_programs(findings: Iterable[Finding], out: Out) -> bool:
    told = [asdict(finding) for finding in findings]
    is_well = all(one["state"] != "bad" for one in told)
    out.write(json.dumps({"is_well": is_well, "checks": told}, indent=1) + "\n")
    return is_well
