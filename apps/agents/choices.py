"""Which models there are to choose from, as providers say when they are asked, and which of an agent's are not there."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apps.agents import connections, pulls
from apps.agents.models import Agent
from apps.agents.providers import catalogue
from apps.agents.providers.base import Connection, Provider, ProviderError
from apps.tenants import organisation
from apps.tenants.hops import hop

PATIENCE = 3.0  # seconds, since somebody waits for a page
MOST = 1000  # models of one provider
LONGEST_NAME, LONGEST = 120, 200  # characters: more no agent can name, and nobody reads of one


@dataclass(frozen=True, slots=True)
class Choice:
    """One model that the tenant in scope may use, and what is to be known of it, such as its size."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one provider has; `problem` is a sentence for staff where it could not be asked."""

    provider: str
    models: tuple[Choice, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How a provider is reached, or why not, and which of its models agents want; by agents' names, for staff."""

    provider: str
    wanted: dict[str, list[str]]
    connection: Connection | None = None
    problem: str = ""


async def shelves() -> list[Shelf]:
    """Of every provider that the tenant may use and that asks for a model, with what its agents want and do not find there."""
    return list(await asyncio.gather(*map(_asked, await hop(_ways)())))


async def missing(minds: Iterable[tuple[str, str]]) -> list[str]:
    """A sentence for each of these models that its provider does not have; none where it cannot be asked now."""
    return [
        said
        for shelf in await asyncio.gather(*map(_asked, await hop(_ways_to)(minds)))
        for said in shelf.missing
    ]


def _ways() -> list[Way]:
    minds = [(*mind, agent.name) for agent in Agent.objects.order_by("name") for mind in agent.minds]
    return list(_each(minds, set(organisation.current().providers)))


def _ways_to(minds: Iterable[tuple[str, str]]) -> list[Way]:
    return list(_each([(*mind, "") for mind in minds], {provider for provider, _ in minds}))


def _each(minds: list[tuple[str, str, str]], providers: set[str]) -> Iterator[Way]:
    for provider in sorted(providers & set(catalogue.PROVIDERS) & connections.ASKED):
        wanted: dict[str, list[str]] = {}
        for of, model, agent in minds:
            if of == provider:
                wanted.setdefault(model, []).append(agent)
        try:
            yield Way(provider, wanted, connections.to(provider))
        except ProviderError as error:
            yield Way(provider, wanted, problem=str(error))


async def _asked(way: Way) -> Shelf:
    if way.connection is None:
        return Shelf(way.provider, problem=way.problem)
    provider = catalogue.load(way.provider, way.connection)
    try:
        async with asyncio.timeout(PATIENCE):
            found = await provider.models()
    except ProviderError as error:
        return Shelf(way.provider, problem=str(error))
    except TimeoutError:
        return Shelf(way.provider, problem=f"It did not answer within {PATIENCE:.0f} seconds.")
    return await hop(_shelf)(way, way.connection, provider, found)


def _shelf(way: Way, connection: Connection, provider: Provider, found: dict[str, str]) -> Shelf:
    """What the operator does not give to everybody, or the owner did not allow, is not told of."""
    tenant = organisation.current()
    models = tuple(
        Choice(name, says[:LONGEST])
        for name, says in sorted(found.items())
        if len(name) <= LONGEST_NAME
        and tenant.may_use(way.provider, name)
        and connections.is_open(connection, way.provider, name)
    )
    return Shelf(way.provider, models[:MOST], tuple(_missing(way, connection, provider, set(found))))


def _missing(way: Way, connection: Connection, provider: Provider, names: set[str]) -> Iterator[str]:
    for model, agents in way.wanted.items():
        if said := provider.missing(model, names):
            if connection.is_shared and (far := pulls.of(model)):
                said = f"{connection.place} has no model {model} yet. Its operator is fetching it: {far}."
            whose = ", ".join(filter(None, agents))
            yield f"{whose}: {said}" if whose else said
