"""What comes more than once: taps, workers who take up, outcomes, whole conversations."""

from __future__ import annotations

from itertools import count

import pytest

from fsmflow import Reply
from tests.crew import DONE
from tests.faults.conversations import BOTH, REDELIVERY, TAKE_UP, Crew, Ending, Member, words_of
from tests.faults.stages import OFFER, STAGES, TILL, TRIP, Stage

pytestmark = pytest.mark.real_redis

TAPS = 10

every_stage = pytest.mark.parametrize(
    "stage", [pytest.param(each, id=each.name, marks=[pytest.mark.faults] * (each is not OFFER)) for each in STAGES]
)


def without_refusals(ending: Ending) -> tuple[object, ...]:
    """An ending, whatever else was said to taps that came too late."""
    trail = tuple(each for each in ending.trail if not each.startswith("validation refused"))
    return ending.told, ending.stands, ending.done, trail


def at_the_payment(crew: Crew, stage: Stage) -> Member:
    member = crew.member(stage)
    member.talks(0, stage.paying)
    return member


# -- taps --------------------------------------------------------------------------------------------------------------


@every_stage
def test_ten_taps_one_after_the_other_are_one_payment(crew: Crew, stage: Stage) -> None:
    expected = crew.ending_of(stage)
    member = at_the_payment(crew, stage)
    taps = [member.says(stage.paying) for _ in range(TAPS)]
    member.is_told(crew.heir.does("handle", taps[0]))
    for tap in taps[1:]:
        assert isinstance(crew.heir.does("handle", tap), Reply)
        DONE["taps"] += 1
    member.talks(stage.paying + 1)
    assert without_refusals(member.ending()) == without_refusals(expected)


@every_stage
def test_ten_taps_at_ten_workers_at_once_are_one_payment(crew: Crew, stage: Stage) -> None:
    expected = crew.ending_of(stage)
    member = at_the_payment(crew, stage)
    taps = [member.says(stage.paying) for _ in range(TAPS)]
    workers = [crew.worker() for _ in taps]
    for worker, tap in zip(workers, taps, strict=True):
        assert worker.stops("handle", tap, at="before Commit")
        DONE["taps"] += 1
    for worker in workers:
        worker.goes_on()
    told = [worker.hears()[1] for worker in workers]
    named = member.naming()
    [paid] = [reply for reply in told if named(words_of(reply)) == expected.told[stage.paying]]
    member.is_told(paid)
    member.talks(stage.paying + 1)
    assert without_refusals(member.ending()) == without_refusals(expected)


# -- workers who take up what was left ---------------------------------------------------------------------------------


@pytest.mark.parametrize("several", [2, pytest.param(8, marks=pytest.mark.faults)])
@pytest.mark.parametrize("point", ["before Perform", pytest.param("after Perform", marks=pytest.mark.faults)])
@every_stage
def test_of_several_who_take_up_one_effect_at_once_one_gets_it(
    crew: Crew, stage: Stage, point: str, several: int
) -> None:
    expected = crew.ending_of(stage)
    member = at_the_payment(crew, stage)
    message = member.says(stage.paying)
    doomed = crew.worker()
    assert doomed.stops("handle", message, at=point)
    doomed.is_killed()
    member.lapses()
    workers = [crew.worker() for _ in range(several)]
    for number, worker in enumerate(workers):  # half of them by the message
        order = ("handle", message) if number % 2 else ("due",)
        assert worker.stops(*order, at="before Commit")
        DONE["take-overs tried"] += 1
    for worker in workers:
        worker.goes_on()
    for worker in workers:
        worker.hears()
    assert member.open_effect() is None
    assert ["before Perform" in worker.passed for worker in workers].count(True) == 1
    member.goes_on(message, REDELIVERY)
    member.talks(stage.paying + 1)
    assert member.ending() == expected


# -- a worker that waits for longer than it has the effect -------------------------------------------------------------

LATE = ("before Perform", "before call", "after call", "after Perform")

# A call that is kept from being made for so long is made beside the next one: what keeps it from that is a service that
# knows its key; and, where the worker stood still, its own clock, which no test moves.
late_at_any_point = pytest.mark.parametrize(
    ("stage", "point"),
    [
        pytest.param(stage, point, marks=[pytest.mark.faults] * (stage is not OFFER or point != LATE[-1]))
        for stage in STAGES
        for point in LATE
        if stage is not TILL or point.startswith("after")
    ],
    ids=lambda each: each if isinstance(each, str) else each.name,
)


@pytest.mark.parametrize("way", [BOTH, *(pytest.param(way, marks=pytest.mark.faults) for way in (REDELIVERY, TAKE_UP))])
@late_at_any_point
def test_a_late_outcome_is_nobodys_where_another_has_taken_over(crew: Crew, stage: Stage, point: str, way: str) -> None:
    expected = crew.ending_of(stage)
    member = at_the_payment(crew, stage)
    message = member.says(stage.paying)
    late = crew.worker()
    assert late.stops("handle", message, at=point)
    member.goes_on(message, way)
    assert isinstance(late.ends_it(), Reply)
    DONE["late outcomes"] += 1
    member.talks(stage.paying + 1)
    assert member.ending() == expected


@pytest.mark.parametrize("point", LATE[::3])
@every_stage
def test_a_late_outcome_is_applied_where_nobody_has_taken_over(crew: Crew, stage: Stage, point: str) -> None:
    expected = crew.ending_of(stage)
    member = at_the_payment(crew, stage)
    late = crew.worker()
    assert late.stops("handle", member.says(stage.paying), at=point)
    member.lapses()
    member.is_told(late.ends_it())
    DONE["late outcomes"] += 1
    member.talks(stage.paying + 1)
    assert member.ending() == expected


@pytest.mark.parametrize("payment", [1, 2])
def test_a_late_outcome_is_none_of_the_next_effect(crew: Crew, payment: int) -> None:
    expected = crew.ending_of(TRIP)
    member = at_the_payment(crew, TRIP)
    message = member.says(TRIP.paying)
    late, next_one = crew.worker(), crew.worker()
    assert late.stops("handle", message, at="after Perform", time=payment)
    member.lapses()
    assert next_one.stops("due", at="before Perform", time=2)  # the first is the one that was taken over
    assert isinstance(late.ends_it(), Reply)
    DONE["late outcomes"] += 1
    next_one.ends_it()
    member.goes_on(message, REDELIVERY)
    member.talks(TRIP.paying + 1)
    assert member.ending() == expected


@every_stage
def test_a_late_outcome_that_comes_as_another_takes_over_is_applied_once(crew: Crew, stage: Stage) -> None:
    expected = crew.ending_of(stage)
    member = at_the_payment(crew, stage)
    message = member.says(stage.paying)
    late, next_one = crew.worker(), crew.worker()
    assert late.stops("handle", message, at="before Commit", time=2)
    member.lapses()
    assert next_one.stops("due", at="before Commit")
    for worker in (late, next_one):
        worker.goes_on()
    for worker in (late, next_one):
        worker.hears()
    DONE["late outcomes"] += 1
    member.goes_on(message, REDELIVERY)
    member.talks(stage.paying + 1)
    assert member.ending() == expected


# -- conversations -----------------------------------------------------------------------------------------------------


def after_another(crew: Crew, stage: Stage) -> Ending:
    """How the same conversation ends a second time, with nothing forgotten between."""
    member = crew.member(stage)
    member.talks()
    member.starts_over()
    member.talks()
    return member.ending()


@every_stage
def test_the_same_conversation_after_clear_pays_again_under_another_id(crew: Crew, stage: Stage) -> None:
    expected = after_another(crew, stage)
    member = crew.member(stage)
    messages = member.talks()
    crew.manager.clear(member.id)
    member.starts_over()
    assert not any(crew.heir.does("handle", each).messages for each in messages), "what was decided is known"
    member.talks()
    assert member.ending() == expected
    assert len(member.done) == 2 * stage.payments


@pytest.mark.parametrize("numbering", ["new ids", "the same ids"])
@every_stage
def test_the_same_conversation_after_the_retention_pays_again_under_another_id(
    crew: Crew, stage: Stage, numbering: str
) -> None:
    expected = after_another(crew, stage)
    member = crew.member(stage)
    member.talks()
    member.ending()  # which sees that nothing of them is kept for ever
    member.is_gone()
    member.starts_over()
    if numbering == "the same ids":
        member.messages = count(1)
    member.talks()
    assert member.ending() == expected
    assert len(member.done) == 2 * stage.payments
