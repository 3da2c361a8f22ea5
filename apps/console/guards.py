"""Who may see a staff page. Each guard leaves a mark on its view, by which the house knows that it is guarded."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

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


def staff_only(view: View) -> View:
    """Also sends members who have not chosen a tenant to the choice."""

    @wraps(view)
    def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if getattr(request, "admitted", None) is None:
            return redirect("console:choose_tenant")
        return view(request, *args, **kwargs)

    guarded = signed_in(inside)
    guarded.guard = "staff"  # type: ignore[attr-defined]
    return guarded
