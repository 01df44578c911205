"""Which members a new release goes on with, where flows branch, leave questions out and hold other flows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsmflow import Flow, FlowDefinitionError, Route, Step, SubFlow
from fsmflow.diagrams import revisions
from fsmflow.diagrams.compatibility import Lost, Release
from fsmflow.state import TERMINAL_STATES
from fsmflow.testing import Chat, paths_of
from tests.releases import choice, lost, made, release, text


def is_x(value: Any) -> bool:
    return "x" in str(value)


def was_x(self: Any) -> bool:
    return any("x" in str(answer) for answer in self.data.values())


def as_number(value: str) -> int:
    return int(value)


INNER = (
    made(text("s", "1", "x"), text("t", "1"), flow_type="inner"),
    made(text("s", "1"), text("u", "1", "x", optional=True), flow_type="inner"),
    made(text("t", "1"), flow_type="other"),
)
NESTED = made(text("v", "1"), SubFlow("deep", INNER[0]), flow_type="nested")
STEP_IDS = ("a", "b", "c", "d")


@st.composite
def flows(draw: st.DrawFn) -> type[Flow]:
    """A small flow: some of four steps, in any order, each of any kind, with ways that lead anywhere."""
    step_ids = draw(st.lists(st.sampled_from(STEP_IDS), min_size=1, max_size=4, unique=True))
    goals = st.sampled_from((*step_ids, "completed"))
    steps: list[Step] = []
    for step_id in step_ids:
        led = draw(st.lists(goals, max_size=2))
        routes = tuple(Route(goal, when=is_x) for goal in led)
        skipped = draw(st.sampled_from((None, was_x))) if steps else None
        kind = draw(st.sampled_from(("text", "text", "choice", "flow", "flow")))
        if kind == "text":
            attempts: dict[str, Any] = {}
            if len(step_ids) > 1 and draw(st.integers(0, 3)) == 0:
                others = [each for each in (*step_ids, "handover") if each != step_id]
                attempts = {"max_attempts": 2, "on_exhausted": draw(st.sampled_from(others))}
            optional = draw(st.sampled_from((False, True)))
            named: dict[str, Any] = {"routes": routes, "skip_when": skipped, "optional": optional, **attempts}
            steps.append(text(step_id, "1", "x", **named))
        elif kind == "choice":
            options = ("p", f"x>{draw(goals)}") if draw(st.booleans()) else ("p", "x")
            steps.append(choice(step_id, *options, routes=routes, skip_when=skipped))
        else:
            steps.append(SubFlow(step_id, draw(st.sampled_from((*INNER, NESTED))), routes=routes, skip_when=skipped))
    try:
        return made(*steps)
    except FlowDefinitionError:  # a step that cannot be reached, or never ends: no flow at all
        return made(*(text(step_id) for step_id in step_ids))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(flows(), flows(), st.data())
def test_who_is_not_told_of_goes_on_wherever_members_may_stand(
    old: type[Flow], new: type[Flow], data: st.DataObject
) -> None:
    walk = data.draw(paths_of(old).walks(longest=6))
    told = lost(old, new)
    chat = Chat(old).follow(walk)
    try:
        flow = chat.flow
        assert flow is not None
        if flow.state in TERMINAL_STATES:
            return
        status = chat.deploy([new]).say("anything at all").status
        assert told or status != "recovered", "nobody was told of, and one did not go on"
    finally:
        chat.close()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # another predicate for the same ways
        (
            (text("a", routes=Route("c", when=is_x)), text("b"), text("c")),
            (text("a", routes=Route("c", when=str.isdigit)), text("b"), text("c")),
        ),
        # one way more
        ((text("a"), text("b"), text("c")), (text("a", routes=Route("c", when=is_x)), text("b"), text("c"))),
        ((text("a"), text("b"), text("c")), (text("a"), text("b", skip_when=was_x), text("c"))),
        ((text("a"), text("b")), (text("a", optional=True), text("b"))),
        ((text("a"), SubFlow("b", INNER[0])), (text("a"), SubFlow("b", INNER[0]), text("c"))),
    ],
)
def test_what_only_opens_a_way_is_in_nobodys_way(old: tuple[Step, ...], new: tuple[Step, ...]) -> None:
    assert lost(made(*old), made(*new)) == ()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            (text("a", routes=Route("c", when=is_x)), text("b"), text("c")),
            (text("a"), text("b"), text("c")),
            [Lost("c", "the way that led from 'a' to 'c' does not any more", "is asked 'b'")],
        ),
        (
            (text("a"), text("b", skip_when=was_x), text("c")),
            (text("a"), text("b"), text("c")),
            [Lost("c", "the way that led from 'a' to 'c' does not any more", "is asked 'b'")],
        ),
        (
            (text("a", parser=as_number, optional=True), text("b")),
            (text("a", parser=as_number), text("b")),
            [
                Lost(
                    "b",
                    "step 'a' was left unanswered, which it may not be any more",
                    "is asked 'a', from the beginning",
                )
            ],
        ),
        (
            (text("a"), SubFlow("b", INNER[0])),
            (text("a"), SubFlow("b", INNER[1])),
            [Lost("b", "within 'b', step 't' is gone", "is asked 'b.u'")],
        ),
        (
            (text("a"), SubFlow("b", INNER[0])),
            (text("a"),),
            [Lost("b", "step 'b' is gone", "is asked 'a', from the beginning")],
        ),
        (
            (text("a"), SubFlow("b", INNER[0]), text("c")),
            (text("a"), text("b"), text("c")),
            [
                Lost("b", "step 'b' is no flow of its own any more", "is asked 'b'"),
                Lost(
                    "c", "step 'b', answered before, was FLOW and is TEXT", "goes on with an answer of the other kind"
                ),
            ],
        ),
        (
            (text("a"), text("b"), text("c")),
            (text("a"), SubFlow("b", INNER[0]), text("c")),
            [
                Lost("b", "step 'b' is a flow of its own now", "is asked 'b.s'"),
                Lost(
                    "c",
                    "what was answered at 'b' does not fit any more (kept as text, now what inner collects)",
                    "is asked 'b.s'",
                ),
            ],
        ),
        (
            (SubFlow("a", NESTED),),
            (SubFlow("a", made(text("v", "1"), SubFlow("deep", INNER[2]), flow_type="nested")),),
            [
                Lost("a", "within 'a', within 'deep', step 's' is gone", "is asked 'a.deep.t'"),
                Lost("a", "within 'a', within 'deep', step 's', answered before, is gone", "is asked 'a.deep.t'"),
            ],
        ),
    ],
)
def test_what_is_in_the_way_is_said_and_what_happens_then(
    old: tuple[Step, ...], new: tuple[Step, ...], told: list[Lost]
) -> None:
    assert list(lost(made(*old), made(*new))) == told


def test_there_is_a_point_in_each_place_of_the_flows_within_and_for_each_way() -> None:
    flow = made(text("a", "1", routes=Route("c", when=is_x)), SubFlow("b", NESTED), text("c", optional=True), text("d"))
    points = [(run.stored.step_id, run.stored.inner) for run in release(flow).runs]
    within = [
        (inner.step_id, None if inner.inner is None else inner.inner.step_id)
        for _, inner in points
        if inner is not None
    ]
    assert within == [("v", None), ("deep", "s"), ("deep", "t"), ("deep", "t")]
    assert {state for state, _ in points} == {"a", "b", "c", "d"}
    assert {str(run.stored.data.get("c")) for run in release(flow).runs if run.stored.step_id == "d"} == {
        "anything",
        "None",
    }


def test_what_is_known_of_the_flows_within_goes_from_one_process_to_the_other() -> None:
    known = release(made(text("a"), SubFlow("b", NESTED)))
    sent = revisions._converter.unstructure(known, Release)
    assert revisions._converter.structure(sent, Release) == known
