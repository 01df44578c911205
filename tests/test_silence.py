"""Two clocks: the silence after which a run is over is the member's, not the store's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis

from fsmflow import Flow, Option, Step, StepType
from tests.talking import CONSOLE, WHATSAPP, Offer, Order, Talk, wire_id_of, words

pytestmark = pytest.mark.usefixtures("side")

CLOSED = "There was no answer for 5 minutes, so this was closed. Send offer to start again."


@pytest.mark.parametrize(("channel", "dated"), [(WHATSAPP, True), (CONSOLE, False)])
def test_after_the_timeout_the_run_is_closed_and_the_member_told_what_starts_it(
    any_redis: Redis, prefix: str, channel: object, dated: bool
) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=channel, dated=dated)  # type: ignore[arg-type]  # parametrized
    talk.says("offer", "12")
    talk.waits(minutes=5, seconds=1)
    reply = talk.says("bob")
    assert (words(reply), reply.status, reply.step_id) == (CLOSED, "expired", "expired")
    assert talk.data == {"amount": "12"}
    assert words(talk.says("bob")) == "You can send: offer."


def test_at_the_timeout_exactly_the_run_goes_on(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.waits(minutes=5)
    assert talk.says("bob").step_id == "confirm"


def test_any_message_ends_the_silence(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    for text in ("a lot", "help", "12", "bob"):
        talk.waits(minutes=4)
        assert talk.says(text).status != "expired"


@pytest.mark.parametrize("kind", ["reaction", "system"])
def test_what_is_said_beside_the_conversation_does_not_end_the_silence(
    any_redis: Redis, prefix: str, kind: str
) -> None:
    """A heart on a question of an hour ago does not open it again: the answer that follows would be taken for it."""
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.waits(minutes=6)
    assert talk.sends(talk.message(None, kind=kind)).status == "ignored"
    assert talk.says("bob").status == "expired"
    assert talk.data == {"amount": "12"}


@pytest.mark.parametrize("text", ["order", "offer"])
def test_a_keyword_after_the_silence_starts_at_once(any_redis: Redis, prefix: str, text: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    talk.says("offer", "12")
    talk.waits(minutes=6)
    reply = talk.says(text)
    assert (reply.status, reply.flow_id) == ("in_progress", f"{text}_console:ann")
    assert (talk.data, talk.state.previous) == ({}, None)
    assert [event for event, _, _ in talk.events][-3:] == ["expire", "flow_start", "step_start"]


def test_a_channels_own_button_after_the_silence_starts_at_once(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    talk.says("offer")
    talk.waits(minutes=6)
    assert words(talk.sends(talk.message("I want one", option_id="order", kind="option"))) == "Which size?"


def test_a_button_of_the_closed_run_closes_it_even_if_its_title_is_a_keyword(any_redis: Redis, prefix: str) -> None:
    class Menu(Flow):
        flow_type = "menu"
        steps = (Step(id="what", type=StepType.BUTTON, message="What?", options=(Option("offer", "Offer"),)),)

    talk = Talk(any_redis, prefix, [Menu, Offer])
    shown = talk.says("menu")
    talk.waits(minutes=6)
    reply = talk.sends(talk.message("Offer", option_id=wire_id_of(shown, "Offer"), kind="option"))
    run = talk.state.flow_data
    assert run is not None
    assert (reply.status, run.step_id) == ("expired", "expired")


def test_a_flow_without_a_timeout_waits_for_ever(any_redis: Redis, prefix: str) -> None:
    class Patient(Offer):
        flow_type = "patient"
        keywords = ("patient",)
        timeout = None

    talk = Talk(any_redis, prefix, [Patient])
    talk.says("patient", "12")
    talk.waits(days=400)
    assert talk.says("bob").step_id == "confirm"


def test_a_flow_has_its_own_timeout_and_says_it(any_redis: Redis, prefix: str) -> None:
    class Hasty(Offer):
        flow_type = "hasty"
        keywords = ("hasty",)
        timeout = timedelta(hours=1)

    talk = Talk(any_redis, prefix, [Hasty])
    talk.says("hasty")
    talk.waits(minutes=59)
    talk.says("12")
    talk.waits(minutes=61)
    assert words(talk.says("bob")).startswith("There was no answer for 1 hour")


def test_the_silence_is_measured_by_when_messages_were_sent_not_when_they_came(any_redis: Redis, prefix: str) -> None:
    """After an outage an hour of messages comes at once: nobody was silent."""
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    sent = talk.now
    talk.waits(hours=1)
    for minute, text in enumerate(("offer", "12", "bob", "Confirm")):
        reply = talk.says(text, sent_at=sent + timedelta(minutes=4 * minute))
    assert reply.status == "completed"


def test_a_late_message_does_not_close_a_run(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer")
    assert talk.says("12", sent_at=talk.now - timedelta(hours=1)).status == "refused"
    assert talk.says("12").step_id == "handle"


def test_a_time_that_lies_in_the_future_closes_nobody_out(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    talk.redis.hset(talk.key, "sent_at", 2**53 - 1)
    assert words(talk.says("12")) == "To which handle?"
    talk.waits(seconds=5)
    assert talk.says("bob").status == "in_progress"


def test_after_a_long_silence_a_recovery_opens_nothing_again(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.redis.hset(talk.key, "recent", "?")
    talk.waits(days=3)
    reply = talk.says("bob")
    assert (reply.status, reply.step_id) == ("recovered", None)
    assert talk.says("offer").step_id == "amount"
