"""That a turn costs the same whatever is large: the flow, the store, the member's trail.

The sizes of one dimension take turns in one run, and what is shown is how far apart the slowest and the fastest are.
What may not be flat is the length of a conversation: a state holds all of its answers, so that the cost of the 500th
question is shown beside that of the first, as what a long conversation costs, and nothing is aimed at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from redis import Redis

from fsmflow import Flow
from tests.benchmarks.comparing import Contender, Timing, in_turns
from tests.benchmarks.table import Row, spread
from tests.benchmarks.talks import Talk, flow_of_length
from tests.redis_server import running_server

STEPS = (5, 50, 500)
MEMBERS = (10, 1_000, 100_000)
RECORDS = (10, 1_000, 10_000)
ROUNDS = 1000
BATCH = 10
MEMBERS_AT_ONCE = 5_000


def sizes_in_turns(benchmark: BenchmarkFixture, contenders: Sequence[Contender], rounds: int) -> Sequence[Timing]:
    """Measures each size in turns; the largest is the row of pytest-benchmark."""
    *smaller, largest = contenders
    _, (of_the_largest, *others) = in_turns(benchmark, largest, *smaller, rounds=rounds)
    return (*others, of_the_largest)


def test_handle_whatever_the_number_of_steps(
    benchmark: BenchmarkFixture, redis_client: Redis, prefix: str, rows: list[Row]
) -> None:
    talks = [Talk.begun(redis_client, f"{prefix}-{length}", flow_of_length(length)) for length in STEPS]
    contenders = [
        Contender(str(length), talk.answers, talk.restarts) for length, talk in zip(STEPS, talks, strict=True)
    ]
    timings = sizes_in_turns(benchmark, contenders, ROUNDS)
    assert [talk.step for talk in talks] == ["q1", "q1", "q1"]
    rows.append(spread("`handle` at the first of so many steps", timings))


def test_handle_at_the_last_step_but_one(
    benchmark: BenchmarkFixture, redis_client: Redis, prefix: str, rows: list[Row]
) -> None:
    """With all the answers before it in the state. Going back from the last step is what brings it there again."""
    talks = [Talk.begun(redis_client, f"{prefix}-{length}", flow_of_length(length)) for length in STEPS]
    for length, talk in zip(STEPS, talks, strict=True):
        for _ in range(length - 1):
            talk.answers()
    contenders = [
        Contender(str(length), talk.answers, talk.goes_back) for length, talk in zip(STEPS, talks, strict=True)
    ]
    timings = sizes_in_turns(benchmark, contenders, ROUNDS // 5)
    assert [talk.step for talk in talks] == [f"q{length - 1}" for length in STEPS]
    rows.append(spread("`handle` at the last but one of so many steps, all answered", timings, aim="–"))


class Batch:
    """Several flows of one class, each at its first question.

    Several at once, because one answer in memory takes little longer than reading the clock twice.
    """

    def __init__(self, flow: type[Flow]) -> None:
        self.flow = flow
        self.flows: list[Flow] = []

    def begins(self) -> None:
        """Makes new ones."""
        self.flows = [self.flow() for _ in range(BATCH)]

    def answers(self) -> None:
        """Answers the question of each."""
        for flow in self.flows:
            flow.process_input("12")


def test_process_input_whatever_the_number_of_steps(benchmark: BenchmarkFixture, rows: list[Row]) -> None:
    batches = [Batch(flow_of_length(length)) for length in STEPS]
    contenders = [
        Contender(str(length), batch.answers, batch.begins, BATCH) for length, batch in zip(STEPS, batches, strict=True)
    ]
    timings = sizes_in_turns(benchmark, contenders, ROUNDS)
    assert {flow.state for batch in batches for flow in batch.flows} == {"q1"}
    rows.append(spread("`process_input` at the first of so many steps", timings))


def fill_with_members(redis: Redis, prefix: str, member_id: str, count: int) -> int:
    """Fills a store with copies of all the keys of a member, so that it has so many members; gives how many each has.

    Copies, because what makes a store large is the number of its keys and not who answered what; and by a pipeline,
    because a hundred thousand conversations would take minutes.
    """
    keys: Any = redis.keys(f"{prefix}:*:{member_id}*")
    with redis.pipeline(transaction=False) as pipeline:
        for number in range(1, count):
            for key in keys:
                pipeline.copy(key, key.decode().replace(member_id, f"{member_id}-{number}"))
            if number % MEMBERS_AT_ONCE == 0 or number == count - 1:
                pipeline.execute()
    return len(keys)


@pytest.fixture
def stores() -> Iterator[list[Redis]]:
    """A server of its own for each number of members, so that they can take turns; nobody else's server is filled."""
    with ExitStack() as servers:
        yield [servers.enter_context(Redis.from_url(servers.enter_context(running_server()).url)) for _ in MEMBERS]


def test_handle_whatever_the_number_of_members(
    benchmark: BenchmarkFixture, stores: list[Redis], prefix: str, rows: list[Row]
) -> None:
    talks = [Talk.begun(redis, prefix) for redis in stores]
    expected = []
    for count, redis, talk in zip(MEMBERS, stores, talks, strict=True):
        talk.answers()
        shared = redis.dbsize()  # with what all members have in common: the set of what is due
        shared -= (keys_of_a_member := fill_with_members(redis, prefix, talk.member_id, count))
        expected.append(count * keys_of_a_member + shared)
    contenders = [
        Contender(f"{count:,}", talk.answers, talk.restarts) for count, talk in zip(MEMBERS, talks, strict=True)
    ]
    timings = sizes_in_turns(benchmark, contenders, ROUNDS)
    assert {talk.step for talk in talks} == {"confirm"}
    assert [redis.dbsize() for redis in stores] == expected
    rows.append(spread("`handle` where the store has so many members", timings))


class Trail:
    """A conversation whose member's stream is brought to a length before each answer.

    Args:
        talk: The conversation; its manager keeps longer streams than that.
        redis: Where it is.
        length: How many records.
    """

    def __init__(self, talk: Talk, redis: Redis, length: int) -> None:
        self.talk, self.redis, self.length = talk, redis, length
        self.key = talk.runner.manager.layout.keys(talk.member_id).audit

    def restarts(self) -> None:
        """Goes back to the first question; then copies of the latest record are added, or the first ones are taken."""
        self.talk.restarts()
        latest: Any = self.redis.xrevrange(self.key, count=1)
        with self.redis.pipeline(transaction=False) as pipeline:
            for _ in range(self.length - self.records):
                pipeline.xadd(self.key, latest[0][1])
            pipeline.xtrim(self.key, maxlen=self.length, approximate=False)
            pipeline.execute()

    @property
    def records(self) -> int:
        """How many it has."""
        found: Any = self.redis.xlen(self.key)
        return int(found)


def test_handle_whatever_the_length_of_the_trail(
    benchmark: BenchmarkFixture, redis_client: Redis, prefix: str, rows: list[Row]
) -> None:
    trails = [
        Trail(Talk.begun(redis_client, f"{prefix}-{length}", audit_length=2 * max(RECORDS)), redis_client, length)
        for length in RECORDS
    ]
    contenders = [Contender(f"{trail.length:,}", trail.talk.answers, trail.restarts) for trail in trails]
    timings = sizes_in_turns(benchmark, contenders, ROUNDS)
    assert {trail.talk.step for trail in trails} == {"confirm"}
    assert [trail.records for trail in trails] == [length + 1 for length in RECORDS]
    rows.append(spread("`handle` where the member's trail has so many records", timings))
