"""Connections to Valkey, one client per event loop. Everything said through them is a hint; the database has the truth."""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

MOST = 32
Unreachable = (RedisError, OSError, TimeoutError)
_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis]" = WeakKeyDictionary()


def client() -> "redis.asyncio.Redis":
    """The running loop's client: half a second for an answer, and no second try, so that nothing waits for a dead server. Where all
    its connections are in use it waits for one: many at once are no reason to find nobody there."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            settings.REDIS_URL,
            max_connections=MOST,
            timeout=0.5,
            socket_timeout=0.5,
            socket_connect_timeout=0.5,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
        )
        _clients[loop] = redis.asyncio.Redis.from_pool(pool)
    return _clients[loop]


def listener() -> "redis.asyncio.Redis":
    """A client for waiting: its socket has no time limit, and asks now and then whether anybody is there."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=None,
        socket_connect_timeout=1,
        health_check_interval=10,
        retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
    )


def is_cancelled() -> bool:
    """Whether the running task was asked to end: loops ask, because redis-py waits with `asyncio.wait_for`, which can swallow a
    cancellation before Python 3.12 (github.com/python/cpython/issues/86296)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@cache
def blocking() -> redis.Redis:
    """A client for threads: it too waits half a second at most."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )
