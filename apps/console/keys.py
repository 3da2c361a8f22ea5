"""The secrets that the organisation's programs carry: listed by what names them, shown once when they are made."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.guards import staff
from apps.console.people_forms import KeyForm
from apps.tenants import keyring
from apps.tenants.access import Admitted
from apps.tenants.models import ApiKey

_SHOWN = 200


@staff("keys.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """The answer to a new key is this page with its secret, which is not kept anywhere."""
    by: Admitted = request.admitted  # type: ignore[attr-defined]
    form = KeyForm(request.POST if request.method == "POST" else None, by=by)
    secret = _mint(form, by) if form.is_valid() else ""
    context = {
        "keys": ApiKey.objects.order_by("-created_at")[:_SHOWN],
        "form": KeyForm(by=by) if secret else form,
        "secret": secret,
    }
    return render(request, "console/keys.html", context, status=422 if form.errors else 200)


@staff("keys.manage")
@require_POST
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    key = get_object_or_404(ApiKey, id=pk, revoked_at=None)
    keyring.revoke(key)
    messages.success(request, f"{key.name} opens nothing any more.")
    return redirect("console:keys")


def _mint(form: KeyForm, by: Admitted) -> str:
    try:
        fields = form.cleaned_data
        return keyring.mint(fields["name"], fields["scopes"], form.expires_at, by=by)[1]
    except keyring.BadKey as error:
        form.add_error(error.field, str(error))
        return ""
