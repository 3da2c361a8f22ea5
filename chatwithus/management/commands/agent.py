"""`agent`: an organisation's agents from a terminal: list, show, add, edit as JSON, publish, roll back."""

import json
import sys
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.management.base import CommandError
from django.db import models

from apps.agents import statuses, versions
from apps.agents.configuration import FIELDS, Configuration
from apps.agents.models import Agent
from apps.tenants.models import Tenant
from chatwithus.management.acting import TenantCommand, printable

_REFUSALS = (versions.BadConfiguration, versions.NoSuchVersion, versions.NothingToPublish)


class Command(TenantCommand):
    help = __doc__

    def add_more(self, parser: Any) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
        deeds.add_parser("list", help="each by id, with its state and what is wrong")
        deeds.add_parser(
            "add", help="with the fields of a JSON object from standard input; visitors get it at once"
        )
        known = {"type": UUID, "metavar": "ID"}
        show = deeds.add_parser("show", help="what visitors get, as JSON")
        show.add_argument("agent", **known)
        which = show.add_mutually_exclusive_group()
        which.add_argument("--draft", action="store_true", help="what is prepared instead")
        which.add_argument("--version-number", type=int, metavar="N", help="an earlier version instead")
        edit = deeds.add_parser("edit", help="prepare the fields of a JSON object from standard input")
        edit.add_argument("agent", **known)
        publish = deeds.add_parser("publish", help="give visitors what is prepared")
        publish.add_argument("agent", **known)
        publish.add_argument("--note", default="", help="what has changed, for colleagues")
        back = deeds.add_parser("rollback", help="publish an earlier version again")
        back.add_argument("agent", **known)
        back.add_argument("number", type=int)

    def run(self, tenant: Tenant, *, deed: str, agent: UUID | None = None, **options: Any) -> str:
        try:
            if agent is None:
                return _listed() if deed == "list" else f"{versions.create(**_read()).id}"
            return _DEEDS[deed](_find(tenant, agent), options)
        except _REFUSALS as refused:
            raise CommandError(str(refused)) from None


def _listed() -> str:
    return "\n".join(_line(one, statuses.of(one)) for one in Agent.objects.order_by("name", "id"))


def _line(agent: Agent, status: statuses.Status) -> str:
    line = f"{agent.id}  version {agent.version}  {status.state}  {agent.name}"
    return printable(f"{line}: {status.says}" if status.says else line)


def _show(agent: Agent, options: dict[str, Any]) -> str:
    shown: Configuration = agent
    if options["draft"]:
        shown = versions.draft_of(agent)
    elif options["version_number"] is not None:
        shown = versions.find(agent, options["version_number"])
    return json.dumps(shown.configuration, indent=2, ensure_ascii=False)


def _edit(agent: Agent, options: dict[str, Any]) -> str:
    draft = versions.edit(agent, **_read())
    changed = [one.field for one in versions.differences(agent, draft)]
    return f"Prepared: {', '.join(changed) or 'nothing that visitors do not get already'}"


def _publish(agent: Agent, options: dict[str, Any]) -> str:
    return f"Published: {versions.publish(agent, note=options['note'])}"


def _roll_back(agent: Agent, options: dict[str, Any]) -> str:
    return f"Published: {versions.roll_back(agent, options['number'])}"


def _find(tenant: Tenant, agent_id: UUID) -> Agent:
    found = Agent.objects.filter(id=agent_id).first()
    if found is None:
        raise CommandError(f"{tenant.slug} has no agent with this id.")
    return found


def _read() -> dict[str, Any]:
    """What stands on standard input. Raises CommandError for what is no configuration."""
    try:
        wanted = json.load(sys.stdin)
    except ValueError as error:
        raise CommandError(f"Write a JSON object on standard input: {error}") from None
    if not isinstance(wanted, dict):
        raise CommandError('Write a JSON object on standard input, such as {"greeting": "Good day."}.')
    if unknown := set(wanted) - set(FIELDS):
        raise CommandError(f"There is no field {sorted(unknown)[0]!r}. Fields: {', '.join(FIELDS)}.")
    for name, value in wanted.items():
        if not _fits(name, value):
            raise CommandError(f"{name} cannot be {json.dumps(value)[:80]}.")
    return wanted


def _fits(name: str, value: object) -> bool:
    """Whether JSON has the kind of the field; what it may be beyond that says the configuration."""
    field = Agent._meta.get_field(name)
    if value is None:
        return bool(field.null)
    if isinstance(field, ArrayField):
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if isinstance(field, models.BooleanField) or isinstance(value, bool):
        return isinstance(field, models.BooleanField) and isinstance(value, bool)
    if isinstance(field, models.FloatField):
        return isinstance(value, int | float)
    return isinstance(value, int if isinstance(field, models.PositiveIntegerField) else str)


_DEEDS = {"show": _show, "edit": _edit, "publish": _publish, "rollback": _roll_back}
