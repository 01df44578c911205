from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.choices import OPTION_ID_LIMIT
from fsmflow.errors import FlowDefinitionError
from fsmflow.messages import Buttons, ListMenu, Option, Section, Text
from fsmflow.step import Step, StepType
from fsmflow.step_checks import STEP_ID_LIMIT, check_steps

YES = Option("yes", "Yes")
NO = Option("no", "No")


def text(step_id: Any = "amount", **named: Any) -> Step:
    return Step(**{"id": step_id, "type": StepType.TEXT, "message": "How much?", **named})


def button(*options: Any, **named: Any) -> Step:
    return Step(**{"id": "confirm", "type": StepType.BUTTON, "message": "Sure?", "options": options, **named})


def complaint(*steps: Any) -> FlowDefinitionError:
    with pytest.raises(FlowDefinitionError) as caught:
        check_steps("OfferFlow", steps)
    assert str(caught.value).startswith("OfferFlow")
    return caught.value


def test_a_flow_without_steps_is_no_flow() -> None:
    assert complaint().expected == "a flow needs at least one step"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (text(type="text"), "type must be StepType"),
        (text(message=None), "message must be words"),
        (text(message=5), "message must be words"),
        (text(message=""), "message must not be empty"),
        (text(message=Text("  ")), "message must not be empty"),
        (text(message=Text(5)), "message must be words"),  # type: ignore[arg-type]  # the mistake
        (text(message=Buttons("Sure?")), "a TEXT step is asked with a str or a Text"),
        (text(message=ListMenu("Sure?")), "a TEXT step is asked with a str or a Text"),
        (text(options=(YES,)), "a TEXT step has no options"),
        (text(refusal=5), "refusal must be words"),
        (text(examples=(5,)), "examples and counterexamples"),
        (text(counterexamples=(None,)), "examples and counterexamples"),
        (button(), "a BUTTON needs options"),
        (button(type=StepType.LIST), "a LIST needs options"),
        (button(YES, message=Buttons("Sure?", (YES,))), "the options belong to the step"),
        (button(YES, message=ListMenu("?", sections=(Section("", (YES,)),))), "the options belong to the step"),
        (button("yes"), "options holds Option objects, not str"),
        (button(options={"yes": "Yes"}), "options holds Option objects, not str"),
        (button(options=None), "options holds Option objects, not NoneType"),
        (button(Option("", "Yes")), "an option id has 1 to 55 bytes"),
        (button(Option("x" * 56, "Yes")), "an option id has 1 to 55 bytes"),
        (button(Option("é" * 28, "Yes")), "an option id has 1 to 55 bytes"),
        (button(Option("a\nb", "Yes")), "an option id is a str without control characters"),
        (button(Option("\ud800", "Yes")), "an option id is a str without control characters"),
        (button(Option(5, "Yes")), "an option id is a str"),  # type: ignore[arg-type]  # the mistake
        (button(YES, Option("yes", "Yep")), "the option id 'yes' is used twice"),
        (button(YES, Option("sure", "YES ")), "two options have the title 'YES '"),
        (button(Option("yes", "")), "the option 'yes' needs a title"),
        (button(Option("yes", "  ")), "the option 'yes' needs a title"),
        (button(Option("yes", None)), "the option 'yes' needs a title"),  # type: ignore[arg-type]  # the mistake
        (button(Option("yes", "Yes", to="nowhere")), "leads to 'nowhere', which is no step and no end"),
        (button(Option("yes", "Yes", to=[])), "which is no step and no end"),  # type: ignore[arg-type]  # the mistake
    ],
)
def test_a_mistake_names_the_flow_the_step_and_what_is_expected(step: Step, expected: str) -> None:
    found = complaint(step)
    assert (found.flow, found.step) == ("OfferFlow", step.id)
    assert expected in found.expected
    assert f"step {step.id!r}" in str(found)


@pytest.mark.parametrize("step_id", ["", "1st", "with space", "with-dash", "größe", "a.b", "a:b", "{x}", None, 5])
def test_a_step_id_is_an_identifier_in_ascii(step_id: Any) -> None:
    found = complaint(text(step_id))
    assert (found.step, found.expected) == (str(step_id), "a step id is a Python identifier in ASCII")


@pytest.mark.parametrize(
    "step_id",
    ["flow_type", "channel", "validation", "member_id", "completed", "cancelled", "failed", "expired"],
)
def test_what_the_state_structure_uses_is_no_step_id(step_id: str) -> None:
    assert "reserved" in complaint(text(step_id)).expected


def test_a_step_id_is_unique_and_bounded() -> None:
    assert "unique" in complaint(text("a"), text("b"), text("a")).expected
    assert "64" in complaint(text("x" * (STEP_ID_LIMIT + 1))).expected
    check_steps("OfferFlow", (text("x" * STEP_ID_LIMIT),))


@pytest.mark.parametrize("wrong", [None, "amount", {"id": "amount"}, ("amount", StepType.TEXT)])
def test_what_is_no_step_is_named_by_its_type(wrong: Any) -> None:
    found = complaint(text(), wrong)
    assert (found.step, found.expected) == (None, f"steps holds Step objects, not {type(wrong).__name__}")


def test_what_is_right_passes() -> None:
    check_steps(
        "OfferFlow",
        (
            text(message=Text("How much?"), refusal="A number.", examples="5", counterexamples=["x", "y"]),
            button(Option("x" * OPTION_ID_LIMIT, "Yes"), Option("no", "No", to="cancelled"), message=Buttons("?")),
            button(Option("again", "Again", to="amount"), YES, id="menu", type=StepType.LIST, message=ListMenu("?")),
            button(Option("stay", "Stay", to="last"), Option("end", "End", to="failed"), id="last"),
            button(Option("quiet", "Quiet", to="expired"), id="silence"),
            button(YES, NO, id="said", message=lambda: "?"),
        ),
    )


def test_what_was_meant_as_one_item_is_one() -> None:
    assert text(examples="100").examples == ("100",)
    assert button(options=YES).options == (YES,)  # (Option(…)) without its comma
    assert button(options=[YES, NO]).options == (YES, NO)


def test_a_step_is_answered_by_choosing_unless_it_is_text() -> None:
    assert [text().has_choices, button(YES).has_choices, button(YES, type=StepType.LIST).has_choices] == [
        False,
        True,
        True,
    ]


def test_the_three_types_are_those_of_the_frameworks_description() -> None:
    asked = [(each.name, each.value) for each in StepType if each not in (StepType.FLOW, StepType.ACTION)]
    assert asked == [("TEXT", "text"), ("BUTTON", "button"), ("LIST", "list")]


@given(st.text(max_size=70))
def test_an_id_is_either_refused_or_fit_for_keys_and_diagrams(step_id: str) -> None:
    try:
        check_steps("OfferFlow", (text(step_id),))
    except FlowDefinitionError as found:
        assert found.flow == "OfferFlow"  # noqa: PT017 - either of the two outcomes is right
    else:
        assert step_id.isidentifier()
        assert step_id.isascii()
        assert len(step_id) <= STEP_ID_LIMIT
