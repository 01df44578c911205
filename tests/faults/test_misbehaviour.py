"""The ledger does whatever it may, and a worker dies beside: what was paid was paid once, and is known in the end.

What it holds is let go of after others have gone on. Where it answers nothing wrong in the end, the end is that of a
conversation in which it did not misbehave.
"""

from __future__ import annotations

import pytest

from examples.services.bookkeeping import Behaviour
from tests.crew import DONE
from tests.faults.conversations import BOTH, WAYS, Crew
from tests.faults.crew import cut_off
from tests.faults.stages import ASKED, OFFER, REPEATED, Stage
from tests.proxy import ANSWER, REQUEST, CuttingProxy

pytestmark = [pytest.mark.real_redis, pytest.mark.faults]

HELD = (Behaviour.ARRIVE_LATE, Behaviour.HANG, Behaviour.ANSWER_LATE)
REFUSED = (Behaviour.REFUSE, Behaviour.ACCEPT_AND_REFUSE)

SHORT, LONG = 0.2, 60.0  # how long a call waits: until it gives up on what is held, or until its worker is dead


@pytest.fixture(params=[OFFER, ASKED, REPEATED], ids=lambda stage: str(stage.name))
def stage(request: pytest.FixtureRequest) -> Stage:
    found: Stage = request.param
    return found


@pytest.fixture
def hasty(crew: Crew) -> Crew:
    """A crew whose calls do not wait for long."""
    crew.heir, crew.other = crew.worker(patience=SHORT), crew.worker(crew.other_side, patience=SHORT)
    return crew


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("behaviour", Behaviour, ids=lambda behaviour: str(behaviour.value))
def test_whatever_the_ledger_does_and_whoever_dies_it_is_paid_once_or_known_not_to_be(
    hasty: Crew, stage: Stage, behaviour: Behaviour, way: str
) -> None:
    expected = hasty.ending_of(stage, *([behaviour] if behaviour in REFUSED else []))
    assert len(expected.done) == (0 if behaviour in REFUSED else 1)
    for point in ("nowhere", "before Perform", "after call", "after Perform", "replying"):
        member = hasty.member(stage)
        member.talks(0, stage.paying)
        message = member.says(stage.paying)
        doomed = hasty.worker(patience=SHORT)
        hasty.ledger.will(behaviour)
        if doomed.stops("handle", message, at=point):
            doomed.is_killed()
        DONE["misbehaviours"] += 1
        member.goes_on(message, way)
        hasty.ledger.releases()
        assert member.ending() == expected, point
        hasty.ledger.will()
        member.is_gone()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("behaviour", HELD, ids=lambda behaviour: str(behaviour.value))
def test_a_death_while_a_call_is_under_way_changes_nothing(
    hasty: Crew, stage: Stage, behaviour: Behaviour, way: str
) -> None:
    expected = hasty.ending_of(stage)
    member = hasty.member(stage)
    member.talks(0, stage.paying)
    message = member.says(stage.paying)
    before = len(hasty.ledger.requests)
    hasty.ledger.will(behaviour)
    doomed = hasty.worker(patience=LONG)
    doomed.begins("handle", message)
    while len(hasty.ledger.requests) == before:
        pass  # until the ledger has it, and holds it
    doomed.is_killed()
    member.goes_on(message, way)
    assert member.ending() == expected


@pytest.mark.parametrize("what", [REQUEST, ANSWER])
@pytest.mark.parametrize("behaviour", Behaviour, ids=lambda behaviour: str(behaviour.value))
def test_what_came_of_a_misbehaviour_may_be_cut_off_as_well(
    hasty: Crew, proxy: CuttingProxy, stage: Stage, behaviour: Behaviour, what: str
) -> None:
    proxy.lost = what
    expected = hasty.ending_of(stage, *([behaviour] if behaviour in REFUSED else []))
    member = hasty.member(stage)
    member.talks(0, stage.paying)
    message = member.says(stage.paying)
    hasty.ledger.will(behaviour)
    worker = hasty.worker(redis=proxy.url, patience=SHORT)
    assert worker.stops("handle", message, at="before Commit", time=2)
    cut_off(proxy, worker, 20)
    member.goes_on(message, BOTH)
    assert member.ending() == expected
