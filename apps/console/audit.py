"""The audit log: who did what to what, newest first."""

import json
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.console import paging
from apps.console.guards import staff
from apps.tenants import journal, pages
from apps.tenants.models import AuditEntry


class FilterForm(forms.Form):
    action = forms.CharField(
        required=False, max_length=60, label="Action", widget=forms.TextInput(attrs={"list": "actions"})
    )
    actor = forms.CharField(required=False, max_length=150, label="Who")
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "Done and refused"), ("done", "Done"), ("refused", "Refused")],
        label="Outcome",
    )


@staff("audit.read")
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    page = paging.page(request, partial(pages.cut, journal.entries(**wanted), by="at"))
    context = {
        "form": form,
        "entries": [_row(entry) for entry in page.rows],
        "page": page,
        "is_filtered": any(wanted.values()),
    }
    return render(request, "console/audit.html", context)


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {"entry": entry, "facts": [(name, _said(value)) for name, value in entry.facts.items()]}


def _said(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{_said(value[0])} → {_said(value[1])}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
