"""Signing in, in one step or two, and choosing which tenant to work for."""

import time
from math import ceil
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth import get_user_model, login
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console import devices
from apps.console.forms import CodeForm
from apps.console.guards import signed_in
from apps.tenants import access, actors, audit, invitations, limits, scope, twofactor
from apps.tenants.actors import Actor
from apps.tenants.address import client_address
from apps.tenants.middleware import SESSION_KEY

# Whose password was right, while the second factor is asked for: nobody is signed in yet.
HALF_WAY = "half_way"
PATIENCE = 600  # seconds
STRANGER = Actor("visitor")  # whoever it was that did not know the password


class SignIn(LoginView):
    """A member of one tenant goes straight to it; whoever has a second factor is asked for it first."""

    template_name = "console/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Counted before the password is looked at, so that guesses which come at once are counted too."""
        username = request.POST.get("username", "")[:150]
        device = devices.known(request, username)
        self.asked = limits.of_login(username, client_address(request), device)
        try:
            limits.take(*self.asked)
        except limits.TooMany as error:
            return _too_many(request, error)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        """What was typed as a name is kept nowhere: it may be a password, in the wrong field."""
        typed = self.request.POST.get("username", "").strip()[:150]
        if typed.isprintable() and (user := invitations.account_of(typed)):
            audit.note_of_person(user, "member.signed_in", by=STRANGER, outcome=audit.REFUSED)
        return super().form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        limits.forgive(*self.asked[:1])
        user = form.get_user()
        response = self._admit(user)
        devices.remember(response, user.get_username())
        return response

    def _admit(self, user: Any) -> HttpResponse:
        if twofactor.device_of(user) is None:
            return _enter(self.request, user, user.backend, self.get_success_url())
        self.request.session[HALF_WAY] = {
            "user": user.pk,
            "backend": user.backend,
            "password": user.get_session_auth_hash(),
            "until": time.time() + PATIENCE,
            "next": self.get_success_url(),
        }
        return redirect("console:code")


@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step, and the only one for somebody whose session is older than their second factor."""
    half_way = request.session.get(HALF_WAY, {})
    user = _half_way_in(request, half_way)
    if user is None:
        return redirect("console:login")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _shows(request, user, form):
        return _enter(request, user, half_way.get("backend"), half_way.get("next", ""))
    return render(request, "console/code.html", {"form": form}, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "POST"])
def choose_tenant(request: HttpRequest) -> HttpResponse:
    tenants = access.tenants_of(request.user)
    chosen = request.POST.get("tenant") if request.method == "POST" else None
    if chosen in {str(tenant.id) for tenant in tenants}:
        _choose(request, UUID(chosen))
        return redirect("console:dashboard")
    return render(request, "console/choose_tenant.html", {"tenants": tenants})


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """The operator comes in by the same door, which counts attempts and asks for the second factor. Whoever has shown all that they
    have and comes here is no operator."""
    following = request.GET.get("next", "/admin/")
    if not request.user.is_authenticated:
        return redirect(f"{reverse('console:login')}?{urlencode({'next': following})}")
    if twofactor.holds(request.session, request.user):
        raise PermissionDenied
    request.session[HALF_WAY] = {"next": following}
    return redirect("console:code")


def _enter(request: HttpRequest, user: Any, backend: str | None, following: str) -> HttpResponse:
    """`login` gives the session a new name, so that one set by somebody else is worth nothing; what it holds is kept."""
    if backend:
        login(request, user, backend=backend)
    request.session.pop(HALF_WAY, None)
    tenants = access.tenants_of(user)
    if len(tenants) == 1:
        _choose(request, tenants[0].id)
    is_ours = url_has_allowed_host_and_scheme(following, {request.get_host()}, request.is_secure())
    return redirect(following if is_ours else "console:dashboard")


def _choose(request: HttpRequest, tenant_id: UUID) -> None:
    if request.session.get(SESSION_KEY) != str(tenant_id):
        request.session[SESSION_KEY] = str(tenant_id)
        with scope.scoped_to(tenant_id), actors.acting(actors.of(request.user)):
            audit.note("member.came_in")


def _half_way_in(request: HttpRequest, half_way: dict[str, Any]) -> Any:
    """Who has to show a code here: not after ten minutes, nor after the password was changed meanwhile."""
    if request.user.is_authenticated:
        return None if twofactor.holds(request.session, request.user) else request.user
    if half_way.get("until", 0) < time.time():
        return None
    user = get_user_model().objects.filter(pk=half_way["user"], is_active=True).first()
    return user if user and user.get_session_auth_hash() == half_way["password"] else None


def _shows(request: HttpRequest, user: Any, form: CodeForm) -> bool:
    try:
        twofactor.show(user, request.session, form.cleaned_data["code"])
    except twofactor.WrongCode as error:
        audit.note_of_person(user, "second_factor.shown", outcome=audit.REFUSED)
        form.add_error("code", str(error))
        return False
    return True


def _too_many(request: HttpRequest, error: limits.TooMany) -> HttpResponse:
    response = render(
        request, "console/login.html", {"form": SignIn.form_class(request), "too_many": error}, status=429
    )
    response["Retry-After"] = str(ceil(error.retry_after))
    return response
