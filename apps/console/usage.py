"""What agents have used, how far each budget is, and setting what they may."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.agents import budgets, calls
from apps.agents.models import Budget
from apps.chats import usage as used
from apps.console.guards import staff
from apps.console.usage_forms import BudgetForm
from apps.tenants import limits, scope


@staff("organisation.read", changing="organisation.manage")
@require_http_methods(["GET", "POST"])
def usage(request: HttpRequest) -> HttpResponse:
    form = BudgetForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        budgets.keep(**form.cleaned_data)
        messages.success(request, "Saved. It holds from the next reply on.")
        return redirect("console:usage")
    context = {
        "form": form,
        "gauges": list(budgets.gauges()),
        "agents": list(used.by_agent()),
        "days": list(calls.by_day()),
        "messages_left": limits.look(limits.MESSAGE_TENANT, str(scope.current())),
        "by_default": settings.DAILY_TOKENS,
        "may_manage": request.admitted.may("organisation.manage"),  # type: ignore[attr-defined]
    }
    return render(request, "console/usage.html", context, status=422 if form.errors else 200)


@staff("organisation.manage")
@require_POST
def drop(request: HttpRequest, pk: UUID) -> HttpResponse:
    budgets.drop(get_object_or_404(Budget.objects.select_related("agent"), budgets.HOLDS, id=pk))
    messages.success(request, "Deleted. From the next reply on it limits nothing.")
    return redirect("console:usage")
