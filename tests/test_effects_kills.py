"""A worker that is killed at whatever it is at, while its member pays: the ledger has each payment once.

Then the message is delivered again, or another worker takes up what was left, or both do so at once; the member ends
where they would have ended without the death, and the trail says what happened.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import redis

from fsmflow import FlowRunner, FlowStateManager
from fsmflow.calls import drive
from fsmflow.testing.ageing import ageing
from tests.commits import MEMBER, MOMENT
from tests.crew import DONE, Race, racing
from tests.sides import SIDES
from tests.workers import FLOWS, Ledger

pytestmark = pytest.mark.real_redis

REDELIVERY, TAKE_UP, BOTH = "redelivery", "take-up", "both at once"


@pytest.fixture(params=[SIDES[0], *(pytest.param(side, marks=pytest.mark.faults) for side in SIDES[1:])])
def race(request: pytest.FixtureRequest, redis_client: redis.Redis, redis_url: str, prefix: str) -> Iterator[Race]:
    """A race on the Redis that all tests share; its client is what empties it."""
    assert redis_client.ping()
    with racing(request.param, redis_url, prefix) as race:
        yield race


class After:
    """What is left of a member after a death, and whoever goes on from there.

    Args:
        race: The race.
        client: A client of the store.
        prefix: What the member's keys begin with.
    """

    def __init__(self, race: Race, client: redis.Redis, prefix: str) -> None:
        self.race = race
        self.client = client
        self.prefix = prefix
        self.ledger = Ledger(race.url, prefix)
        self.manager = FlowStateManager(client, prefix=prefix)

    def ages(self) -> None:
        """Lets the time of whoever has an effect run out."""
        execute: Any = self.client.execute_command  # redis-py leaves it untyped
        drive(ageing(self.prefix, round(timedelta(minutes=2) / timedelta(milliseconds=1))), lambda each: execute(*each))

    def takes_up(self) -> None:
        """Has another worker look for what is due."""
        manager = FlowStateManager.from_url(self.race.url, prefix=self.prefix)
        FlowRunner(manager, FLOWS, clock=lambda: MOMENT, services=self.ledger).due()
        manager.close()

    def step(self) -> str | None:
        """Where the member stands."""
        found = self.manager.load(MEMBER).flow_data
        return None if found is None else found.step_id


@pytest.mark.parametrize("way", [BOTH, *(pytest.param(way, marks=pytest.mark.faults) for way in (REDELIVERY, TAKE_UP))])
def test_a_worker_is_killed_at_each_point_and_each_payment_is_made_once(
    race: Race, redis_client: redis.Redis, prefix: str, way: str
) -> None:
    points = set()
    for number in count(1):
        own = f"{prefix}-{number}"
        race.prefix = own
        doomed, heir = race.worker(), race.worker()
        after = After(race, redis_client, own)
        doomed.answers(race.message("shop"))
        message = race.message("5")
        point, _ = doomed.dies_of(message, number)
        if not point:
            break
        points.add(point)
        for _ in range(3):  # one for the death, and one for each of the two effects that it may have come before
            after.ages()
            if way == TAKE_UP:
                after.takes_up()
                continue
            beside = threading.Thread(target=after.takes_up)
            if way == BOTH:
                beside.start()
            assert heir.answers(message) is not None
            if way == BOTH:
                beside.join()
        if way == TAKE_UP:
            assert heir.answers(message) is not None
        assert after.step() == "note", point
        assert sorted(after.ledger.paid.values()) == [1, 1], point
        assert not redis_client.hget(after.manager.layout.keys(MEMBER).state, "pending"), point
        events = [entry.event_type for entry in after.manager.history(MEMBER)]
        assert (events.count("effect_run"), events.count("effect_done")) == (2, 2), point
        doomed.ends()
        heir.ends()
        race.workers.clear()
        DONE["payments after a death"] += 2
    assert {"before HGETALL", "before EVALSHA", "answered EVALSHA", "paying", "paid", "replying"} <= points
