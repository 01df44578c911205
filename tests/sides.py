"""Both sides of fsmflow under one face: a test says what it wants of a manager or a runner, and the side does it.

On the asynchronous side each call runs on one event loop until it is through. A module whose promises hold on both
sides says ``pytestmark = pytest.mark.usefixtures("side")``; what it makes by `manager_on` and `runner_on` is then of
the side at hand.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import fakeredis
from attrs import evolve
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from fsmflow import AsyncFlowRunner, AsyncFlowStateManager, FlowRunner, FlowStateManager
from fsmflow.registry import Flows

SIDES = ("sync", "async")
_ADDRESS = ("host", "port", "db", "username", "password")


class _Side:
    """The side at hand, and on the asynchronous one its event loop and clients."""

    name = "sync"
    loop: asyncio.AbstractEventLoop | None = None
    clients: list[AsyncRedis] = []  # noqa: RUF012 - emptied with the loop
    managers: list[AsyncFlowStateManager] = []  # noqa: RUF012 - as above


@contextmanager
def on_side(name: str) -> Iterator[None]:
    """Has everything be made for one side meanwhile, and closes what was opened for it."""
    before = _Side.name
    _Side.name = name
    try:
        yield
    finally:
        _Side.name = before
        if name == "async" and _Side.loop is not None:
            for manager in _Side.managers:
                _Side.loop.run_until_complete(manager.close())
            _Side.managers.clear()
            for client in _Side.clients:
                _Side.loop.run_until_complete(client.aclose())
            _Side.clients.clear()
            _Side.loop.close()
            _Side.loop = None


def wait_for(coroutine: Any) -> Any:
    """What a coroutine gives, on the event loop of the side."""
    if _Side.loop is None:
        _Side.loop = asyncio.new_event_loop()
    return _Side.loop.run_until_complete(coroutine)


def async_client_like(client: Redis) -> AsyncRedis:
    """An asynchronous client of the store that a synchronous one is of; closed with the side."""
    told = client.connection_pool.connection_kwargs
    twin: AsyncRedis
    if "server" in told:
        twin = fakeredis.FakeAsyncRedis(server=told["server"])
    else:
        twin = AsyncRedis(**{name: told[name] for name in _ADDRESS if told.get(name) is not None})
    _Side.clients.append(twin)
    return twin


def manager_on(client: Redis, **named: Any) -> FlowStateManager:
    """A manager of the side at hand; whichever it is, its methods are called as the synchronous one's."""
    if _Side.name == "sync":
        return FlowStateManager(client, **named)
    manager = AsyncFlowStateManager(async_client_like(client), **named)
    _Side.managers.append(manager)
    return as_if_sync(manager)


def as_if_sync(manager: AsyncFlowStateManager) -> FlowStateManager:
    """A manager of the asynchronous side, called as the synchronous one is. Its client is the caller's to close."""
    return cast("FlowStateManager", _Awaited(manager))


def gives_up_at_once(manager: FlowStateManager) -> FlowStateManager:
    """The same manager, which commits no outcome again where Redis is gone: for tests in which its worker is, too."""
    own: Any = manager.awaited if isinstance(manager, _Awaited) else manager
    own.exchange = evolve(own.exchange, insistence=0.0)
    return manager


def runner_on(manager: FlowStateManager, flows: Flows, **named: Any) -> FlowRunner:
    """A runner on such a manager."""
    if isinstance(manager, _Awaited):
        return cast("FlowRunner", _Awaited(AsyncFlowRunner(manager.awaited, flows, **named)))
    return FlowRunner(manager, flows, **named)


def before_each_command(manager: FlowStateManager, look: Callable[[tuple[Any, ...]], None]) -> None:
    """Has each command of a manager looked at before it is sent."""
    client: Any = manager.redis
    send = client.execute_command

    def sync(*command: Any, **named: Any) -> Any:
        look(command)
        return send(*command, **named)

    async def awaited(*command: Any, **named: Any) -> Any:
        look(command)
        return await send(*command, **named)

    client.execute_command = awaited if inspect.iscoroutinefunction(send) else sync


class _Awaited:
    """An object whose methods are awaited as they are called."""

    def __init__(self, awaited: Any) -> None:
        self.awaited = awaited

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.awaited, name)
        return _waiting(found) if inspect.iscoroutinefunction(found) else found


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **named: wait_for(method(*arguments, **named))
