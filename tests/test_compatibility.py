"""Which members a new release of a flow goes on with: told beforehand as they find it themselves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import Flow, FlowDefinitionError, Step
from fsmflow.diagrams.compatibility import Lost, lost_runs
from fsmflow.diagrams.stored_runs import Run
from fsmflow.registry import sample_flow
from tests.releases import choice, lost, made, release, text
from tests.talking import in_memory


def as_number(value: str) -> int:
    return int(value)


def as_decimal(value: str) -> Decimal:
    return Decimal(value)


def untyped(value: str):  # type: ignore[no-untyped-def] # an annotation is what it lacks
    return value


async def asked_elsewhere(value: str) -> int:
    raise AssertionError(f"nobody awaits what comes of {value}")


# -- the promise: what is told beforehand is what members meet ---------------------------------------------------------

STEP_IDS = ("a", "b", "c", "d")


@st.composite
def flows(draw: st.DrawFn) -> type[Flow]:
    """A small flow: some of four steps, in any order, with options that lead anywhere."""
    step_ids = draw(st.lists(st.sampled_from(STEP_IDS), min_size=1, max_size=4, unique=True))
    steps: list[Step] = []
    for step_id in step_ids:
        if draw(st.booleans()):
            steps.append(text(step_id, *draw(st.sampled_from([("1",), ("1", "x"), ()]))))
            continue
        names = draw(st.lists(st.sampled_from(("p", "q", "r")), min_size=1, max_size=3, unique=True))
        goals = st.sampled_from(("", "", *step_ids, "cancelled"))
        steps.append(choice(step_id, *(f"{name}>{draw(goals)}" for name in names)))
    try:
        return made(*steps)
    except FlowDefinitionError:  # a step that cannot be reached, or never ends: no flow at all
        return made(*(text(step_id) for step_id in step_ids))


@given(flows(), flows())
def test_what_is_told_of_a_change_is_what_a_member_in_the_middle_of_it_meets(old: type[Flow], new: type[Flow]) -> None:
    told = lost(old, new)
    retyped = {
        node.id
        for node in release(old).graph.steps
        for other in release(new).graph.steps
        if node.id == other.id and node.type != other.type
    }
    for run in release(old).runs:
        talk = in_memory([old], default=old)
        talk.says("survey")
        for step_id in run.stored.path:
            talk.says(str(run.stored.data[step_id]))
        found = talk.state.flow_data
        assert found is not None
        assert (found.step_id, found.path) == (run.stored.step_id, run.stored.path)
        talk.deploys([new])
        recovered = talk.says("anything at all").status == "recovered"
        concerned = {*run.stored.path, str(run.stored.step_id)} & retyped
        if recovered:
            assert any(each.state == run.stored.step_id for each in told), "a member was not told of"
        elif not concerned:
            assert lost_of(run, old, new) == ()
    assert [each.state for each in told if each.state not in STEP_IDS] == []


def lost_of(run: Run, old: type[Flow], new: type[Flow]) -> tuple[Lost, ...]:
    """What is told of one run alone."""
    return lost_runs(evolve(release(old), runs=(run,)), sample_flow(new))


# -- what is in the way, in words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((text("a"), text("b")), (text("a"), text("b"))),
        ((text("a"), text("b")), (text("a"), text("b"), text("c"))),
        ((text("a"), choice("b", "p", "q")), (text("a"), choice("b", "p", "q", "r>cancelled"))),
        ((text("a"), choice("b", "p", "q>cancelled")), (text("a"), choice("b", "p"))),
        ((text("a", "1", parser=as_number), text("b")), (text("a", "1", parser=as_decimal), text("b"))),
        ((text("a", parser=as_number), text("b")), (text("a", parser=as_number), text("b"), text("c"))),
        ((text("a", parser=as_number), text("b")), (text("a", parser=untyped), text("b"))),
    ],
)
def test_what_lies_ahead_or_leads_as_before_is_in_nobodys_way(old: tuple[Step, ...], new: tuple[Step, ...]) -> None:
    assert lost(made(*old), made(*new)) == ()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            (text("a"), text("b"), text("c")),
            (text("a"), text("c")),
            [
                Lost("b", "step 'b' is gone", "is asked 'c'"),
                Lost("c", "step 'b', answered before, is gone", "is asked 'c'"),
            ],
        ),
        (
            (text("b"),),
            (text("a"), text("b")),
            [Lost("b", "the flow begins with 'a' now", "is asked 'a', from the beginning")],
        ),
        (
            (text("a"), text("c")),
            (text("a"), text("b"), text("c")),
            [Lost("c", "the way that led from 'a' to 'c' does not any more", "is asked 'b'")],
        ),
        (
            (choice("a", "p", "q>c"), text("b"), text("c")),
            (choice("a", "p", "q"), text("b"), text("c")),
            [Lost("c", "the way that led from 'a' to 'c' does not any more", "is asked 'b'")],
        ),
        (
            (text("a"), text("b")),
            (text("a", parser=as_number), text("b")),
            [
                Lost(
                    "b",
                    "what was answered at 'a' does not fit any more (kept as text, now int)",
                    "is asked 'a', from the beginning",
                )
            ],
        ),
        (
            (text("a", parser=as_number), text("b")),
            (text("a", parser=as_decimal), text("b")),
            [
                Lost(
                    "b",
                    "what was answered at 'a' is kept as int, now Decimal; it has no example to try",
                    "is asked an earlier question again",
                )
            ],
        ),
        (
            (text("a"), text("b")),
            (choice("a", "p"), text("b")),
            [
                Lost("a", "step 'a' was TEXT and is LIST", "may be refused the answer to the question that was shown"),
                Lost(
                    "b", "step 'a', answered before, was TEXT and is LIST", "goes on with an answer of the other kind"
                ),
            ],
        ),
    ],
)
def test_what_is_in_the_way_is_said_and_what_happens_then(
    old: tuple[Step, ...], new: tuple[Step, ...], told: list[Lost]
) -> None:
    assert list(lost(made(*old), made(*new))) == told


def test_who_is_held_up_is_told_in_the_order_of_the_steps() -> None:
    steps = (text("a"), text("b"), choice("c", "p>a", "q"))
    assert [each.state for each in lost(made(*steps), made(text("b")))] == ["a", "a", "b", "c"]


def test_of_a_lower_revision_every_run_waits() -> None:
    old, new = made(text("a"), revision=2), made(text("a"), revision=1)
    assert lost(old, new) == (Lost("", "the revision went back from 2 to 1", "waits for a worker of the higher one"),)
    assert lost(new, old) == ()


# -- the points --------------------------------------------------------------------------------------------------------


def points(*steps: Step) -> list[tuple[str | None, tuple[str, ...], dict[str, Any], tuple[str, ...]]]:
    found = release(made(*steps)).runs
    return [(run.stored.step_id, run.stored.path, run.stored.data, run.untried) for run in found]


def test_there_is_a_point_for_the_first_step_and_for_each_answer_that_leads_on() -> None:
    steps = (text("a", "1", "2", parser=as_number), choice("b", "p", "q>a", "r>cancelled"), text("c"))
    assert points(*steps) == [
        ("a", (), {}, ()),
        ("b", ("a",), {"a": 1}, ()),
        ("b", ("a",), {"a": 2}, ()),
        ("c", ("a", "b"), {"a": 1, "b": "p"}, ()),
        ("a", ("a", "b"), {"a": 1, "b": "q"}, ()),
    ]


@pytest.mark.parametrize(
    "step",
    [
        text("a", parser=as_number),
        text("a", validator=str.isdigit),
        text("a", "no number", parser=as_number),
        text("a", "1", parser=asked_elsewhere),
        text("a", " ", parser=as_number),
    ],
)
def test_an_answer_that_is_not_at_hand_is_not_made_up_and_its_way_is_tried_all_the_same(step: Step) -> None:
    assert points(step, text("b")) == [("a", (), {}, ()), ("b", ("a",), {}, ("a",))]
    assert lost(made(step, text("b")), made(step, text("c"), text("b")))[0].why.startswith("the way that led from")


def test_no_validator_is_asked() -> None:
    def looks_it_up(value: str) -> bool:
        raise AssertionError(f"nobody asked whether {value} is known")

    assert points(text("a", "1", validator=looks_it_up), text("b"))[1] == ("b", ("a",), {"a": "1"}, ())


def test_the_points_of_many_choices_are_as_many_as_the_answers_and_not_as_the_paths() -> None:
    steps = [choice(f"s{number}", "p", "q", "r") for number in range(30)]
    assert len(points(*steps)) == 1 + 29 * 3
