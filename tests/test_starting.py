"""How a run begins: by a keyword, as the default, by the application; and what is said where none does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from redis import Redis

from fsmflow import Channel, Flow, FlowDefinitionError, Inbound, NewerState, Step, StepType
from tests.talking import CONSOLE, Offer, Order, Talk, words

pytestmark = pytest.mark.usefixtures("side")


@pytest.mark.parametrize("typed", ["offer", "OFFER", "  Offer ", "Make an offer", "make  AN\noffer"])
def test_a_keyword_starts_its_flow_in_any_case_and_spacing(any_redis: Redis, prefix: str, typed: str) -> None:
    talk = Talk(any_redis, prefix, [Order, Offer])
    reply = talk.says(typed)
    assert (words(reply), reply.status) == ("How much?", "in_progress")
    assert (reply.flow_id, reply.step_id, reply.member_id) == ("offer_console:ann", "amount", "console:ann")


def test_a_flow_without_keywords_is_started_by_its_type(any_redis: Redis, prefix: str) -> None:
    class TellFriend(Flow):
        flow_type = "tell_friend"
        steps = (Step(id="name", type=StepType.TEXT, message="Whom?"),)

    talk = Talk(any_redis, prefix, [TellFriend])
    assert words(talk.says("hello")) == "You can send: tell friend."
    assert words(talk.says("Tell Friend")) == "Whom?"
    talk.says("cancel")
    assert words(talk.says("tell_friend")) == "Whom?"


def test_anything_else_is_told_what_can_be_started_and_opens_nothing(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    reply = talk.says("hello")
    assert (words(reply), reply.status) == ("You can send: offer, order.", "idle")
    assert (reply.flow_id, reply.step_id) == (None, None)
    assert talk.state.flow_data is None
    assert talk.state.unreadable == ()


@pytest.mark.parametrize("default", [Offer, "offer"])
def test_a_default_flow_is_started_by_what_names_no_other(any_redis: Redis, prefix: str, default: Any) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order], default=default)
    assert words(talk.says("hello")) == "How much?"


def test_a_keyword_wins_over_the_default(any_redis: Redis, prefix: str) -> None:
    assert words(Talk(any_redis, prefix, [Offer, Order], default=Offer).says("order")) == "Which size?"


@pytest.mark.parametrize("word", ["cancel", "back", "Restart", "HELP"])
def test_a_global_word_does_not_start_the_default(any_redis: Redis, prefix: str, word: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], default=Offer)
    assert (talk.says(word).status, talk.state.flow_data) == ("idle", None)
    button = talk.message("Press me", option_id=word, kind="option")  # of an approved template
    assert (talk.sends(button).status, talk.state.flow_data) == ("idle", None)


def test_a_picture_starts_the_default_and_is_no_answer(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], default=Offer)
    reply = talk.sends(talk.message(None, kind="image"))
    assert (words(reply), talk.data) == ("How much?", {})


def test_a_channels_own_button_starts_a_flow_by_its_id(any_redis: Redis, prefix: str) -> None:
    """A template's quick reply carries the payload that the template was sent with."""
    talk = Talk(any_redis, prefix, [Offer, Order])
    assert words(talk.sends(talk.message("I want one", option_id="order", kind="option"))) == "Which size?"


def test_a_keyword_typed_at_a_text_question_is_its_answer(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    reply = talk.says("offer", "12", "order")
    assert (talk.data["handle"], reply.step_id) == ("order", "confirm")


def test_a_keyword_typed_at_a_choice_starts_nothing_and_is_asked_about(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    reply = talk.says("order", "offer")
    assert (reply.status, reply.flow_id) == ("in_progress", "order_console:ann")
    assert words(reply).startswith("You asked for offer")


def test_after_the_end_a_keyword_starts_another_run_and_nothing_else_does(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    assert talk.says("offer", "12", "bob", "confirm").status == "completed"
    first = talk.state.flow_data
    idle = talk.says("thanks")
    assert (words(idle), idle.status, idle.flow_id) == ("You can send: offer.", "idle", None)
    assert talk.state.flow_data == first
    assert words(talk.says("offer")) == "How much?"
    second = talk.state.flow_data
    assert first is not None
    assert second is not None
    assert second.run_id != first.run_id
    assert second.data == {}
    assert talk.state.previous is None


def test_two_members_who_start_with_the_same_message_id_have_two_runs(any_redis: Redis, prefix: str) -> None:
    """The run's id is part of the key that a payment is made under."""
    talk = Talk(any_redis, prefix, [Offer], dated=False)
    talk.sends(Inbound(CONSOLE, "1", "offer"))
    talk.sends(Inbound(Channel("console", "bob"), "1", "offer"))
    runs = [talk.manager.load(member_id).flow_data for member_id in ("console:ann", "console:bob")]
    assert len({run.run_id for run in runs if run is not None}) == 2


def test_the_application_starts_a_flow_whatever_the_message_says(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    reply = talk.runner.start("order", talk.message("offer"), run_id="invoice-7")
    assert words(reply) == "Which size?"
    run = talk.state.flow_data
    assert run is not None
    assert (run.run_id, run.flow_type) == ("invoice-7", "order")


def test_the_application_starts_a_flow_and_what_was_open_is_left(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    talk.says("offer", "12")
    talk.runner.start("order", talk.message("x"))
    assert talk.manager.rollback(talk.member_id).flow_data == talk.state.flow_data
    run = talk.state.flow_data
    assert run is not None
    assert (run.flow_type, run.data) == ("order", {})


def test_a_start_that_is_delivered_again_is_one_start(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    inbound = talk.message("x")
    first = talk.runner.start("offer", inbound)
    again = talk.runner.start("offer", inbound)
    assert (first.duplicate, again.duplicate, words(again)) == (False, True, "How much?")
    assert [event for event, _, _ in talk.events] == ["flow_start", "step_start"]


def test_a_flow_that_the_runner_has_not_cannot_be_started(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    with pytest.raises(FlowDefinitionError, match="order: this runner has no such flow"):
        talk.runner.start("order", talk.message("x"))
    assert talk.fields == {}


def test_a_flow_that_builds_its_steps_starts_without_the_answers_of_the_run_before(
    any_redis: Redis, prefix: str
) -> None:
    given: list[Mapping[str, Any]] = []

    class Built(Flow):
        def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
            given.append(state["flow_data"]["data"])
            steps = [Step(id="amount", type=StepType.TEXT, message="How much?")]
            super().__init__(f"{flow_type}_{state['member_id']}", steps)

    talk = Talk(any_redis, prefix, {"lend": Built, "borrow": Built})
    assert talk.says("lend", "12").status == "completed"
    given.clear()
    talk.says("borrow")
    assert [(data["flow_type"], "amount" in data) for data in given] == [("borrow", False)]


def test_a_late_message_starts_nothing_where_nothing_is_open(any_redis: Redis, prefix: str) -> None:
    """What was sent before the end of a conversation, and comes after it, is no wish for another one."""
    talk = Talk(any_redis, prefix, [Offer], default="offer")
    early = talk.message("offer")
    talk.waits(seconds=5)
    talk.says("offer", "12", "bob", "confirm")
    ended = talk.state.flow_data
    reply = talk.sends(early)
    assert reply.status == "refused"
    assert words(reply).startswith("That message came late")
    assert talk.state.flow_data == ended


def test_what_the_application_starts_is_started_although_the_state_cannot_be_read(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    talk.redis.hset(talk.key, "flow_data", "?")
    reply = talk.runner.start("offer", talk.message("hello"))
    assert (words(reply), reply.status, reply.step_id) == ("How much?", "in_progress", "amount")
    assert talk.quarantine == {"flow_data": b"?"}
    assert ("recovery_attempt", "in_progress", None) in talk.events


def test_a_run_that_the_application_leaves_is_left_in_the_trail(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    first = talk.says("offer", "12")
    talk.runner.start("offer", talk.message("hello"))
    [left] = [entry for entry in talk.manager.history(talk.member_id) if entry.status == "left"]
    assert (left.event_type, left.step_id, left.run_id) == ("cancel", "handle", first.run_id)


def test_a_run_id_that_is_given_again_does_not_bring_its_old_buttons_back(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order])
    old = talk.runner.start("order", talk.message("x"), run_id="r1")
    talk.waits(seconds=1)
    talk.runner.start("order", talk.message("y"), run_id="r1")
    assert talk.taps("Big", of=old).status == "refused"


@pytest.mark.parametrize("kind", ["reaction", "system"])
@pytest.mark.parametrize("opened", [(), ("offer", "12")])
def test_what_is_said_beside_the_conversation_gets_no_answer_and_changes_nothing(
    any_redis: Redis, prefix: str, kind: str, opened: tuple[str, ...]
) -> None:
    talk = Talk(any_redis, prefix, [Offer], default="offer")
    if opened:
        talk.says(*opened)
    before = talk.state.flow_data
    inbound = talk.message(None, kind=kind)
    reply = talk.sends(inbound)
    assert (reply.messages, reply.status) == ((), "ignored")
    assert talk.state.flow_data == before
    assert talk.sends(inbound).duplicate


def test_a_flow_that_is_no_longer_known_is_let_go_although_one_message_is_delivered_again_and_again(
    any_redis: Redis, prefix: str
) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    talk.says("order")
    talk.deploys([Offer])
    inbound = talk.message("hello")
    with pytest.raises(NewerState):
        talk.sends(inbound)
    talk.waits(minutes=6)
    assert talk.sends(inbound).status == "recovered"
