"""A reply's entries as the chunks of a streamed completion."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from apps.api import problems
from apps.api.problems import Problem
from apps.chats.entries import ENDS, STARTED, Entry

DONE = b"data: [DONE]\n\n"
CANCELLED = "reply.cancelled"
NO_USAGE = {"input_tokens": 0, "output_tokens": 0}


@dataclass
class Answer:
    """What all chunks of one completion have in common."""

    chat_id: UUID
    model: str
    created: int = field(default_factory=lambda: int(time.time()))


class Chunks:
    """Text cannot be taken back from these clients: a reply that has to begin anew after some of it was sent ends in an error."""

    def __init__(self, answer: Answer, *, wants_usage: bool) -> None:
        self._answer, self._wants_usage = answer, wants_usage
        self._epoch: int | None = None
        self._has_said = self._has_ended = False

    def begin(self) -> bytes:
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def write(self, entry: Entry) -> bytes:
        if self._has_ended:
            return b""
        if entry.type == STARTED:
            return self._restart(entry)
        if entry.index is not None:
            return self._say(entry)
        if entry.type in ENDS:
            return self._finish(entry)
        if entry.type == "reply.citations":
            return self._chunk({}, citations=orjson.loads(entry.text)["citations"])
        return b""

    def end(self) -> bytes:
        """Where people handle the chat there was no reply; otherwise the server went down in the middle of one."""
        if self._has_ended:
            return b""
        if self._epoch is None:
            return self._stop(NO_USAGE, state="waiting")
        return _error("interrupted", "The server restarts and the reply goes on elsewhere; ask again.")

    def _restart(self, entry: Entry) -> bytes:
        is_doubled = self._has_said and entry.epoch != self._epoch
        self._epoch = entry.epoch
        if not is_doubled:
            return b""
        self._has_ended = True
        return _error("reply_restarted", "The reply had to begin anew; ask again.")

    def _say(self, entry: Entry) -> bytes:
        if entry.epoch != self._epoch:
            return b""
        self._has_said = True
        return self._chunk({"content": entry.said})

    def _finish(self, entry: Entry) -> bytes:
        told = orjson.loads(entry.text)
        if entry.type == "reply.failed":
            self._has_ended = True
            return _error(told["code"], "The agent could not answer; ask again.")
        how = (
            {"state": "stopped", "reason": told["reason"]}
            if entry.type == CANCELLED
            else {"state": "completed", "reason": ""}
        )
        return self._stop(told.get("usage", NO_USAGE), **how)

    def _stop(self, counted: dict[str, int], *, state: str, reason: str = "") -> bytes:
        self._has_ended = True
        stopped = self._chunk({}, finish_reason=finish_reason(state), state=state, reason=reason)
        counting = self._encode({**self._head(), "choices": [], "usage": usage(counted)})
        return stopped + (counting if self._wants_usage else b"") + DONE

    def _chunk(self, delta: dict[str, Any], *, finish_reason: str | None = None, **added: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        counted = {"usage": None} if self._wants_usage else {}
        return self._encode({**self._head(), "choices": [choice], **counted, **added})

    def _head(self) -> dict[str, Any]:
        return {
            "id": name(self._answer.chat_id),
            "object": "chat.completion.chunk",
            "created": self._answer.created,
            "model": self._answer.model,
        }

    def _encode(self, chunk: dict[str, Any]) -> bytes:
        return b"data: " + orjson.dumps(chunk) + b"\n\n"


def finish_reason(state: str) -> str:
    """Of a reply that was stopped or taken over the text is not whole: of OpenAI's words for that the one that blames nobody."""
    return "length" if state == "stopped" else "stop"


def name(chat_id: UUID) -> str:
    return f"chatcmpl-{chat_id.hex}"


def usage(counted: dict[str, int]) -> dict[str, int]:
    asked, answered = counted.get("input_tokens", 0), counted.get("output_tokens", 0)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _error(code: str, detail: str) -> bytes:
    error = problems.openai_error(Problem(502, code, "", detail))
    return b"data: " + orjson.dumps({"error": error}) + b"\n\n"
