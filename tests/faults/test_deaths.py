"""A worker is killed at each effect of each turn of a conversation; whoever goes on comes to the same end.

Then its message is delivered again, or another worker takes up what is due, or both do so at once: each payment is made
once, the member stands where they would stand without the death and was told the same, and the trail says the same.
"""

from __future__ import annotations

from itertools import count

import pytest

from tests.faults.conversations import BOTH, REDELIVERY, TAKE_UP, WAYS, Crew
from tests.faults.stages import STAGES, TILL, TRIP, Stage

pytestmark = pytest.mark.real_redis

BEFORE, AFTER = "before Perform", "after Perform"


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_death_at_any_effect_of_any_message_changes_nothing(crew: Crew, stage: Stage, way: str) -> None:
    expected = crew.ending_of(stage)
    assert len(expected.done) == stage.payments
    points = set()
    messages = range(len(stage.conversation)) if way == BOTH else [stage.paying]  # at others nothing can be taken up
    for place in messages:
        for number in count(1):
            member = crew.member(stage)
            member.talks(0, place)
            message = member.says(place)
            point = crew.worker().dies(number, "handle", message)
            if not point:
                break
            points.add(point)
            member.goes_on(message, way)
            member.talks(place + 1)
            assert member.ending() == expected, (place, point)
            member.is_gone()
    assert {"before Load", "before Commit", "after Commit", BEFORE, AFTER, "replying"} <= points


@pytest.mark.parametrize(
    ("stage", "payment"),
    [(TILL, 1), (TRIP, 1), (TRIP, TRIP.payments)],
    ids=lambda each: getattr(each, "name", str(each)),
)
@pytest.mark.parametrize("point", [BEFORE, AFTER])
def test_a_death_beside_a_payment_changes_nothing(crew: Crew, stage: Stage, point: str, payment: int) -> None:
    expected = crew.ending_of(stage)
    member = crew.member(stage)
    member.talks(0, stage.paying)
    message = member.says(stage.paying)
    doomed = crew.worker()
    assert doomed.stops("handle", message, at=point, time=payment)
    assert member.is_kept_for_ever()
    doomed.is_killed()
    member.goes_on(message, BOTH)
    member.talks(stage.paying + 1)
    assert member.ending() == expected


@pytest.mark.faults
@pytest.mark.parametrize("way", [REDELIVERY, TAKE_UP])
@pytest.mark.parametrize("first", [BEFORE, AFTER])
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_death_of_whoever_takes_over_changes_nothing_either(crew: Crew, stage: Stage, first: str, way: str) -> None:
    expected = crew.ending_of(stage)
    points = set()
    for payment in range(1, stage.payments + 1):
        for number in count(1):
            member = crew.member(stage)
            member.talks(0, stage.paying)
            message = member.says(stage.paying)
            doomed = crew.worker()
            assert doomed.stops("handle", message, at=first, time=payment)
            doomed.is_killed()
            member.lapses()
            point = crew.worker().dies(number, *(("handle", message) if way == REDELIVERY else ("due",)))
            if not point:
                member.is_gone()
                break
            points.add(point)
            member.goes_on(message, BOTH)
            member.talks(stage.paying + 1)
            assert member.ending() == expected, (payment, point)
            member.is_gone()
    assert {"before Load", "before Commit", "after Commit", BEFORE, AFTER, "replying"} <= points
