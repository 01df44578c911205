"""What a turn costs, beside the bare thing it stands on: two rows of one group, in one run, are a ratio.

Run them on a quiet machine: ``pytest tests/benchmarks``. The number in brackets behind a median is how many times the
group's fastest row it is. Setting up a round is not measured. No test here asserts a time.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen
from loguru import logger
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from transitions import Machine

from fsmflow import Channel, Flow, FlowRunner, FlowStateManager, Inbound, Option, Reply, Step, StepType

ROUNDS = 3000
BARE = """
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 'conflict' end
local fields = {'version', ARGV[2]}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '1000', '*', 'entries', ARGV[3])
return 'applied'
"""


class AmountFlow(Flow):
    """A validated and transformed answer, and a confirmation."""

    flow_type = "amount"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=valid_amount, transformer=parse_amount),
        Step(id="confirm", type=StepType.BUTTON, message="Sure?", options=(Option("yes", "Yes"), Option("no", "No"))),
    )


def measured(benchmark: BenchmarkFixture, function: Callable[..., Any], setup: Callable[[], None], **named: Any) -> Any:
    """What the last of many measured rounds returned."""
    run: Any = benchmark.pedantic  # it has no types
    return run(function, setup=setup, warmup_rounds=50, **named)


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


@frozen
class Talk:
    """A conversation that is brought back to its first question before each measured answer."""

    manager: Recorder
    runner: FlowRunner
    numbers: Iterator[int]

    def says(self, text: str) -> Reply:
        return self.runner.handle(Inbound(Channel("console", "me"), f"m{next(self.numbers)}", text))

    def starts(self) -> None:
        self.says("restart" if self.manager.load("console:me").raw else "amount")

    def answers(self) -> Reply:
        return self.says("12")


@pytest.fixture
def talk(redis_client: Redis, prefix: str) -> Talk:
    manager = Recorder(redis_client, prefix=prefix)
    return Talk(manager, FlowRunner(manager, [AmountFlow]), itertools.count())


@pytest.mark.benchmark(group="one message, two round trips")
def test_a_bare_hgetall_and_evalsha_of_the_same_payload(
    benchmark: BenchmarkFixture, redis_client: Redis, talk: Talk
) -> None:
    talk.starts()
    talk.answers()
    manager = talk.manager
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

    assert measured(benchmark, bare, talk.starts, rounds=ROUNDS) == b"applied"


@pytest.mark.benchmark(group="one message, two round trips")
def test_handle_of_a_validated_transformed_audited_answer(benchmark: BenchmarkFixture, talk: Talk) -> None:
    reply = measured(benchmark, talk.answers, talk.starts, rounds=ROUNDS)
    assert (reply.status, reply.step_id) == ("in_progress", "confirm")


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
    flow = AmountFlow()

    def first_question() -> None:
        flow.restart()
        flow.entries.clear()

    measured(benchmark, lambda: flow.process_input("12"), first_question, rounds=20_000)
    assert (flow.state, flow.refusal) == ("confirm", None)
