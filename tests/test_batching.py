"""Commands that travel together: what waits, what goes out at once, and whom a fault or a cancellation concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError

from fsmflow.batching import ANSWERED_AT_ONCE, LANES, Batching
from fsmflow.clients import LONGEST_BATCH
from fsmflow.errors import StoreUnavailable


class Gate:
    """A client that answers nothing until it is opened; what it was sent stands in `sent`, a batch each."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.open = asyncio.Event()
        self.turnstile = asyncio.Semaphore(0)  # lets through as many as it is released for
        self.refuses: dict[str, Exception] = {}
        self.broken: BaseException | None = None
        self.connection_pool: Stuck | None = None
        self.under_way = self.most_under_way = 0

    async def execute_command(self, *command: Any, **_: Any) -> Any:
        return (await self.answers([command[0]], raising=True))[0]

    def pipeline(self, *, transaction: bool) -> GatedPipeline:
        assert not transaction, "a transaction across members would be one across slots"
        return GatedPipeline(self)

    async def answers(self, names: list[str], *, raising: bool) -> list[Any]:
        self.sent.append(names)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            ways = [asyncio.ensure_future(self.open.wait()), asyncio.ensure_future(self.turnstile.acquire())]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        finally:
            self.under_way -= 1
        if self.broken is not None:
            raise self.broken
        found = [self.refuses.get(name, name.encode()) for name in names]
        for each in found:
            if raising and isinstance(each, Exception):
                raise each
        return found


class GatedPipeline:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.names: list[str] = []

    def execute_command(self, *command: Any, **_: Any) -> None:
        self.names.append(command[0])

    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        assert not raise_on_error, "the fault of one command would be everybody's"
        return await self.gate.answers(self.names, raising=False)


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 10))


async def settled() -> None:
    """Lets every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def batching_on(gate: Gate) -> Batching:
    return Batching(cast("Redis", gate))


def asked(batching: Batching, *names: str) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(batching.execute((name,))) for name in names]


FIRST = tuple(f"first{number}" for number in range(LANES))


def test_a_command_that_is_alone_waits_for_nobody_and_needs_no_pipeline() -> None:
    async def scene() -> None:
        gate = Gate()
        gate.open.set()
        batching = batching_on(gate)
        assert [await batching.execute((name,)) for name in ("a", "b")] == [b"a", b"b"]
        assert gate.sent == [["a"], ["b"]]

    run(scene())


def test_what_comes_while_all_lanes_are_taken_goes_out_together_in_order() -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        tasks = asked(batching, *FIRST, "a", "b", "c")
        await settled()
        assert gate.sent == [[name] for name in FIRST]
        gate.open.set()
        assert await asyncio.gather(*tasks) == [name.encode() for name in (*FIRST, "a", "b", "c")]
        assert gate.sent[LANES:] == [["a", "b", "c"]]
        assert gate.most_under_way == LANES

    run(scene())


def test_never_more_go_out_at_once_than_answer_within_their_timeout() -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        names = [f"n{number}" for number in range(3 * LONGEST_BATCH)]
        tasks = asked(batching, *FIRST, *names)
        await settled()
        gate.open.set()
        assert await asyncio.gather(*tasks) == [name.encode() for name in (*FIRST, *names)]
        assert max(map(len, gate.sent)) == LONGEST_BATCH
        assert sorted(name for batch in gate.sent for name in batch) == sorted((*FIRST, *names))
        assert gate.most_under_way <= LANES

    run(scene())


def test_what_the_server_has_against_one_command_is_told_to_that_one_only() -> None:
    async def scene() -> None:
        gate = Gate()
        gate.refuses["b"] = NoScriptError("no such script")
        batching = batching_on(gate)
        tasks = asked(batching, *FIRST, "a", "b", "c")
        await settled()
        gate.open.set()
        *_, a, b, c = await asyncio.gather(*tasks, return_exceptions=True)
        assert (a, c) == (b"a", b"c")
        assert isinstance(b, StoreUnavailable)
        assert isinstance(b.__cause__, NoScriptError)

    run(scene())


def test_a_connection_that_breaks_makes_the_store_unavailable_to_all_on_it_and_the_next_go_on() -> None:
    async def scene() -> None:
        gate = Gate()
        gate.broken = RedisConnectionError("gone, with a secret in its text")
        batching = batching_on(gate)
        tasks = asked(batching, *FIRST, "a", "b")
        await settled()
        gate.open.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in ended] == [StoreUnavailable] * len(tasks)
        assert {str(each).partition(": ")[2] for each in ended} == {"ConnectionError"}
        gate.broken = None
        assert await asyncio.gather(*asked(batching, *FIRST, "c", "d")) == [n.encode() for n in (*FIRST, "c", "d")]

    run(scene())


def test_a_command_that_is_cancelled_before_it_was_sent_is_not_sent() -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        tasks = asked(batching, *FIRST, "a", "b")
        await settled()
        tasks[-2].cancel()
        await settled()
        gate.open.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(ended[-2], asyncio.CancelledError)
        assert ended[-1] == b"b"
        assert "a" not in [name for batch in gate.sent for name in batch]

    run(scene())


def test_one_that_is_cancelled_on_its_way_takes_no_other_with_it() -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        first = asked(batching, *FIRST)
        rest = asked(batching, "a", "b", "c")
        await settled()
        first[0].cancel()  # what it sent is on its way all the same
        gate.turnstile.release()
        await settled()
        assert gate.sent[-1] == ["a", "b", "c"]  # over the connection that is free now
        rest[1].cancel()
        await settled()
        gate.open.set()
        ended = await asyncio.gather(*first, *rest, return_exceptions=True)
        assert [ended[LANES], ended[LANES + 2]] == [b"a", b"c"]
        assert isinstance(ended[LANES + 1], asyncio.CancelledError)
        assert gate.under_way == 0

    run(scene())


@pytest.mark.parametrize("cancelled", range(LANES + 3))
def test_whichever_is_cancelled_all_lanes_are_free_again(cancelled: int) -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        tasks = asked(batching, *FIRST, "a", "b", "c")
        await settled()
        tasks[cancelled].cancel()
        await settled()
        gate.open.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        await batching.settle()
        gate.open.clear()
        gate.sent.clear()
        again = asked(batching, *FIRST, "a")
        await settled()
        assert gate.sent == [[name] for name in FIRST]
        gate.open.set()
        await asyncio.gather(*again)

    run(scene())


def test_nobody_waits_for_ever_when_the_loop_ends_the_sending() -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        first = asked(batching, *FIRST)
        await settled()
        rest = asked(batching, "a", "b")
        await settled()
        gate.turnstile.release()
        await settled()
        for sending in batching._tasks:
            sending.cancel()
        ended = await asyncio.wait_for(asyncio.gather(*rest, return_exceptions=True), 5)
        assert [type(each) for each in ended] == [asyncio.CancelledError] * 2
        gate.open.set()
        await asyncio.gather(*first, return_exceptions=True)

    run(scene())


async def ending(batching: Batching, name: str) -> Any:
    """Asks, and then ends whatever is being sent or handed out."""
    answer = await batching.execute((name,))
    for sending in batching._tasks:
        sending.cancel()
    return answer


def test_nobody_waits_for_ever_when_the_loop_ends_the_handing_out() -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        first = asked(batching, *FIRST)
        names = [f"n{number}" for number in range(ANSWERED_AT_ONCE + 1)]
        rest = [asyncio.create_task(ending(batching, names[0])), *asked(batching, *names[1:])]
        await settled()
        gate.open.set()
        await asyncio.gather(*first)
        ended = await asyncio.wait_for(asyncio.gather(*rest, return_exceptions=True), 5)
        assert ended[:-1] == [name.encode() for name in names[:-1]]
        assert isinstance(ended[-1], asyncio.CancelledError)
        assert await batching.execute(("after",)) == b"after"

    run(scene())


def test_nobody_waits_for_ever_when_the_loop_ends_a_sending_that_has_yet_to_begin() -> None:
    async def scene() -> None:
        gate = Gate()
        batching = batching_on(gate)
        tasks = asked(batching, *FIRST)
        await asyncio.sleep(0)  # they have asked, and nothing is sent yet
        for sending in batching._tasks:
            sending.cancel()
        ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert [type(each) for each in ended] == [asyncio.CancelledError] * LANES
        assert gate.sent == []
        gate.open.set()
        assert await batching.execute(("after",)) == b"after"

    run(scene())


class Stuck:
    """Connections that cannot even be closed."""

    async def disconnect(self, **_: object) -> None:
        raise OSError("cannot be closed")


def test_all_are_told_of_a_fault_whose_connection_cannot_be_closed() -> None:
    async def scene() -> None:
        gate = Gate()
        gate.connection_pool = Stuck()
        gate.broken = LookupError("of a provider of credentials")
        batching = batching_on(gate)
        tasks = asked(batching, *FIRST, "a", "b")
        await settled()
        gate.open.set()
        ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert [type(each) for each in ended] == [StoreUnavailable] * len(tasks)
        assert {str(each).partition(": ")[2] for each in ended} == {"LookupError"}

    run(scene())
