"""Statements that are planned once: the walls hold for them as for any other, and they read and write what the ORM does."""

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from apps.chats.models import Chat, ContentChat
from apps.tenants import access, scope, twofactor
from apps.tenants.models import Phone, Tenant
from apps.tenants.owned import ForeignTenant
from apps.tenants.postgres import prepared
from apps.tenants.postgres.prepared import Prepared, Table
from tests.tenants import phone
from tests.world import House

CHATS, EXCHANGES = Table(Chat), Table(ContentChat)
ADD = EXCHANGES.insertion()
ALL_CHATS = Prepared(f"SELECT {CHATS.columns('c')} FROM chats_chat c")
OWN_CHATS = Prepared(f"SELECT {CHATS.columns('c')} FROM chats_chat c WHERE tenant_id = %(tenant)s")
EXCHANGE = Prepared(
    f"SELECT 1, {EXCHANGES.columns('e')} FROM chats_contentchat e WHERE tenant_id = %(tenant)s AND id = %(id)s"
)
PLANS = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"


@pytest.fixture
def chat(acme: House) -> Chat:
    with acme.scope():
        return Chat.objects.create(agent=acme.agent, visitor="v")


def exchange(chat: Chat, **fields: Any) -> ContentChat:
    return ContentChat(chat=chat, number=1, client_message_id="m", request="Hello?", **fields)


def test_a_row_is_read_as_the_orm_reads_it(acme: House, chat: Chat) -> None:
    with acme.scope():
        exchange(chat, cuts=[1, 2], usage={"input_tokens": 3}, grounded=True).save()
        known = ContentChat.objects.get()
        row = EXCHANGE.first(id=known.id)
        assert row is not None
        read = EXCHANGES.read(row, 1)
        assert {field.attname: getattr(read, field.attname) for field in ContentChat._meta.fields} == {
            field.attname: getattr(known, field.attname) for field in ContentChat._meta.fields
        }


def test_who_comes_is_read_as_the_orm_reads_it(acme: House) -> None:
    phone.set_up(acme.user)
    admitted = access.by_key(acme.key)
    assert admitted is not None
    pairs = (
        (admitted.tenant, Tenant.objects.get(id=acme.tenant.id)),
        (twofactor.device_of(acme.user), Phone.objects.get(user_id=acme.user.pk)),
    )
    for read, known in pairs:
        assert {name: value for name, value in vars(read).items() if name != "_state"} == {
            name: value for name, value in vars(known).items() if name != "_state"
        }


def test_a_row_is_written_as_the_orm_writes_it(acme: House, chat: Chat) -> None:
    with acme.scope():
        made = exchange(chat, cuts=[1, 2], usage={"input_tokens": 3}, holder=uuid.uuid4())
        ADD.run(**EXCHANGES.values(made))
        made.response, made.cuts, made.number = "Yes", [3], 7
        EXCHANGES.change("response", "cuts").run(**EXCHANGES.values(made, "response", "cuts"))
        known = ContentChat.objects.get()
        assert (known.response, known.cuts, known.usage, known.holder, known.number) == (
            "Yes", [3], {"input_tokens": 3}, made.holder, 1,
        )  # fmt: skip


def test_the_server_plans_it_once(acme: House, chat: Chat) -> None:
    with acme.scope(), connection.cursor() as cursor:
        for _ in range(3):
            assert len(OWN_CHATS.rows()) == 1
        cursor.execute(PLANS, ["%FROM chats_chat c WHERE tenant_id = $1"])
        assert cursor.fetchone() == (1,)


def test_without_a_tenant_python_raises(acme: House, chat: Chat) -> None:
    with pytest.raises(scope.NoTenant):
        OWN_CHATS.rows()


def test_the_server_hides_a_rivals_rows_although_the_statement_was_planned_for_their_owner(
    acme: House, globex: House, chat: Chat
) -> None:
    for house, known in ((acme, 1), (globex, 0), (acme, 1)):
        with house.scope():
            assert len(ALL_CHATS.rows()) == known
    assert ALL_CHATS.rows() == []


def test_a_rivals_row_is_not_written(acme: House, globex: House, chat: Chat) -> None:
    with acme.scope():
        made = exchange(chat)
    with globex.scope(), pytest.raises(ForeignTenant):
        ADD.run(**EXCHANGES.values(made))


def test_what_goes_wrong_among_statements_sent_together_is_djangos_error_and_undoes_them_all(
    acme: House, chat: Chat
) -> None:
    with acme.scope():
        with pytest.raises(IntegrityError), transaction.atomic(), prepared.together():
            ADD.run(**EXCHANGES.values(exchange(chat)))
            ADD.run(**EXCHANGES.values(exchange(chat)))
        assert not ContentChat.objects.exists()
