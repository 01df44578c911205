"""Cases and paths of flows that branch, skip, end by attempts, and hold other flows."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow import Flow, Option, Route, Step, StepType, SubFlow
from fsmflow.machine import WITNESSES, all_transitions
from fsmflow.testing import Chat, TransitionCase, paths_of, transitions_of
from fsmflow.testing.coverage import Recorder
from tests.branching_flows import FLOWS, Address, Country, Order, Posted

CASES = [case for flow in FLOWS for case in transitions_of(flow)]
TOLD = {
    "why-is_gift+is_single-confirm": "step 'why' lacks an example: name an answer, there or before, for which "
    "[is_gift] holds and [is_single] holds",
    "confirm-back-why": "step 'why' lacks an example: name an answer, there or before, for which [is_gift] holds and "
    "[is_single] holds",
}
"""What no member ever does: who orders a single one, is not asked why so many."""


def text(step_id: str, *examples: str, **named: Any) -> Step:
    return Step(id=step_id, type=StepType.TEXT, message="?", examples=examples, **named)


def made(*steps: Step) -> type[Flow]:
    return type("Made", (Flow,), {"flow_type": "made", "steps": steps})


def named(flow: type[Flow]) -> dict[str, TransitionCase]:
    return {str(case): case for case in transitions_of(flow)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_case_fires_its_transition_or_says_which_example_it_lacks(case: TransitionCase) -> None:
    if case.lacks is not None:
        assert case.lacks == TOLD[str(case)]
        return
    assert case.start().state == case.source
    fired = case.fire()
    assert (fired.fired.name, fired.flow.state) == (case.name, case.dest)
    assert fired.message.body if case.dest else None  # type: ignore[union-attr] # every one has words


@pytest.mark.parametrize("flow", FLOWS)
def test_there_is_one_case_for_each_transition_each_with_its_own_name(flow: type[Flow]) -> None:
    cases = transitions_of(flow)
    assert len(cases) == len(list(all_transitions(flow().machine))) == len({str(case) for case in cases})


@pytest.fixture
def recorder() -> Any:
    found = Recorder()
    WITNESSES.append(found)
    yield found
    WITNESSES.remove(found)


def fired_of(recorder: Recorder, flow: type[Flow]) -> set[tuple[str, ...]]:
    return {tuple(row[3:7]) for row in recorder.rows() if row[1] == flow.__qualname__}


def all_of(flow: type[Flow]) -> set[tuple[str, ...]]:
    return {
        (trigger, each.name, each.source, each.dest or each.source) for trigger, each in all_transitions(flow().machine)
    }


@pytest.mark.parametrize("flow", FLOWS)
def test_a_tour_fires_every_transition_that_can_be_and_each_of_its_paths_can_be_run(
    recorder: Recorder, flow: type[Flow]
) -> None:
    tour = paths_of(flow).tour()
    lacking = {case.move for case in transitions_of(flow) if case.lacks is not None}
    assert {move for path in tour if path.lacks is not None for move in path.moves} == lacking
    for path in tour:
        if path.lacks is None:
            assert path.run().state == path.moves[-1].dest
    assert "push" not in {path.moves[-1].trigger for path in tour}  # who enters a flow within goes on in it
    unfired = {(move.trigger, move.name, move.source, move.dest) for move in lacking}
    assert fired_of(recorder, flow) == all_of(flow) - unfired


def test_what_is_only_tried_no_test_has_fired(recorder: Recorder) -> None:
    transitions_of(Order)
    list(islice(paths_of(Order).simple(), 20))
    paths_of(Order).tour()
    assert recorder.rows() == []


def test_the_transitions_of_a_flow_within_a_flow_are_counted_for_the_inner_one(recorder: Recorder) -> None:
    for case in transitions_of(Posted):
        case.fire()
    assert fired_of(recorder, Posted) == all_of(Posted)
    within = fired_of(recorder, Country)
    assert ("submit", "submit", "country", "completed") in within
    assert ("submit", "none", "country", "cancelled") in within
    assert ("cancel", "cancel", "country", "cancelled") not in within  # the outer one is cancelled, as a whole


@pytest.mark.parametrize("flow", FLOWS)
def test_every_path_leads_where_it_says(flow: type[Flow]) -> None:
    for state, path in paths_of(flow).shortest().items():
        assert (path.lacks, path.run().state) == (None, state)
    for path in islice(paths_of(flow).simple(), 100):
        states = [path.moves[0].source, *(move.dest for move in path.moves)]
        assert len(set(states)) == len(states)
        assert path.run().state == states[-1]


@pytest.mark.parametrize("flow", FLOWS)
def test_every_walk_leads_where_it_says(flow: type[Flow]) -> None:
    @settings(max_examples=150, deadline=None)
    @given(paths_of(flow).walks())
    def walked(walk: Any) -> None:
        assert walk.run().state == walk.moves[-1].dest

    walked()


@pytest.mark.parametrize("flow", FLOWS)
def test_a_member_can_follow_every_path_of_a_tour(flow: type[Flow]) -> None:
    for path in paths_of(flow).tour():
        if path.lacks is None and path.is_offered:
            chat = Chat(flow).follow(path)
            chat.close()


def test_walks_take_every_transition_that_members_can() -> None:
    taken: set[str] = set()

    @settings(max_examples=1_000, deadline=None, database=None, derandomize=True)
    @given(paths_of(Address).walks(longest=12))
    def walked(walk: Any) -> None:
        taken.update(map(str, walk.moves))

    walked()
    assert set(named(Address)) - taken == {"country-push"}  # which is fired by entering


# -- what a case needs -------------------------------------------------------------------------------------------------


def test_of_several_examples_the_one_that_opens_the_way_is_taken() -> None:
    cases = named(Order)
    assert cases["amount-is_large-why"].value == "500"
    assert cases["amount-submit-how"].value == "5"
    assert [move.value for move in cases["how-submit[fetch]-confirm"].path] == ["1"]
    assert [move.value for move in cases["why-is_gift-note"].path] == ["500"]
    assert cases["why-is_gift-note"].value == "a gift"


def test_what_an_answer_long_ago_decides_is_found_in_a_long_flow() -> None:
    def is_rare(self: Any) -> bool:
        return bool(self.data["s0"] == "c" and self.data["s7"] == "b")

    steps = [text(f"s{number}", "a", "b", "c") for number in range(12)]
    flow = made(*steps, text("rare", skip_when=lambda self: not is_rare(self)), text("last"))
    case = named(flow)["s11-submit-rare"]
    assert case.lacks is None
    assert [move.value for move in case.path][0::7] == ["c", "b"]


@pytest.mark.parametrize(
    ("steps", "name", "lacks"),
    [
        (
            (text("a", "1", "2", routes=Route("c", when=lambda value: value == "3")), text("b", "x"), text("c", "x")),
            "a-a_route_1-c",
            "step 'a' lacks an example: name an answer, there or before, for which [a_route_1] holds",
        ),
        (
            (text("a", "3", routes=Route("c", when=lambda value: value == "3")), text("b", "x"), text("c", "x")),
            "a-submit-b",
            "step 'a' lacks an example: name an answer, there or before, for which [a_route_1] does not hold",
        ),
        (
            (text("a", "1", routes=Route("c", when=lambda value: int(value) / 0)), text("b", "x"), text("c", "x")),
            "a-a_route_1-c",
            "step 'a' lacks an example: name an answer, there or before, for which [a_route_1] holds "
            "(ZeroDivisionError is raised by one that is there)",
        ),
        (
            (text("a", validator=str.isdigit, routes=Route("c", when=str.isdigit)), text("b", "x"), text("c", "x")),
            "a-submit-b",
            "step 'a' has no examples: name an answer that it accepts",
        ),
        (
            (
                text("a", "1", routes=Route("c", when=str.isalpha)),
                text("b", "x", validator=str.isalpha),
                text("c", "x"),
            ),
            "b-refused",
            "step 'b' has no counterexamples: name an answer that it refuses",
        ),
    ],
)
def test_a_case_says_which_example_is_lacking_and_for_which_predicate(
    steps: tuple[Step, ...], name: str, lacks: str
) -> None:
    case = named(made(*steps))[name]
    assert case.lacks == lacks
    with pytest.raises(AssertionError, match="cannot be tried"):
        case.fire()


def test_what_lies_behind_a_way_that_nothing_opens_says_the_same() -> None:
    flow = made(
        text("a", "1", routes=(Route("far", when=lambda value: value == "3"), Route("completed"))), text("far", "x")
    )
    cases = named(flow)
    assert cases["far-submit-completed"].lacks == cases["a-a_route_1-far"].lacks != None  # noqa: E711 - and there is one


def test_a_refusal_that_is_the_last_attempt_is_fired_by_itself_and_the_attempts_are_used_up_by_refusals() -> None:
    cases = named(Order)
    refused = cases["how-refused"].fire()
    assert refused.flow.state == "how"
    used_up = cases["why-exhausted-failed"].fire()
    assert used_up.flow.transcript.refused is None or used_up.flow.state == "failed"
    assert [entry.status for entry in used_up.flow.entries].count("refused") == 3


def test_a_way_out_of_a_flow_is_gone_through_its_own_examples() -> None:
    out = named(Order)["address-pop[handover]-handover"]
    assert [(move.trigger, move.value) for move in out.move.within] == [("exhausted", "12")]
    south = named(Order)["address-goes_south-confirm"]
    assert south.fire().flow.data["address"]["depot"] == "South"


def test_a_flow_that_builds_its_steps_is_tried_with_its_own_methods() -> None:
    class Built(Flow):
        def __init__(self, flow_type: str, state: dict[str, Any]) -> None:  # noqa: ARG002 - as a runner constructs it
            self.flow_type = flow_type
            first = text("a", "1", "2", routes=Route("c", when=self.is_two))
            super().__init__(f"{flow_type}_x", (first, text("b", "x"), text("c", "x", skip_when=self.was_two)))

        def is_two(self, value: str) -> bool:
            return value == "2"

        def was_two(self) -> bool:
            return bool(self.data["a"] == "2")

    cases = {str(case): case for case in transitions_of(Built, "built")}
    assert {name: case.lacks is None for name, case in cases.items() if case.trigger == "submit"} == {
        "a-is_two+was_two-completed": True,
        "a-is_two-c": False,
        "a-submit-b": True,
        "a-refused": True,
        "b-was_two-completed": False,
        "b-submit-c": True,
        "b-refused": True,
        "c-submit-completed": True,
        "c-refused": True,
    }
    for case in cases.values():
        if case.lacks is None:
            assert case.fire().flow.state == case.dest


class Awaited(Flow):
    """Its predicates must be awaited."""

    flow_type = "awaited"

    async def is_two(self, value: str) -> bool:
        await asyncio.sleep(0)
        return value == "2"

    steps = (text("a", "1", "2", routes=Route("c", when=is_two)), text("b", "x"), SubFlow("c", Country))


def test_predicates_that_must_be_awaited_are_also_where_a_loop_runs_already() -> None:
    async def found() -> list[TransitionCase]:
        return transitions_of(Awaited)

    for case in (*asyncio.run(found()), *transitions_of(Awaited)):
        assert case.lacks is None
        assert case.fire().flow.state == case.dest
    assert all(path.run().state == path.moves[-1].dest for path in paths_of(Awaited).tour())


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_drawn_answer_that_leads_elsewhere_is_not_taken(data: st.DataObject) -> None:
    def is_good(value: str) -> bool:
        return value.isdigit()

    is_good.good_answers = st.integers(0, 20).map(str)  # type: ignore[attr-defined] # what it offers

    flow = made(
        text("a", "1", "15", validator=is_good, routes=Route("c", when=lambda value: int(value) > 10)),
        text("b", "x"),
        text("c", "x"),
    )
    walk = data.draw(paths_of(flow).walks())
    assert walk.run().state == walk.moves[-1].dest


def test_two_routes_by_one_name_to_one_step_are_two_transitions() -> None:
    flow = made(
        text("a", "1", "2", "3", routes=(Route("c", when="1".__eq__), Route("c", when="2".__eq__))),
        text("b", "x"),
        text("c", "x"),
    )
    cases = [case for case in transitions_of(flow) if case.dest == "c" and case.source == "a"]
    assert [case.value for case in cases] == ["1", "2"]
    assert len({case.name for case in cases}) == 2


def test_an_option_with_routes_behind_it_goes_its_own_way() -> None:
    choice = Step(
        id="a",
        type=StepType.BUTTON,
        message="?",
        options=(Option("p", "P"), Option("q", "Q"), Option("r", "R", to="c")),
        routes=Route("completed", when=lambda value: value == "q"),
    )
    cases = named(made(choice, text("b", "x"), text("c", "x")))
    assert {name: case.value for name, case in cases.items() if case.trigger == "submit" and case.source == "a"} == {
        "a-submit[r]-c": "r",
        "a-a_route_1-completed": "q",
        "a-submit-b": "p",
        "a-refused": "none of these",
    }
