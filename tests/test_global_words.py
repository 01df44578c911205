"""What a member may type at any question: back, cancel, restart, help."""

from __future__ import annotations

import pytest
from redis import Redis

from fsmflow import Flow, FlowDefinitionError, Option, Sentences, Step, StepType, Words
from tests.talking import Offer, Order, Talk, words

pytestmark = pytest.mark.usefixtures("side")


def test_back_asks_the_question_before_and_keeps_its_answer_until_another_comes(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    reply = talk.says("offer", "12", "back")
    assert (words(reply), reply.status, reply.step_id) == (
        "Your answer was: 12\n\nHow much?",
        "in_progress",
        "amount",
    )
    assert words(talk.says("13", "bob")) == "Offer 13 to bob?"


def test_back_walks_the_members_own_path_to_the_first_question(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    assert words(talk.says("offer", "12", "bob", "Back")) == "Your answer was: bob\n\nTo which handle?"
    assert words(talk.says(" BACK ")) == "Your answer was: 12\n\nHow much?"


def test_back_at_the_first_question_is_refused_with_the_question(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    reply = talk.says("offer", "back")
    assert words(reply) == "This is the first question: there is nothing to go back to.\n\nHow much?"
    assert reply.status == "refused"
    assert talk.state.to_dict()["flow_data"]["data"].keys() == {"flow_type", "channel"}


def test_back_skips_what_the_member_was_never_asked(any_redis: Redis, prefix: str) -> None:
    class Detour(Flow):
        flow_type = "detour"
        steps = (
            Step(
                id="way",
                type=StepType.BUTTON,
                message="Way?",
                options=(Option("short", "Short", to="end"), Option("long", "Long")),
            ),
            Step(id="scenery", type=StepType.TEXT, message="Which scenery?"),
            Step(id="end", type=StepType.TEXT, message="Where to?"),
        )

    talk = Talk(any_redis, prefix, [Detour])
    assert words(talk.says("detour", "Short", "back")) == "Your answer was: Short\n\nWay?"
    assert words(talk.says("Long", "hills", "back")) == "Your answer was: hills\n\nWhich scenery?"


def test_cancel_ends_the_run_and_keeps_nothing_open(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    reply = talk.says("offer", "12", "cancel")
    assert (words(reply), reply.status, reply.step_id) == ("Cancelled.", "cancelled", "cancelled")
    assert words(talk.says("12")) == "You can send: offer."


def test_restart_is_another_run_with_no_answers_and_no_way_back(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    first = talk.state.flow_data
    reply = talk.says("restart")
    second = talk.state.flow_data
    assert first is not None
    assert second is not None
    assert (words(reply), second.data, second.path) == ("How much?", {}, ())
    assert second.run_id != first.run_id
    assert talk.state.previous is None
    assert talk.says("back").status == "refused"


def test_help_says_the_words_and_asks_again(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    before = talk.fields["flow_data"]
    reply = talk.says("help")
    assert words(reply) == "Please answer the question, or send one of: back, cancel, restart.\n\nTo which handle?"
    assert talk.fields["flow_data"] == before


def test_words_are_configurable_and_can_be_switched_off(any_redis: Redis, prefix: str) -> None:
    spoken = Words(cancel=("Leave it", "0"), back=(), help=("?",))
    talk = Talk(any_redis, prefix, [Offer], words=spoken)
    told = words(talk.says("offer", "12", "?"))
    assert told.startswith("Please answer the question, or send one of: leave it, restart.")
    assert talk.says("back").step_id == "confirm"
    assert talk.data["handle"] == "back"
    assert talk.says("leave  IT").status == "cancelled"


def test_sentences_are_configurable(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], sentences=Sentences(cancelled="Abgebrochen.", idle="Möglich: {keywords}."))
    assert words(talk.says("offer", "cancel")) == "Abgebrochen."
    assert words(talk.says("x")) == "Möglich: offer."


def test_an_options_own_title_wins_over_a_word(any_redis: Redis, prefix: str) -> None:
    class Refund(Flow):
        flow_type = "refund"
        steps = (
            Step(
                id="what",
                type=StepType.BUTTON,
                message="What now?",
                options=(Option("c", "Cancel"), Option("k", "Keep")),
            ),
            Step(id="why", type=StepType.TEXT, message="Why?"),
        )

    talk = Talk(any_redis, prefix, [Refund])
    assert (words(talk.says("refund", "cancel")), talk.data) == ("Why?", {"what": "c"})
    assert talk.says("cancel").status == "cancelled"


@pytest.mark.parametrize("typed", ["please cancel", "cancel!", "can cel"])
def test_a_word_within_other_words_is_an_answer(any_redis: Redis, prefix: str, typed: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    assert talk.says("offer", "12", typed).step_id == "confirm"
    assert talk.data["handle"] == typed


def test_a_caption_is_no_word(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    assert talk.sends(talk.message("cancel", kind="image")).status == "refused"


@pytest.mark.parametrize("word", ["back", "cancel", "restart"])
def test_a_word_clears_what_was_refused(any_redis: Redis, prefix: str, word: str) -> None:
    talk = Talk(any_redis, prefix, [Order])
    talk.says("order", "Big", "neither")
    assert "validation" in talk.state.to_dict()["flow_data"]["data"]
    talk.says(word)
    assert "validation" not in talk.state.to_dict()["flow_data"]["data"]


def test_a_button_of_an_approved_template_may_be_a_global_word(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12")
    reply = talk.sends(talk.message("Leave it", option_id="cancel", kind="option"))
    assert reply.status == "cancelled"


def test_why_a_message_was_no_answer_stands_in_the_trail(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    early = talk.message("12")
    talk.waits(seconds=5)
    talk.says("offer", "back")
    talk.sends(talk.message("Confirm", option_id="00000000.confirm", kind="option"))
    talk.sends(early)
    told = [entry.reason for entry in talk.manager.history(talk.member_id) if entry.status == "refused"]
    assert told == ["nothing to go back to", "a choice of an earlier question", "older than the last message"]


def test_a_keyword_that_means_something_at_every_question_is_told_when_the_runner_is_made(
    any_redis: Redis, prefix: str
) -> None:
    class Back(Offer):
        flow_type = "again"
        keywords = ("from the start", "Back")

    with pytest.raises(FlowDefinitionError, match=r"Back: the keyword 'back'"):
        Talk(any_redis, prefix, [Back])
    assert Talk(any_redis, prefix, [Back], words=Words(back=())).says("back").step_id == "amount"
