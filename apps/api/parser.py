"""Reading JSON bodies: what is no JSON to others is none to us."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

_EXACT = 2**53


class StrictParser(Parser):
    """Refuses NaN and Infinity, which Python's own reader would take, and what is no object: a list would pass for one that
    leaves everything out."""

    def parse_body(self, request: HttpRequest) -> Any:
        found = json.loads(request.body, parse_constant=_refuse, parse_float=_number)
        if not isinstance(found, dict):
            raise ValueError("The body is not an object.")
        return found


def _number(written: str) -> float:
    """16.0 is a whole number to JSON Schema, which our document is written in."""
    found = float(written)
    return int(found) if found.is_integer() and abs(found) <= _EXACT else found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")
