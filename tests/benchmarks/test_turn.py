"""What a turn costs, beside the bare thing it stands on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import count
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis
from transitions import Machine

from fsmflow.calls import Call
from fsmflow.effects import Commit
from tests.benchmarks.comparing import Contender, in_turns
from tests.benchmarks.table import Row, ratio_of_times
from tests.benchmarks.talks import AmountFlow, Talk

ROUNDS = 3000
EVENTS = 40
ANSWERS = 10
BARE = """
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 'conflict' end
local fields = {'version', ARGV[2]}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '1000', '*', 'entries', ARGV[3])
return 'applied'
"""


def bare_turn(redis_client: Redis, prefix: str) -> Any:
    """A bare ``HGETALL`` and ``EVALSHA`` of what an answer reads and writes, as something to call."""
    talk = Talk.begun(redis_client, prefix, member="example")
    manager, keys = talk.runner.manager, talk.runner.manager.layout.keys
    turn = talk.runner.conversation.turn(talk.message("12"), datetime.now(timezone.utc))
    effect = next(turn)
    while not isinstance(effect, Commit):  # what the turn would write; it is not committed
        effect = turn.send(effect.make() if isinstance(effect, Call) else manager.load(talk.member_id))
    turn.close()
    commit = effect
    payload = [part for pair in commit.fields.items() for part in pair]
    state, audit = keys("bare").state, keys("bare").audit
    redis_client.copy(keys(talk.member_id).state, state)
    redis_client.hset(state, "version", "0")
    sha = redis_client.script_load(BARE)
    versions = count()

    def bare() -> Any:
        version = next(versions)
        redis_client.hgetall(state)
        return redis_client.evalsha(sha, 2, state, audit, version, version + 1, commit.record, *payload)

    return bare


def test_handle_beside_a_bare_hgetall_and_evalsha(
    benchmark: BenchmarkFixture, redis_client: Redis, prefix: str, rows: list[Row]
) -> None:
    """One validated, transformed, audited answer, beside two bare commands of the same payload by the same client.

    Each of the two is measured directly after a turn of fsmflow that brings the conversation back, so that neither
    finds the caches colder than the other.
    """
    bare, talk = bare_turn(redis_client, prefix), Talk.begun(redis_client, prefix)
    reply, timings = in_turns(
        benchmark,
        Contender("`handle` of an answer", talk.answers, talk.restarts),
        Contender("bare `HGETALL`, `EVALSHA`", bare, talk.restarts),
        rounds=ROUNDS,
    )
    assert (reply.status, reply.step_id) == ("in_progress", "confirm")
    assert bare() == b"applied"  # and so were all before: it commits on the version that the last one left
    rows.append(ratio_of_times(*timings, aim="≤ 1.25", gate="≤ 1.5"))


class Models:
    """Models of a stock Machine with a guard and an action, and flows, each at its first state."""

    class Model:
        """What a stock Machine needs of a model."""

        state = "a"

    def __init__(self) -> None:
        edge = {"trigger": "go", "source": "a", "dest": "b", "conditions": [lambda _: True], "after": [lambda _: None]}
        self.machine = Machine(
            model=None, states=["a", "b"], transitions=[edge], initial="a", auto_transitions=False, send_event=True
        )
        self.models: list[Models.Model] = []
        self.flows: list[AmountFlow] = []

    def new_models(self) -> None:
        self.models = [Models.Model() for _ in range(EVENTS)]

    def new_flows(self) -> None:
        self.flows = [AmountFlow() for _ in range(ANSWERS)]

    def trigger(self) -> None:
        trigger = self.machine.events["go"].trigger
        for model in self.models:
            trigger(model, "12")

    def process_input(self) -> None:
        for flow in self.flows:
            flow.process_input("12")


def test_process_input_beside_a_stock_event(benchmark: BenchmarkFixture, rows: list[Row]) -> None:
    """One answer in memory, beside one event of a stock Machine with a guard and an action."""
    models = Models()
    _, timings = in_turns(
        benchmark,
        Contender("`process_input`", models.process_input, models.new_flows, ANSWERS),
        Contender("one stock `Event.trigger`", models.trigger, models.new_models, EVENTS),
        rounds=ROUNDS // 3,
    )
    assert {model.state for model in models.models} == {"b"}
    assert {(flow.state, flow.refusal) for flow in models.flows} == {("confirm", None)}
    rows.append(ratio_of_times(*timings, aim="≤ 3"))


@contextmanager
def root_handled_in_silence() -> Iterator[None]:
    """The root logger with a handler that writes nothing, as a service has it but for the writing; then as it was.

    No fixture: pytest adds its own handlers for the length of a test's body, and those format every record.
    """
    root = logging.getLogger()
    level, handlers = root.level, root.handlers
    root.handlers = [logging.NullHandler()]
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)


def test_process_input_where_the_root_logger_is_at_info(benchmark: BenchmarkFixture, rows: list[Row]) -> None:
    """`transitions` logs each event at INFO: what that costs where a service logs at INFO itself."""
    models = Models()

    def at(level: int) -> Callable[[], None]:
        def prepare() -> None:
            logging.getLogger().setLevel(level)
            models.new_flows()

        return prepare

    with root_handled_in_silence():
        _, timings = in_turns(
            benchmark,
            Contender("`process_input`, root logger at INFO", models.process_input, at(logging.INFO), ANSWERS),
            Contender("at WARNING", models.process_input, at(logging.WARNING), ANSWERS),
            rounds=ROUNDS // 3,
        )
    assert {flow.state for flow in models.flows} == {"confirm"}
    rows.append(ratio_of_times(*timings, aim="1"))
