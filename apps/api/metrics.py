"""`/metrics` for Prometheus: of this process, by names of routes, limits and outcomes, never of tenants, agents or people; so how many
series there are does not grow with them."""

import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Histogram, generate_latest

from apps.api.guards import bearer
from apps.tenants.address import PEER

FORWARDED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_seconds = Histogram(
    "cwu_http_request_seconds",
    "Until the first byte of an answer",
    ["method", "route", "status"],
    buckets=(0.01, 0.05, 0.25, 1, 5, 30),
)


@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """To programs of this machine, and to whoever has METRICS_TOKEN; for everybody else there is no such page."""
    if not (_is_local(request) or _has_token(request)):
        raise Http404
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


metrics.guard = "metrics"  # type: ignore[attr-defined]


class MeasuringMiddleware:
    """Counts answers, and how long they took, by the pattern of their route."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = await self.get_response(request)
        match = request.resolver_match
        route = match.route if match else "none"
        method = request.method if request.method in METHODS else "other"
        labels = (method, route, f"{response.status_code // 100}xx")
        _seconds.labels(*labels).observe(time.perf_counter() - began)
        return response


def _is_local(request: HttpRequest) -> bool:
    """Not where a proxy of this machine passes on what came from elsewhere."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get(PEER, "")).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    return bool(token) and hmac.compare_digest(bearer(request).encode(), token.encode())
