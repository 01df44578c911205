"""Ways through a machine, as a stored run is held against them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import Flow, Option, Step, StepType
from fsmflow.routes import PATH_LIMIT, SEARCH_LIMIT, bounded, completed_by, leads, path_to, route, ways_by
from fsmflow.step import Route, SubFlow
from tests.branched import Address, choice, text


class Fork(Flow):
    """A choice that leads on, back to itself, over the next step, or out."""

    flow_type = "fork"
    steps = (
        Step(
            id="how",
            type=StepType.BUTTON,
            message="How?",
            options=(
                Option("long", "Long"),
                Option("short", "Short", to="last"),
                Option("again", "Again", to="how"),
                Option("out", "Out", to="cancelled"),
            ),
        ),
        Step(id="why", type=StepType.TEXT, message="Why?"),
        Step(id="last", type=StepType.TEXT, message="Last?"),
    )


MACHINE = Fork().machine


@pytest.mark.parametrize(
    ("step_id", "answer", "dest"),
    [
        ("how", "long", "why"),
        ("how", "short", "last"),
        ("how", "again", "how"),
        ("how", "out", "cancelled"),
        ("how", "gone", "why"),
        ("why", "because", "last"),
        ("last", "end", "completed"),
    ],
)
def test_an_answer_leads_by_its_option_else_the_way_of_the_others(step_id: str, answer: str, dest: str) -> None:
    assert ways_by(MACHINE, step_id, answer) == (() if dest is None else (dest,))


@pytest.mark.parametrize(
    ("states", "answers", "holds"),
    [
        (("how",), {}, True),
        (("why",), {}, False),
        (("how", "why", "last"), {"how": "long", "why": "x"}, True),
        (("how", "why", "last"), {"how": "short", "why": "x"}, False),
        (("how", "last"), {"how": "short"}, True),
        (("how", "last"), {"how": "long"}, False),
        (("how", "how", "last"), {"how": "short"}, True),
        (("how", "last", "why"), {"how": "short", "last": "x"}, False),
        (("how", "why"), {}, True),  # nothing says otherwise
    ],
)
def test_states_follow_on_one_another_by_what_was_answered(
    states: tuple[str, ...], answers: dict[str, Any], holds: bool
) -> None:
    assert leads(MACHINE, states, answers) is holds


def test_a_route_goes_as_far_as_the_answers_lead_and_never_in_circles() -> None:
    assert route(MACHINE, {"how": "long", "why": "x"}, "how") == ("how", "why")
    assert route(MACHINE, {"how": "again"}, "how") == ("how",)
    assert path_to(MACHINE, {"how": "long"}, "why") == ("how",)
    assert path_to(MACHINE, {"how": "short"}, "why") == ()


def holds() -> bool:
    return True


def of_value(_: Any) -> bool:
    return True


class Branchy(Flow):
    """Every way on: a route, a step that is skipped, one that is optional, one that is used up, a flow within."""

    flow_type = "branchy"
    steps = (
        text("a", routes=(Route("d", of_value),)),
        text("b", skip_when=holds),
        text("c", optional=True, max_attempts=2, on_exhausted="e"),
        SubFlow("d", Address),
        choice("e", Option("on", "On"), Option("again", "Again", to="a")),
    )


BRANCHY = Branchy().machine


def test_where_a_predicate_decides_an_answer_may_lead_to_several_steps() -> None:
    assert set(ways_by(BRANCHY, "a", "x")) == {"d", "c", "b"}
    assert ways_by(BRANCHY, "b", "x") == ("c",)


def test_a_step_without_an_answer_was_left_out_or_used_up() -> None:
    assert ways_by(BRANCHY, "c", "x") == ("d",)
    assert set(ways_by(BRANCHY, "c", None)) == {"d", "e"}
    assert ways_by(BRANCHY, "d", {"street": "x", "town": None}) == ("e",)


def test_a_round_trip_over_a_step_that_was_left_out_leads_on() -> None:
    path = ("a", "c", "e", "a", "c", "d")
    assert leads(BRANCHY, path, {"a": "x", "c": "y", "e": "again"})
    assert not leads(BRANCHY, ("a", "e", "a", "b"), {"a": "x", "e": "again"})


def test_all_that_may_lie_ahead_is_known_and_nothing_else() -> None:
    answers = {"a": "x", "b": "x", "c": "x", "d": {}, "e": "on"}
    assert set(route(BRANCHY, answers, "a")) == {"a", "b", "c", "d", "e"}
    assert set(route(BRANCHY, answers, "d")) == {"d", "e"}
    assert route(BRANCHY, {"b": "x", "d": {}}, "a") == ()


def test_of_several_ways_to_a_state_the_one_that_names_the_most_answers_is_taken() -> None:
    answers: dict[str, Any] = {"a": "x", "b": "x", "c": "x", "d": {"street": "x"}}
    assert path_to(BRANCHY, answers, "e") == ("a", "b", "c", "d")
    assert path_to(BRANCHY, {key: answers[key] for key in ("a", "d")}, "e") == ("a", "d")
    assert path_to(BRANCHY, {"a": "x", "c": None}, "e") == ("a", "c")
    assert path_to(BRANCHY, {"b": "x"}, "e") == ()


def test_a_run_was_completed_by_a_path_that_names_its_answers_and_no_others() -> None:
    whole = {"a": "x", "d": {}, "e": "on"}
    assert completed_by(BRANCHY, whole) == ("a", "d", "e")
    assert completed_by(BRANCHY, {**whole, "c": None}) == ("a", "c", "d", "e")
    for wrong in ({"a": "x"}, {**whole, "e": "again"}, {**whole, "gone": 1}, {}):
        assert completed_by(BRANCHY, wrong) == ()


def test_the_ways_between_many_steps_that_may_be_skipped_are_not_all_looked_at() -> None:
    steps = (text("s0"), *(text(f"s{number}", skip_when=holds) for number in range(1, 40)))
    many: type[Flow] = type("Many", (Flow,), {"flow_type": "many", "steps": steps})
    answers = {step.id: "x" for step in steps}
    assert completed_by(many().machine, answers) == tuple(answers)
    looked_at: list[str] = []

    class Counted(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            looked_at.append(key)
            return super().__getitem__(key)

    assert completed_by(many().machine, Counted(answers, gone="x")) == ()  # 2 to the 38 ways, none of which is it
    assert len(looked_at) <= SEARCH_LIMIT


@given(st.lists(st.sampled_from("abcdef"), max_size=3 * PATH_LIMIT))
def test_a_path_that_is_cut_is_still_a_way_through_the_same_steps(steps: list[str]) -> None:
    path: tuple[str, ...] = ()
    for step in steps:
        before, path = (*path, step), bounded((*path, step))
        assert len(path) <= PATH_LIMIT
        assert set(path) == set(before)
        assert path[-1] == step
        assert set(pairwise(path)) <= set(pairwise(before))
