"""Coming to work here: the page behind an invitation's link, for whoever has an account and whoever has none."""

from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.console.guards import INVITATION, invited
from apps.console.people_forms import SignUpForm
from apps.tenants import invitations, organisation, scope
from apps.tenants.middleware import SESSION_KEY
from apps.tenants.models import Invitation

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_safe
def arrive(request: HttpRequest, signed: str) -> HttpResponse:
    """Takes the secret out of the address at once, so that it is in no later page's referrer, and no bookmark. The browser keeps it:
    however often somebody comes, nothing is saved here."""
    try:
        invitations.read(signed)
    except invitations.BadLink as error:
        return render(request, "console/join_gone.html", {"error": error}, status=410)
    response = redirect("console:join")
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(INVITATION, signed, path=response.url, secure=secure, httponly=True, samesite="Lax")
    return response


@invited
@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Whether anybody has an account under the invited address is not told: whoever comes may make one or sign in."""
    is_sent = request.method == "POST"
    if not request.user.is_authenticated:
        return _sign_up(request, invitation, SignUpForm(request.POST if is_sent else None))
    return _accept(request, invitation) if is_sent else _page(request, invitation)


def _sign_up(request: HttpRequest, invitation: Invitation, form: SignUpForm) -> HttpResponse:
    if form.is_valid():
        try:
            user = invitations.sign_up(
                invitation, form.cleaned_data["password"], name=form.cleaned_data["name"]
            )
        except ValidationError as error:
            form.add_error("password", error)
        except invitations.HasAccount as error:
            form.add_error(None, str(error))
        else:
            login(request, user, backend=_BACKEND)
            return _come_in(request)
    return _page(request, invitation, form=form, status=422 if form.errors else 200)


def _accept(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    try:
        invitations.accept(invitation, request.user)
    except invitations.WrongAccount as error:
        return _page(request, invitation, error=error, status=403)
    except invitations.AlreadyMember as error:
        return _page(request, invitation, error=error, status=409)
    return _come_in(request)


def _come_in(request: HttpRequest) -> HttpResponse:
    request.session[SESSION_KEY] = str(scope.current())
    response = redirect("console:dashboard")
    response.delete_cookie(INVITATION, path=reverse("console:join"), samesite="Lax")
    return response


def _page(
    request: HttpRequest, invitation: Invitation, *, status: int = 200, **shown: object
) -> HttpResponse:
    context = {
        "invitation": invitation,
        "organisation": organisation.current(),
        "is_yours": request.user.is_authenticated and invitations.is_for(invitation, request.user),
    }
    return render(request, "console/join.html", context | shown, status=status)
