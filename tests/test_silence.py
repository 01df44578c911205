"""Two clocks: the silence after which a run is over is the member's, not the store's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis

from fsmflow import Flow, Option, Sentences, Step, StepType
from fsmflow.messages import options_of
from fsmflow.step import SubFlow
from tests.talking import CONSOLE, WHATSAPP, Offer, Order, Talk, wire_id_of, words

pytestmark = pytest.mark.usefixtures("side")

OFFERED = "There was no answer for 5 minutes. Your answers are kept: would you like to continue?"
CLOSED = "There was no answer for 5 minutes, so this was closed. Send offer to start again."


@pytest.mark.parametrize(("channel", "dated"), [(WHATSAPP, True), (CONSOLE, False)])
def test_after_the_timeout_the_run_is_closed_and_the_member_told_what_starts_it(
    any_redis: Redis, prefix: str, channel: object, dated: bool
) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=channel, dated=dated)  # type: ignore[arg-type]  # parametrized
    talk.says("offer")
    talk.waits(minutes=5, seconds=1)
    reply = talk.says("12")
    assert (words(reply), reply.status, reply.step_id) == (CLOSED, "expired", "expired")
    assert talk.data == {}
    assert words(talk.says("12")) == "You can send: offer."


@pytest.mark.parametrize(("channel", "dated"), [(WHATSAPP, True), (CONSOLE, False)])
@pytest.mark.parametrize("is_looked_after", [False, True])
def test_where_something_was_answered_the_member_is_offered_to_go_on(
    any_redis: Redis, prefix: str, channel: object, dated: bool, is_looked_after: bool
) -> None:
    """Whether a worker has closed the run meanwhile or not, it is the same to the member."""
    talk = Talk(any_redis, prefix, [Offer], channel=channel, dated=dated)  # type: ignore[arg-type]  # parametrized
    talk.says("offer", "12")
    talk.ages(minutes=5, seconds=1)
    assert len(talk.runner.due() if is_looked_after else ()) == is_looked_after
    reply = talk.says("bob")
    assert (words(reply), reply.status, reply.step_id) == (OFFERED, "expired", "expired")
    assert [option.title for option in options_of(reply.messages[0])] == ["Continue", "Start over"]
    assert talk.data == {"amount": "12"}
    run_id = reply.run_id
    reply = talk.taps("Continue")
    assert (words(reply), reply.status, reply.step_id, reply.run_id) == (
        "To which handle?",
        "in_progress",
        "handle",
        run_id,
    )
    assert talk.says("bob", "Confirm").status == "completed"
    assert ("resume", "success", "handle") in talk.events


def test_starting_over_is_another_run_and_keeps_nothing(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    first = talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("bob")
    reply = talk.taps("Start over")
    assert (reply.step_id, talk.data, talk.state.previous) == ("amount", {}, None)
    assert reply.run_id != first.run_id


@pytest.mark.parametrize(("text", "step"), [("CONTINUE", "handle"), (" start  over", "amount"), ("restart", "amount")])
def test_the_offer_is_answered_by_typing_as_well(any_redis: Redis, prefix: str, text: str, step: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("hello?")
    assert talk.says(text).step_id == step


@pytest.mark.parametrize(("channel", "step"), [(CONSOLE, "handle"), (WHATSAPP, "expired")])
def test_a_number_chooses_where_the_choices_were_numbered(
    any_redis: Redis, prefix: str, channel: object, step: str
) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=channel)  # type: ignore[arg-type]  # parametrized
    talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("hello?")
    assert talk.says("1").step_id == step


@pytest.mark.parametrize("is_looked_after", [False, True])
def test_a_number_answers_no_offer_that_was_not_made_yet(any_redis: Redis, prefix: str, is_looked_after: bool) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12", "back")
    talk.ages(minutes=6)
    assert len(talk.runner.due() if is_looked_after else ()) == is_looked_after
    assert words(talk.says("1")) == OFFERED


def test_cancel_leaves_for_good(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("hello?")
    assert talk.says("cancel").status == "cancelled"
    assert talk.says("Continue").status == "idle"


def test_who_says_something_else_is_asked_once_more_and_then_let_go(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("hello?")
    assert words(talk.says("hello?")) == f"Please choose one of the options.\n\n{OFFERED}"
    reply = talk.says("hello?")
    assert (words(reply), reply.status) == ("You can send: offer.", "idle")
    assert words(talk.says("Continue")) == "You can send: offer."


def test_who_says_something_else_comes_to_the_default_flow_in_the_end(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order], default=Order)
    talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("hello?", "hello?")
    assert talk.says("hello?").step_id == "size"


def test_help_makes_the_offer_again_and_is_not_counted(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("hello?")
    for _ in range(5):
        assert words(talk.says("help")).endswith(OFFERED)
    assert talk.taps("Continue").step_id == "handle"


@pytest.mark.parametrize("is_told", [False, True])
def test_a_keyword_starts_its_flow_in_place_of_the_offer(any_redis: Redis, prefix: str, is_told: bool) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    talk.says("offer", "12")
    talk.ages(minutes=6)
    talk.runner.due()
    if is_told:
        talk.says("hello?")
    assert talk.says("order").flow_id == "order_console:ann"


def test_a_button_of_the_question_answers_neither_the_offer_nor_what_is_asked_again(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    asked = talk.says("offer", "12", "bob")
    talk.waits(minutes=6)
    offered = talk.taps("Confirm", of=asked)
    assert words(offered) == OFFERED
    stale = talk.taps("Confirm", of=asked)
    assert words(stale) == f"That choice belongs to an earlier question.\n\n{OFFERED}"
    talk.taps("Continue", of=offered)
    assert talk.taps("Confirm", of=asked).status == "refused"
    assert talk.taps("Continue", of=offered).status == "refused"
    assert talk.says("Confirm").status == "completed"


@pytest.mark.parametrize("ending", [["cancel"], ["12", "bob", "Confirm"]])
def test_a_run_that_has_ended_is_never_offered(any_redis: Redis, prefix: str, ending: list[str]) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", *ending)
    talk.ages(minutes=6)
    talk.runner.due()
    assert words(talk.says("hello?")) == "You can send: offer."


def test_an_answer_that_was_sent_in_time_counts_although_a_worker_was_quicker(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], channel=WHATSAPP)
    talk.says("offer", "12")
    sent = talk.now + timedelta(minutes=4)
    talk.ages(minutes=6)
    assert len(talk.runner.due()) == 1
    assert talk.says("bob", sent_at=sent).step_id == "confirm"
    assert talk.data == {"amount": "12", "handle": "bob"}
    assert talk.manager.rollback(talk.member_id).flow_data is not None
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.step_id == "handle"


def test_a_tap_that_was_made_in_time_counts_although_a_worker_was_quicker(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    asked = talk.says("order")
    sent = talk.now + timedelta(minutes=4)
    talk.ages(minutes=6)
    assert len(talk.runner.due()) == 1
    tap = talk.message("Big", option_id=wire_id_of(asked, "Big"), kind="option", sent_at=sent)
    assert talk.sends(tap).step_id == "sure"


def test_where_a_worker_has_closed_what_nobody_answered_the_closing_words_are_said_once(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer")
    talk.ages(minutes=6)
    assert len(talk.runner.due()) == 1
    assert words(talk.says("12")) == CLOSED
    assert words(talk.says("12")) == "You can send: offer."


@pytest.mark.parametrize("is_told", [False, True])
def test_where_a_deploy_removed_the_step_only_starting_over_is_left(
    any_redis: Redis, prefix: str, is_told: bool
) -> None:
    class Shorter(Offer):
        steps = (Offer.steps[0], Offer.steps[2])

    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.ages(minutes=6)
    talk.runner.due()
    if is_told:
        talk.says("hello?")
    talk.deploys([Shorter])
    reply = talk.says("Continue")
    assert (words(reply), reply.status) == (CLOSED, "expired")
    assert talk.says("offer").step_id == "amount"


def test_where_a_deploy_removed_the_flow_something_else_can_be_started(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.waits(minutes=6)
    talk.says("hello?")
    talk.waits(minutes=6)
    talk.deploys([Order])
    assert words(talk.says("Continue")) == "You can send: order."


def test_the_offer_speaks_the_runners_language(any_redis: Redis, prefix: str) -> None:
    german = Sentences(offer="Weiter nach {silence}?", go_on="Weiter", start_over="Von vorn")
    talk = Talk(any_redis, prefix, [Offer], sentences=german)
    talk.says("offer", "12")
    talk.waits(minutes=6)
    assert words(talk.says("hello?")) == "Weiter nach 5 minutes?"
    assert talk.says("weiter").step_id == "handle"


def test_two_choices_that_are_called_the_same_are_refused() -> None:
    with pytest.raises(ValueError, match="two choices"):
        Sentences(go_on="Ja", start_over="JA")


def test_a_run_that_is_gone_on_with_is_closed_again_by_the_next_silence(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    for _ in range(3):
        talk.ages(minutes=6)
        assert len(talk.runner.due()) == 1
        talk.says("hello?")
        assert talk.taps("Continue").step_id == "handle"


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
        flow_type = "dishes"
        steps = (Step(id="what", type=StepType.BUTTON, message="What?", options=(Option("offer", "Offer"),)),)

    talk = Talk(any_redis, prefix, [Menu, Offer])
    shown = talk.says("dishes")
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


# -- a flow within a flow ---------------------------------------------------------------------------------------------


class Address(Flow):
    """Asks where to."""

    flow_type = "address"
    timeout = timedelta(hours=1)
    steps = (
        Step(id="town", type=StepType.TEXT, message="Which town?"),
        Step(id="street", type=StepType.TEXT, message="Which street?", timeout=timedelta(minutes=1)),
    )


class Parcel(Flow):
    """Asks what, and in a flow of its own where to."""

    flow_type = "parcel"
    keywords = ("parcel",)
    steps = (Step(id="what", type=StepType.TEXT, message="What?"), SubFlow("address", Address))


@pytest.mark.parametrize("is_looked_after", [False, True])
def test_a_run_is_gone_on_with_where_it_stood_within_another_flow(
    any_redis: Redis, prefix: str, is_looked_after: bool
) -> None:
    talk = Talk(any_redis, prefix, [Parcel])
    talk.says("parcel", "a book", "Accra")
    talk.ages(minutes=1, seconds=1)
    assert len(talk.runner.due() if is_looked_after else ()) == is_looked_after
    assert words(talk.says("Ring Road")) == OFFERED.replace("5 minutes", "1 minute")
    assert words(talk.taps("Continue")) == "Which street?"
    assert talk.says("Ring Road").status == "completed"


def test_starting_over_leaves_the_flow_within(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Parcel])
    talk.says("parcel", "a book", "Accra")
    talk.waits(minutes=6)
    talk.says("hello?")
    assert words(talk.taps("Start over")) == "What?"
    assert talk.data == {}


def test_a_flow_within_waits_as_long_as_the_one_around_it_where_its_step_does_not_say(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Parcel])
    talk.says("parcel", "a book")
    talk.ages(minutes=4, seconds=59)
    assert talk.runner.due() == []
    talk.ages(seconds=1)
    assert [due.kind for due in talk.runner.due()] == ["expire"]
