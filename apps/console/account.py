"""A person's own account, whichever organisations they work for: the second factor and the password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.forms import CodeForm
from apps.console.guards import signed_in
from apps.tenants import audit, limits, twofactor


@signed_in
@never_cache
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set up, where there is none; otherwise how it stands."""
    return _set_up(request) if twofactor.device_of(request.user) is None else _standing(request)


@signed_in
@never_cache
@require_POST
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    return _after_code(request, "second_factor.recovery_codes_made", _recovery)


@signed_in
@require_POST
def turn_off(request: HttpRequest) -> HttpResponse:
    """Refused while an organisation of this person's requires it."""
    if twofactor.is_required_of(request.user):
        messages.error(request, "An organisation that you work for requires it.")
        return redirect("console:second_factor")
    return _after_code(request, "second_factor.turned_off", _off)


@signed_in
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Every other session of this person's ends with it. Whoever found a screen unlocked may guess the old one as seldom as at the
    sign-in page."""
    is_sent = request.method == "POST"
    form = PasswordChangeForm(request.user, request.POST if is_sent else None)  # type: ignore[arg-type]
    try:
        if is_sent:
            limits.take((limits.LOGIN, f"{request.user.pk} changes the password"))
    except limits.TooMany as error:
        return _password(request, PasswordChangeForm(request.user), 429, too_many=error)  # type: ignore[arg-type]
    if not form.is_valid():
        if form.has_error("old_password"):
            audit.note_of_person(request.user, "password.changed", outcome=audit.REFUSED)
        return _password(request, form, 422 if form.errors else 200)
    with transaction.atomic():
        form.save()
        update_session_auth_hash(request, form.user)
        audit.note_of_person(request.user, "password.changed")
    messages.success(request, "Saved. You are signed out everywhere else.")
    return redirect("console:second_factor")


def _password(request: HttpRequest, form: Any, status: int, **shown: Any) -> HttpResponse:
    return render(request, "console/account/password.html", {"form": form, **shown}, status=status)


def _set_up(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST if request.method == "POST" else None)
    form.fields["code"].help_text = "Six digits, new ones every half minute."
    if form.is_valid():
        try:
            codes = twofactor.confirm(request.user, request.session, form.cleaned_data["code"])
        except twofactor.WrongCode as error:
            form.add_error("code", str(error))
        else:
            return _codes(request, codes)
    device = twofactor.begin(request.user)
    context = {
        "form": form,
        "qr": twofactor.qr(device),
        "secret": twofactor.secret(device),
        "is_required": twofactor.is_required_of(request.user),
    }
    return render(request, "console/account/set_up.html", context, status=422 if form.errors else 200)


def _standing(request: HttpRequest, form: CodeForm | None = None, status: int = 200) -> HttpResponse:
    context = {
        "form": form or CodeForm(),
        "left": twofactor.recovery_codes_left(request.user),
        "is_required": twofactor.is_required_of(request.user),
    }
    return render(request, "console/account/second_factor.html", context, status=status)


def _after_code(request: HttpRequest, action: str, deed: Any) -> HttpResponse:
    """Whoever found a screen unlocked cannot do this: it takes a code of now."""
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            twofactor.check(request.user, form.cleaned_data["code"])
        except twofactor.WrongCode as error:
            audit.note_of_person(request.user, action, outcome=audit.REFUSED)
            form.add_error("code", str(error))
        else:
            with transaction.atomic():
                audit.note_of_person(request.user, action)
                done: HttpResponse = deed(request)
            return done
    return _standing(request, form, status=422)


def _recovery(request: HttpRequest) -> HttpResponse:
    return _codes(request, twofactor.new_recovery_codes(request.user))


def _off(request: HttpRequest) -> HttpResponse:
    twofactor.forget(request.user)
    request.session.pop(twofactor.SHOWN, None)
    messages.success(request, "Your second factor is off: your password alone signs you in.")
    return redirect("console:second_factor")


def _codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return render(request, "console/account/recovery_codes.html", {"codes": codes})
