"""A conversation whose task is cancelled, wherever it waits: nothing is half done, and nobody else is harmed.

A server cancels the task of a request whose client has gone away, or that took too long; the channel delivers the
message again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from itertools import count
from typing import Any

import pytest
import redis
from redis.asyncio import Redis as AsyncRedis

from fsmflow import AsyncFlowRunner, AsyncFlowStateManager, Channel, FlowStateManager, Inbound, Reply
from fsmflow.batching import LANES
from fsmflow.clients import async_client_of
from tests.commits import MOMENT, OfferFlow
from tests.crew import DONE
from tests.invariants import assert_all_hold
from tests.told import Answered
from tests.workers import PATIENT, with_options

pytestmark = pytest.mark.real_redis

SECONDS = 30  # enough for what does not wait for ever


class AwaitedOffer(OfferFlow):
    """The offer, with a validator that must be awaited."""

    async def valid_amount(self, value: str) -> bool:  # type: ignore[override]  # an asynchronous runner awaits it
        await asyncio.sleep(0)
        return value.isdigit()


class CancelledAt(Awaitable[Reply]):
    """Something awaited whose task is cancelled as it begins to wait for the n-th time.

    Args:
        awaited: What is awaited.
        number: Which time; `waits` says how often it has waited.
    """

    def __init__(self, awaited: Awaitable[Reply], number: int) -> None:
        self.waits = 0
        self._awaited = awaited
        self._number = number

    def __await__(self) -> Generator[Any, Any, Reply]:
        inner = self._awaited.__await__()
        resume: Callable[[], Any] = partial(next, inner)
        while True:
            try:
                wanted = resume()
            except StopIteration as stop:
                reply: Reply = stop.value
                return reply
            self.waits += 1
            if self.waits == self._number:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                given = yield wanted
            except BaseException as fault:  # noqa: BLE001 - whatever it is, it is for what is awaited
                resume = partial(inner.throw, fault)
            else:
                resume = partial(inner.send, given)


@pytest.fixture
def judge(redis_client: redis.Redis, prefix: str) -> FlowStateManager:
    """A manager that only looks."""
    return FlowStateManager(redis_client, prefix=prefix)


START, ANSWER, END = ("offer",), ("offer", "12"), ("offer", "12", "joe", "yes")
CROWD = 2 * LANES


def client_with_timeouts(url: str, connections: int) -> AsyncRedis:
    """The client that ``from_url`` makes. Until Python 3.12 it has waits in which a cancellation is lost."""
    client: AsyncRedis = async_client_of(with_options(url, f"{PATIENT}&max_connections={connections}"))
    return client


def client_without(url: str, connections: int) -> AsyncRedis:
    """A client that waits for answers in one place only, and as long as it takes."""
    client: AsyncRedis = AsyncRedis.from_url(url, socket_timeout=None, max_connections=connections)
    return client


@pytest.mark.parametrize(
    ("texts", "beside", "later"),
    [(START, 0, False), (ANSWER, 0, False), (END, 0, False), (ANSWER, CROWD, False), (ANSWER, CROWD, True)],
    ids=["start", "answer", "end", "answer in a crowd", "answer in a crowd, delivered again later"],
)
@pytest.mark.parametrize("client", [client_with_timeouts, client_without])
def test_a_conversation_that_is_cancelled_wherever_it_waits_is_whole_and_goes_on(
    redis_url: str,
    prefix: str,
    judge: FlowStateManager,
    client: Callable[[str, int], AsyncRedis],
    texts: tuple[str, ...],
    beside: int,
    later: bool,
) -> None:
    """In a crowd its commands travel together with those of others, and none of those may suffer for it.

    There are as many connections as there are lanes: one that was not given back would be missed.
    """
    cancellations = 0
    for number in count(1):
        scene = Cancellation(number, texts, beside, later)
        asyncio.run(asyncio.wait_for(scene.play(client(redis_url, LANES), prefix), SECONDS))
        cancellations += scene.cancellations
        assert_all_hold(judge, scene.answered, [AwaitedOffer])
        if scene.waits < number:
            break
    DONE["cancellations"] += cancellations
    if client is client_without:
        # each time at the load, and once at the commit: that is on its way by then, and the message is known
        assert cancellations >= LANES + 1


class Cancellation:
    """A conversation whose last message is cancelled, a few times over, as its task begins to wait for the n-th time.

    Args:
        number: Which time.
        texts: What is said.
        beside: How many other members write at the same time.
        later: True if the message is delivered again only when those have got their answers.
    """

    def __init__(self, number: int, texts: tuple[str, ...], beside: int, later: bool) -> None:
        self.number, self.texts, self.beside, self.later = number, texts, beside, later
        self.waits = 0
        self.cancellations = 0
        self.answered: list[Answered] = []

    async def play(self, redis: AsyncRedis, prefix: str) -> None:
        """Has it happen, and the message delivered again."""
        runner = AsyncFlowRunner(AsyncFlowStateManager(redis, prefix=prefix), [AwaitedOffer], clock=lambda: MOMENT)
        inbounds = [Inbound(Channel("console", f"n{self.number}"), str(place), t) for place, t in enumerate(self.texts)]
        for inbound in inbounds[:-1]:
            await self._says(runner, inbound)
        others = [Inbound(Channel("console", f"n{self.number}-{each}"), "0", "offer") for each in range(self.beside)]
        crowd = asyncio.gather(*(self._says(runner, each) for each in others))
        for _ in range(LANES):  # again and again: a lane that was lost each time would be missed by now
            (ended,) = await asyncio.gather(self._is_cancelled(runner, inbounds[-1]), return_exceptions=True)
            assert ended is None or isinstance(ended, asyncio.CancelledError), ended
        if self.later:
            await crowd
        await self._says(runner, inbounds[-1])
        assert self.answered[-1][1].messages
        await crowd
        await runner.manager.close()

    async def _says(self, runner: AsyncFlowRunner, inbound: Inbound) -> None:
        self.answered.append((inbound, await runner.handle(inbound)))

    async def _is_cancelled(self, runner: AsyncFlowRunner, inbound: Inbound) -> None:
        awaited = CancelledAt(runner.handle(inbound), self.number)
        try:
            self.answered.append((inbound, await awaited))
        except asyncio.CancelledError:
            self.cancellations += 1
            raise
        finally:
            self.waits = max(self.waits, awaited.waits)
