"""Worker processes: they answer messages as a server's workers do, and can be stopped or killed at a point of a turn.

Here belongs what runs in such a process; the handle by which a test holds it, to `crew`. A worker uses the manager that
``from_url`` makes, with its retries; only its connections tell which point of the conversation with Redis they have got
to. There the worker waits until the test lets it go on, or it kills itself with SIGKILL: so a test says in which order
things happen, and nothing has to sleep.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import redis
import redis.asyncio
from attrs import frozen
from loguru import logger

from fsmflow import (
    Action,
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Done,
    Flow,
    FlowRunner,
    FlowStateManager,
    Inbound,
    NotDone,
    Reply,
    Step,
    StepType,
    StoreUnavailable,
)
from tests.commits import MOMENT, LongFlow, OfferFlow

COMMIT = "before EVALSHA"
"""The point between load and commit."""

PATIENT = "socket_timeout=10&socket_connect_timeout=10"
"""Options of a URL for where a timeout is not what is tried: on a busy machine a server may be kept from answering."""


def with_options(url: str, options: str) -> str:
    """A URL of a Redis with more options."""
    return f"{url}{'&' if '?' in url else '?'}{options}"


def _pass_by(point: str) -> None:
    """What is done at a point if nothing is."""


_reached: Callable[[str], None] = _pass_by


def reached(point: str) -> None:
    """Is called at each point of a turn; what happens there is said by the order at hand."""
    _reached(point)


class WatchedOffer(OfferFlow):
    """The offer, whose validator is a point of the turn."""

    def valid_amount(self, value: str) -> bool:
        reached("judging")
        return super().valid_amount(value)


class Ledger:
    """A bank that outlives its workers: what it paid, by id, is kept in a Redis, over a connection that nobody watches.

    Args:
        url: Where that is.
        prefix: What its keys begin with.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._key = f"{prefix}-ledger"

    @property
    def paid(self) -> dict[str, int]:
        """How often each payment was made."""
        found: Any = self._client.hgetall(self._key)
        return {effect_id.decode(): int(times) for effect_id, times in found.items()}

    def pay(self, effect_id: str) -> Done:
        """Pays, whatever was paid before."""
        reached("paying")
        self._client.hincrby(self._key, effect_id, 1)
        reached("paid")
        return Done("receipt")

    def knows(self, effect_id: str) -> Done | NotDone:
        """What came of a payment."""
        reached("asked")
        return Done("receipt") if effect_id in self.paid else NotDone()


class Shop(Flow):
    """Two payments, and questions around them."""

    flow_type = "shop"
    timeout = None

    def pays(self) -> Any:
        return self.services.pay(self.effect_id)

    def asks(self) -> Any:
        return self.services.knows(self.effect_id)

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?"),
        Action("payment", pays, reconcile=asks),
        Action("fee", pays, reconcile=asks),
        Step(id="note", type=StepType.TEXT, message="A note?"),
    )


FLOWS = (WatchedOffer, LongFlow, Shop)


def _parts(command: Any) -> tuple[str, bytes, bytes]:
    """The name of a packed command, and its two halves."""
    packed = command if isinstance(command, bytes) else b"".join(command)
    return packed.split(b"\r\n", 3)[2].decode(), packed[: len(packed) // 2], packed[len(packed) // 2 :]


class WatchedConnection(redis.Connection):
    """A connection that tells which point it has got to."""

    asked = ""

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self.asked, first, rest = _parts(command)
        reached(f"before {self.asked}")
        send: Any = super().send_packed_command  # redis-py leaves it untyped
        send([first], check_health)
        reached(f"amid {self.asked}")
        send([rest], False)
        reached(f"sent {self.asked}")

    def read_response(self, *given: Any, **named: Any) -> Any:
        answer = super().read_response(*given, **named)
        reached(f"answered {self.asked}")
        return answer


class AsyncWatchedConnection(redis.asyncio.Connection):
    """The same, awaited."""

    asked = ""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self.asked, first, rest = _parts(command)
        reached(f"before {self.asked}")
        await super().send_packed_command([first], check_health)
        reached(f"amid {self.asked}")
        await super().send_packed_command([rest], False)
        reached(f"sent {self.asked}")

    async def read_response(self, *given: Any, **named: Any) -> Any:
        answer = await super().read_response(*given, **named)
        reached(f"answered {self.asked}")
        return answer


@frozen
class Order:
    """What a worker is to do.

    Args:
        inbound: The message to answer.
        stops_at: The point at which it waits until it is let go on; nowhere if empty.
        time: At which time of getting there; the first is 1.
        dies_at: The number of the point at which it is killed; nowhere if 0.
    """

    inbound: Inbound
    stops_at: str = ""
    time: int = 1
    dies_at: int = 0


def handler_on(side: str, url: str, prefix: str) -> Callable[[Inbound], Reply]:
    """What answers messages on one side, over watched connections; the connection is made already."""
    if side == "sync":
        manager = FlowStateManager.from_url(url, prefix=prefix)
        _watch(manager.redis, WatchedConnection)
        manager.load("nobody")
        return FlowRunner(manager, FLOWS, clock=lambda: MOMENT, services=Ledger(url, prefix)).handle
    loop = asyncio.new_event_loop()
    awaited = AsyncFlowStateManager.from_url(url, prefix=prefix)
    _watch(awaited.redis, AsyncWatchedConnection)
    loop.run_until_complete(awaited.load("nobody"))
    runner = AsyncFlowRunner(awaited, FLOWS, clock=lambda: MOMENT, services=Ledger(url, prefix))
    return lambda inbound: loop.run_until_complete(runner.handle(inbound))


def _watch(client: Any, connection_class: type) -> None:
    client.connection_pool.connection_class = connection_class


def work(side: str, url: str, prefix: str, pipe: Connection) -> None:
    """The whole life of a worker: answers what it is given until there is no more."""
    global _reached  # noqa: PLW0603 - the connections that tell of it are made by redis-py, which hands nothing down
    logger.remove()  # its lines would stand in the output of whatever test comes by
    handle = handler_on(side, url, prefix)
    pipe.send("ready")
    while (order := pipe.recv()) is not None:
        _reached = _obeying(order, pipe)
        try:
            told: Any = handle(order.inbound)
        except StoreUnavailable as unavailable:
            told = str(unavailable)
        reached("replying")
        _reached = _pass_by
        pipe.send(told)


def _obeying(order: Order, pipe: Connection) -> Callable[[str], None]:
    points: list[str] = []

    def obey(point: str) -> None:
        points.append(point)
        if len(points) == order.dies_at:
            pipe.send(point)
            os.kill(os.getpid(), signal.SIGKILL)
        if point == order.stops_at and points.count(point) == order.time:
            pipe.send(point)
            pipe.recv()

    return obey
