"""Signing in where members say nothing for long, where options live, and where something is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from redis import Redis

from fsmflow import Due, Flow, Reply, Sentences, Step, StepType, SubFlow
from tests.on_offer import Shelf, accepting, offers
from tests.signing_in import FLOWS, AtTheDoor, Colour, Door, SignIn, Transfer
from tests.talking import CONSOLE, Offer, words

pytestmark = pytest.mark.usefixtures("side")
SAID = Sentences()
ADDRESS = "console:ann"
OFFER = SAID.offer.format(silence="5 minutes")


@pytest.fixture
def talk(any_redis: Redis, prefix: str) -> AtTheDoor:
    """A member whom the application knows, and who is in the middle of what is for who is signed in."""
    talk = AtTheDoor(any_redis, prefix, door=Door({CONSOLE: "ann"}))
    talk.door.lets_in()
    talk.says("transfer", "12")
    return talk


def falls_silent(talk: AtTheDoor, *, worker: bool) -> None:
    """The run's time is over, and the sign-in's, too."""
    if worker:
        comes_by(talk, minutes=6)
    else:
        talk.waits(minutes=6)
    talk.door.sessions.clear()


def comes_by(talk: AtTheDoor, **duration: float) -> list[tuple[str, str]]:
    """What a worker does after such a silence."""
    talk.ages(**duration)
    return [(each.kind, words(each.reply)) for each in talk.runner.due()]


def closed_by_then(talk: AtTheDoor) -> list[Due]:
    """What a worker does who comes by often enough."""
    found = []
    for _ in range(3):
        talk.ages(minutes=3)
        found += talk.runner.due()
    return found


def begins(reply: Reply) -> bool:
    return "Your PIN?" in words(reply)


# -- the offer to go on ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("worker", [True, False])
def test_what_a_silence_closed_is_offered_after_the_sign_in_and_gone_on_with(talk: AtTheDoor, worker: bool) -> None:
    falls_silent(talk, worker=worker)
    reply = talk.says("bob")
    assert begins(reply)
    assert OFFER not in words(reply)
    assert words(talk.signs_in()) == f"Welcome.\n----\n{OFFER}"
    assert words(talk.taps("Continue")) == "To which handle?"
    assert talk.says("joe", "confirm").data == {"amount": 12, "handle": "joe", "confirm": "confirm"}


def test_an_offer_that_is_answered_by_who_is_signed_in_no_longer_is_made_again(talk: AtTheDoor) -> None:
    talk.waits(minutes=6)
    assert words(talk.says("hello")) == OFFER
    offered = talk.last
    talk.door.sessions.clear()
    assert begins(talk.taps("Continue"))
    assert words(talk.signs_in()).endswith(OFFER)
    assert talk.taps("Continue", of=offered).step_id == "handle"


def test_starting_over_needs_a_sign_in_as_well(talk: AtTheDoor) -> None:
    talk.waits(minutes=6)
    talk.says("hello")
    talk.door.sessions.clear()
    assert begins(talk.taps("Start over"))
    talk.signs_in()
    assert words(talk.taps("Start over")) == "How much?"


def test_after_the_sign_in_what_is_no_answer_to_the_offer_answers_no_question(talk: AtTheDoor) -> None:
    falls_silent(talk, worker=True)
    talk.says("hello")
    talk.signs_in()
    assert words(talk.says("bob")).endswith(OFFER)
    assert talk.says("Continue").step_id == "handle"


@pytest.mark.parametrize("worker", [True, False])
def test_who_went_through_the_sign_in_and_is_not_signed_in_is_asked_again_and_then_offered_it(
    talk: AtTheDoor, worker: bool
) -> None:
    falls_silent(talk, worker=worker)
    talk.says("hello")
    talk.signs_in(noticed=False)
    assert words(talk.says("Continue")) == f"{SAID.sign_in_again}\n\nYour PIN?"
    assert words(talk.signs_in()).endswith(OFFER)
    assert talk.says("Continue").step_id == "handle"


@pytest.mark.parametrize("told", [True, False])
def test_nobody_has_to_sign_in_to_leave_what_a_silence_closed(talk: AtTheDoor, told: bool) -> None:
    falls_silent(talk, worker=True)
    if told:
        talk.door.lets_in()
        talk.says("hello")
        talk.door.sessions.clear()
    assert talk.says("cancel").status == "cancelled"
    assert talk.says("bob").status == "idle"


@pytest.mark.parametrize("worker", [True, False])
def test_a_keyword_starts_something_else_without_a_sign_in(talk: AtTheDoor, worker: bool) -> None:
    falls_silent(talk, worker=worker)
    assert talk.says("colour").step_id == "colour"


def test_what_was_sent_in_time_is_asked_again_after_the_sign_in_not_offered(talk: AtTheDoor) -> None:
    comes_by(talk, minutes=6)
    talk.waits(minutes=-5)  # by the channel's clock
    talk.door.sessions.clear()
    assert begins(talk.says("bob"))
    assert words(talk.signs_in()) == f"Welcome.\n----\n{SAID.resumed}\n\nTo which handle?"
    assert talk.says("joe").step_id == "confirm"


def test_what_was_offered_and_waited_for_a_sign_in_that_was_left_is_closed(talk: AtTheDoor) -> None:
    falls_silent(talk, worker=True)
    talk.says("hello")
    assert words(talk.says("cancel")).endswith(SAID.sign_in_left.format(keyword="transfer"))
    assert talk.says("Continue").status == "idle"


class InTwo(SignIn):
    """Asks for a name first."""

    steps: Any = (Step("name", StepType.TEXT, "Your name?"), *SignIn.steps)


@pytest.mark.parametrize("worker", [True, False])
@pytest.mark.parametrize("keyword", [True, False])
def test_a_sign_in_is_not_offered_and_what_waited_for_it_is_closed(
    any_redis: Redis, prefix: str, worker: bool, keyword: bool
) -> None:
    talk = AtTheDoor(any_redis, prefix, [InTwo, Transfer, Colour], door=Door({CONSOLE: "ann"}))
    talk.says("transfer", "Ann")
    falls_silent(talk, worker=worker)
    reply = talk.says("colour" if keyword else "hello")
    assert SAID.sign_in_left.format(keyword="transfer") in words(reply)
    assert "Continue" not in words(reply)
    run = talk.run_of("ann")
    assert run is not None
    assert run.waiting is None
    assert (run.flow_type, run.data) == (("colour", {}) if keyword else ("sign_in", {}))
    assert talk.says("red").status == ("completed" if keyword else "idle")


def test_a_late_word_to_leave_leaves_nothing(talk: AtTheDoor) -> None:
    talk.door.sessions.clear()
    assert begins(talk.says("cancel", sent_at=talk.now - timedelta(minutes=1)))


# -- options that live -------------------------------------------------------------------------------------------------


def barred(shelf: Shelf, **named: Any) -> type[Flow]:
    class Barred(accepting(shelf, **named)):  # type: ignore[misc] # a class that a function makes
        requires_auth = True

    return Barred


def test_options_are_asked_for_only_for_who_is_signed_in(any_redis: Redis, prefix: str) -> None:
    shelf = Shelf(offers(30))
    talk = AtTheDoor(any_redis, prefix, [SignIn, barred(shelf), Colour], door=Door({CONSOLE: "ann"}))
    talk.says("accept")
    assert words(talk.signs_in()) == f"Welcome.\n----\n{SAID.signed_in}"
    assert shelf.looked == 0
    assert "Which offer?" in words(talk.says("now"))
    talk.says("more")
    page = talk.run_of("ann")
    looked = shelf.looked
    talk.door.sessions.clear()
    for text in ("help", "menu", "1", "more", "Offer 3", "back", "skip"):
        talk.says(text)
        talk.signs_in(noticed=False)
    talk.waits(minutes=6)
    talk.says("hello")
    talk.says("cancel")
    assert (shelf.looked, page is not None and page.page) == (looked, 1)


def test_what_has_nothing_to_choose_from_is_left_after_the_sign_in(any_redis: Redis, prefix: str) -> None:
    shelf = Shelf()
    flow = barred(shelf, when_empty="cancelled", empty_message="None left.")
    talk = AtTheDoor(any_redis, prefix, [SignIn, flow], door=Door({CONSOLE: "ann"}))
    talk.says("accept")
    talk.signs_in()
    reply = talk.says("now")
    assert (words(reply), reply.status) == ("None left.", "cancelled")


def test_a_run_is_taken_over_at_its_page_and_within_another_flow(any_redis: Redis, prefix: str) -> None:
    shelf = Shelf(offers(30))

    class Around(Flow):
        flow_type = "around"
        steps = (SubFlow("inner", accepting(shelf)),)

    talk = AtTheDoor(any_redis, prefix, [*FLOWS, Around])
    talk.says("around", "more")
    left = talk.run_of(ADDRESS)
    talk.door.lets_in()
    talk.says("help")
    run = talk.run_of("ann")
    assert run is not None
    assert left is not None
    assert left.inner is not None
    assert left.inner.page == 1
    # the id of a flow names its member
    assert (run.run_id, run.inner) == (left.run_id, evolve(left.inner, id="around_ann.inner"))
    assert talk.says("Offer 12").step_id == "inner.sure"


# -- what is due -------------------------------------------------------------------------------------------------------


class Reminding(Transfer):
    """Reminds of its handle."""

    flow_type = "reminding"
    keywords: tuple[str, ...] = ("reminding",)
    steps = (
        Offer.steps[0],
        Step("handle", StepType.TEXT, "To which handle?", reminder=timedelta(minutes=2)),
    )


@pytest.mark.parametrize("signed_in", [True, False])
def test_only_who_is_signed_in_is_reminded_of_a_question_for_them(
    any_redis: Redis, prefix: str, signed_in: bool
) -> None:
    talk = AtTheDoor(any_redis, prefix, [SignIn, Reminding], door=Door({CONSOLE: "ann"}))
    talk.door.lets_in()
    talk.says("reminding", "12")
    if not signed_in:
        talk.door.sessions.clear()
    reminded = [("reminder", f"{SAID.reminder}\n\nTo which handle?")]
    assert comes_by(talk, minutes=3) == (reminded if signed_in else [])
    assert [kind for kind, _ in comes_by(talk, minutes=3)] == ["expire"]


def test_an_authenticator_that_fails_has_nobody_reminded_and_the_run_closed_in_time(
    any_redis: Redis, prefix: str
) -> None:
    faults: list[str] = []
    talk = AtTheDoor(any_redis, prefix, [SignIn, Reminding], on_fault=lambda fault, _: faults.append(str(fault)))
    talk.door.lets_in()
    talk.says("reminding", "12")
    talk.door.fault = RuntimeError("closed")
    assert comes_by(talk, minutes=3) == []
    assert faults == ["closed"]
    assert [kind for kind, _ in comes_by(talk, minutes=3)] == ["expire"]


class Open(Reminding):
    """The same for everybody."""

    flow_type = "open"
    keywords: tuple[str, ...] = ("open",)
    requires_auth = False


def test_of_what_was_taken_over_nothing_is_due_under_the_address(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix, [SignIn, Open])
    talk.says("open", "12")
    talk.door.lets_in()
    talk.says("help")
    assert talk.redis.hget(talk.manager.layout.keys(ADDRESS).state, "due") in (None, b"")
    assert [(each.kind, each.reply.member_id) for each in closed_by_then(talk)] == [
        ("reminder", "ann"),
        ("expire", "ann"),
    ]


def test_where_the_worker_died_before_it_let_the_address_go_nobody_is_reminded_there(
    any_redis: Redis, prefix: str
) -> None:
    talk = AtTheDoor(any_redis, prefix, [SignIn, Open])
    talk.says("open", "12")
    talk.door.lets_in()
    talk.dies_of(talk.message("help"), before=2)
    comes_by(talk, minutes=1)
    assert [each.reply.member_id for each in closed_by_then(talk) if each.kind == "reminder"] == ["ann"]
    assert words(talk.says("bob")) == OFFER
    assert talk.says("Continue", "bob").data == {"amount": 12, "handle": "bob"}
    assert talk.run_of(ADDRESS) is None


def test_what_a_worker_closed_under_the_address_is_offered_to_the_member(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix, [SignIn, Open, Colour])
    talk.says("open", "12")
    closed_by_then(talk)
    talk.door.lets_in()
    reply = talk.says("hello")
    assert (words(reply), reply.member_id) == (OFFER, "ann")
    assert talk.run_of(ADDRESS) is None
    assert talk.says("Continue", "bob").data == {"amount": 12, "handle": "bob"}


def test_what_was_closed_for_the_member_waits_beneath_what_is_taken_over_and_is_offered(
    any_redis: Redis, prefix: str
) -> None:
    talk = AtTheDoor(any_redis, prefix, [SignIn, Open, Colour])
    talk.door.lets_in()
    talk.says("open", "12")
    closed_by_then(talk)
    talk.door.sessions.clear()
    talk.says("colour")
    talk.door.lets_in()
    assert words(talk.says("red")) == f"Done. Thank you.\n----\n{OFFER}"
    assert talk.says("Continue").step_id == "handle"
