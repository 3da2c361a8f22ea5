"""Signing in and choosing which tenant to work for."""

from uuid import UUID

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.console.guards import signed_in
from apps.tenants import access
from apps.tenants.middleware import SESSION_KEY


class SignIn(LoginView):
    """A member of one tenant goes straight to it."""

    template_name = "console/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: object) -> HttpResponse:
        response = super().form_valid(form)  # type: ignore[arg-type]
        tenants = access.tenants_of(self.request.user)
        if len(tenants) == 1:
            self.request.session[SESSION_KEY] = str(tenants[0].id)
        return response


@signed_in
@require_http_methods(["GET", "POST"])
def choose_tenant(request: HttpRequest) -> HttpResponse:
    tenants = access.tenants_of(request.user)
    chosen = request.POST.get("tenant") if request.method == "POST" else None
    if chosen in {str(tenant.id) for tenant in tenants}:
        request.session[SESSION_KEY] = str(UUID(chosen))
        return redirect("console:dashboard")
    return render(request, "console/choose_tenant.html", {"tenants": tenants})
