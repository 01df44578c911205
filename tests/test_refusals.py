"""Answers that do not count: the reason and the question again, and what is remembered of it."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from fsmflow import Flow, Option, Refused, Step, StepType
from tests.talking import CONSOLE, WHATSAPP, Offer, Order, Talk, body_of, words

pytestmark = pytest.mark.usefixtures("side")


def validation(talk: Talk) -> Any:
    return talk.state.to_dict()["flow_data"]["data"].get("validation")


def test_a_refusal_is_the_reason_and_the_question_in_one_message(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    reply = talk.says("offer", "a lot")
    assert [body_of(message) for message in reply.messages] == ["An amount has digits only.\n\nHow much?"]
    assert (reply.status, reply.step_id) == ("refused", "amount")


def test_reason_and_question_are_two_messages_where_one_would_be_over_the_limit(any_redis: Redis, prefix: str) -> None:
    class Long(Flow):
        flow_type = "long"
        steps = (
            Step(id="sure", type=StepType.BUTTON, message="q" * 1000, options=(Option("yes", "Yes"),)),
        )  # WhatsApp takes 1024 above buttons

    talk = Talk(any_redis, prefix, [Long], channel=WHATSAPP)
    reply = talk.says("long", "what?")
    assert [body_of(message) for message in reply.messages] == ["Please choose one of the options.", "q" * 1000]
    assert talk.taps("Yes").status == "completed"


def test_what_was_refused_is_counted_and_kept_until_an_answer_is_accepted(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    assert validation(talk) is None
    talk.says("a lot")
    assert validation(talk) == {"step": "amount", "attempts": 1, "refusal": "An amount has digits only."}
    talk.says(" ")
    assert validation(talk) == {"step": "amount", "attempts": 2, "refusal": "Please send an answer."}
    talk.says("help")
    assert validation(talk) == {"step": "amount", "attempts": 2, "refusal": "Please send an answer."}
    talk.says("12")
    assert validation(talk) is None


def test_a_refused_answer_changes_neither_the_answers_nor_the_way_back(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12", "bob")
    data, previous = talk.data, talk.fields["previous"]
    assert talk.says("neither").status == "refused"
    assert (talk.data, talk.fields["previous"]) == (data, previous)


def test_a_flow_refuses_in_its_own_words(any_redis: Redis, prefix: str) -> None:
    class Limited(Flow):
        flow_type = "limited"

        def small(self, value: str) -> bool:
            if len(value) > 3:
                raise Refused("At most three letters, please.")
            return True

        def number(self, value: str) -> int:
            return int(value)

        steps = (Step(id="code", type=StepType.TEXT, message="Code?", validator=small, transformer=number),)

    talk = Talk(any_redis, prefix, [Limited])
    assert words(talk.says("limited", "1234")) == "At most three letters, please.\n\nCode?"
    assert words(talk.says("abc")) == "That answer cannot be used. Please try another.\n\nCode?"
    assert talk.says("123").status == "completed"


@pytest.mark.parametrize("kind", ["image", "audio", "location", "unsupported"])
@pytest.mark.parametrize("caption", [None, "12"])
def test_something_else_than_text_is_no_text(any_redis: Redis, prefix: str, kind: str, caption: str | None) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    reply = talk.sends(talk.message(caption, kind=kind))
    assert words(reply) == "Please answer with a text message.\n\nHow much?"
    assert talk.data == {}


def test_text_over_the_limit_is_refused(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    assert "at most 4096 characters" in words(talk.says("offer", "12", "x" * 4097))
    assert talk.says("x" * 4096).step_id == "confirm"


@pytest.mark.parametrize("typed", ["Confirm", "CONFIRM", "  confirm "])
@pytest.mark.parametrize("channel", [CONSOLE, WHATSAPP])
def test_a_title_is_taken_as_typed_in_any_case(any_redis: Redis, prefix: str, typed: str, channel: Any) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=channel)
    assert talk.says("offer", "12", "bob", typed).status == "completed"


def test_a_number_chooses_where_the_channel_numbers_its_choices(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=CONSOLE)
    assert (talk.says("order", "2").step_id, talk.data) == ("sure", {"size": "no"})


@pytest.mark.parametrize("number", ["0", "3", "-1", "1.", "²", "\u0661", "9" * 5000])
def test_a_number_that_is_no_choice_is_refused(any_redis: Redis, prefix: str, number: str) -> None:
    assert Talk(any_redis, prefix, [Order], channel=CONSOLE).says("order", number).status == "refused"


def test_a_number_means_nothing_where_the_channel_shows_buttons(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    assert talk.says("order", "1").status == "refused"
    assert talk.data == {}


def test_the_id_of_an_option_is_nothing_that_can_be_typed(any_redis: Redis, prefix: str) -> None:
    assert Talk(any_redis, prefix, [Order], channel=WHATSAPP).says("order", "no").status == "refused"
