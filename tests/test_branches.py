"""Branches in a conversation: the way that a member took, back along it, and what is kept in the end."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from fsmflow import Flow, Option
from fsmflow.step import Route
from tests.branched import Parcel, choice, text
from tests.talking import SECRET, Talk, in_memory, records_of, stored_bytes, words

pytestmark = pytest.mark.usefixtures("side")


def parcel() -> Talk:
    talk = in_memory([Parcel])
    talk.says("parcel")
    return talk


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        (("20",), "why?"),
        (("20", "because"), "pay?"),
        (("5",), "weight?"),
        (("5", "2"), "note?"),
        (("5", "2", "skip"), "pay?"),
        (("2",), "pay?"),
        (("2", "Now"), "card?"),
        (("2", "Later"), "sure?"),
        (("0",), "Cancelled."),
        (("2", "Never"), "This could not be completed."),
        (("2", "Now", "1234"), "sure?"),
        (("2", "Now", "1234", "Yes"), "Sent: count, pay, card, sure"),
    ],
)
def test_an_answer_takes_the_first_way_whose_predicate_holds(answers: tuple[str, ...], asked: str) -> None:
    assert words(parcel().says(*answers)) == asked


def test_on_a_real_store_too_a_branch_survives_the_restart_of_the_worker(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Parcel])
    talk.says("parcel", "20")
    talk.deploys([Parcel])
    assert words(talk.says("because")) == "pay?"
    talk.deploys([Parcel])
    assert words(talk.says("back")) == "Your answer was: because\n\nwhy?"


def test_back_goes_the_members_own_way_over_what_was_skipped_and_shows_what_was_answered() -> None:
    talk = parcel()
    talk.says("2", "Later")
    assert words(talk.says("back")) == "Your answer was: Later\n\npay?"
    assert words(talk.says("back")) == "Your answer was: 2\n\ncount?"
    assert words(talk.says("back")) == "This is the first question: there is nothing to go back to.\n\ncount?"


def test_later_answers_are_kept_and_shown_until_they_are_changed() -> None:
    talk = parcel()
    talk.says("5", "2 kg", "fragile", "Now", "1234", "back", "back", "back", "back")
    assert words(talk.says("back")) == "Your answer was: 5\n\ncount?"
    assert words(talk.says("6")) == "Your answer was: 2 kg\n\nweight?"
    assert words(talk.says("3 kg")) == "Your answer was: fragile\n\nnote?"
    assert words(talk.says("skip")) == "Your answer was: Now\n\npay?"
    assert words(talk.says("Now")) == "Your answer was: 1234\n\ncard?"
    assert talk.data == {"count": "6", "weight": "3 kg", "note": None, "pay": "now", "card": "1234"}


def test_the_answers_of_a_branch_that_was_left_are_forgotten_once_no_way_leads_to_it() -> None:
    talk = parcel()
    talk.says("20", "because", "Now", "1234", "back", "back", "back", "back")
    assert words(talk.says("2")) == "Your answer was: Now\n\npay?"
    assert "why" not in talk.data
    reply = talk.says("Later", "Yes")
    assert (words(reply), list(reply.data or {})) == ("Sent: count, pay, sure", ["count", "pay", "sure"])
    assert talk.data == {"count": "2", "pay": "later", "sure": "yes"}


def test_rollback_takes_the_last_answer_back_whichever_branch_it_led_into(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Parcel])
    talk.says("parcel", "20", "because")
    talk.manager.rollback(talk.member_id)
    assert words(talk.says("help")).endswith("why?")
    assert talk.data == {"count": "20"}


def test_restart_forgets_every_branch() -> None:
    talk = parcel()
    talk.says("20", "because", "Now")
    assert words(talk.says("restart")) == "count?"
    assert (talk.data, talk.state.previous) == ({}, None)


class Kinds(Flow):
    """Answers of every kind, to be shown again."""

    flow_type = "kinds"

    def whole(self, value: str) -> int:
        return int(value)

    def part(self, value: str) -> float:
        return float(value)

    def truth(self, value: str) -> bool:
        return value == "yes"

    def letters(self, value: str) -> list[str]:
        return list(value)

    def code(self, value: str) -> str:
        return f"CODE-{value}"

    steps = (
        text("whole", transformer=whole),
        text("part", transformer=part),
        text("truth", transformer=truth),
        text("letters", transformer=letters),
        choice("coded", transformer=code),
        text("secret", sensitive=True),
        text("long"),
        text("last"),
    )


@pytest.mark.parametrize(
    ("step_id", "shown"),
    [
        ("whole", "whole?"),
        ("part", "part?"),
        ("truth", "truth?"),
        ("letters", "letters?"),
        ("coded", "coded?"),
        ("secret", "secret?"),
        ("long", "long?"),
    ],
)
def test_an_earlier_answer_is_shown_where_it_has_words_that_the_member_knows(step_id: str, shown: str) -> None:
    talk = in_memory([Kinds])
    talk.says("kinds", "12", "1.5", "yes", "abc", "Yes", SECRET, "x" * 201)
    for _ in range(10):
        said = words(talk.says("back"))
        if said.endswith(f"{step_id}?"):
            break
    assert said == shown


def test_a_choice_that_a_release_took_away_is_not_shown_by_its_id() -> None:
    class Before(Flow):
        flow_type = "choosing"
        steps = (choice("which", Option("internal_7", "Seven"), Option("two", "Two")), text("then"))

    class After(Flow):
        flow_type = "choosing"
        steps = (choice("which", Option("two", "Two"), Option("three", "Three")), text("then"))

    talk = in_memory([Before])
    talk.says("choosing", "Seven")
    talk.deploys([After])
    assert words(talk.says("back")) == "which?"


def test_what_is_sensitive_before_a_branch_is_nowhere_but_in_the_run(any_redis: Redis, prefix: str) -> None:
    class Guarded(Flow):
        flow_type = "guarded"

        def is_long(self, value: str) -> bool:
            return len(value) > 4

        steps = (text("pin", sensitive=True, routes=(Route("c", is_long),)), text("b"), text("c"))

    with records_of() as records:
        talk = Talk(any_redis, prefix, [Guarded])
        talk.says("guarded", SECRET)
        assert words(talk.says("back", SECRET)) == "c?"
    assert SECRET not in repr(records)
    assert not [key for key, raw in stored_bytes(any_redis, prefix).items() if SECRET.encode() in raw]


# -- deploys -----------------------------------------------------------------------------------------------------------


def long_way(_: Any) -> bool:
    return True


def short_way(_: Any) -> bool:
    return False


def released(*steps: Any) -> type[Flow]:
    return type("Released", (Flow,), {"flow_type": "released", "steps": steps})


ROUTED = (text("a", routes=(Route("c", short_way),)), text("b"), text("c"), text("d"))


def test_a_predicate_that_says_otherwise_now_moves_nobody() -> None:
    talk = in_memory([released(*ROUTED)])
    talk.says("released", "1")
    talk.deploys([released(text("a", routes=(Route("c", long_way),)), *ROUTED[1:])])
    assert words(talk.says("2")) == "c?"
    assert words(talk.says("back", "back")) == "Your answer was: 1\n\na?"


def test_a_route_that_is_new_moves_nobody_off_a_way_that_is_still_there() -> None:
    talk = in_memory([released(*ROUTED)])
    talk.says("released", "1")
    talk.deploys([released(text("a", routes=(Route("d", long_way), Route("c", short_way))), *ROUTED[1:])])
    assert words(talk.says("2")) == "c?"


def test_where_the_way_that_a_member_took_is_gone_the_question_before_it_is_asked_again() -> None:
    talk = in_memory([released(text("a", routes=(Route("c", long_way),)), *ROUTED[1:])])
    talk.says("released", "1")
    three = (text("a", routes=(Route("d", short_way),)), text("b"), text("c"), text("d"))
    talk.deploys([released(*three)])
    reply = talk.says("2")
    assert reply.status == "recovered"
    assert words(reply).endswith("a?")  # to b or to d: only its predicates know
    assert words(talk.says("1")) == "b?"


def test_where_one_way_only_is_left_its_question_is_asked() -> None:
    talk = in_memory([released(text("a", routes=(Route("c", long_way),)), *ROUTED[1:])])
    talk.says("released", "1")
    talk.deploys([released(text("a"), *ROUTED[1:])])
    reply = talk.says("2")
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "b?")


def test_a_question_that_is_asked_in_between_is_not_passed_over_by_a_way_that_the_member_did_not_take() -> None:
    first = (text("a"), text("b"), text("c"), text("d"))
    talk = in_memory([released(*first)])
    talk.says("released", "1", "2")
    # b is reached no more from a, unless x is; c may follow on a as well
    then = (text("a", routes=(Route("c", short_way),)), text("x"), text("b"), text("c"), text("d"))
    talk.deploys([released(*then)])
    reply = talk.says("3")
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "a?")


def test_who_had_gone_back_to_the_first_question_is_asked_it_though_a_later_answer_fits_no_more() -> None:
    talk = in_memory([released(text("a"), text("b"), text("c"))])
    talk.says("released", "one", "two", "back", "back")

    def number(value: str) -> int:
        return int(value)

    talk.deploys([released(text("a"), text("b", transformer=number), text("c"))])
    reply = talk.says("uno")
    assert (reply.status, words(reply).splitlines()[-1]) == ("recovered", "a?")


def test_a_step_that_a_release_has_skipped_is_still_where_its_member_is() -> None:
    talk = in_memory([released(text("a"), text("b"), text("c"))])
    talk.says("released", "1")
    talk.deploys([released(text("a"), text("b", skip_when=lambda: True), text("c"))])
    assert words(talk.says("2")) == "c?"
    assert words(talk.says("back")) == "Your answer was: 2\n\nb?"
