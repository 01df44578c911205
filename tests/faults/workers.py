"""Worker processes of which each effect of a turn is a point: before it is done, and before its result is handed on.

Here belongs what runs in such a process; the handle by which a test holds it, to `crew`. There the worker waits until
the test lets it go on, or it kills itself with SIGKILL. The calls of a service are points, too: they are made in a
thread of their own.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from functools import cached_property, partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import httpx
from attrs import frozen
from loguru import logger

from examples.credex import CredexFlow
from examples.services.http_offers import KEY_REUSED, HttpOffers
from examples.services.http_service import HttpService
from fsmflow import AsyncFlowRunner, AsyncFlowStateManager, FlowRunner, FlowStateManager, StoreUnavailable
from fsmflow.effects import Effects
from fsmflow.exchange import Exchange, Wishes
from tests.examples.serving import TOKEN
from tests.faults.outside import book_at
from tests.faults.stages import FLOWS, ServicesAndTill

ResultT = TypeVar("ResultT")

TOLD, UNAVAILABLE, AT = "told", "unavailable", "at"


@frozen
class World:
    """Where everything is that a worker works with.

    Args:
        redis: The Redis.
        prefix: What the keys begin with.
        ledger: The ledger.
        book: The book.
        patience: For how many seconds a call of the ledger waits.
    """

    redis: str
    prefix: str
    ledger: str
    book: Any
    patience: float = 20.0


@frozen
class Order:
    """What a worker is to do.

    Args:
        method: The runner's method.
        arguments: What it is called with.
        stops_at: The point at which it waits until it is let go on; nowhere if empty.
        time: At which time of getting there; the first is 1.
        dies_at: The number of the point at which it is killed; nowhere if 0.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    stops_at: str = ""
    time: int = 1
    dies_at: int = 0


class Points:
    """The points of the order at hand, in whatever thread they are reached."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.order = Order("")
        self.passed: list[str] = []

    def begins(self, order: Order) -> None:
        self.order, self.passed = order, []

    def reached(self, point: str) -> None:
        """Waits there, or dies, if that is the order."""
        self.passed.append(point)
        if len(self.passed) == self.order.dies_at:
            self.pipe.send((AT, point, tuple(self.passed)))
            os.kill(os.getpid(), signal.SIGKILL)
        if point == self.order.stops_at and self.passed.count(point) == self.order.time:
            self.pipe.send((AT, point, tuple(self.passed)))
            self.pipe.recv()


def telling(effects: Effects[ResultT], reached: Callable[[str], None]) -> Effects[ResultT]:
    """The same turn, which tells of each effect that it yields."""
    resume: Callable[[], Any] = partial(next, effects)
    while True:
        try:
            effect = resume()
        except StopIteration as stop:
            value: ResultT = stop.value
            return value
        name = type(effect).__name__
        reached(f"before {name}")
        try:
            result = yield effect
        except Exception as fault:  # noqa: BLE001 - handed to the turn, as by who drives it
            resume = partial(effects.throw, fault)
        else:
            resume = partial(effects.send, result)
        reached(f"after {name}")


def exchange_of(manager: FlowStateManager | AsyncFlowStateManager, reached: Callable[[str], None]) -> Exchange:
    """The exchange of a manager, which tells of each effect."""

    class Telling(Exchange):
        def obey(self, effects: Effects[ResultT]) -> Wishes[ResultT]:
            return super().obey(telling(effects, reached))

    return Telling(manager.layout, insistence=0.0)  # what a worker that insists would hide


class TellingOffers:
    """The offers of the ledger, whose calls are points. The way there is made when it is first gone."""

    def __init__(self, world: World, reached: Callable[[str], None]) -> None:
        self.world = world
        self.reached = reached

    @cached_property
    def offers(self) -> HttpOffers:
        """The client: as `HttpOffers.at` makes it, but for what TLS would need."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        client = httpx.Client(base_url=self.world.ledger, headers=headers, timeout=self.world.patience, verify=False)
        return HttpOffers(HttpService("the ledger", client, KEY_REUSED))

    def make(self, effect_id: str, **named: Any) -> Any:
        self.reached("before call")
        came = self.offers.make(effect_id, **named)
        self.reached("after call")
        return came

    def came_of(self, effect_id: str) -> Any:
        self.reached("before question")
        came = self.offers.came_of(effect_id)
        self.reached("after question")
        return came


class DistantBook:
    """The book of another process, whose carrying out is a point."""

    def __init__(self, address: Any, reached: Callable[[str], None]) -> None:
        self.address = address
        self.reached = reached

    @cached_property
    def book(self) -> Any:
        return book_at(self.address)

    def open_to(self, member_id: str, action: str) -> Any:
        return self.book.open_to(member_id, action)

    def carry_out(self, *arguments: Any) -> None:
        self.reached("before call")
        self.book.carry_out(*arguments)
        self.reached("after call")

    def pay(self, *arguments: str) -> Any:
        self.reached("before call")
        reference = self.book.pay(*arguments)
        self.reached("after call")
        return reference

    def paid(self, effect_id: str) -> Any:
        self.reached("before question")
        return self.book.paid(effect_id)


def runner_on(side: str, world: World, points: Points) -> Callable[[Order], Any]:
    """What obeys orders on one side."""
    offers: Any = TellingOffers(world, points.reached)
    book: Any = DistantBook(world.book, points.reached)
    named: dict[str, Any] = {"services": ServicesAndTill(offers, book)}
    CredexFlow.book = book
    if side == "sync":
        manager = FlowStateManager.from_url(world.redis, prefix=world.prefix)
        manager.exchange = exchange_of(manager, points.reached)
        runner = FlowRunner(manager, FLOWS, **named)
        manager.load("nobody")
        return lambda order: getattr(runner, order.method)(*order.arguments)
    loop = asyncio.new_event_loop()
    awaited = AsyncFlowStateManager.from_url(world.redis, prefix=world.prefix)
    awaited.exchange = exchange_of(awaited, points.reached)
    awaited_runner = AsyncFlowRunner(awaited, FLOWS, **named)
    loop.run_until_complete(awaited.load("nobody"))
    return lambda order: loop.run_until_complete(getattr(awaited_runner, order.method)(*order.arguments))


def work(side: str, world: World, pipe: Connection) -> None:
    """The whole life of a worker: obeys orders until there is no more."""
    logger.remove()  # its lines would stand in the output of whatever test comes by
    points = Points(pipe)
    obey = runner_on(side, world, points)
    pipe.send((TOLD, None, ()))
    while True:
        order = pipe.recv()
        points.begins(order)
        try:
            told = (TOLD, obey(order))
        except StoreUnavailable as unavailable:
            told = (UNAVAILABLE, str(unavailable))
        points.reached("replying")
        passed = tuple(points.passed)
        points.begins(Order(""))
        pipe.send((*told, passed))


FlowRunner(FlowStateManager.from_url("redis://"), FLOWS)  # compiled once, before any worker is forked: nothing connects
