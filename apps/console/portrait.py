"""What a member looks like to the visitors of this organisation: they alone choose it here."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.console.forms import SettingsForm
from apps.console.guards import staff
from apps.tenants import organisation, pictures, portraits
from apps.tenants.models import Membership


class PortraitForm(SettingsForm):
    image = forms.FileField(
        label="Picture",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text="PNG, JPEG or WebP, at most 200 kB; a square looks best. Everybody can see it.",
        error_messages={"required": "Choose a picture first.", "empty": "Take a PNG, JPEG or WebP image."},
    )

    def clean_image(self) -> bytes:
        return bytes(self.cleaned_data["image"].read(pictures.LARGEST + 1))


@staff("chats.answer")
@never_cache
@require_http_methods(["GET", "POST"])
def portrait(request: HttpRequest) -> HttpResponse:
    form = PortraitForm(request.POST, request.FILES) if request.method == "POST" else PortraitForm()
    if form.is_valid() and _keep(request, form):
        messages.success(request, "Saved. Visitors see it from the next chat that you take over.")
        return redirect("console:portrait")
    context = {
        "form": form,
        "portrait": portraits.address_of(request.user),
        "organisation": organisation.current(),
    }
    return render(request, "console/account/portrait.html", context, status=422 if form.errors else 200)


@staff("chats.answer")
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    portraits.remove(_oneself(request), by=request.admitted)  # type: ignore[attr-defined]
    messages.success(request, "Removed. Visitors see your initials.")
    return redirect("console:portrait")


def _keep(request: HttpRequest, form: PortraitForm) -> bool:
    """False where it is no picture, which the form then says."""
    try:
        portraits.keep(_oneself(request), form.cleaned_data["image"], by=request.admitted)  # type: ignore[attr-defined]
    except pictures.BadPicture as refused:
        form.add_error("image", str(refused))
        return False
    return True


def _oneself(request: HttpRequest) -> Membership:
    user: Any = request.user
    return get_object_or_404(Membership, user_id=user.pk)
