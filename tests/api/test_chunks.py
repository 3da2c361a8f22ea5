"""A reply's entries as OpenAI's chunks, by themselves."""

import json
from typing import Any
from uuid import UUID

from apps.api.chunks import DONE, Answer, Chunks
from apps.chats import events
from apps.chats.entries import Entry

CHAT = UUID("0b0cfd5e-5e6c-4a0e-9d0a-0f6b9c0f3a11")


def started(epoch: int) -> Entry:
    return events.started_again(CHAT, 1, epoch)


def ended(kind: str, **fields: Any) -> Entry:
    return Entry(kind, json.dumps(fields), 3, 1, 1)


def written(*entries: Entry, wants_usage: bool = False) -> list[dict[str, Any] | str]:
    writer = Chunks(Answer(CHAT, "a-model", created=7), wants_usage=wants_usage)
    told = writer.begin() + b"".join(map(writer.write, entries)) + writer.end()
    lines = [line.removeprefix("data: ") for line in told.decode().split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


COMPLETED = ended("reply.completed", usage={"input_tokens": 3, "output_tokens": 2})


def test_a_reply_is_a_role_then_text_then_a_reason_to_finish() -> None:
    told = written(started(1), events.delta(1, 1, 0, "Hello "), events.delta(1, 1, 1, "you."), COMPLETED)
    deltas = [one["choices"][0]["delta"] for one in told[:-1] if isinstance(one, dict)]
    assert deltas == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hello "},
        {"content": "you."},
        {},
    ]
    assert told[-2]["choices"][0]["finish_reason"] == "stop"  # type: ignore[index]
    assert told[-1] == "[DONE]"


def test_what_it_cost_comes_last_for_who_asked() -> None:
    told = written(started(1), COMPLETED, wants_usage=True)
    *earlier, usage, done = told
    assert usage["choices"] == []  # type: ignore[index]
    assert usage["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}  # type: ignore[index]
    assert {one["usage"] for one in earlier if isinstance(one, dict)} == {None}
    assert done == "[DONE]"


def test_a_reply_that_begins_anew_after_text_was_sent_is_an_error_and_nothing_twice() -> None:
    told = written(
        started(1), events.delta(1, 1, 0, "Hello "), started(2), events.delta(1, 2, 0, "Hello "), COMPLETED
    )
    assert told[-1]["error"]["code"] == "reply_restarted"  # type: ignore[index]
    assert json.dumps(told).count("Hello") == 1


def test_a_reply_that_begins_anew_before_any_text_is_just_told() -> None:
    told = written(started(1), started(2), events.delta(1, 2, 0, "Hello "), COMPLETED)
    assert json.dumps(told).count("Hello") == 1
    assert told[-1] == "[DONE]"


def test_a_reply_that_failed_is_an_error() -> None:
    told = written(started(1), events.delta(1, 1, 0, "Hel"), ended("reply.failed", code="provider_timeout"))
    assert told[-1] == {
        "error": {
            "message": "The agent could not answer; ask again.",
            "type": "server_error",
            "param": None,
            "code": "provider_timeout",
        }
    }


def test_a_stream_that_ends_in_the_middle_is_an_error() -> None:
    told = written(started(1), events.delta(1, 1, 0, "Hel"))
    assert told[-1]["error"]["code"] == "interrupted"  # type: ignore[index]


def test_where_people_answer_there_is_no_text() -> None:
    told = written()
    assert told[-1] == "[DONE]"
    assert DONE.decode() == "data: [DONE]\n\n"
