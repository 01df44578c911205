"""The embedded default: a Redis in this process, on fakeredis.

For trying things out and for tests; it lives as long as the process does. It runs the same script and the same codec
as a real one, so what is learned with it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsmflow.errors import MissingExtra

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis


def embedded_redis() -> Redis:
    """A client of a new, empty Redis in this process.

    Returns:
        The client.

    Raises:
        MissingExtra: fakeredis, or its Lua, is not installed.
    """
    client: Redis = _fakeredis().FakeRedis(server=_server())
    return client


def embedded_async_redis() -> AsyncRedis:
    """An asynchronous client of a new, empty Redis in this process.

    Returns:
        The client.

    Raises:
        MissingExtra: fakeredis, or its Lua, is not installed.
    """
    client: AsyncRedis = _fakeredis().FakeAsyncRedis(server=_server())
    return client


def _server() -> Any:
    return _fakeredis().FakeServer(version=(7,))


def _fakeredis() -> Any:
    try:
        import fakeredis
        import lupa  # type: ignore[import-untyped]  # noqa: F401 - fakeredis runs scripts with it, and says so only when the first one is sent
    except ImportError as missing:
        raise MissingExtra("memory", "a store in memory") from missing
    return fakeredis
