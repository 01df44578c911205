"""Questions that need not be answered."""

from __future__ import annotations

import pytest

from fsmflow import Flow, Option, Words
from fsmflow.step import Route, SubFlow
from tests.branched import YES_NO, Address, choice, text
from tests.talking import in_memory, words

pytestmark = pytest.mark.usefixtures("side")


class Leaving(Flow):
    """Optional questions of each kind."""

    flow_type = "leaving"
    steps = (
        text("a"),
        text("b", optional=True, validator=str.isdigit),
        choice("c", optional=True),
        text("d"),
    )


def test_an_optional_question_is_left_out_by_a_word_and_its_answer_is_none() -> None:
    talk = in_memory([Leaving])
    assert words(talk.says("leaving", "x", "SKIP")) == "c?"
    assert words(talk.says("skip")) == "d?"
    assert talk.data == {"a": "x", "b": None, "c": None}
    assert talk.says("y").data == {"a": "x", "b": None, "c": None, "d": "y"}


def test_at_a_question_that_must_be_answered_the_word_is_an_answer() -> None:
    talk = in_memory([Leaving])
    assert words(talk.says("leaving", "skip")) == "b?"
    assert talk.data == {"a": "skip"}


def test_at_a_choice_that_must_be_made_it_is_none() -> None:
    class Must(Flow):
        flow_type = "must"
        steps = (choice("a"),)

    assert words(in_memory([Must]).says("must", "skip")) == "Please choose one of the options.\n\na?"


def test_an_options_own_title_wins_over_the_word() -> None:
    class Named(Flow):
        flow_type = "named"
        steps = (choice("a", *YES_NO, Option("pass", "Skip"), optional=True), text("b"))

    talk = in_memory([Named])
    assert words(talk.says("named", "skip")) == "b?"
    assert talk.data == {"a": "pass"}


def test_the_word_can_be_another_or_none() -> None:
    other = in_memory([Leaving], words=Words(skip=("weiter",)))
    assert words(other.says("leaving", "x", "weiter")) == "c?"
    none = in_memory([Leaving], words=Words(skip=()))
    assert words(none.says("leaving", "x", "skip")).endswith("b?")


def test_a_button_of_an_approved_template_may_be_the_word() -> None:
    talk = in_memory([Leaving])
    talk.says("leaving", "x")
    assert words(talk.says("Leave out", option_id="skip", kind="option")) == "c?"


def test_an_answer_that_was_given_before_is_taken_back_by_the_word() -> None:
    talk = in_memory([Leaving])
    talk.says("leaving", "x", "5", "back")
    assert words(talk.says("skip")) == "c?"
    assert talk.data == {"a": "x", "b": None}
    assert words(talk.says("back")) == "b?"


def test_rollback_takes_it_back() -> None:
    talk = in_memory([Leaving])
    talk.says("leaving", "x", "skip")
    talk.manager.rollback(talk.member_id)
    assert talk.data == {"a": "x"}
    assert words(talk.says("5")) == "c?"


def test_the_trail_tells_it_from_an_answer() -> None:
    talk = in_memory([Leaving])
    talk.says("leaving", "x", "skip")
    assert talk.events[-3:] == [
        ("validation", "accepted", "b"),
        ("skip", "success", "c"),
        ("step_start", "in_progress", "c"),
    ]


def test_what_is_left_out_does_not_lead_into_another_branch() -> None:
    class Branches(Flow):
        flow_type = "branches"

        def fails(self, value: str) -> bool:
            return len(value) > 3  # of nothing it would not know the length

        steps = (
            text("a", routes=(Route("c", lambda value: value == "c"),)),
            text("b", optional=True, routes=(Route("e", fails), Route("d"))),
            text("c"),
            text("d"),
            text("e"),
        )

    talk = in_memory([Branches])
    assert words(talk.says("branches", "x", "skip")) == "d?"


def test_the_last_question_may_be_left_out_also_that_of_a_flow_within() -> None:
    class Outer(Flow):
        flow_type = "outer"
        steps = (SubFlow("address", Address), text("note", optional=True))

    talk = in_memory([Outer])
    assert words(talk.says("outer", "Main", "skip")) == "note?"
    reply = talk.says("skip")
    assert (reply.status, reply.data) == ("completed", {"address": {"street": "Main", "town": None}, "note": None})


def test_in_a_flow_within_the_word_is_for_its_question() -> None:
    class Outer(Flow):
        flow_type = "outer"
        steps = (SubFlow("address", Address), text("note"))

    talk = in_memory([Outer])
    assert words(talk.says("outer", "skip")) == "town?"
    assert words(talk.says("skip")) == "note?"
    assert talk.data == {"address": {"street": "skip", "town": None}}
