"""Many conversations in one process: one member's at once, too few connections, a cut line, a thousand members.

What races between processes is in `test_races`; here the conversations share a client, and on the asynchronous side an
event loop and the connections over which their commands travel together.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
import redis
from loguru import logger

from fsmflow import (
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Channel,
    FlowRunner,
    FlowStateManager,
    Inbound,
    Reply,
    StoreUnavailable,
)
from fsmflow.batching import LANES
from fsmflow.runner import Handled
from tests.commits import CHANNEL, MEMBER, MOMENT, LongFlow, OfferFlow
from tests.crew import DONE
from tests.invariants import assert_all_hold
from tests.proxy import WHAT_IS_CUT, cutting_proxy
from tests.redis_server import RedisServer, running_server
from tests.sides import SIDES
from tests.told import Answered
from tests.workers import PATIENT, with_options

pytestmark = pytest.mark.real_redis

DELIVERIES = 50  # how often a message is delivered before its channel gives up
FLOWS = (OfferFlow, LongFlow)


@pytest.fixture
def judge(redis_client: redis.Redis, prefix: str) -> FlowStateManager:
    """A manager that only looks."""
    return FlowStateManager(redis_client, prefix=prefix)


# -- too few connections ----------------------------------------------------------------------------------------------


def test_threads_without_a_connection_are_unavailable_and_decide_all_once_when_they_have_one(
    redis_url: str, prefix: str, judge: FlowStateManager
) -> None:
    manager = FlowStateManager.from_url(with_options(redis_url, "max_connections=1"), prefix=prefix)
    is_busy, is_free = threading.Event(), threading.Event()

    class Holding(redis.Connection):
        """A connection that is kept busy before it sends anything."""

        def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            is_busy.set()
            is_free.wait()
            send: Any = super().send_packed_command  # redis-py leaves it untyped
            send(command, check_health)

    client: Any = manager.redis
    client.connection_pool.connection_class = Holding
    runner = FlowRunner(manager, [LongFlow], clock=lambda: MOMENT)
    first, *others = messages("long")
    with ThreadPoolExecutor(len(others) + 1) as pool, ExitStack() as stack:
        stack.callback(is_free.set)  # whatever is found wrong: a thread that waits for ever ends no test
        holding = pool.submit(runner.handle, first)
        is_busy.wait()
        assert list(pool.map(partial(told_by, runner.handle), others)) == [None] * len(others)
        is_free.set()
        answered = [(first, holding.result())]
        while others:  # of a round one at least gets through: the last to take the connection
            replies = list(pool.map(partial(told_by, runner.handle), others))
            others = keep_what_was_answered(others, replies, answered)
    manager.close()
    judge_long_run(judge, answered)


def test_tasks_without_a_connection_are_unavailable_and_decide_all_once_when_they_have_one(
    redis_url: str, prefix: str, judge: FlowStateManager
) -> None:
    refused: list[int] = []

    async def scene() -> list[Answered]:
        manager = AsyncFlowStateManager.from_url(with_options(redis_url, "max_connections=1"), prefix=prefix)
        runner = AsyncFlowRunner(manager, [LongFlow], clock=lambda: MOMENT)
        answered: list[Answered] = []
        pending = messages("long")
        while pending:
            replies = await asyncio.gather(*(told_in(runner, each) for each in pending))
            pending = keep_what_was_answered(pending, replies, answered)
            refused.append(len(pending))
        await manager.close()
        return answered

    judge_long_run(judge, asyncio.run(scene()))
    assert refused[0] > 0


# -- one member's at once ---------------------------------------------------------------------------------------------


def test_messages_of_one_member_that_travel_together_are_decided_one_after_the_other(
    redis_url: str, prefix: str, judge: FlowStateManager
) -> None:
    """Each is there twice: what is decided on the same version, and what is decided twice, may be in one pipeline."""

    async def scene() -> list[Answered]:
        manager = AsyncFlowStateManager.from_url(with_options(redis_url, PATIENT), prefix=prefix)
        runner = AsyncFlowRunner(manager, [LongFlow], clock=lambda: MOMENT)
        answered: list[Answered] = []
        pending = messages("long") * 2
        while pending:  # who waits for its turn for too long is delivered again
            replies = await asyncio.gather(*(told_in(runner, each) for each in pending))
            pending = keep_what_was_answered(pending, replies, answered)
        await manager.close()
        return answered

    answered = asyncio.run(scene())
    assert [reply.duplicate for _, reply in answered].count(True) == len(messages("long"))
    judge_long_run(judge, [each for each in answered if not each[1].duplicate])
    assert_all_hold(judge, answered, FLOWS)


def messages(text: str) -> list[Inbound]:
    """More messages than there are lanes, of one member."""
    return [Inbound(CHANNEL, f"m{number}", text) for number in range(3 * LANES)]


def told_by(handle: Callable[[Inbound], Reply], inbound: Inbound) -> Reply | None:
    """The reply to a message; None where the store was unavailable."""
    try:
        return handle(inbound)
    except StoreUnavailable:
        return None


async def told_in(runner: AsyncFlowRunner, inbound: Inbound) -> Reply | None:
    """The same, awaited."""
    try:
        return await runner.handle(inbound)
    except StoreUnavailable:
        return None


def keep_what_was_answered(
    inbounds: Sequence[Inbound], replies: Sequence[Handled | None], answered: list[Answered]
) -> list[Inbound]:
    """Takes note of the replies; what is left must be delivered again."""
    told = list(zip(inbounds, replies, strict=True))
    answered += [(inbound, reply) for inbound, reply in told if isinstance(reply, Reply)]
    return [inbound for inbound, reply in told if not isinstance(reply, Reply)]


def judge_long_run(judge: FlowStateManager, answered: list[Answered]) -> None:
    """All were decided, once: the first message started the run, and each other answered a question."""
    sent = [inbound.message_id for inbound in messages("long")]
    assert sorted(inbound.message_id for inbound, _ in answered) == sorted(sent)
    assert not any(reply.duplicate for _, reply in answered)
    state = judge.load(MEMBER)
    assert state.flow_data is not None
    assert state.flow_data.step_id == f"s{len(sent) - 1}"
    assert_all_hold(judge, answered, FLOWS)


# -- a line that is cut -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with running_server() as server:
        yield server


@contextmanager
def handling_on(side: str, url: str, prefix: str) -> Iterator[Callable[[Sequence[Inbound]], list[Handled]]]:
    """What answers several messages together, on one side."""
    if side == "sync":
        manager = FlowStateManager.from_url(url, prefix=prefix)
        yield FlowRunner(manager, FLOWS, clock=lambda: MOMENT).handle_many
        manager.close()
        return
    loop = asyncio.new_event_loop()
    awaited = AsyncFlowStateManager.from_url(url, prefix=prefix)
    runner = AsyncFlowRunner(awaited, FLOWS, clock=lambda: MOMENT)
    yield lambda inbounds: loop.run_until_complete(runner.handle_many(inbounds))
    loop.run_until_complete(awaited.close())
    loop.close()


@pytest.mark.parametrize("lost", WHAT_IS_CUT)
@pytest.mark.parametrize("side", SIDES)
def test_commits_that_travel_together_and_are_cut_off_are_each_made_once(
    server: RedisServer, prefix: str, side: str, lost: str
) -> None:
    members = [Channel("console", f"n{number}") for number in range(25)]
    answered: list[Answered] = []
    with cutting_proxy(server.port) as proxy, handling_on(side, with_options(proxy.url, PATIENT), prefix) as handle:
        proxy.lost = lost
        for text in ("offer", "12", "joe", "yes"):
            pending = [Inbound(member, text, text) for member in members]
            proxy.cuts = 5
            while pending:
                pending = keep_what_was_answered(pending, handle(pending), answered)
            DONE["cuts"] += 5 - proxy.cuts
            assert proxy.cuts < 5
    with redis.Redis.from_url(server.url) as client:
        assert_all_hold(FlowStateManager(client, prefix=prefix), answered, FLOWS)
    assert [reply.status for _, reply in answered].count("completed") == len(members)


# -- a thousand at once -----------------------------------------------------------------------------------------------

MEMBERS = 1000


@pytest.fixture
def unlogged() -> Iterator[None]:
    """Without the lines that each turn writes to the log, which nobody would read here."""
    logger.disable("fsmflow")
    yield
    logger.enable("fsmflow")


@pytest.mark.usefixtures("unlogged")
def test_a_thousand_conversations_at_once_are_all_answered(
    redis_url: str, prefix: str, judge: FlowStateManager
) -> None:
    answered: list[Answered] = []

    async def converses(runner: AsyncFlowRunner, channel: Channel) -> None:
        for place, text in enumerate(("offer", "12", "joe", "yes")):
            inbound = Inbound(channel, f"{channel.identifier}-{place}", text)
            for _ in range(DELIVERIES):
                reply = await told_in(runner, inbound)
                if reply is not None:
                    break
                DONE["delivered again for lack of Redis"] += 1
            assert reply is not None, "it was never answered"
            answered.append((inbound, reply))

    async def scene() -> None:
        manager = AsyncFlowStateManager.from_url(redis_url, prefix=prefix)
        runner = AsyncFlowRunner(manager, FLOWS, clock=lambda: MOMENT)
        await asyncio.gather(*(converses(runner, Channel("console", f"n{each}")) for each in range(MEMBERS)))
        await manager.close()

    asyncio.run(scene())
    DONE["conversations at once"] = MEMBERS
    assert [reply.status for _, reply in answered].count("completed") == MEMBERS
    assert_all_hold(judge, answered, FLOWS)
