"""Buttons stay on the screen for ever: which tap is an answer, and which is stale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from redis import Redis

from fsmflow import Flow, Inbound, Option, Step, StepType, Words
from fsmflow.messages import options_of
from fsmflow.taps import is_wire_id, nonce_of, tapped, wire_id
from tests.talking import BEGINNING, WHATSAPP, Offer, Order, Talk, in_memory, wire_id_of, words

pytestmark = pytest.mark.usefixtures("side")

STALE = "That choice belongs to an earlier question."


def test_an_options_id_leaves_with_the_nonce_of_its_question(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order])
    reply = talk.says("order")
    run = talk.state.flow_data
    assert run is not None
    assert wire_id_of(reply, "Big") == f"{nonce_of(run.run_id, run.visit)}.yes"


@pytest.mark.parametrize("option_id", ["x" * 55, "é" * 27 + "x", "a.b", "deadbeef.yes"])
def test_the_longest_id_fits_sixty_four_bytes_and_comes_back_whole(
    any_redis: Redis, prefix: str, option_id: str
) -> None:
    class One(Flow):
        flow_type = "one"
        steps = (Step(id="which", type=StepType.BUTTON, message="Which?", options=(Option(option_id, "This"),)),)

    talk = Talk(any_redis, prefix, [One], channel=WHATSAPP)
    reply = talk.says("one")
    assert len(wire_id_of(reply, "This").encode()) <= 64
    talk.taps("This")
    assert talk.data == {"which": option_id}


def test_a_tap_on_the_current_question_is_its_answer(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    talk.says("order")
    assert talk.taps("Small").step_id == "sure"
    assert talk.taps("Yes").status == "completed"
    assert talk.data == {"size": "no", "sure": "yes"}


def test_a_tap_on_an_earlier_question_is_refused_although_both_have_its_option(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    first = talk.says("order")
    talk.taps("Small")
    reply = talk.taps("Big", of=first)
    assert (words(reply), reply.status, reply.step_id) == (f"{STALE}\n\nAre you sure?", "refused", "sure")
    assert talk.data == {"size": "no"}
    assert talk.taps("Yes").status == "completed"


def test_a_tap_on_the_same_question_as_it_was_first_asked_is_taken(any_redis: Redis, prefix: str) -> None:
    """A refusal, help and a stale tap ask the same question again: its first buttons mean the same."""
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    first = talk.says("order")
    talk.says("huge", "help")
    assert talk.taps("Big", of=first).step_id == "sure"


def test_a_tap_on_an_earlier_run_is_refused(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    first = talk.says("order")
    talk.says("cancel", "order")
    assert words(talk.taps("Big", of=first)) == f"{STALE}\n\nWhich size?"


@pytest.mark.parametrize("ending", ["cancel", "Yes"])
def test_a_tap_after_the_end_opens_nothing(any_redis: Redis, prefix: str, ending: str) -> None:
    """Not even if its title is a keyword, or there is a default: the member meant the question that is over."""
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP, default=Order)
    talk.says("order")
    last = talk.taps("Big")
    talk.says(ending)
    ended = talk.state.flow_data
    inbound = talk.message("order", option_id=wire_id_of(last, "Yes"), kind="option")
    reply = talk.sends(inbound)
    assert (words(reply), reply.status) == (f"{STALE}\n\nYou can send: order.", "refused")
    assert talk.state.flow_data == ended


@pytest.mark.parametrize("word", ["back", "restart"])
def test_after_back_and_restart_the_buttons_shown_before_are_stale(any_redis: Redis, prefix: str, word: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    first = talk.says("order")
    second = talk.taps("Big")
    again = talk.says(word)
    for earlier in (first, second):
        title = "Small" if earlier is first else "No"
        assert words(talk.taps(title, of=earlier)) == f"{STALE}\n\nWhich size?"
    assert talk.taps("Small", of=again).step_id == "sure"
    assert talk.data == {"size": "no"}


def test_after_a_rollback_the_buttons_shown_before_are_stale(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    first = talk.says("order")
    second = talk.taps("Big")
    talk.manager.rollback(talk.member_id)
    assert talk.taps("Small", of=first).status == "refused"
    talk.taps("Small")
    assert words(talk.taps("Yes", of=second)) == f"{STALE}\n\nAre you sure?"


def test_another_members_tap_is_refused(any_redis: Redis, prefix: str) -> None:
    ann = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    bob = Talk(any_redis, prefix, [Order])
    shown = bob.says("order")
    ann.says("order")
    assert ann.taps("Big", of=shown).status == "refused"
    assert ann.data == {}


@pytest.mark.parametrize("forged", ["yes", "00000000.yes", ".yes", "", "yes.yes", "\x00", "nonce.", "confirm"])
def test_a_forged_or_unprefixed_id_is_refused_with_the_question(any_redis: Redis, prefix: str, forged: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    talk.says("order")
    reply = talk.sends(talk.message("Big", option_id=forged, kind="option"))
    assert words(reply) == f"{STALE}\n\nWhich size?"
    assert talk.data == {}


def test_the_right_nonce_does_not_make_an_option(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Order], channel=WHATSAPP)
    genuine = wire_id_of(talk.says("order"), "Big")
    reply = talk.sends(talk.message("Big", option_id=genuine.replace("yes", "maybe"), kind="option"))
    assert words(reply) == "Please choose one of the options.\n\nWhich size?"


def test_a_tap_at_a_text_question_is_stale(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order], channel=WHATSAPP)
    shown = talk.says("order")
    talk.says("cancel", "offer")
    assert words(talk.taps("Big", of=shown)) == f"{STALE}\n\nHow much?"


@given(st.text(min_size=1), st.integers(min_value=0), st.text(min_size=1))
def test_a_wire_id_gives_its_option_back_to_its_own_question_alone(run_id: str, visit: int, option_id: str) -> None:
    nonce = nonce_of(run_id, visit)
    sent = wire_id(nonce, option_id)
    assert is_wire_id(sent)
    assert tapped(nonce, sent) == option_id
    assert tapped(nonce_of(run_id, visit + 1), sent) is None
    assert len(sent.encode()) == len(option_id.encode()) + 9


@given(st.text())
def test_no_id_that_is_tapped_is_ever_taken_but_the_ones_that_were_shown(option_id: str) -> None:
    assume(Words().meaning(option_id) is None)  # a template's button may say "cancel"
    talk = in_memory([Order], channel=WHATSAPP)
    shown = {wire_id_of(talk.says("order"), title) for title in ("Big", "Small")}
    inbound = Inbound(WHATSAPP, "tap", "Big", option_id=option_id, kind="option", sent_at=BEGINNING)
    assert (talk.sends(inbound).status == "refused") is (option_id not in shown)


class Accounts(Flow):
    """Builds its list from the answer before it, as a class that builds its steps may."""

    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        bank = state["flow_data"]["data"].get("bank")
        named = [Option(f"{bank}_{each}", f"Account {each} at {bank}") for each in "XY"] if bank else []
        steps = [
            Step("bank", StepType.TEXT, "Which bank?"),
            Step("account", StepType.LIST, "Which account?", options=[*named, Option("new", "Open an account")]),
        ]
        super().__init__(f"{flow_type}_{state['member_id']}", steps)


def test_what_a_flow_that_builds_its_steps_shows_is_what_it_judges(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, {"accounts": Accounts})
    shown = options_of(talk.says("accounts", "first").messages[0])
    assert [option.title for option in shown] == ["Account X at first", "Account Y at first", "Open an account"]
    assert talk.says("2").status == "completed"
    assert talk.data["account"] == "first_Y"


def test_a_restarted_flow_that_builds_its_steps_knows_no_answer_of_before(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, {"accounts": Accounts})
    talk.says("accounts", "first", "restart")
    shown = options_of(talk.says("second").messages[0])
    assert [option.title for option in shown][:1] == ["Account X at second"]
