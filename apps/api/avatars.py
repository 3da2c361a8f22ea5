"""`/avatars/…`: the pictures that widgets show, for pages anywhere."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.agents import avatars
from apps.tenants import portraits
from apps.tenants.hops import hop
from apps.tenants.pictures import Picture

_DAY = 86_400


@require_safe
async def avatar(request: HttpRequest, signed: str) -> HttpResponse:
    """An image and nothing else, whatever its bytes say besides; another picture has another address."""
    found = await hop(_find)(signed)
    if found is None:
        raise Http404
    response = HttpResponse(found.data, content_type=found.kind)
    response["Cache-Control"] = f"public, max-age={_DAY}, immutable"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _find(signed: str) -> Picture | None:
    return avatars.find(signed) or portraits.find(signed)
