"""A flow tried in memory: where the examples lead, by what, and that nothing is made up or left behind."""

from __future__ import annotations

from typing import Any

from fsmflow.answers import Accepted, Refusal
from fsmflow.checks.trials import Kind, Trial, try_flow
from fsmflow.flow import Flow
from fsmflow.messages import Option, Text, options_of
from fsmflow.step import Step, StepType
from tests.branching_flows import Order

TEXT, BUTTON = StepType.TEXT, StepType.BUTTON


def refuse(value: str) -> bool:
    return value == "nothing is this"


class AskFlow(Flow):
    flow_type = "ask"

    def greeting(self) -> str:
        return f"Hello {self.data['name']} of {self.channel.type}, {len(self.data)} known"

    steps = (
        Step(id="name", type=TEXT, message="Name?", examples=("Ama", "Kofi"), validator=lambda value: value.istitle(),
             counterexamples=("ama",)),
        Step(id="way", type=BUTTON, message=greeting,
             options=(Option("again", "Again", to="name"), Option("on", "On"), Option("end", "End", to="completed"))),
        Step(id="free", type=TEXT, message="Anything?"),
    )  # fmt: skip


class BuiltFlow(Flow):
    """Its second question offers what its first answer says; it does not close what it opens."""

    def __init__(self, flow_type: str, state: dict[str, Any]) -> None:
        data = state["flow_data"]["data"]
        accounts = ("main",) if data.get("kind") == "one" else ("main", "savings")
        super().__init__(
            f"{flow_type}_{state['member_id']}",
            [
                Step(id="kind", type=TEXT, message="Kind?", examples=("one", "two")),
                Step(
                    id="account",
                    type=BUTTON,
                    message="Which?",
                    options=tuple(Option(name, name.title()) for name in accounts),
                ),
            ],
        )


class ShiftingFlow(Flow):
    """Its second step is gone once its first is answered."""

    def __init__(self, flow_type: str, state: dict[str, Any]) -> None:
        first = Step(id="first", type=TEXT, message="First?", examples=("so",))
        second = Step(id="second", type=TEXT, message="Second?", examples=("so",))
        steps = (first,) if "first" in state["flow_data"]["data"] else (first, second)
        super().__init__(f"{flow_type}_1", steps)


def inputs(trial: Trial) -> list[tuple[str, str, int, str]]:
    return [(each.input.step, each.input.kind.value, each.input.number, each.input.value) for each in trial.answered]


def states(trial: Trial) -> list[tuple[str, str | None]]:
    return [(said.state, said.after.value if said.after else None) for said in trial.said]


def test_every_input_is_answered_once_and_everything_that_it_leads_to_is_said() -> None:
    trial = try_flow(AskFlow, "ask", "whatsapp")
    assert inputs(trial) == [
        ("name", "example", 1, "Ama"),
        ("name", "example", 2, "Kofi"),
        ("name", "counterexample", 1, "ama"),
        ("way", "option", 1, "again"),
        ("way", "option", 2, "on"),
        ("way", "option", 3, "end"),
        ("free", "text", 1, "anything"),
    ]
    assert states(trial) == [
        ("name", None),
        ("way", "Ama"),
        ("way", "Kofi"),
        ("name", "again"),
        ("free", "on"),
        ("completed", "end"),
        ("completed", "anything"),
    ]
    assert [type(each.verdict) for each in trial.answered] == [Accepted] * 2 + [Refusal] + [Accepted] * 4
    assert [said.message for said in trial.said if said.message and said.message == Text("Name?")] == [
        Text("Name?")
    ] * 2


def test_what_is_said_is_said_to_a_member_of_the_channel() -> None:
    words = [getattr(said.message, "body", "") for said in try_flow(AskFlow, "ask", "pigeon").said]
    assert "Hello Ama of pigeon, 1 known" in words
    assert "Hello Kofi of pigeon, 1 known" in words


def test_nothing_is_made_up_for_a_step_that_judges_and_names_no_answer() -> None:
    flow: type[Flow] = type(
        "SilentFlow",
        (Flow,),
        {"flow_type": "silent", "steps": (Step(id="name", type=TEXT, message="?", validator=refuse),)},
    )
    trial = try_flow(flow, "silent", "whatsapp")
    assert (trial.answered, states(trial)) == ((), [("name", None)])


def test_a_flow_that_builds_its_steps_is_built_by_the_answers_of_each_moment() -> None:
    trial = try_flow(BuiltFlow, "built", "whatsapp")
    offered = {said.after.value: options_of(said.message) for said in trial.said if said.after and said.message}
    assert [len(offered[kind]) for kind in ("one", "two")] == [1, 2]
    assert [(step, value) for step, _, _, value in inputs(trial)] == [
        ("kind", "one"),
        ("kind", "two"),
        ("account", "main"),
    ]


def test_a_run_that_its_own_steps_do_not_fit_any_more_is_a_fault_of_the_answer_that_led_there() -> None:
    trial = try_flow(ShiftingFlow, "shifting", "whatsapp")
    (answered,) = trial.answered
    assert isinstance(answered.verdict, Accepted)
    assert str(answered.fault) == (
        "ShiftingFlow, step 'second': the run must fit the steps that are built by its own answers"
    )


def test_the_members_answers_do_not_show_in_a_trial_that_is_printed() -> None:
    trial = try_flow(AskFlow, "ask", "whatsapp")
    assert "Kofi" not in repr([each.input for each in trial.answered])


def test_a_flow_is_gone_through_past_questions_that_are_left_out_or_answered_by_a_flow_and_by_attempts() -> None:
    trial = try_flow(Order, "order", "whatsapp")
    assert {said.state for said in trial.said} == {*Order().machine.states} - {"expired"}
    kinds = {(each.input.step, each.input.kind) for each in trial.answered}
    assert {("why", Kind.LEFT_OUT), ("why", Kind.USED_UP), ("address", Kind.THROUGH)} <= kinds
    assert [each.fault for each in trial.answered if each.fault is not None] == []
