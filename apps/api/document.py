"""The OpenAPI document of the API."""

from functools import cached_property
from typing import Any

import orjson
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from apps.api.reference.standins import AGENT
from apps.api.schemas import Problem


class Api(NinjaAPI):
    """The API, whose document says what `apps.api.reference` tells of each route."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Made once: anybody may ask for it, and making it takes 50 ms of everybody's time."""
        return self._document

    @cached_property
    def _document(self) -> OpenAPISchema:
        schema = super().get_openapi_schema()
        told = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= told.pop("$defs") | {"Problem": told}
        for routes in schema["paths"].values():
            for route in routes.values():
                for parameter in route["parameters"]:
                    parameter["schema"] = _not_null(parameter["schema"])
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return "_".join([*(operation.tags or ()), operation.view_func.__name__])


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that may be missing is never null: there is no null in headers and queries."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**rest, **kinds[0]}


def filled(document: dict[str, Any], *, agent: str) -> dict[str, Any]:
    """The document with its examples naming an agent that exists."""
    found: dict[str, Any] = orjson.loads(
        orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS).replace(AGENT.encode(), agent.encode())
    )
    return found
