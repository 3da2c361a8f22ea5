"""Preparing, trying, publishing and taking back what an agent is: a draft, then one numbered version after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.agents.configuration import FIELDS, Configuration, not_to_be_used, split
from apps.agents.models import Agent, Draft, Version
from apps.tenants import actors, audit, organisation


class BadConfiguration(ValueError):
    """This cannot hold; `errors` has sentences by field."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{field}: {said[0]}" for field, said in errors.items()))
        self.errors = errors


class NoSuchVersion(LookupError):
    """The agent has no version of that number."""


class NothingToPublish(ValueError):
    """What visitors get is that already."""


class Overtaken(ValueError):
    """Something else is prepared by now than whoever acts has seen."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that two configurations do not share; `lines` are marked with `-` and `+` as in a diff where it is a longer text."""

    field: str
    label: str
    before: Any
    after: Any

    @property
    def lines(self) -> list[tuple[str, str | None]]:
        """Mark and text of each line: `-` is gone, `+` is new, a blank mark is in both; the text None says that there is nothing."""
        if not (self.before and self.after and isinstance(self.before, str | list)):
            return [("-", _said(self.before)), ("+", _said(self.after))]
        told = ndiff(_lines(self.before), _lines(self.after))
        return [(line[0], line[2:]) for line in told if line[0] != "?"]


def create(**wanted: Any) -> Agent:
    """A new agent, whose first version visitors get at once. Raises BadConfiguration."""
    agent = blank() if not {"provider", "model"} & set(wanted) else Agent()
    agent.configure(wanted)
    with transaction.atomic(), _explained():
        agent.save(note="The first version")
        audit.note("agent.created", agent, provider=agent.provider, model=agent.model)
    return agent


def blank() -> Agent:
    """A new agent, not saved yet, that thinks where the operator says, as far as this organisation may."""
    provider, model = split(settings.DEFAULT_MIND)
    if not_to_be_used(organisation.current(), provider, model):
        return Agent()
    return Agent(provider=provider, model=model)


def draft_of(agent: Agent) -> Draft:
    """What staff have prepared; where nothing is, what visitors get, not saved."""
    return Draft.objects.filter(agent=agent).first() or Draft.of(agent)


def state(agent: Agent, draft: Draft) -> str:
    """What tells one state of what is prepared from the next, for whoever acts by what they have seen."""
    return f"version {agent.version}" if draft._state.adding else draft.edited_at.isoformat()


def edit(agent: Agent, seen: str | None = None, /, **wanted: Any) -> Draft:
    """Prepare these changes, beside those that were prepared before; only where that is still the `state` that was seen, if any is
    named. Raises BadConfiguration, Overtaken."""
    with transaction.atomic():
        agent = _locked(agent.id)
        draft = draft_of(agent)
        _require(seen, agent, draft)
        before = draft.configuration
        draft.configure(wanted)
        with _explained():
            draft.validate(kept=agent)
        changed = sorted(name for name in FIELDS if before[name] != getattr(draft, name))
        if changed:
            _keep(agent, draft)
            audit.note("agent.edited", agent, fields=changed)
    return draft


def discard(agent: Agent) -> None:
    """Forget what was prepared."""
    with transaction.atomic():
        gone, _ = Draft.objects.filter(agent=agent).delete()
        if gone:
            audit.note("agent.draft_discarded", agent)


def publish(agent: Agent, *, note: str = "", seen: str | None = None) -> Version:
    """From the next reply on visitors get what was prepared. Raises NothingToPublish, BadConfiguration, Overtaken."""
    with transaction.atomic():
        agent = _locked(agent.id)
        draft = Draft.objects.filter(agent=agent).first()
        if draft is None:
            raise NothingToPublish(
                "Nothing is prepared that visitors do not get already. Change something first."
            )
        _require(seen, agent, draft)
        version = _published(agent, draft, note)
        draft.delete()
    return version


def roll_back(agent: Agent, number: int) -> Version:
    """Publish an earlier version anew, under the next number; what is prepared stays so. Raises NoSuchVersion, NothingToPublish,
    BadConfiguration."""
    with transaction.atomic():
        agent = _locked(agent.id)
        return _published(agent, find(agent, number), f"Version {number} again")


def find(agent: Agent, number: int) -> Version:
    """Raises NoSuchVersion."""
    found = Version.objects.filter(agent=agent, number=number).first() if number < 2**31 else None
    if found is None:
        raise NoSuchVersion(f"There is no version {number} of this agent.")
    return found


def differences(before: Configuration, after: Configuration) -> Iterator[Difference]:
    """Field by field, in the order in which they are shown."""
    for name in FIELDS:
        held, wanted = getattr(before, name), getattr(after, name)
        if held != wanted:
            label = name.replace("_", " ")
            yield Difference(name, label[:1].upper() + label[1:], held, wanted)


def _require(seen: str | None, agent: Agent, draft: Draft) -> None:
    if seen is not None and seen != state(agent, draft):
        who = draft.edited_by or "Somebody"
        raise Overtaken(f"{who} has changed what is prepared since this page was shown.")


def _published(agent: Agent, source: Configuration, note: str) -> Version:
    if source.configuration == agent.configuration:
        raise NothingToPublish("Visitors get exactly this already.")
    changed = [one.field for one in differences(agent, source)]
    agent.configure(source.configuration)
    with _explained():
        agent.save(note=note[:200])
    audit.note("agent.published", agent, version=agent.version, fields=changed)
    return find(agent, agent.version)


def _keep(agent: Agent, draft: Draft) -> None:
    """Where nothing is left that differs, there is no draft."""
    if draft.configuration == agent.configuration:
        Draft.objects.filter(agent=agent).delete()
        return
    draft.edited_by, draft.edited_at = actors.current().name, timezone.now()
    draft.save()


def _locked(agent_id: UUID) -> Agent:
    return Agent.objects.select_for_update(no_key=True).get(id=agent_id)


class _explained:  # noqa: N801  (used like a function)
    """What the model refuses, in this story's words."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ValidationError):
            raise BadConfiguration(error.message_dict) from error


def _lines(held: str | list[str]) -> list[str]:
    return held.splitlines() if isinstance(held, str) else held


def _said(held: Any) -> str | None:
    """One of a field's two sides, where the other is empty or neither is a text; 0 is something."""
    if isinstance(held, bool):
        return "yes" if held else "no"
    if isinstance(held, list):
        return "\n".join(held) or None
    return None if held in (None, "") else str(held)
