"""Token buckets in Valkey: the atomic script, and asking it from threads and from the event loop.

What is asked in one event loop while an answer is awaited is asked next, all of it in one round trip: however many ask at once, one
connection is enough."""

import asyncio
import contextvars
import hashlib
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from redis.exceptions import NoScriptError

from apps.tenants import valkey

Told = list[
    int
]  # 1 if all was taken, else 0; then each bucket's milliseconds until it is full, as if all was taken

# A bucket is one number (GCRA): the instant at which it is full again, by Valkey's clock, in milliseconds. An absent one is full.
# Keys are buckets; arguments are, for each, its capacity and the milliseconds in which it is filled.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full, told, is_taken = {}, {1}, true
for i, key in ipairs(KEYS) do
  local fill = tonumber(ARGV[2 * i])
  local at = math.max(tonumber(redis.call('GET', key) or now), now) + fill / tonumber(ARGV[2 * i - 1])
  full[i], told[i + 1] = at, math.ceil(at - now)
  if at - now > fill + 0.5 then is_taken = false end
end
if not is_taken then
  told[1] = 0
  return told
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', full[i]), 'PX', math.max(1, math.ceil(full[i] - now)))
end
return told
"""
_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


def take(keys: Sequence[str], numbers: Sequence[float]) -> Told:
    """For threads. Raises one of valkey.Unreachable."""
    client: Any = valkey.blocking()
    try:
        told: Told = client.evalsha(_SHA, len(keys), *keys, *numbers)
    except NoScriptError:
        told = client.eval(SCRIPT, len(keys), *keys, *numbers)
    return told


async def atake(keys: Sequence[str], numbers: Sequence[float]) -> Told:
    """For the event loop. Raises one of valkey.Unreachable."""
    loop = asyncio.get_running_loop()
    if loop not in _queues:
        _queues[loop] = Queue()
    return await _queues[loop].ask((len(keys), *keys, *numbers))


class Queue:
    """What one event loop asks."""

    def __init__(self) -> None:
        self._waiting: list[tuple[tuple[Any, ...], asyncio.Future[Told]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, arguments: tuple[Any, ...]) -> Told:
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.append((arguments, answer))
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask(), context=contextvars.Context())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                try:
                    told: Sequence[Any] = await _all([arguments for arguments, _ in asked])
                except Exception as error:
                    told = [error] * len(asked)
                for (_, answer), one in zip(asked, told, strict=True):
                    _resolve(answer, one)
        finally:
            self._asking = None


async def _all(asked: Sequence[tuple[Any, ...]]) -> list[Any]:
    """An answer or an error to each. Where the script is not known yet, nothing was taken, and it is asked again."""
    told = await _round(asked)
    unknown = [at for at, one in enumerate(told) if isinstance(one, NoScriptError)]
    if unknown:
        client: Any = valkey.client()
        await client.script_load(SCRIPT)
        for at, one in zip(unknown, await _round([asked[at] for at in unknown]), strict=True):
            told[at] = one
    return told


async def _round(asked: Sequence[tuple[Any, ...]]) -> list[Any]:
    async with valkey.client().pipeline(transaction=False) as pipeline:
        for arguments in asked:
            pipeline.evalsha(_SHA, *arguments)
        told: list[Any] = await pipeline.execute(raise_on_error=False)
    return told


def _resolve(answer: "asyncio.Future[Told]", told: Any) -> None:
    if answer.done():  # whoever asked has gone
        return
    if isinstance(told, Exception):
        answer.set_exception(told)
    else:
        answer.set_result(told)


_queues: "WeakKeyDictionary[asyncio.AbstractEventLoop, Queue]" = WeakKeyDictionary()
