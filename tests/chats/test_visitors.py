from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core import signing

from apps.chats import visitors


def test_a_token_says_who_it_was_issued_to() -> None:
    visitor = visitors.new(uuid4())
    assert visitors.read(visitors.issue(visitor), agent_id=visitor.agent_id) == visitor


def test_a_token_of_another_agent_is_refused() -> None:
    with pytest.raises(visitors.BadToken, match="another agent"):
        visitors.read(visitors.issue(visitors.new(uuid4())), agent_id=uuid4())


def test_a_token_that_is_too_old_is_refused() -> None:
    visitor = visitors.new(uuid4())
    with patch("django.core.signing.time.time", return_value=0.0):
        token = visitors.issue(visitor)
    with pytest.raises(visitors.BadToken):
        visitors.read(token, agent_id=visitor.agent_id)


@pytest.mark.parametrize(
    "forged",
    ["", "x", "a:b:c", signing.dumps(["v", "x"], salt="elsewhere"), signing.dumps(7)],
    ids=["nothing", "a word", "like one", "for elsewhere", "a number"],
)
def test_what_was_not_signed_here_is_refused(forged: str) -> None:
    with pytest.raises(visitors.BadToken):
        visitors.read(forged, agent_id=uuid4())
