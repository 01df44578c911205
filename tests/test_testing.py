"""Transition cases: one for each transition, started by the steps' own examples, honest about what they lack."""

from __future__ import annotations

from typing import Any

import pytest

from fsmflow.errors import Refused
from fsmflow.flow import Flow
from fsmflow.machine import all_transitions
from fsmflow.messages import Buttons, Option, Text
from fsmflow.step import Step, StepType
from fsmflow.testing import TransitionCase, transitions_of

YES_OR_NO = (Option("confirm", "Confirm"), Option("decline", "Decline", to="cancelled"))


class OfferFlow(Flow):
    """An amount, a handle, a choice; one way around the handle."""

    flow_type = "offer"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_amount(self, value: str) -> int:
        if value == "0":
            raise Refused("More than nothing, please.")
        return int(value)

    def valid_handle(self, value: str) -> bool:
        return value.startswith("@")

    def complete(self) -> str:
        return f"Offered {self.data['amount']}."

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message="How much?",
            validator=valid_amount,
            transformer=parse_amount,
            examples=("100", "7"),
            counterexamples=("0", "lots"),
        ),
        Step(
            id="to",
            type=StepType.BUTTON,
            message="To whom?",
            options=(Option("handle", "A handle"), Option("anyone", "None of these", to="confirm")),
        ),
        Step(
            id="handle",
            type=StepType.TEXT,
            message="To which handle?",
            validator=valid_handle,
            examples="@ama",
            counterexamples="ama",
        ),
        Step(id="note", type=StepType.TEXT, message="A note?"),
        Step(
            id="confirm", type=StepType.BUTTON, message="Sure?", options=(*YES_OR_NO, Option("up", "Up", to="amount"))
        ),
    )


class CredexFlow(Flow):
    """Builds its steps itself, with bound methods."""

    def __init__(self, flow_type: str, state: dict[str, Any] | None = None) -> None:
        steps = [
            Step(id="amount", type=StepType.TEXT, message=self._ask, validator=self._valid, examples="5"),
            Step(id="confirm", type=StepType.BUTTON, message="Sure?", options=YES_OR_NO),
        ]
        super().__init__(f"{flow_type}_{(state or {}).get('member_id')}", steps)

    def _ask(self) -> str:
        return f"How much do you {self.flow_type}?"

    def _valid(self, value: str) -> bool:
        return value == "5"


def case_of(flow: type[Flow], name: str, flow_type: str | None = None) -> TransitionCase:
    return {str(case): case for case in transitions_of(flow, flow_type)}[name]


def flow_with(*steps: Step) -> type[Flow]:
    return type("MadeFlow", (Flow,), {"flow_type": "made", "steps": steps})


@pytest.mark.parametrize("case", transitions_of(OfferFlow), ids=str)
def test_every_case_starts_at_its_source_fires_its_transition_and_ends_at_its_destination(case: TransitionCase) -> None:
    assert case.lacks is None
    assert case.start().state == case.source
    result = case.fire()
    assert result.flow.state == case.dest
    assert (result.fired.source, result.fired.name, result.fired.option) == (case.source, case.name, case.option)
    assert (result.flow.refusal is not None) is (case.name == "refused")


@pytest.mark.parametrize("case", transitions_of(CredexFlow, "accept")[:1], ids=str)
def test_a_class_that_builds_its_steps_is_tried_with_its_flow_type(case: TransitionCase) -> None:
    assert case.start().question == Text("How much do you accept?")
    assert case.fire().flow.flow_type == "accept"
    assert case.fire().flow.state == "confirm"


def test_there_is_one_case_for_each_transition_of_the_machine_each_with_its_own_name() -> None:
    cases = transitions_of(OfferFlow)
    expected = [(found.source, trigger, found.name) for trigger, found in all_transitions(OfferFlow().machine)]
    assert [(case.source, case.trigger, case.name) for case in cases] == expected
    assert len({str(case) for case in cases}) == len(cases)


def test_cases_are_named_for_what_happens() -> None:
    names = {str(case) for case in transitions_of(OfferFlow)}
    assert {
        *("amount-submit-to", "amount-refused", "to-submit[anyone]-confirm", "confirm-submit[decline]-cancelled"),
        *("confirm-submit-completed", "confirm-back-note", "confirm-back-to", "handle-back-to", "amount-back-confirm"),
        *("handle-cancel-cancelled", "handle-restart-amount", "handle-expire-expired"),
    } <= names


def test_a_case_says_what_is_said_then() -> None:
    assert case_of(OfferFlow, "amount-refused").fire().message == Text("More than nothing, please.\n\nHow much?")
    assert case_of(OfferFlow, "confirm-submit-completed").fire().message == Text("Offered 100.")
    options = OfferFlow.steps[1].options
    assert case_of(OfferFlow, "amount-submit-to").fire().message == Buttons("To whom?", options)


def test_the_way_to_a_case_is_the_shortest_and_for_back_it_comes_from_where_it_goes() -> None:
    assert case_of(OfferFlow, "confirm-refused").start().path == ("amount", "to")
    assert case_of(OfferFlow, "confirm-back-note").start().path == ("amount", "to", "handle", "note")
    assert case_of(OfferFlow, "amount-back-confirm").start().path == ("amount", "to", "confirm")


def test_a_refused_choice_is_a_text_that_is_no_option_whatever_the_options_are_called() -> None:
    case = case_of(OfferFlow, "to-refused")
    assert case.value not in [option.title for option in OfferFlow.steps[1].options]
    assert case.fire().flow.refusal is not None


def test_a_text_that_nothing_checks_is_refused_when_it_is_empty_and_accepted_when_it_is_not() -> None:
    assert case_of(OfferFlow, "note-refused").value == ""
    assert case_of(OfferFlow, "note-submit-confirm").value == "anything"


def test_an_option_called_refused_is_an_option() -> None:
    flow = flow_with(Step(id="a", type=StepType.BUTTON, message="?", options=(Option("refused", "R", to="completed"),)))
    case = case_of(flow, "a-submit[refused]-completed")
    assert case.fire().flow.state == "completed"
    assert case_of(flow, "a-refused").fire().flow.state == "a"


def test_a_case_starts_anew_each_time() -> None:
    case = case_of(OfferFlow, "amount-submit-to")
    assert case.fire().flow is not case.fire().flow
    assert case.start().data == {}


def test_a_step_without_examples_is_named_by_every_case_that_needs_one() -> None:
    flow = flow_with(
        Step(id="age", type=StepType.TEXT, message="?", validator=str.isdigit),
        Step(id="name", type=StepType.TEXT, message="?"),
    )
    lacking = {str(case): case.lacks or "" for case in transitions_of(flow) if case.lacks is not None}
    assert set(lacking) == {
        *("age-submit-name", "age-refused", "name-submit-completed", "name-refused", "name-back-age"),
        *("name-cancel-cancelled", "name-restart-age", "name-expire-expired", "expired-resume-name"),
    }
    assert "counterexamples" in lacking.pop("age-refused")
    assert all(words.startswith("step 'age' has no examples") for words in lacking.values())
    with pytest.raises(AssertionError, match="age-refused cannot be tried: step 'age' has no counterexamples"):
        case_of(flow, "age-refused").fire()


def test_a_step_without_examples_is_walked_around_where_there_is_a_way() -> None:
    flow = flow_with(
        Step(id="way", type=StepType.BUTTON, message="?", options=(Option("age", "Age"), Option("n", "N", to="nick"))),
        Step(id="age", type=StepType.TEXT, message="?", validator=str.isdigit),
        Step(id="nick", type=StepType.TEXT, message="?"),
        Step(id="name", type=StepType.TEXT, message="?"),
    )
    assert case_of(flow, "name-submit-completed").start().path == ("way", "nick")
    assert case_of(flow, "nick-back-age").lacks == "step 'age' has no examples: name an answer that it accepts"


def test_an_example_that_is_refused_fails_the_case_and_those_after_it() -> None:
    flow = flow_with(
        Step(
            id="age", type=StepType.TEXT, message="?", validator=str.isdigit, examples="ten", refusal="Digits, please."
        ),
        Step(id="name", type=StepType.TEXT, message="?"),
    )
    with pytest.raises(AssertionError, match=r"age-submit-name: the transition 'refused' .* \(Digits, please.\)"):
        case_of(flow, "age-submit-name").fire()
    with pytest.raises(AssertionError, match=r"name-refused: on the way there, age-submit-name: .*Digits, please"):
        case_of(flow, "name-refused").start()


def test_a_counterexample_that_is_accepted_fails_its_case() -> None:
    flow = flow_with(Step(id="age", type=StepType.TEXT, message="?", validator=str.isdigit, counterexamples="10"))
    with pytest.raises(AssertionError, match="age-refused: the transition 'submit' to completed was taken"):
        case_of(flow, "age-refused").fire()


def test_of_the_options_that_lead_the_same_way_the_one_among_the_examples_is_taken() -> None:
    def second(value: str) -> bool:
        return value == "b"

    options = (Option("a", "A"), Option("b", "B"))
    step = Step(id="letter", type=StepType.BUTTON, message="?", options=options, validator=second, examples="b")
    assert case_of(flow_with(step), "letter-submit-completed").fire().flow.data == {"letter": "b"}


def test_a_fault_of_the_flow_comes_out_as_it_is() -> None:
    def broken(value: str) -> bool:
        raise LookupError(f"cannot look up a text of {len(value)} letters")

    flow = flow_with(Step(id="age", type=StepType.TEXT, message="?", validator=broken, examples="10"))
    with pytest.raises(LookupError, match="2 letters"):
        case_of(flow, "age-submit-completed").fire()
