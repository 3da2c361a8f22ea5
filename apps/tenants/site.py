"""The operator's admin lets in superusers alone, and whoever has a second factor only once their session has shown it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from apps.tenants import twofactor


class OperatorSite(admin.AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        is_operator = super().has_permission(request) and request.user.is_superuser
        return is_operator and twofactor.holds(request.session, request.user)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:  # type: ignore[override]  # a redirect is enough
        """An operator is a person with an account like others: one page changes a password, and writes it down."""
        return redirect("console:password")
