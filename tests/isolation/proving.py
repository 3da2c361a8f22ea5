"""The proof's command, as these tests run it."""

import io

from django.core.management import call_command


def prove(**options: object) -> tuple[int, list[str]]:
    """The command's exit status and what it said."""
    out, status = io.StringIO(), 0
    try:
        call_command("prove_isolation", stdout=out, **options)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, out.getvalue().splitlines()
