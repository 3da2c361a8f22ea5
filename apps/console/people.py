"""Who works here: members and their roles, and who was invited."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.console import people_forms
from apps.console.guards import staff
from apps.console.people_forms import InviteForm
from apps.tenants import invitations, limits, members
from apps.tenants.access import Admitted
from apps.tenants.models import Invitation, Membership


@staff("people.read", changing="people.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """The answer to an invitation is this page with its link, which is not kept anywhere."""
    by: Admitted = request.admitted  # type: ignore[attr-defined]
    form = InviteForm(request.POST if request.method == "POST" else None, by=by)
    link = _invite(form, by) if form.is_valid() else ""
    shown = {"form": InviteForm(by=by) if link else form, "link": link, "invited": form.data.get("email", "")}
    return render(
        request, "console/people/list.html", _listed(by) | shown, status=422 if form.errors else 200
    )


@staff("people.manage")
@require_POST
def change_role(request: HttpRequest, pk: UUID) -> HttpResponse:
    member = get_object_or_404(Membership, id=pk)
    role = request.POST.get("role", "")
    if role in Membership.Role.values:
        _told(request, members.change_role, member, role, said=f"{member.user} is {role} now.")
    return redirect("console:people")


@staff("people.read")
@require_POST
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Also of oneself, whatever one's role."""
    member = get_object_or_404(Membership, id=pk)
    _told(request, members.remove, member, said=f"{member.user} works here no more.")
    return redirect("console:people")


@staff("people.manage")
@require_POST
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    invitation = get_object_or_404(Invitation, id=pk, **invitations.OPEN)
    invitations.revoke(invitation)
    messages.success(request, f"The invitation of {invitation.email} holds no more.")
    return redirect("console:people")


def _invite(form: InviteForm, by: Admitted) -> str:
    try:
        return invitations.invite(form.cleaned_data["email"], form.cleaned_data["role"], by=by)[1]
    except (invitations.AlreadyMember, limits.TooMany) as error:
        form.add_error("email", str(error))
        return ""


def _told(request: HttpRequest, deed: Any, *args: Any, said: str) -> None:
    try:
        deed(*args, by=request.admitted)  # type: ignore[attr-defined]
        messages.success(request, said)
    except (members.LastOwner, members.NoSuchMember) as error:
        messages.error(request, str(error))


def _listed(by: Admitted) -> dict[str, Any]:
    found = Membership.objects.select_related("user").order_by("user__username")
    held = Invitation.objects.filter(expires_at__gt=timezone.now(), **invitations.OPEN)
    return {
        "members": [_row(member, by) for member in found],
        "invitations": held.order_by("-created_at"),
        "may_manage": by.may("people.manage"),
    }


def _row(member: Membership, by: Admitted) -> dict[str, Any]:
    """`roles`: what this person may be made by whoever looks; none where they may not."""
    is_you = members.is_oneself(member, by)
    may_change = members.may_give(by, member.role)
    return {
        "member": member,
        "is_you": is_you,
        "roles": people_forms.roles_for(by) if may_change else [],
        "may_remove": may_change or is_you,
    }
