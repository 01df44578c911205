"""What a turn costs, beside the bare thing it stands on: two rows of one group, in one run, are a ratio.

Run them on a quiet machine: ``pytest tests/benchmarks``. The number in brackets behind a median is how many times the
group's fastest row it is. No test here asserts a time.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from loguru import logger
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from transitions import Machine

from fsmflow import Channel, Flow, FlowRunner, FlowStateManager, Inbound, Option, Step, StepType

BARE = """
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 'conflict' end
local fields = {'version', ARGV[2]}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '1000', '*', 'entries', ARGV[3])
return 'applied'
"""


class LoopFlow(Flow):
    """A validated, transformed answer and a choice that leads back to it, for ever."""

    flow_type = "loop"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=valid_amount, transformer=parse_amount),
        Step(
            id="again",
            type=StepType.BUTTON,
            message="Once more?",
            options=(Option("yes", "Yes", to="amount"), Option("no", "No")),
        ),
    )


class Recorder(FlowStateManager):
    """A manager that remembers what its last commit wrote."""

    written: dict[str, bytes]
    record: bytes

    def commit(self, commit: Any) -> Any:
        self.written, self.record = dict(commit.fields), commit.record
        return super().commit(commit)


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """No sink: what a log costs is the sink's affair."""
    logger.remove()
    yield
    logger.add(sys.stderr)


@pytest.fixture
def conversation(redis_client: Redis, prefix: str) -> tuple[Recorder, Callable[[], Any]]:
    """A manager, and one answered message after another in a conversation that never ends."""
    manager = Recorder(redis_client, prefix=prefix)
    runner = FlowRunner(manager, [LoopFlow])
    channel = Channel("console", "me")
    numbers, texts = itertools.count(), itertools.cycle(["12", "yes"])
    runner.handle(Inbound(channel, "start", "loop"))

    def answer() -> Any:
        return runner.handle(Inbound(channel, f"m{next(numbers)}", next(texts)))

    for _ in range(50):
        answer()
    return manager, answer


@pytest.mark.benchmark(group="one message, two round trips")
def test_a_bare_hgetall_and_evalsha_of_the_same_payload(
    benchmark: BenchmarkFixture, redis_client: Redis, conversation: tuple[Recorder, Callable[[], Any]]
) -> None:
    manager, _ = conversation
    payload = [part for name, value in manager.written.items() for part in (name, value)]
    keys = manager.layout.keys("bare")
    stored: Any = redis_client.hgetall(manager.layout.keys("console:me").state)
    redis_client.hset(keys.state, mapping=stored)
    redis_client.hset(keys.state, "version", "0")
    sha = redis_client.script_load(BARE)
    versions = itertools.count()

    def bare() -> Any:
        version = next(versions)
        redis_client.hgetall(keys.state)
        return redis_client.evalsha(sha, 2, keys.state, keys.audit, version, version + 1, manager.record, *payload)

    assert benchmark(bare) == b"applied"


@pytest.mark.benchmark(group="one message, two round trips")
def test_handle(benchmark: BenchmarkFixture, conversation: tuple[Recorder, Callable[[], Any]]) -> None:
    _, answer = conversation
    assert benchmark(answer).status == "in_progress"


@pytest.mark.benchmark(group="one event, in memory")
def test_a_stock_event_with_a_guard_and_an_action(benchmark: BenchmarkFixture) -> None:
    class Model:
        state = "a"

    edges = [
        {"trigger": "go", "source": a, "dest": b, "conditions": [lambda _: True], "after": [lambda _: None]}
        for a, b in ("ab", "ba")
    ]
    machine = Machine(
        model=None, states=["a", "b"], transitions=edges, initial="a", auto_transitions=False, send_event=True
    )
    assert benchmark(machine.events["go"].trigger, Model(), "12")


@pytest.mark.benchmark(group="one event, in memory")
def test_process_input(benchmark: BenchmarkFixture) -> None:
    flow = LoopFlow()
    texts = itertools.cycle(["12", "yes"])

    def answer() -> Any:
        flow.entries.clear()
        return flow.process_input(next(texts))

    benchmark(answer)
    assert flow.refusal is None
