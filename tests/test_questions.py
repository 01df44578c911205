from __future__ import annotations

from typing import Any

import pytest

from fsmflow.errors import FlowDefinitionError
from fsmflow.messages import ApprovedTemplate, Buttons, ListMenu, Location, Media, Message, Option, Section, Text
from fsmflow.questions import closing, compose, with_option_ids, with_reason
from fsmflow.step import Step, StepType

OPTIONS = (Option("yes", "Yes", "really"), Option("no", "No", to="cancelled"))


def step(kind: StepType) -> Step:
    options = () if kind is StepType.TEXT else OPTIONS
    return Step(id="confirm", type=kind, message="Sure?", options=options)


@pytest.mark.parametrize(
    ("kind", "said", "question"),
    [
        (StepType.TEXT, "Sure?", Text("Sure?")),
        (StepType.TEXT, Text("Sure?"), Text("Sure?")),
        (StepType.BUTTON, "Sure?", Buttons("Sure?", OPTIONS)),
        (StepType.BUTTON, Text("Sure?"), Buttons("Sure?", OPTIONS)),
        (StepType.BUTTON, Buttons("Sure?", header="H", footer="F"), Buttons("Sure?", OPTIONS, "H", "F")),
        (StepType.LIST, "Sure?", ListMenu("Sure?", "Choose", (Section("", OPTIONS),))),
        (
            StepType.LIST,
            ListMenu("Sure?", "Open", header="H", footer="F"),
            ListMenu("Sure?", "Open", (Section("", OPTIONS),), "H", "F"),
        ),
        (StepType.LIST, Buttons("Sure?", footer="F"), ListMenu("Sure?", "Choose", (Section("", OPTIONS),), None, "F")),
    ],
)
def test_a_question_is_the_words_of_its_message_and_the_options_of_its_step(
    kind: StepType, said: Any, question: Message
) -> None:
    assert compose("OfferFlow", step(kind), said) == question


@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        (StepType.TEXT, None, "message must give words or a message, not NoneType"),
        (StepType.BUTTON, 5, "message must give words or a message, not int"),
        (StepType.TEXT, Location(0, 0), "message must give words or a message, not Location"),
        (StepType.TEXT, Buttons("Sure?"), "a TEXT step is asked with a str or a Text"),
        (StepType.BUTTON, Buttons("Sure?", OPTIONS), "the options belong to the step, not to its message"),
        (
            StepType.LIST,
            ListMenu("?", sections=(Section("", OPTIONS),)),
            "the options belong to the step, not to its message",
        ),
    ],
)
def test_a_message_that_says_something_else_is_a_fault_that_names_its_step(
    kind: StepType, said: Any, expected: str
) -> None:
    with pytest.raises(FlowDefinitionError) as caught:
        compose("OfferFlow", step(kind), said)
    assert (caught.value.flow, caught.value.step, caught.value.expected) == ("OfferFlow", "confirm", expected)


ANY_MESSAGE = [
    Text("Bye"),
    Buttons("Bye"),
    ListMenu("Bye"),
    ApprovedTemplate("bye", "en"),
    Media("image", id="1"),
    Location(1, 2),
]


@pytest.mark.parametrize("said", ANY_MESSAGE, ids=lambda said: type(said).__name__)
def test_a_flow_may_close_with_any_message(said: Message) -> None:
    assert closing("OfferFlow", said) is said


def test_a_flow_may_close_with_words() -> None:
    assert closing("OfferFlow", "Bye") == Text("Bye")


@pytest.mark.parametrize("said", [None, 5, ("a", "b"), Option("a", "A")])
def test_a_flow_may_not_close_with_anything_else(said: Any) -> None:
    with pytest.raises(FlowDefinitionError, match=f"not {type(said).__name__}$") as caught:
        closing("OfferFlow", said)
    assert caught.value.step is None


def test_a_reason_stands_before_its_question_in_one_message() -> None:
    assert with_reason("No.", Text("Sure?")) == Text("No.\n\nSure?")
    assert with_reason("No.", Buttons("Sure?", OPTIONS, "H", "F")) == Buttons("No.\n\nSure?", OPTIONS, "H", "F")
    assert with_reason("No.", ListMenu("Sure?", "Open")) == ListMenu("No.\n\nSure?", "Open")


@pytest.mark.parametrize("said", ANY_MESSAGE[3:], ids=lambda said: type(said).__name__)
def test_a_message_without_words_is_left_as_it_is(said: Message) -> None:
    assert with_reason("No.", said) is said


def test_what_leaves_the_process_has_wire_ids_and_no_targets() -> None:
    sent = (Option("n.yes", "Yes", "really"), Option("n.no", "No"))
    assert with_option_ids(Buttons("?", OPTIONS), "n.{}".format) == Buttons("?", sent)
    menu = ListMenu("?", sections=(Section("a", OPTIONS[:1]), Section("b", OPTIONS[1:])))
    expected = ListMenu("?", sections=(Section("a", sent[:1]), Section("b", sent[1:])))
    assert with_option_ids(menu, "n.{}".format) == expected
    assert with_option_ids(Text("?"), "n.{}".format) == Text("?")
