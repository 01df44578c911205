"""What tests and pictures know of actions, and what a flow without a store does at one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fsmflow import Action, Flow, FlowDefinitionError, Retry, Route, Step, StepType, SubFlow
from fsmflow.diagrams import dot, mermaid
from fsmflow.testing import paths_of, transitions_of
from tests.bank import Bank, Order, Pay, PayAgain, PayFirst, PayKnown, PayTwice


class Routed(Pay):
    """An action behind a route, and behind a question that may be left out."""

    flow_type = "routed"

    def is_big(self, value: str) -> bool:
        return len(value) > 2

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message="How much?",
            examples=("1", "900"),
            routes=(Route("payment", when=is_big),),
        ),
        Step(id="why", type=StepType.TEXT, message="Why?", optional=True),
        Action("payment", Pay.pays, routes=(Route("cancelled", when=lambda value: value == "none"),)),
        Pay.note,
    )


class Within(Pay):
    """An action that is the first step of a flow within."""

    flow_type = "within"
    steps = (SubFlow("first", PayFirst), Pay.note)


SHOWN = (Pay, PayKnown, PayTwice, PayFirst, Order, PayAgain, Within)


@pytest.mark.parametrize("flow", SHOWN, ids=lambda flow: flow.flow_type)
def test_each_transition_of_a_flow_with_actions_has_a_case_that_takes_it(flow: type[Flow]) -> None:
    cases = transitions_of(flow)
    assert [str(case) for case in cases if case.lacks is not None] == []
    for case in cases:
        case.fire()


@pytest.mark.parametrize("flow", SHOWN, ids=lambda flow: flow.flow_type)
def test_every_path_leads_where_it_says(flow: type[Flow]) -> None:
    paths = paths_of(flow)
    for path in (*paths.tour(), *paths.simple(), *paths.shortest().values()):
        assert path.lacks is None
        path.run()


class Referred(Pay):
    """What an action gives is said at the end."""

    flow_type = "referred"
    steps = (Pay.amount, Action("payment", Pay.pays, example="R-1"))

    def complete(self) -> str:
        return f"Paid: {self.data['payment'].lower()}."


def test_a_case_is_done_with_the_example_of_what_the_action_gives() -> None:
    done = [case.fire() for case in transitions_of(Referred) if case.trigger == "done"]
    assert [str(getattr(fired.message, "body", "")) for fired in done] == ["Paid: r-1."] * 2
    for path in paths_of(Referred).tour():
        path.run()


def test_an_action_behind_a_route_has_its_cases_but_for_what_no_example_opens() -> None:
    cases = transitions_of(Routed)
    for case in cases:
        if case.lacks is None:
            case.fire()
    lacking = {(case.trigger, case.move.dest) for case in cases if case.lacks is not None}
    assert lacking == {("done", "cancelled")}


@pytest.mark.parametrize("outcome", ["run", "unknown", "done", "failed"])
def test_the_outcomes_are_in_the_machine(outcome: str) -> None:
    assert outcome in {case.trigger for case in transitions_of(Pay)}


def test_a_picture_shows_the_action_the_unknown_and_the_outcomes() -> None:
    drawn = dot(Pay)
    assert "(pays)" in drawn
    assert "shape=hexagon" in drawn
    assert '"payment.unknown" [' in drawn
    assert "shape=octagon" in drawn
    for outcome in ("run", "unknown", "done", "failed"):
        assert f"label=< {outcome} >" in drawn, outcome
        assert f'|"{outcome}"|' in mermaid(Pay), outcome


def test_nothing_leads_back_over_an_action_or_away_from_it_while_it_is_open() -> None:
    for flow in SHOWN:
        acting = {step.id for step in flow.steps if step.type is StepType.ACTION}
        away = {"back", "cancel", "restart", "expire"}
        found = {(case.trigger, case.move.source, case.move.dest) for case in transitions_of(flow)}
        for trigger, source, dest in found:
            assert not (trigger in away and source.partition(".")[0] in acting)
            assert not (trigger in ("back", "resume") and dest in acting)
    assert ("back", "where", "paying") not in {
        (case.trigger, case.move.source, case.move.dest) for case in transitions_of(Order)
    }


def test_a_flow_without_a_store_stops_before_an_action() -> None:
    flow = Pay(member_id="m1")
    flow.services = bank = Bank()
    flow.process_input("5")
    for _ in range(2):
        said: Any = flow.process_input("yes")
        assert (flow.state, said.body) == ("payment", "One moment: this is being done.")
    assert bank.calls == []
    assert "back" not in flow.triggers()
    assert flow.trigger("done")
    assert flow.state == "note"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"timeout": timedelta()}, "timeout"),
        ({"timeout": timedelta(hours=1)}, "ten minutes"),
        ({"idempotent": "yes"}, "idempotent"),
        ({"retry": 3}, "retry"),
        ({"retry": Retry(on=ValueError, attempts=0)}, "attempt"),
        ({"retry": Retry(on=ValueError, wait=timedelta(seconds=-1))}, "pause"),
        ({"run": "pay"}, "run"),
    ],
)
def test_an_action_that_is_written_wrongly_is_an_error_when_the_class_is_made(wrong: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"run": Pay.pays, **wrong}
    with pytest.raises(FlowDefinitionError, match=told):
        type("Wrong", (Flow,), {"flow_type": "wrong", "steps": (Action("payment", **given),)})
