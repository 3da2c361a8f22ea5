"""The organisation's own settings, the secret that its visitors' identities are signed with, and its providers' credentials."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.guards import staff
from apps.console.organisation_forms import CredentialForm, OrganisationForm
from apps.tenants import credentials
from apps.tenants import organisation as story
from apps.tenants.models import Credential


@staff("organisation.read", changing="organisation.manage")
@require_http_methods(["GET", "POST"])
def organisation(request: HttpRequest) -> HttpResponse:
    form = _form(request, request.POST if request.method == "POST" else None)
    if form.is_valid() and _changes(form):
        messages.success(request, "Saved. It takes effect within a minute.")
        return redirect("console:organisation")
    return _page(request, form=form, status=422 if form.errors else 200)


@staff("organisation.manage")
@require_POST
@never_cache
def rotate_identity_secret(request: HttpRequest) -> HttpResponse:
    """Answers with the page and the secret on it, which is never shown again."""
    return _page(request, identity_secret=story.rotate_identity_secret())


@staff("organisation.manage")
@require_POST
def forget_identity_secret(request: HttpRequest) -> HttpResponse:
    story.forget_identity_secret()
    messages.success(request, "Forgotten. Every visitor is anonymous from now on.")
    return redirect("console:organisation")


@staff("organisation.manage")
@require_POST
def keep_credential(request: HttpRequest, provider: str) -> HttpResponse:
    if provider not in credentials.FIELDS:
        raise Http404
    form = CredentialForm(provider, request.POST)
    if form.is_valid() and _keeps(form):
        messages.success(request, f"Kept for {provider}. Nobody is shown it again.")
        return redirect("console:organisation")
    return _page(request, credential=form, status=422)


@staff("organisation.manage")
@require_POST
def forget_credential(request: HttpRequest, provider: str) -> HttpResponse:
    credentials.forget(get_object_or_404(Credential, provider=provider))
    messages.success(request, f"Forgotten. Nothing is kept for {provider} any more.")
    return redirect("console:organisation")


def _form(request: HttpRequest, data: Any = None) -> OrganisationForm:
    may_change = request.admitted.may("organisation.manage")  # type: ignore[attr-defined]
    return OrganisationForm(data, tenant=story.current(), may_change=may_change)


def _page(request: HttpRequest, *, status: int = 200, **shown: Any) -> HttpResponse:
    form = shown.pop("form", None) or _form(request)
    wrong: CredentialForm | None = shown.pop("credential", None)
    context = {
        "form": form,
        "has_identity_secret": bool(story.current().sealed_identity_secret),
        "providers": _providers(wrong),
        "may_manage": request.admitted.may("organisation.manage"),  # type: ignore[attr-defined]
    }
    return render(request, "console/organisation/settings.html", context | shown, status=status)


def _providers(wrong: CredentialForm | None) -> list[dict[str, Any]]:
    kept = {credential.provider: credential for credential in Credential.objects.all()}
    return [
        {
            "name": name,
            "kept": kept.get(name),
            "form": wrong if wrong and wrong.provider == name else CredentialForm(name),
        }
        for name in credentials.FIELDS
    ]


def _changes(form: OrganisationForm) -> bool:
    try:
        story.change(**form.cleaned_data)
        return True
    except story.BadSetting as error:
        form.add_error(error.field, str(error))
        form.fields[error.field].widget.attrs["autofocus"] = True
        return False


def _keeps(form: CredentialForm) -> bool:
    try:
        credentials.keep(form.provider, form.cleaned_data)
        return True
    except credentials.BadCredential as error:
        form.add_error(error.field, str(error))
        return False
