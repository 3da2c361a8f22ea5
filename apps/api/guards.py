"""Who may use a REST route. Cookies count for nothing here: a browser that happens to be signed in is a stranger."""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from apps.tenants.access import Admitted


class ByKey(HttpBearer):
    """A tenant's API key; the middleware has read it and entered the tenant's scope."""

    openapi_bearerFormat = "cwu_sk_…"  # noqa: N815  (OpenAPI's spelling)

    def __call__(self, request: HttpRequest) -> Admitted | None:
        return self.authenticate(request, "")

    def authenticate(self, request: HttpRequest, token: str) -> Any | None:
        admitted: Admitted | None = getattr(request, "admitted", None)
        return admitted if admitted is not None and admitted.role == "key" else None
