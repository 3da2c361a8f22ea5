"""Who may see a staff page. Each guard leaves a mark on its view, by which the house knows that it is guarded."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from apps.tenants import audit, roles
from apps.tenants.access import Admitted, Forbidden

View = Callable[..., HttpResponseBase]


def signed_in(view: View) -> View:
    """Sends strangers to the sign-in page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    guarded.guard = "session"  # type: ignore[attr-defined]
    return guarded


def staff(ability: str) -> Callable[[View], View]:
    """Lets in members whose role includes this ability, one of roles.ABILITIES; sends those who have not chosen a tenant to the
    choice, and notes the attempt of those who may not."""

    def guard(view: View) -> View:
        @wraps(view)
        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            admitted: Admitted | None = getattr(request, "admitted", None)
            if admitted is None:
                return redirect("console:choose_tenant")
            if not admitted.may(ability):
                audit.note("page.refused", outcome=audit.REFUSED, ability=ability, path=request.path)
                raise PermissionDenied(str(Forbidden(ability)))
            return view(request, *args, **kwargs)

        guarded = signed_in(inside)
        guarded.guard, guarded.ability = "staff", ability  # type: ignore[attr-defined]
        return guarded

    assert ability in roles.ABILITIES, ability
    return guard
