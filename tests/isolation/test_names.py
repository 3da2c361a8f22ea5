"""Names in Valkey and in channel layers: two tenants' never run together, whatever their ids and keys are made of."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from apps.analysis import live
from apps.chats import relay
from apps.tenants import cache, scope

ids = st.uuids()
words = st.lists(st.text(alphabet=":_-.%* abc0", max_size=6) | st.uuids().map(str), max_size=3)


@given(ids, words, ids, words)
def test_keys_of_the_cache_are_as_different_as_what_they_name(
    one: UUID, names: list[str], other: UUID, others: list[str]
) -> None:
    ours, theirs = cache.key(one, *["shelf", *names]), cache.key(other, *["shelf", *others])
    assert (ours == theirs) == ((one, names) == (other, others))


@given(ids, ids, ids, ids)
def test_streams_are_as_different_as_tenant_and_chat(
    one: UUID, chat: UUID, other: UUID, another: UUID
) -> None:
    ours, theirs = relay.key(one.hex, chat.hex), relay.key(other.hex, another.hex)
    assert (ours == theirs) == ((one, chat) == (other, another))


@given(ids, ids)
def test_dashboards_are_as_different_as_tenants(one: UUID, other: UUID) -> None:
    with scope.scoped_to(one):
        ours = live.group()
    with scope.scoped_to(other):
        theirs = live.group()
    assert (ours == theirs) == (one == other)


@given(ids)
def test_no_name_of_a_tenants_is_part_of_anothers(one: UUID) -> None:
    """Fixed length and no separators inside: nothing that begins like a tenant's name goes on as another's."""
    assert len(one.hex) == 32
    assert cache.key(one, "shelf").startswith(f"cwu:t:{one.hex}:")
