"""Each commit of a conversation is cut off, once or until the client gives up: the end is the same.

A commit may be lost on its way, or applied and its answer lost; whoever sent it cannot tell.
"""

from __future__ import annotations

from itertools import count

import pytest

from tests.faults.conversations import TAKE_UP, WAYS, Crew, words_of
from tests.faults.crew import cut_off
from tests.faults.stages import OFFER, STAGES, TRIP, Stage
from tests.proxy import ANSWER, WHAT_IS_CUT, CuttingProxy

pytestmark = pytest.mark.real_redis

ONCE, UNTIL_IT_GIVES_UP = 1, 20

# the answer at every stage; what else may be lost, at the one that has all that the others have
of_every_stage = pytest.mark.parametrize(
    ("stage", "what"),
    [*((stage, ANSWER) for stage in STAGES), *((TRIP, what) for what in WHAT_IS_CUT if what != ANSWER)],
    ids=lambda each: each if isinstance(each, str) else each.name,
)


@pytest.mark.faults
@pytest.mark.parametrize("cuts", [ONCE, UNTIL_IT_GIVES_UP])
@of_every_stage
def test_whatever_commit_of_a_conversation_is_cut_the_end_is_the_same(
    crew: Crew, proxy: CuttingProxy, stage: Stage, what: str, cuts: int
) -> None:
    proxy.lost = what
    expected = crew.ending_of(stage)
    worker = crew.worker(redis=proxy.url)
    ways = count()
    for place in range(len(stage.conversation)):
        for time in count(1):
            member = crew.member(stage)
            member.talks(0, place)
            message = member.says(place)
            if not worker.stops("handle", message, at="before Commit", time=time):
                break
            told = cut_off(proxy, worker, cuts)
            if cuts == ONCE:  # it was sent again by the client, and the turn is none the worse for it
                assert member.naming()(words_of(told)) == expected.told[place], (place, time)
            member.goes_on(message, WAYS[next(ways) % len(WAYS)])
            member.talks(place + 1)
            assert member.ending() == expected, (place, time)
            member.is_gone()


@pytest.mark.faults
@pytest.mark.parametrize("cuts", [ONCE, UNTIL_IT_GIVES_UP])
@of_every_stage
def test_whatever_commit_of_a_take_over_is_cut_the_end_is_the_same(
    crew: Crew, proxy: CuttingProxy, stage: Stage, what: str, cuts: int
) -> None:
    proxy.lost = what
    expected = crew.ending_of(stage)
    worker = crew.worker(redis=proxy.url)
    for way in WAYS:
        for time in count(1):
            member = crew.member(stage)
            member.talks(0, stage.paying)
            message = member.says(stage.paying)
            doomed = crew.worker()
            assert doomed.stops("handle", message, at="after Perform" if time % 2 else "before Perform")
            doomed.is_killed()
            member.lapses()
            order = ("due",) if way == TAKE_UP else ("handle", message)
            if not worker.stops(*order, at="before Commit", time=time):
                member.is_gone()
                break
            cut_off(proxy, worker, cuts)
            member.goes_on(message, way)
            member.talks(stage.paying + 1)
            assert member.ending() == expected, (way, time)
            member.is_gone()


@pytest.mark.parametrize("time", [1, 2], ids=["of its beginning", "of its outcome"])
def test_a_cut_answer_of_a_commit_of_a_payment_changes_nothing(crew: Crew, proxy: CuttingProxy, time: int) -> None:
    proxy.lost = ANSWER
    expected = crew.ending_of(OFFER)
    member = crew.member(OFFER)
    member.talks(0, OFFER.paying)
    message = member.says(OFFER.paying)
    worker = crew.worker(redis=proxy.url)
    assert worker.stops("handle", message, at="before Commit", time=time)
    cut_off(proxy, worker, UNTIL_IT_GIVES_UP)
    member.goes_on(message, TAKE_UP)
    assert member.ending() == expected
