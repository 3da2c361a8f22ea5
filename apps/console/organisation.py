"""What holds for all chats of the organisation."""

from django.contrib import messages
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.console.forms import OrganisationForm
from apps.console.guards import staff
from apps.tenants import scope
from apps.tenants.models import Tenant


@staff("organisation.manage")
@require_http_methods(["GET", "POST"])
def organisation(request: HttpRequest) -> HttpResponse:
    tenant = Tenant.objects.get(id=scope.current())
    form = OrganisationForm(request.POST if request.method == "POST" else None, initial=model_to_dict(tenant))
    if form.is_valid():
        Tenant.objects.filter(id=tenant.id).update(**form.cleaned_data)
        messages.success(request, "Saved. It takes effect within a minute.")
        return redirect("console:organisation")
    return render(request, "console/organisation.html", {"form": form}, status=422 if form.errors else 200)
