"""`open_demo`: a fictional shop with an agent, its help centre, a staff login and an API key. Safe to repeat."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from apps.agents.models import Agent
from apps.console.demo import DEMO
from apps.knowledge import library
from apps.knowledge.models import Knowledge
from apps.tenants import access, scope
from apps.tenants.models import ApiKey, Membership, Tenant
from chatwithus.embedded.folder import write_json

HELP_CENTRE = settings.BASE_DIR / "demo" / "knowledge"
EMAIL = "demo@fernhill.example"
ORIGIN = "From the demo's help centre."


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--credentials", type=Path, required=True, help="JSON file to keep the demo's secrets in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["credentials"]
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write_json(path, _open(known))


@transaction.atomic
def _open(known: dict[str, Any]) -> dict[str, Any]:
    """The demo's ids and secrets; those already known are kept while they still hold."""
    tenant = _tenant()
    with scope.scoped_to(tenant.id):
        agent = _agent()
        return {
            "agent": str(agent.id),
            # Shown on the documentation page, so it may ask and nothing else; with the other `make up` sees how the reading goes.
            "api_key": _key(known.get("api_key"), "Demo", "chat"),
            "read_key": _key(known.get("read_key"), "make up", "read"),
            "email": EMAIL,
            "password": _login(known.get("password")),
            "knowledge": [str(source.id) for source in _fill_shelf(agent)],
        }


def _tenant() -> Tenant:
    tenant, _ = Tenant.objects.get_or_create(
        slug=DEMO,
        defaults={"name": "Fernhill Outdoor", "description": "A fictional shop for tents, packs and boots."},
    )
    port = urlsplit(settings.PUBLIC_URL).port
    here = {settings.PUBLIC_URL, *(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost") if port)}
    tenant.allowed_origins = sorted({*tenant.allowed_origins, *here})
    tenant.save(update_fields=["allowed_origins"])
    return tenant


def _agent() -> Agent:
    agent, _ = Agent.objects.get_or_create(
        name="Fern",
        defaults={
            "instructions": "You help customers of Fernhill Outdoor. Be brief and friendly.",
            "greeting": "Hello, I am Fern. Ask me about orders, returns, repairs or our shops.",
        },
    )
    return agent


def _login(password: str | None) -> str:
    """A member of the demo tenant, who is also this installation's operator until a real one is made."""
    password = password or secrets.token_urlsafe(9)
    user, _ = get_user_model().objects.get_or_create(
        username=EMAIL, defaults={"email": EMAIL, "is_staff": True, "is_superuser": True}
    )
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    Membership.objects.get_or_create(user=user, defaults={"role": Membership.Role.OWNER})
    return password


def _key(secret: str | None, name: str, scope: str) -> str:
    if secret and access.by_key(secret):
        return secret
    return ApiKey.mint(name, [scope])[1]


def _fill_shelf(agent: Agent) -> Iterator[Knowledge]:
    for document in sorted(HELP_CENTRE.glob("*.md")):
        text = document.read_text(encoding="utf-8")
        name = text.partition("\n")[0].lstrip("# ").strip()
        known = Knowledge.objects.filter(name=name).first()
        yield known or library.add(name, content=text, description=ORIGIN, agents=[agent.id])
