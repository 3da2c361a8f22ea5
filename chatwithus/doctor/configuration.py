"""Whether the settings can be read, and whether the signing key is one."""

import os

import django
from django.core.exceptions import ImproperlyConfigured

from chatwithus.doctor.findings import Trouble
from chatwithus.doctor.installation import Installation
from chatwithus.env import Environment, weakness

REQUIRED = ("DATABASE_URL", "VECTOR_DATABASE_URL", "REDIS_URL", "SECRET_KEY")
FRESH_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"


def settings(installation: Installation) -> str:
    """All missing variables at once, else the first thing that keeps Django from starting."""
    try:
        _refuse_missing(installation.environment)
        for name in ("DATABASE_URL", "VECTOR_DATABASE_URL"):
            installation.environment.postgres(name)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatwithus.settings")
        django.setup()
    except ImproperlyConfigured as error:
        cause, _, remedy = str(error).rstrip(".").partition(": ")
        raise Trouble(cause, remedy=remedy) from error
    except ImportError as error:
        raise Trouble(str(error), remedy="install requirements/ again, as `make up` does") from error
    except ValueError as error:
        raise Trouble(f"a setting has a value that nothing can be done with ({error})") from error
    return "all variables are there"


def _refuse_missing(environment: Environment) -> None:
    missing = [name for name in REQUIRED if not environment.text(name, "")]
    if missing:
        names = ", ".join(missing[:-1]) + " and " + missing[-1] if len(missing) > 1 else missing[0]
        raise Trouble(
            f"{names} {'are' if len(missing) > 1 else 'is'} not set",
            remedy="start the embedded services with `make up`, or set what is missing (see .env.example)",
        )


def secrets(installation: Installation) -> str:
    """A key that signs sessions and visitors' tokens must be long and nobody's example."""
    key = installation.text("SECRET_KEY")
    if installation.read(lambda environment: environment.flag("DEBUG", False)):
        return "not judged, as DEBUG is on, which it must never be where strangers come"
    remedy = f"set SECRET_KEY to what this prints: {FRESH_KEY}"
    if cause := weakness(key):
        raise Trouble(f"SECRET_KEY {cause}", remedy=remedy)
    return f"the signing key has {len(key)} characters"
