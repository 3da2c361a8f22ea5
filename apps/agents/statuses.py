"""Whether an agent can answer now, as far as that is known without asking a provider."""

from dataclasses import dataclass
from typing import Literal

from apps.agents import calls, connections
from apps.agents.configuration import not_to_be_used
from apps.agents.models import Agent, Call
from apps.agents.providers.base import ProviderError
from apps.tenants import organisation

State = Literal["ready", "failing", "unable"]


@dataclass(frozen=True, slots=True)
class Status:
    """`unable` where it will not answer as it is, `failing` where the last call of one of its minds failed; `says` is a sentence for staff."""

    state: State
    says: str = ""


def of(agent: Agent) -> Status:
    """The worst first: a mind that may not be used, one that nobody can reach, the last error."""
    tenant = organisation.current()
    able, unable = 0, []
    for provider, model in agent.minds:
        try:
            if refused := not_to_be_used(tenant, provider, model):
                unable.append(f"Not allowed any more: {refused[1]}")
            else:
                connections.of(provider, model)
                able += 1
        except ProviderError as error:
            unable.append(f"No way to reach {provider}: {error}")
    if unable:
        return Status("failing" if able else "unable", unable[0])
    last = calls.last(agent)
    failed = [last[mind] for mind in agent.minds if mind in last and last[mind].failure]
    return Status("failing", _told(failed[0])) if failed else Status("ready")


def _told(call: Call) -> str:
    mind = f"{call.provider}:{call.model}" if call.model else call.provider
    return f"The last call of {mind} failed ({call.failure}): {call.detail}"
