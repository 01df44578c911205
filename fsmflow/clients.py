"""Clients of Redis: made from a URL with bounded timeouts, looked at when they are handed in, and asked.

Here belongs what knows redis-py: what a client is told, which of its errors there are, how its answers come as bytes.
What is asked stands in `exchange`; how an asynchronous client is asked for many at once, in `batching`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from redis import Redis, RedisCluster
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.client import NEVER_DECODE
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from fsmflow.errors import StoreUnavailable

ClientT = TypeVar("ClientT", Redis, AsyncRedis)

# One attempt and one more, each bounded, so that a worker knows within a second that it cannot answer. redis-py nests
# them: the second attempt of a command connects anew, twice, and each time to every address of the name. At worst, for
# a "localhost" of two addresses, that is 0.2 + 2 * 2 * 0.1 s and two short pauses. The lookup of a name is not bounded.
SOCKET_TIMEOUT: Final = 0.2
CONNECT_TIMEOUT: Final = 0.1
RETRIES: Final = 1

# On an event loop the others' work counts into what one waits: a bound as short as above would be met by a loop that is
# merely busy.
ASYNC_SOCKET_TIMEOUT: Final = 0.5
ASYNC_CONNECT_TIMEOUT: Final = 0.2

# redis-py's cluster errors are a tree of their own
CLIENT_ERRORS: Final = (RedisError, RedisClusterException)

LONGEST_BATCH: Final = 128
"""How many commands go out at once, at most. A commit takes Redis less than 0.1 ms: all of them stay well within the
timeout of an answer."""


def client_of(url: str) -> Redis:
    """A client of the Redis at a URL, with timeouts and retries bounded to less than a second.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py takes it; what it says wins.

    Raises:
        ValueError: It is no such URL. What it holds is not said: a part of it may be a password.
    """
    return _bounded(Redis, Retry, url, SOCKET_TIMEOUT, CONNECT_TIMEOUT)


def async_client_of(url: str) -> AsyncRedis:
    """As `client_of`, for an event loop; bounded to less than two seconds."""
    return _bounded(AsyncRedis, AsyncRetry, url, ASYNC_SOCKET_TIMEOUT, ASYNC_CONNECT_TIMEOUT)


def _bounded(
    kind: type[ClientT], retry: type[Retry | AsyncRetry], url: str, socket_timeout: float, connect_timeout: float
) -> ClientT:
    bounds: dict[str, Any] = {
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": connect_timeout,
        "retry": retry(ExponentialWithJitterBackoff(base=0.01, cap=0.05), RETRIES),
    }
    try:
        client = kind.from_url(url, **bounds)
        _check_options(client)
    except (ValueError, TypeError):
        raise ValueError(_WANTED_URL) from None
    return client


_WANTED_URL: Final = "the URL of a store is redis://…, rediss://… or unix://…, its password quoted"


def _check_options(client: Any) -> None:
    """Makes a connection that is never opened: an unknown option of a URL is else met by the first member who writes.

    Raises:
        TypeError: There is one. It may be the rest of a password in which a question mark was not quoted.
    """
    pool = client.connection_pool
    pool.connection_class(**pool.connection_kwargs)


def check_client(redis: Any, *, is_async: bool) -> None:
    """Checks what is handed in as a client: found out here, and not by the first member who writes.

    Raises:
        TypeError: It is none, or one for the other side.
    """
    execute = getattr(redis, "execute_command", None)
    if not callable(execute):
        raise TypeError(f"a client is needed, not a {type(redis).__name__}: for a URL use from_url")
    if inspect.iscoroutinefunction(execute) is not is_async:
        wanted, manager = ("redis.asyncio", "FlowStateManager") if is_async else ("redis", "AsyncFlowStateManager")
        raise TypeError(f"a client of {wanted} is needed here: this one is for {manager}")


def execute(redis: Redis | RedisCluster, command: tuple[Any, ...]) -> Any:
    """Sends a command; its answer comes as bytes, whatever the client decodes otherwise.

    Raises:
        StoreUnavailable: Redis did not do it.
    """
    asked: Any = redis.execute_command  # redis-py leaves it untyped
    try:
        return asked(*command, **{NEVER_DECODE: True})
    except Exception as fault:
        disconnect_after(fault, redis)
        raise unavailable(command, fault) from fault


def execute_together(redis: Redis | RedisCluster, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Sends commands in pipelines, on a cluster one for each node.

    Returns:
        Their answers, in order; of one that failed its `StoreUnavailable`.
    """
    answers: list[Any] = []
    for start in range(0, len(commands), LONGEST_BATCH):
        batch = commands[start : start + LONGEST_BATCH]
        try:
            answers += outcomes(batch, pipeline_of(redis, batch).execute(raise_on_error=False))
        except Exception as fault:  # noqa: BLE001 - of what a client is given to call, such as a provider of credentials
            disconnect_after(fault, redis)
            answers += outcomes(batch, [fault] * len(batch))
    return answers


def disconnect_after(fault: Exception, redis: Any) -> Awaitable[None] | None:
    """Closes the idle connections of a client of either kind, after a fault that is none of its own.

    What a client is given to call (a provider of credentials, which asks over a network) may raise anything, an
    `OSError` too. redis-py closes a connection after its own errors only: one whose handshake another broke off goes
    back to the idle ones. It may be one to another database, and must not be used. Those in use are other threads' and
    tasks': closed under them, their commands would fail too.

    Returns:
        What is to be awaited where the client is asynchronous. It may raise what it likes.
    """
    pool = getattr(redis, "connection_pool", None)  # a cluster has one for each node, and makes its own of it
    if pool is None or isinstance(fault, CLIENT_ERRORS):
        return None
    with suppress(Exception):
        closing: Awaitable[None] | None = pool.disconnect(**_IDLE_ONLY if _can_spare_others(redis) else {})
        return closing
    return None


_IDLE_ONLY: Final = {"inuse_connections": False}


def _can_spare_others(redis: Any) -> bool:
    """Not a client of one connection, which it never gives back; nor a blocking pool of redis-py 6: it closes all."""
    if getattr(redis, "connection", None) is not None:
        return False
    return _IDLE_ONLY.keys() <= inspect.signature(redis.connection_pool.disconnect).parameters.keys()


def pipeline_of(redis: Any, commands: Sequence[tuple[Any, ...]]) -> Any:
    """A pipeline of a client of either kind, with commands in it that are not sent yet."""
    pipeline = redis.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command, **{NEVER_DECODE: True})
    return pipeline


def outcomes(commands: Sequence[tuple[Any, ...]], answers: Sequence[Any]) -> list[Any]:
    """Answers of commands, with what stands for a failure as the `StoreUnavailable` that it means."""
    return [
        unavailable(command, answer) if isinstance(answer, Exception) else answer
        for command, answer in zip(commands, answers, strict=True)
    ]


def unavailable(command: tuple[Any, ...], fault: Exception) -> StoreUnavailable:
    """What a client's error means here. Its text is not passed on: it may hold an address or an argument."""
    meant = StoreUnavailable(f"Redis did not do {command[0]}: {type(fault).__name__}")
    meant.__cause__ = fault
    return meant
