"""What ``handle_many`` gains over one ``handle`` after the other: on both sides, near Redis and away from it.

Near it the gain is what redis-py and the kernel do for each round trip; the turns themselves take as long together as
they do one after the other. Away from it (`distance`) it is the way as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from fsmflow import AsyncFlowRunner, AsyncFlowStateManager, Channel, FlowRunner, FlowStateManager, Inbound
from tests.benchmarks.comparing import Contender, in_turns
from tests.benchmarks.distance import AsyncDistantConnection, DistantConnection
from tests.benchmarks.table import Row, ratio_of_rates
from tests.benchmarks.talks import CHANNEL, AmountFlow

MEMBERS = 100
ROUNDS = 50
AWAY = ", Redis 1 ms away"

Handling = Callable[[Sequence[Inbound]], Any]
places = pytest.mark.parametrize("away", ["", AWAY], ids=["near", "away"])


class Members:
    """A hundred members, each brought back to a question and then answering it, all in one call.

    Args:
        kind: What their addresses begin with.
        prepare: What handles the messages that bring them back.
        handle: What handles their answers, which is measured.
    """

    def __init__(self, kind: str, prepare: Handling, handle: Handling) -> None:
        self.kind, self.prepare, self.handle = kind, prepare, handle
        self.answers: Sequence[Inbound] = ()
        self.replies: Sequence[Any] = ()
        self._numbers = count()
        self.prepare(self._all_say(AmountFlow.flow_type))

    def restart(self) -> None:
        """Go back to the first question."""
        self.prepare(self._all_say("restart"))
        self.answers = self._all_say("12")

    def answer(self) -> None:
        """Answer it."""
        self.replies = self.handle(self.answers)

    def contend(self, name: str) -> Contender:
        """They, as a contender."""
        return Contender(name, self.answer, self.restart, calls=MEMBERS)

    @property
    def whereabouts(self) -> set[tuple[str, str]]:
        """How their answers were taken and where that led."""
        return {(reply.status, reply.step_id) for reply in self.replies}

    def _all_say(self, text: str) -> list[Inbound]:
        return [
            Inbound(Channel(CHANNEL, f"{self.kind}{member}"), f"m{next(self._numbers)}", text)
            for member in range(MEMBERS)
        ]


def compare(benchmark: BenchmarkFixture, many: Contender, one: Contender, away: str, rows: list[Row]) -> None:
    """Measures both in turns, and puts them into the table."""
    _, timings = in_turns(benchmark, many, one, rounds=ROUNDS // 3 if away else ROUNDS, warmup_rounds=3)
    rows.append(ratio_of_rates(*timings, aim="≥ 4"))


@places
def test_handle_many_beside_one_after_the_other(
    benchmark: BenchmarkFixture, redis_url: str, redis_client: Redis, prefix: str, rows: list[Row], away: str
) -> None:
    with Redis.from_url(redis_url, connection_class=DistantConnection) as distant:
        runner = FlowRunner(FlowStateManager(distant if away else redis_client, prefix=prefix), [AmountFlow])
        many = Members("many", runner.handle_many, runner.handle_many)
        one = Members("one", runner.handle_many, lambda answers: [runner.handle(answer) for answer in answers])
        compare(
            benchmark,
            many.contend(f"`handle_many` of {MEMBERS} members' messages{away}"),
            one.contend("`handle` of one after the other"),
            away,
            rows,
        )
    assert many.whereabouts == one.whereabouts == {("in_progress", "confirm")}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def async_client(
    redis_url: str,
    redis_client: Redis,  # noqa: ARG001 - empties the server and tidies up
    loop: asyncio.AbstractEventLoop,
    away: str,
) -> Iterator[AsyncRedis]:
    """An asynchronous client, near or away."""
    named: dict[str, Any] = {"connection_class": AsyncDistantConnection} if away else {}
    client: AsyncRedis = AsyncRedis.from_url(redis_url, **named)
    yield client
    loop.run_until_complete(client.aclose())


@places
def test_handle_many_beside_one_after_the_other_on_an_event_loop(
    benchmark: BenchmarkFixture,
    async_client: AsyncRedis,
    prefix: str,
    loop: asyncio.AbstractEventLoop,
    rows: list[Row],
    away: str,
) -> None:
    runner = AsyncFlowRunner(AsyncFlowStateManager(async_client, prefix=prefix), [AmountFlow])

    def together(inbounds: Sequence[Inbound]) -> Any:
        return loop.run_until_complete(runner.handle_many(inbounds))

    async def each(inbounds: Sequence[Inbound]) -> Any:
        return [await runner.handle(inbound) for inbound in inbounds]

    many = Members("many", together, together)
    one = Members("one", together, lambda answers: loop.run_until_complete(each(answers)))
    compare(
        benchmark,
        many.contend(f"`await handle_many` of {MEMBERS} members' messages{away}"),
        one.contend("`await handle` of one after the other"),
        away,
        rows,
    )
    assert many.whereabouts == one.whereabouts == {("in_progress", "confirm")}
