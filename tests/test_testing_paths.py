"""Paths through a flow: the shortest, the simple ones, a tour of everything, walks at random."""

from __future__ import annotations

import asyncio
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow.flow import Flow
from fsmflow.machine import all_transitions
from fsmflow.messages import Option
from fsmflow.state import TERMINAL_STATES
from fsmflow.step import Step, StepType
from fsmflow.testing import Path, Paths, paths_of

Key = tuple[str, str, str, str]


class Journey(Flow):
    """Two ways that meet again, and a way round."""

    flow_type = "journey"

    def valid_age(self, value: str) -> bool:
        return value.isdigit()

    steps = (
        Step(
            id="way",
            type=StepType.BUTTON,
            message="Which way?",
            options=(Option("long", "Long"), Option("short", "Short", to="sure")),
        ),
        Step(
            id="age",
            type=StepType.TEXT,
            message="How old?",
            validator=valid_age,
            examples=("10", "20"),
            counterexamples=("ten",),
        ),
        Step(
            id="sure",
            type=StepType.BUTTON,
            message="Sure?",
            options=(Option("yes", "Yes"), Option("again", "Again", to="way"), Option("no", "No", to="cancelled")),
        ),
    )


class Slow(Flow):
    """Must be awaited."""

    flow_type = "slow"

    async def valid_age(self, value: str) -> bool:
        await asyncio.sleep(0)
        return value.isdigit()

    steps = (
        Step(id="age", type=StepType.TEXT, message="?", validator=valid_age, examples="1", counterexamples="x"),
        Step(id="name", type=StepType.TEXT, message="?"),
    )


def made(number: int) -> type[Flow]:
    """A flow of many questions, each of which can be skipped."""
    steps = [
        Step(
            id=f"s{place}",
            type=StepType.BUTTON,
            message="?",
            options=(
                Option("on", "On"),
                Option("skip", "Skip", to=f"s{place + 2}" if place + 2 < number else "completed"),
            ),
        )
        for place in range(number)
    ]
    return type("Made", (Flow,), {"flow_type": "made", "steps": tuple(steps)})


def keys_of(path: Path) -> list[Key]:
    return [(move.trigger, move.name, move.source, move.dest) for move in path.moves]


def all_of(flow: type[Flow]) -> set[Key]:
    return {
        (trigger, each.name, each.source, each.dest or each.source) for trigger, each in all_transitions(flow().machine)
    }


def states(path: Path) -> list[str]:
    return [path.moves[0].source, *(move.dest for move in path.moves)]


def test_the_shortest_path_leads_to_each_state_of_the_machine() -> None:
    paths = paths_of(Journey).shortest()
    assert list(paths) == list(Journey().machine.states)
    assert {state: path.run().state for state, path in paths.items()} == {state: state for state in paths}
    assert [len(path.moves) for path in paths.values()] == [0, 1, 1, 2, 1, 1]
    assert [move.option for move in paths["sure"].moves] == ["short"]


def test_a_state_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"Journey has no state 'gone'; there are way, age, sure, completed"):
        paths_of(Journey).to("gone")
    with pytest.raises(ValueError, match="gone"):
        paths_of(Journey).simple("gone")


def test_simple_paths_are_all_that_meet_no_state_twice() -> None:
    found = [states(path) for path in paths_of(Journey).simple("sure")]
    assert found == [["way", "sure"], ["way", "age", "sure"]]
    ending = [states(path) for path in paths_of(Journey).simple()]
    assert all(len(set(each)) == len(each) and each[-1] in TERMINAL_STATES for each in ending)
    # each of the three places ends by cancel and by expire, the last one also by two options; two ways lead there
    assert sorted(map(len, ending)) == sorted([2, 2, 3, 3, *[3] * 4, *[4] * 4])
    for path in paths_of(Journey).simple():
        assert path.run().state == path.moves[-1].dest


def test_simple_paths_are_found_as_they_are_asked_for() -> None:
    few = list(islice(paths_of(made(60)).simple("completed"), 5))
    assert len({repr(path) for path in few}) == 5


@pytest.mark.parametrize("flow", [Journey, Slow, made(5)])
def test_a_tour_takes_every_transition_and_each_of_its_paths_can_be_run(flow: type[Flow]) -> None:
    tour = paths_of(flow).tour()
    assert {key for path in tour for key in keys_of(path)} == all_of(flow)
    for path in tour:
        assert path.run().state == path.moves[-1].dest


def test_a_tour_has_no_more_conversations_than_there_are_ways_to_end_one() -> None:
    ends = [key for key in all_of(Journey) if key[3] in TERMINAL_STATES - {"expired"}]
    silent_at_once = 1  # where nothing was answered no member is offered to go on
    assert len(paths_of(Journey).tour()) == len(ends) + silent_at_once


def test_a_tour_of_a_flow_of_many_questions_reaches_the_last_one() -> None:
    flow = made(70)
    tour = paths_of(flow).tour()
    assert {key for path in tour for key in keys_of(path)} == all_of(flow)
    assert [path.lacks for path in tour] == [None] * len(tour)
    longest = max(tour, key=lambda path: len(path.moves))
    assert longest.run().state == longest.moves[-1].dest


def test_a_tour_that_goes_in_circles_begins_anew_before_a_flow_forgets_where_it_came_from() -> None:
    options = [Option(f"o{place}", f"O{place}", to=f"s{place}") for place in range(12)]
    steps = [
        Step(id=f"s{place}", type=StepType.LIST, message="?", options=(*options, Option("end", "End", to="completed")))
        for place in range(12)
    ]
    flow = type("Round", (Flow,), {"flow_type": "round", "steps": tuple(steps)})
    tour = paths_of(flow).tour()
    assert {key for path in tour for key in keys_of(path)} == all_of(flow)
    for path in tour:
        path.run()


def test_what_no_input_opens_is_on_the_tour_as_a_path_that_says_what_it_lacks() -> None:
    step = Step(id="age", type=StepType.TEXT, message="?", validator=str.isdigit, examples="1")
    flow = type("Bare", (Flow,), {"flow_type": "bare", "steps": (step,)})
    *runs, lacking = paths_of(flow).tour()
    assert [path.lacks for path in runs] == [None] * 4
    assert str(lacking) == "age-refused"
    with pytest.raises(AssertionError, match="age-refused cannot be tried: step 'age' has no counterexamples"):
        lacking.run()


@given(paths_of(Journey).walks(longest=12))
def test_a_walk_is_a_way_through_the_flow(walk: Path) -> None:
    assert 1 <= len(walk.moves) <= 12
    assert {*keys_of(walk)} <= all_of(Journey)
    for move, fired in zip(walk.moves, walk.fire(), strict=True):
        assert fired.flow.state == move.dest
        assert (fired.flow.refusal is not None) is (move.name == "refused")


class Round(Flow):
    """Leads back to its first question."""

    flow_type = "round"
    steps = (
        Step(id="a", type=StepType.BUTTON, message="?", options=(Option("on", "On"),)),
        Step(
            id="b", type=StepType.BUTTON, message="?", options=(Option("again", "Again", to="a"), Option("end", "End"))
        ),
    )


@settings(max_examples=200)
@given(paths_of(Round).walks())
def test_a_walk_goes_back_only_where_it_came_from_also_after_a_restart(walk: Path) -> None:
    assert walk.run().state == walk.moves[-1].dest


@given(st.data())
def test_a_walk_of_a_flow_that_must_be_awaited_can_be_run(data: st.DataObject) -> None:
    walk = data.draw(paths_of(Slow).walks())
    assert walk.run().state == walk.moves[-1].dest


def seen_on_walks(paths: Paths) -> tuple[set[Key], set[str | None]]:
    keys: set[Key] = set()
    values: set[str | None] = set()

    @settings(max_examples=300, database=None, derandomize=True)
    @given(paths.walks(longest=30))
    def look(walk: Path) -> None:
        keys.update(keys_of(walk))
        values.update(move.value for move in walk.moves)

    look()
    return keys, values


def test_walks_take_every_transition_and_every_input() -> None:
    keys, values = seen_on_walks(paths_of(Journey))
    assert keys == all_of(Journey)
    assert {"10", "20", "ten", "long", "short", "yes", "again", "no"} <= values


def test_walks_draw_from_a_validators_strategy_beside_the_examples() -> None:
    def valid(value: str) -> bool:
        return value.isdigit()

    valid.good_answers = st.from_regex("[0-9]{3}", fullmatch=True)  # type: ignore[attr-defined] # it may have any
    step = Step(id="age", type=StepType.TEXT, message="?", validator=valid, examples="1", counterexamples="x")
    _, values = seen_on_walks(paths_of(type("Drawn", (Flow,), {"flow_type": "drawn", "steps": (step,)})))
    assert "1" in values
    assert len({value for value in values if value is not None and len(value) == 3}) > 5


def test_a_path_that_leads_elsewhere_says_at_which_move_and_how_it_came_there() -> None:
    step = Step(id="age", type=StepType.TEXT, message="?", validator=str.isdigit, examples="1", counterexamples="2")
    flow = type(
        "Wrong", (Flow,), {"flow_type": "wrong", "steps": (step, Step(id="b", type=StepType.TEXT, message="?"))}
    )
    with pytest.raises(
        AssertionError,
        match=r"age-refused: the transition 'submit' to b was taken, as move 1 of <Path of Wrong: age-refused '2', ",
    ):
        paths_of(flow).tour()[0].run()
    assert paths_of(flow).to("b").run().state == "b"


def test_paths_are_named_for_their_moves() -> None:
    paths = paths_of(Journey)
    assert str(paths.to("way")) == "nothing"
    assert str(paths.to("completed")) == "way-submit[short]-sure,sure-submit-completed"
    assert str(paths.tour()[0]).endswith("-more")
    assert repr(paths.to("sure")) == "<Path of Journey: way-submit[short]-sure 'short'>"
