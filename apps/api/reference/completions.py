"""The same agents by the wire format of OpenAI."""

from apps.api.reference.standins import AGENT, ANSWER, CHAT, CITATION, QUESTION
from apps.api.reference.telling import told

_OBJECT = {"type": "object"}
_COMPLETION = {
    "id": "chatcmpl-0b0cfd5e5e6c4a0e9d0a0f6b9c0f3a11",
    "object": "chat.completion",
    "created": 1767268800,
    "model": AGENT,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER, "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 210, "completion_tokens": 9, "total_tokens": 219},
    "session_id": CHAT,
    "state": "completed",
    "reason": "",
    "citations": [CITATION],
}
_MODEL = {"id": AGENT, "object": "model", "created": 1767268800, "owned_by": "fernhill", "name": "Fern"}
COMPLETE = told(
    400, 401, 402, 403, 404, 409, 413, 502, 503,
    request={
        "One question": {"model": AGENT, "messages": [{"role": "user", "content": QUESTION}]},
        "As a stream": {
            "model": AGENT,
            "messages": [{"role": "user", "content": QUESTION}],
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    },
    answer=_COMPLETION,
    schema=_OBJECT,
    stream='data: {"id":"chatcmpl-…","object":"chat.completion.chunk", …}\n\ndata: [DONE]\n\n',
    is_openai=True,
)  # fmt: skip
MODELS = told(401, 403, answer={"object": "list", "data": [_MODEL]}, schema=_OBJECT, is_openai=True)
MODEL = told(401, 403, 404, answer=_MODEL, schema=_OBJECT, is_openai=True)
