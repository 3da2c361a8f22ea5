"""Who may see a staff page: a signed-in member, inside a tenant they work for."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

View = Callable[..., HttpResponseBase]


def staff_only(view: View) -> View:
    """Sends strangers to the sign-in page and members without a chosen tenant to the choice."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if getattr(request, "admitted", None) is None:
            return redirect("console:choose_tenant")
        return view(request, *args, **kwargs)

    guarded.guard = "staff"  # type: ignore[attr-defined]
    return guarded
