"""Who may see a staff page. Each guard leaves a mark on its view, by which the house knows that it is guarded."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from apps.tenants import actors, audit, invitations, roles, scope, twofactor
from apps.tenants.access import Admitted, Forbidden
from apps.tenants.actors import Actor

View = Callable[..., HttpResponseBase]
SAFE = {"GET", "HEAD", "OPTIONS"}
INVITATION = "cwu_invitation"  # a cookie


def signed_in(view: View) -> View:
    """Sends strangers to the sign-in page, and whoever has a second factor to show it where their session has not."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if _owes_second_factor(request):
            return redirect("console:code")
        return view(request, *args, **kwargs)

    guarded.guard = "session"  # type: ignore[attr-defined]
    return guarded


def staff(ability: str, *, changing: str = "") -> Callable[[View], View]:
    """Lets in members whose role includes this ability, one of roles.ABILITIES, and the one for `changing` where they send a form;
    sends those who have not chosen a tenant to the choice, and notes the attempt of those who may not."""

    def guard(view: View) -> View:
        @wraps(view)
        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            admitted: Admitted | None = getattr(request, "admitted", None)
            if admitted is None:
                lacks = getattr(request, "lacks_second_factor", False)
                return redirect("console:second_factor" if lacks else "console:choose_tenant")
            needed = ability if request.method in SAFE else changing or ability
            if not admitted.may(needed):
                audit.note("page.refused", outcome=audit.REFUSED, ability=needed, path=request.path)
                raise PermissionDenied(str(Forbidden(needed)))
            return _explained(view, request, *args, **kwargs)

        guarded = signed_in(inside)
        guarded.guard, guarded.ability, guarded.changing = "staff", ability, changing  # type: ignore[attr-defined]
        return guarded

    assert {ability, changing or ability} <= set(roles.ABILITIES), (ability, changing)
    return guard


def invited(view: View) -> View:
    """Lets in whoever came by the signed link of an invitation that still holds, into that tenant's scope, as nobody yet."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if _owes_second_factor(request):
            return redirect("console:code")
        try:
            tenant_id, invitation_id = invitations.read(request.COOKIES.get(INVITATION, ""))
            with scope.scoped_to(tenant_id), actors.acting(_whoever(request)):
                return view(request, invitations.find(invitation_id), *args, **kwargs)
        except invitations.BadLink as error:
            return render(request, "console/join_gone.html", {"error": error}, status=410)

    guarded.guard = "invitation"  # type: ignore[attr-defined]
    return guarded


def _owes_second_factor(request: HttpRequest) -> bool:
    """Whoever was admitted to a tenant has shown it: the middleware asks."""
    if getattr(request, "admitted", None) is not None or not request.user.is_authenticated:
        return False
    return not twofactor.holds(request.session, request.user)


def _whoever(request: HttpRequest) -> Actor:
    return actors.of(request.user) if request.user.is_authenticated else Actor("visitor")


def _explained(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """A story that asks for more than the page did refuses as the page does; it has noted that itself."""
    try:
        return view(request, *args, **kwargs)
    except Forbidden as error:
        raise PermissionDenied(str(error)) from error
