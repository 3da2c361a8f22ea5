"""`/api/v1/openai/`: OpenAI's wire format, so that any of its clients can talk to an agent, whose id is the `model`."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from ninja import Router

from apps.agents.models import Agent
from apps.agents.providers.base import Turn
from apps.api import chat, chunks, limiting, sse
from apps.api.chat import Key
from apps.api.completion_schemas import Assistant, CompletionRequest, User
from apps.api.guards import ByKey, Caller
from apps.api.problems import NotFound
from apps.api.reference import completions as reference
from apps.chats import conversations, replies
from apps.chats.conversations import Opening
from apps.chats.models import ContentChat
from apps.tenants import caps
from apps.tenants.hops import hop

router = Router(tags=["openai"], auth=ByKey("chats.ask"))


@router.post("/chat/completions", summary="Complete a conversation", **reference.COMPLETE)
async def complete(
    request: HttpRequest, body: CompletionRequest, idempotency_key: Key = None
) -> HttpResponseBase:
    """Asks the last message of role `user`; the messages of users and assistants before it are the history of this one reply.

    Messages of role `system` and `developer` are not used: the agent's own instructions hold. Every request is a chat of
    its own. Unknown fields are ignored; `n` above 1, tools, images, audio and files are refused. Errors have OpenAI's form."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    agent_id = await hop(_agent)(body.model)
    history, question = _turns(body)
    meaning = {
        "model": agent_id,
        "history": [[turn.request, turn.response] for turn in history],
        "ask": question,
    }
    message_id = await chat.name_of(caller, idempotency_key, meaning)
    opening = Opening(agent_id, caller.name)
    chat_id = conversations.chat_id_for(opening, message_id)
    await limiting.message(request, agent_id)
    with ExitStack() as room:
        room.callback(caps.hold(*limiting.crowd(request)))
        asked = await replies.ask(
            chat_id, question, client_message_id=message_id, opening=opening, history=history
        )
        if body.stream:
            return await _streamed(body, asked, room)
        await chat.wait_for(asked)
        return JsonResponse(_completion(body, await hop(chat.answered)(chat_id, message_id)))


@router.get("/models", summary="List the agents", **reference.MODELS)
async def models(request: HttpRequest) -> HttpResponseBase:
    """Each agent of the organisation as a model."""
    return JsonResponse({"object": "list", "data": await hop(_models)(request)})


@router.get("/models/{model}", summary="See one agent", **reference.MODEL)
async def model(request: HttpRequest, model: str) -> HttpResponseBase:
    """One agent as a model."""
    found = [one for one in await hop(_models)(request) if one["id"] == model]
    if not found:
        raise _unknown(model)
    return JsonResponse(found[0])


async def _streamed(body: CompletionRequest, asked: replies.Question, room: ExitStack) -> HttpResponseBase:
    _, told = await chat.begun(asked)
    wants_usage = body.stream_options is not None and body.stream_options.include_usage
    answer = chunks.Answer(asked.asked.exchange.chat_id, body.model)
    writer = chunks.Chunks(answer, wants_usage=wants_usage)
    return sse.respond(told, writer, first=writer.begin(), leave=room.pop_all().close)


def _agent(model: str) -> UUID:
    try:
        agent_id = UUID(model)
    except ValueError:
        raise _unknown(model) from None
    if not Agent.objects.filter(id=agent_id).exists():
        raise _unknown(model)
    return agent_id


def _unknown(model: str) -> NotFound:
    return NotFound(f"There is no model {model[:60]!r}: name the id of an agent.", code="unknown_model")


def _models(request: HttpRequest) -> list[dict[str, Any]]:
    owner = request.admitted.tenant.slug  # type: ignore[attr-defined]
    return [
        {
            "id": str(agent.id),
            "object": "model",
            "created": int(agent.created_at.timestamp()),
            "owned_by": owner,
            "name": agent.name,
        }
        for agent in Agent.objects.order_by("created_at", "id")
    ]


def _turns(body: CompletionRequest) -> tuple[tuple[Turn, ...], str]:
    """What was said before as pairs of request and response, and the question. Raises BadMessage."""
    said = [message for message in body.messages if isinstance(message, User | Assistant)]
    last = max((at for at, message in enumerate(said) if isinstance(message, User)), default=None)
    if last is None:
        raise conversations.BadMessage("no_question", "There is no message of role user to answer.")
    return tuple(_pairs(said[:last])), said[last].text


def _pairs(said: Sequence[User | Assistant]) -> list[Turn]:
    pairs: list[Turn] = []
    for message in said:
        if isinstance(message, User):
            pairs.append(Turn(message.text, ""))
        elif pairs and not pairs[-1].response:
            pairs[-1] = Turn(pairs[-1].request, message.text)
        else:
            pairs.append(Turn("", message.text))
    return pairs


def _completion(body: CompletionRequest, exchange: ContentChat) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": exchange.response,
        "refusal": None,
        "annotations": [],
    }
    return {
        "id": chunks.name(exchange.chat_id),
        "object": "chat.completion",
        "created": int(exchange.created_at.timestamp()),
        "model": body.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": chunks.finish_reason(exchange.state),
            }
        ],
        "usage": chunks.usage(exchange.usage),
        "session_id": str(exchange.chat_id),
        "state": exchange.state,
        "reason": exchange.reason,
        "citations": exchange.citations,
    }
