"""The world every test lives in: acme, and globex, its rival, who must see nothing of it."""

import itertools
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from apps.agents.models import Agent
from apps.knowledge import ingestion, library
from apps.knowledge.models import Knowledge
from apps.tenants import scope
from apps.tenants.models import ApiKey, Membership, Tenant

PASSWORD = "correct horse battery"
ORIGIN = "https://{slug}.example"
_numbers = itertools.count(1)


@dataclass
class House:
    """A tenant with an agent, an owner and an API key; `scope` enters it."""

    tenant: Tenant
    agent: Agent
    user: Any
    key: str
    origin: str
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.key}"}

    def scope(self) -> Any:
        return scope.scoped_to(self.tenant.id)

    def colleague(self, role: str) -> Any:
        """One more person who works here, with their own password-less account."""
        user = get_user_model().objects.create(username=f"{role}-{next(_numbers)}@{self.tenant.slug}.example")
        with self.scope():
            Membership.objects.create(user=user, role=role)
        return user

    def scripted(self, script: str) -> Agent:
        """One more agent, whose every token is known: tests/scripted.py says what a script can say."""
        self.tenant.providers = ["builtin", "scripted"]
        self.tenant.save(update_fields=["providers"])
        with self.scope():
            known = {"provider": "scripted", "model": script, "only_from_knowledge": False}
            return Agent.objects.create(name=f"{self.tenant.name} actor", **known)

    def knows(
        self, text: str, *, name: str = "Handbook", agents: tuple[UUID, ...] | None = None
    ) -> Knowledge:
        """Put a text on the shelf and read it in here and now, without a worker."""
        with self.scope():
            source = library.add(name, content=text, agents=agents or (self.agent.id,))
            ingestion.read_in(source.id)
            source.refresh_from_db()
            return source


def found_house(name: str, **tenant: Any) -> House:
    """Open a tenant under a fresh slug, so that houses of different tests never meet."""
    slug = f"{name}-{next(_numbers)}"
    origin = ORIGIN.format(slug=slug)
    opened = Tenant.objects.create(slug=slug, name=name.title(), allowed_origins=[origin], **tenant)
    with scope.scoped_to(opened.id):
        agent = Agent.objects.create(name=f"{name.title()} helper", instructions=f"Help customers of {name}.")
        user = get_user_model().objects.create(username=f"staff@{slug}.example", password=_password())
        Membership.objects.create(user=user, role=Membership.Role.OWNER)
        _, key = ApiKey.mint("Test", ["chat", "manage"])
    return House(opened, agent, user, key, origin)


@cache
def _password() -> str:
    """Hashed once: that is slow on purpose."""
    return make_password(PASSWORD)
