"""What visitors leave beside their messages: how good an answer or the whole chat was, where to reach them, and what their page
says of them. Nothing of it proves anything, and no agent is told of it."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email

from apps.chats import bell, ledger
from apps.chats.conversations import BadMessage
from apps.chats.entries import Entry
from apps.chats.models import Chat
from apps.tenants import scope

MOST_FACTS, LONGEST_NAME, LONGEST_FACT = 20, 40, 200
LONGEST_EMAIL = 254
Facts = dict[str, str | int | float | bool]


def thumb(chat_id: UUID, number: int, value: int, comment: str = "") -> tuple[Entry, ...]:
    """What a visitor thinks of an answer; the last thumb counts. Raises BadMessage where there is no such answer."""
    with ledger.opened(chat_id, may="chats.ask") as book:
        answered = book.chat.exchanges.filter(number=number).exclude(response="")
        if not answered.update(feedback=value, comment=comment):
            raise BadMessage("no_such_answer", "There is no answer of that number.")
        book.record("feedback", exchange=number, value=value, comment=comment)
    return tuple(book.told)


def rate(chat_id: UUID, value: int, comment: str = "") -> tuple[Entry, ...]:
    """How satisfied a visitor is with the chat, from 1 to 5 (CSAT); the last word counts."""
    with ledger.opened(chat_id, may="chats.ask") as book:
        _keep(book.chat, csat=value, csat_comment=comment)
        book.record("csat", value=value, comment=comment)
    return tuple(book.told)


def leave_email(chat_id: UUID, address: str) -> tuple[Entry, ...]:
    """Where a visitor wants to be answered. The event does not name the address: whoever else reads the chat need not know it.
    Raises BadMessage."""
    try:
        validate_email(address)
        MaxLengthValidator(LONGEST_EMAIL)(address)
    except ValidationError:
        raise BadMessage("bad_email", "Enter an e-mail address, such as name@example.org.") from None
    with ledger.opened(chat_id, may="chats.ask") as book:
        _keep(book.chat, email=address)
        book.record("email")
    return tuple(book.told)


def describe(chat_id: UUID, said: dict[str, Facts]) -> tuple[Entry, ...]:
    """What the page says of the visitor and of itself, in place of what it said before; staff see it as the page's word."""
    with ledger.opened(chat_id, may="chats.ask") as book:
        _keep(book.chat, said_by_page=said)
    bell.ring(scope.current(), chat_id, max(book.chat.last_seq, 1))
    return ()


def _keep(chat: Chat, **fields: Any) -> None:
    Chat.objects.filter(id=chat.id).update(**fields)


def facts(value: Any) -> Facts:
    """A flat object of a few short values. Raises ValueError with a sentence."""
    if not isinstance(value, dict) or len(value) > MOST_FACTS:
        raise ValueError(f"must be an object of at most {MOST_FACTS} values")
    for name, fact in value.items():
        if not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError(f"must have names of 1 to {LONGEST_NAME} printable characters")
        if (
            not isinstance(fact, str | int | float | bool)
            or len(str(fact)) > LONGEST_FACT
            or "\x00" in str(fact)
        ):
            raise ValueError(
                f"must have values that are numbers, true, false, or texts of at most {LONGEST_FACT} characters"
            )
    return value
