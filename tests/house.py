"""The house's rules as functions: given what there is, each names the trespasses it sees. `test_house.py` runs them on the
house as it stands, and once on a planted trespass, so that each rule is known to bite."""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from celery import Task
from django.contrib.admin import AdminSite
from django.db import connections, models
from django.urls import URLPattern, URLResolver

from apps.tenants.owned import TenantOwned
from apps.tenants.tasks import TenantTask

ROOT = Path(__file__).resolve().parent.parent
OURS = ("apps", "consumers", "chatwithus")


def strangers(names: Iterable[str], listed: Mapping[str, str]) -> list[str]:
    """What is not on the list, and what is on the list but exists no more."""
    found = set(names)
    return sorted(found - set(listed)) + [f"stale: {name}" for name in sorted(set(listed) - found)]


def unowned(found: Iterable[type[models.Model]]) -> Iterator[str]:
    """Models that belong to no tenant."""
    for model in found:
        if not issubclass(model, TenantOwned) and not model._meta.auto_created:
            yield model._meta.label


def unwalled(found: Iterable[type[models.Model]]) -> Iterator[str]:
    """Tenant-owned tables without a FORCEd policy on `tenant_id`, or without an index that begins with it."""
    for model in found:
        if issubclass(model, TenantOwned):
            table, alias = model._meta.db_table, str(getattr(model, "database", "default"))
            yield from (f"{table}: {lack}" for lack in _lacks(table, alias))


def _lacks(table: str, alias: str) -> Iterator[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = %s", [table]
        )
        if cursor.fetchone() != (True,):
            yield "row security is not forced"
        cursor.execute(
            "SELECT qual, with_check FROM pg_policies WHERE tablename = %s AND cmd = 'ALL'", [table]
        )
        if not any(
            "cwu.tenant" in (qual or "") and "cwu.tenant" in (check or "")
            for qual, check in cursor.fetchall()
        ):
            yield "no policy asks for the tenant"
        cursor.execute(
            "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indrelid JOIN pg_attribute ON attrelid = indrelid"
            " AND attnum = indkey[0] WHERE relname = %s AND attname = 'tenant_id'",
            [table],
        )
        if cursor.fetchone() is None:
            yield "no index begins with the tenant"


def uses_tenant_index(plan: str) -> bool:
    """Whether a plan, made with sequential scans priced out, goes by an index that the tenant leads."""
    return re.search(r"Index Cond: \(+tenant_id = ", plan) is not None


def unscoped_tasks(found: Iterable[Task[Any, Any]]) -> Iterator[str]:
    for task in found:
        if not isinstance(task, TenantTask):
            yield str(task.name)


def routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every address of a URLconf with the view behind it."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern.callback


def guard_of(view: Any) -> str | None:
    """How a view says who may use it: our decorators' mark, the admin's own check, or the API's guards, such as `key|visitor`."""
    if hasattr(view, "guard"):
        return str(view.guard)
    owner = inspect.getclosurevars(view).nonlocals.get("self") if inspect.isfunction(view) else None
    if isinstance(owner, AdminSite) or hasattr(view, "admin_site") or hasattr(view, "model_admin"):
        return "operator"
    operations = getattr(
        owner, "operations", []
    )  # what django-ninja serves: its views are closures over their PathView
    guards = [{auth.guard for auth in operation.auth_callbacks} for operation in operations]
    return "|".join(sorted(set.union(*guards))) if guards and all(guards) else None


def unguarded(found: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for path, view in found:
        if guard_of(view) is None:
            yield path


def users_of(pattern: str, sources: Mapping[str, str]) -> Iterator[str]:
    """Our files in which this regular expression is found in code."""
    for path, source in sources.items():
        if re.search(pattern, source, re.MULTILINE):
            yield path


@cache
def sources() -> Mapping[str, str]:
    """Our Python files by path, without docstrings and comments, so that rules read code."""
    files = [
        path for folder in OURS for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts
    ]
    return {str(path.relative_to(ROOT)): code(path.read_text(encoding="utf-8")) for path in files}


def code(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            node.value.value = ""
    return ast.unparse(tree)


def broken_links(page: Path) -> Iterator[str]:
    """Relative links of a Markdown page that lead nowhere."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not (page.parent / target).exists():
            yield f"{page.name}: {target}"
