"""What ``handle_many`` gains over one ``handle`` after the other, on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from fsmflow import AsyncFlowRunner, AsyncFlowStateManager, Channel, FlowRunner, FlowStateManager, Inbound
from tests.benchmarks.comparing import Contender, in_turns
from tests.benchmarks.table import Row, ratio_of_rates
from tests.benchmarks.talking import AmountFlow

MEMBERS = 100
ROUNDS = 50


class Members:
    """A hundred members, of whom each has said something that is not answered yet.

    Args:
        kind: What their addresses begin with.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._numbers = count()

    def say(self, text: str) -> list[Inbound]:
        """Their messages, one each."""
        return [
            Inbound(Channel("console", f"{self.kind}{member}"), f"m{next(self._numbers)}", text)
            for member in range(MEMBERS)
        ]


def places(replies: Any) -> set[tuple[str, str | None]]:
    """Where all of them are now."""
    return {(reply.status, reply.step_id) for reply in replies}


def test_handle_many_beside_one_after_the_other(
    benchmark: BenchmarkFixture, redis_client: Redis, prefix: str, rows: list[Row]
) -> None:
    runner = FlowRunner(FlowStateManager(redis_client, prefix=prefix), [AmountFlow])
    one, many = Members("one"), Members("many")
    for members in (one, many):
        runner.handle_many(members.say("amount"))
    waiting: list[Inbound] = []
    replies: dict[str, Any] = {}

    def begin(members: Members) -> None:
        runner.handle_many(members.say("restart"))
        waiting[:] = members.say("12")

    def one_after_the_other() -> None:
        replies["one"] = [runner.handle(inbound) for inbound in waiting]

    def together() -> None:
        replies["many"] = runner.handle_many(waiting)

    _, timings = in_turns(
        benchmark,
        Contender(f"`handle_many` of {MEMBERS} members' messages", together, lambda: begin(many)),
        Contender("`handle` of one after the other", one_after_the_other, lambda: begin(one)),
        rounds=ROUNDS,
        warmup_rounds=3,
    )
    assert places(replies["one"]) == places(replies["many"]) == {("in_progress", "confirm")}
    if benchmark.enabled:
        rows.append(ratio_of_rates(*timings, messages=MEMBERS, aim="≥ 4"))


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_handle_many_beside_one_after_the_other_on_an_event_loop(
    benchmark: BenchmarkFixture,
    redis_url: str,
    redis_client: Redis,  # noqa: ARG001 - empties the server and tidies up
    prefix: str,
    loop: asyncio.AbstractEventLoop,
    rows: list[Row],
) -> None:
    client = AsyncRedis.from_url(redis_url)
    runner = AsyncFlowRunner(AsyncFlowStateManager(client, prefix=prefix), [AmountFlow])
    one, many = Members("one"), Members("many")
    for members in (one, many):
        loop.run_until_complete(runner.handle_many(members.say("amount")))
    waiting: list[Inbound] = []
    replies: dict[str, Any] = {}

    def begin(members: Members) -> None:
        loop.run_until_complete(runner.handle_many(members.say("restart")))
        waiting[:] = members.say("12")

    async def each() -> list[Any]:
        return [await runner.handle(inbound) for inbound in waiting]

    def one_after_the_other() -> None:
        replies["one"] = loop.run_until_complete(each())

    def together() -> None:
        replies["many"] = loop.run_until_complete(runner.handle_many(waiting))

    _, timings = in_turns(
        benchmark,
        Contender(f"`await handle_many` of {MEMBERS} members' messages", together, lambda: begin(many)),
        Contender("`await handle` of one after the other", one_after_the_other, lambda: begin(one)),
        rounds=ROUNDS,
        warmup_rounds=3,
    )
    loop.run_until_complete(client.aclose())
    assert places(replies["one"]) == places(replies["many"]) == {("in_progress", "confirm")}
    if benchmark.enabled:
        rows.append(ratio_of_rates(*timings, messages=MEMBERS, aim="≥ 4"))
