"""`python -m chatwithus.doctor`: what keeps an installation from working, and what to do about it.

Not a part of Django's settings: it works where these cannot be loaded, hence `manage.py doctor` leads here at once.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "✗ python  {} is {}: install Python 3.11 or newer.".format(sys.executable, sys.version.split()[0])  # noqa: UP032
    )
