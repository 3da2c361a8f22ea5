"""Reading JSON bodies: what is no JSON to others is none to us."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser


class StrictParser(Parser):
    """Refuses NaN and Infinity, which Python's own reader would take, and what is no object: a list would pass for one that
    leaves everything out."""

    def parse_body(self, request: HttpRequest) -> Any:
        found = json.loads(request.body, parse_constant=_refuse)
        if not isinstance(found, dict):
            raise ValueError("The body is not an object.")
        return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")
