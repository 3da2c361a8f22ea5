"""The judge is judged: each kind of fault in a trace is found, and nothing is found in a good one."""

import hashlib
from typing import Any

import pytest

from tests.client import Frame, Seen, Transcript
from tests.trace import Rows, log_faults, message_faults, record_faults, text_faults, wire_faults

TEXT = "You have 30 days."
SHA = hashlib.sha256(TEXT.encode()).hexdigest()


def frame(kind: str, **fields: Any) -> Frame:
    return {"type": kind, **fields}


def delta(index: int, text: str, epoch: int = 1) -> Frame:
    return frame("reply.delta", exchange=1, epoch=epoch, index=index, text=text)


WELCOME = frame("welcome", chat=None, handled_by="agent", last_seq=0, recovered=True, messages=[])
GOOD = [
    WELCOME,
    frame("ack", chat="c", seq=1, client_message_id="m1", exchange=1),
    frame("message", seq=1, exchange=1, client_message_id="m1", text="How long?", **{"from": "visitor"}),
    frame("reply.started", seq=2, exchange=1, epoch=1),
    delta(0, "You have "),
    delta(1, "30 days."),
    frame("reply.completed", seq=3, exchange=1, epoch=1, sha256=SHA),
]
EVENTS = [
    {"seq": 1, "type": "message", "body": {"exchange": 1}},
    {"seq": 2, "type": "reply.started", "body": {"exchange": 1, "epoch": 1}},
    {"seq": 3, "type": "reply.completed", "body": {"exchange": 1, "epoch": 1, "sha256": SHA}},
]
EXCHANGE = {
    "number": 1,
    "client_message_id": "m1",
    "request": "How long?",
    "response": TEXT,
    "state": "completed",
}
ROWS = Rows({"last_seq": 3, "last_exchange": 1}, [EXCHANGE], EVENTS)


def seen(frames: list[Frame]) -> list[Seen]:
    return [Seen(0.0, 1, "sent", frame("hello"))] + [Seen(0.0, 1, "received", one) for one in frames]


def read(frames: list[Frame]) -> Transcript:
    transcript = Transcript()
    for one in frames:
        transcript.apply(one)
    return transcript


def test_nothing_is_wrong_with_a_good_trace() -> None:
    transcript = read(GOOD)
    assert list(wire_faults(seen(GOOD))) == list(log_faults(transcript.log)) == []
    assert list(text_faults(transcript, ROWS)) == list(record_faults(ROWS)) == []
    assert list(message_faults(seen(GOOD), ROWS)) == []
    assert transcript.position() == {"seq": 3}


@pytest.mark.parametrize(
    "frames",
    [
        [*GOOD[:4], *GOOD[5:]],
        [*GOOD[:5], GOOD[4], *GOOD[5:]],
        [*GOOD[:2], *GOOD[3:]],
        [*GOOD, GOOD[-1]],
        [*GOOD[:4], delta(0, "You have ", epoch=2), *GOOD[5:]],
    ],
)
def test_what_is_left_out_or_said_twice_is_found_on_the_wire(frames: list[Frame]) -> None:
    assert list(wire_faults(seen(frames)))


def test_a_text_that_differs_or_was_never_told_is_found() -> None:
    assert list(text_faults(read(GOOD[:5]), ROWS))
    assert list(text_faults(read([WELCOME]), ROWS))


@pytest.mark.parametrize(
    ("events", "exchange"),
    [
        (EVENTS[:2], EXCHANGE),
        ([*EVENTS, {**EVENTS[2], "seq": 4}], EXCHANGE),
        ([EVENTS[0], {**EVENTS[1], "seq": 3}], EXCHANGE),
        (EVENTS, {**EXCHANGE, "state": "running"}),
    ],
)
def test_a_record_with_gaps_or_two_ends_is_found(events: list[Frame], exchange: Frame) -> None:
    chat = {"last_seq": len(events), "last_exchange": 1}
    assert list(record_faults(Rows(chat, [exchange], events)))


def test_an_acknowledged_message_that_is_lost_doubled_or_elsewhere_is_found() -> None:
    for exchanges in ([], [EXCHANGE, {**EXCHANGE, "number": 2}], [{**EXCHANGE, "number": 2}]):
        assert list(message_faults(seen(GOOD), Rows(ROWS.chat, exchanges, EVENTS)))


def test_a_delta_that_counts_after_a_handoff_is_found() -> None:
    handed = frame("handoff", seq=3, epoch=2, state="staff", by="staff")
    late = [*GOOD[:5], handed, delta(1, "30 days.")]
    assert list(log_faults([one for one in late if one["type"] != "ack"]))
    assert list(log_faults(read(late).log)) == []


def test_the_client_asks_again_for_what_is_missing_and_for_a_text_with_another_hash() -> None:
    transcript = read(GOOD[:5])
    assert transcript.position() == {"seq": 2, "exchange": 1, "epoch": 1, "index": 0}
    assert transcript.apply(delta(2, "?"))
    assert transcript.apply(frame("handoff", seq=9, epoch=2, state="staff", by="staff"))
    assert transcript.apply(GOOD[-1])
    assert (transcript.position(), transcript.exchanges[1].response) == ({"seq": 2}, "")


def test_a_new_epoch_throws_the_older_text_away() -> None:
    transcript = read(
        [*GOOD[:6], frame("reply.started", seq=3, exchange=1, epoch=2), delta(0, "No", epoch=2)]
    )
    assert transcript.exchanges[1].response == "No"
    assert not transcript.apply(delta(2, "late"))
    assert transcript.exchanges[1].response == "No"
