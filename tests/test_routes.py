"""Ways through a machine, as a stored run is held against them."""

from __future__ import annotations

from typing import Any

import pytest

from fsmflow import Flow, Option, Step, StepType
from fsmflow.routes import leads, route, ways_by


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
    assert route(MACHINE, {"how": "long"}, "how", "why") == ("how",)
    assert route(MACHINE, {"how": "short"}, "how", "why") == ()
