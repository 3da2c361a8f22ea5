"""Where an agent of the tenant in scope may think now: its providers and models in order, each with the way to reach it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.agents import connections
from apps.agents.connections import Kept
from apps.agents.providers.base import Connection, ProviderError
from apps.agents.providers.catalogue import NOWHERE, PROVIDERS
from apps.tenants import organisation, scope
from apps.tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Mind:
    """One provider and model, for one tenant."""

    tenant_id: UUID
    provider: str
    model: str
    connection: Connection

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider

    @property
    def endpoint(self) -> tuple[str, str, str]:
        """What fails and recovers as one."""
        return self.provider, self.connection.url, self.connection.region


def of(wanted: Sequence[tuple[str, str]]) -> tuple[Mind, ...]:
    """Those of these providers and models that this tenant may use and can reach, in their order. Raises ProviderError for the
    first of them where there is none."""
    return asked(wanted)()


def asked(wanted: Sequence[tuple[str, str]]) -> Callable[[], tuple[Mind, ...]]:
    """The same, to be read later: among statements that are sent `together`."""
    tenant, kept = organisation.asked(), connections.kept_for(provider for provider, _ in wanted)
    return lambda: _able(wanted, tenant(), kept())


def quoting() -> Mind:
    """The one that needs no model, and says what there is to say without any knowledge; every tenant may use it for that."""
    return Mind(scope.current(), "builtin", "", NOWHERE)


def _able(wanted: Sequence[tuple[str, str]], tenant: Tenant, kept: Kept) -> tuple[Mind, ...]:
    found, refusals = [], []
    for provider, model in wanted:
        try:
            found.append(_mind(tenant, provider, model, kept))
        except ProviderError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    return tuple(found)


def _mind(tenant: Tenant, provider: str, model: str, kept: Kept) -> Mind:
    if provider not in PROVIDERS:  # any more: the operator's setting of the same name has changed
        raise ProviderError(f"There is no provider called {provider!r}.", kind="refused", retryable=False)
    if not tenant.may_use(provider, model):
        message = f"The organisation does not allow {provider}:{model}."
        raise ProviderError(message, kind="refused", retryable=False)
    return Mind(tenant.id, provider, model, connections.of(provider, model, kept))
