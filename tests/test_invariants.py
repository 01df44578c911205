"""The checker of invariants: it is silent about what truly happened, and catches a forgery of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from redis import Redis

from fsmflow import Channel, Flow, Option, Step, StepType, Words, audit
from fsmflow.audit import AuditEntry
from fsmflow.routes import PATH_LIMIT
from tests.evidence import evidence_of
from tests.forgeries import (
    DONE,
    FLOWS,
    FORGERIES,
    NAMED,
    NEXT_NAMED,
    NEXT_PIN,
    NEXT_START,
    PIN,
    REFUSED,
    TEXTS,
    Account,
    Forgery,
    History,
    told,
)
from tests.invariants import assert_all_hold, assert_holds, complaints
from tests.talking import SECRET, Offer, Talk, in_memory
from tests.trail_walk import HANDLERS, MOVES_NOTHING


def found_of(talk: Talk) -> list[str]:
    return complaints(evidence_of(talk.manager, talk.member_id), talk.answered, FLOWS)


# -- what truly happened ----------------------------------------------------------------------------------------------

CONVERSATIONS = {
    "to the end": ["account", "ann", "1234", "basic"],
    "to an end by an option": ["account", "ann", "1234", "none", "hello"],
    "to an end by silence that an option says": ["account", "ann", "1234", "too late"],
    "to a failure by an option": ["account", "ann", "1234", "broken", "account"],
    "with refusals": ["account", "ann", "1", "2", "1234", "?", "basic"],
    "back and on by another answer": ["account", "ann", "1234", "back", "back", "bob", "9999", "basic"],
    "back at the first question": ["account", "back", "ann"],
    "starting over": ["account", "ann", "restart", "bob", "cancel", "account"],
    "one flow after the other": ["account", "cancel", "offer", "007", "joe", "confirm", "offer"],
    "asking for help": ["help", "account", "help", "ann", "help"],
    "saying what starts nothing": ["hello", "account", "cancel", "hello", "cancel"],
    "a keyword as an answer": ["account", "offer", "1234"],
}


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize("texts", CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
def test_a_true_history_holds_at_every_message(any_redis: Redis, prefix: str, texts: list[str]) -> None:
    talk = Talk(any_redis, prefix, FLOWS)
    for text in texts:
        talk.says(text)
        assert found_of(talk) == []


def with_what_is_no_answer(talk: Talk) -> None:
    talk.says("offer", "12", "joe")
    asked, early = talk.last, talk.answered[1][0]
    talk.sends(early)
    talk.sends(talk.answered[2][0])
    talk.says("back")
    talk.taps("Confirm", of=asked)
    talk.waits(seconds=2)
    talk.says("bob", sent_at=talk.now)
    talk.says("too late", sent_at=early.sent_at)
    talk.says("", kind="reaction")
    talk.says("too late", sent_at=early.sent_at)
    talk.says("confirm")
    talk.says("too late, and nothing is open", sent_at=early.sent_at)


def with_nothing_but_a_tap(talk: Talk) -> None:
    talk.says("Yes", option_id="00000000.yes", kind="option")


def with_upkeep(talk: Talk) -> None:
    talk.manager.rollback(talk.member_id)
    talk.says("offer", "12", "joe", "back")
    talk.manager.rollback(talk.member_id)
    talk.manager.rollback(talk.member_id)
    talk.says("eve", "Confirm")
    talk.manager.rollback(talk.member_id)
    talk.says("Confirm")
    for _ in range(2):
        talk.manager.clear(talk.member_id)
    talk.says("hello", "offer", "15", "restart")
    talk.manager.clear(talk.member_id)


def with_silence(talk: Talk) -> None:
    for text in ("offer", "13", "account", "anything", "hello"):
        talk.says(text)
        talk.waits(hours=1)


def with_somebody_who_looks_after_members(talk: Talk) -> None:
    talk.says("account")
    talk.ages(minutes=1)
    assert [due.kind for due in talk.runner.due()] == ["reminder"]
    talk.says("ann")
    talk.ages(minutes=6)
    assert [due.kind for due in talk.runner.due()] == ["expire"]
    talk.says("hello")
    talk.taps("Continue")
    talk.says("1234")


def with_runs_that_the_operator_starts(talk: Talk) -> None:
    def starts(flow_type: str) -> None:
        inbound = talk.message("whatever it says")
        talk.answered.append((inbound, talk.runner.start(flow_type, inbound)))

    starts("offer")
    talk.says("14")
    starts("account")
    talk.redis.hset(talk.key, "flow_data", b"{")
    starts("offer")
    talk.says("15", "joe", "confirm")
    starts("offer")


def with_damage(talk: Talk) -> None:
    talk.says("offer", "12", "joe")
    for name in ("flow_data", "version", "member_id", "reply", "channel"):
        talk.redis.hset(talk.key, name, b"{")
        talk.says("joe")
    talk.says("confirm")
    for name in ("channel", "flow_data"):
        talk.redis.hset(talk.key, name, b"{")
        talk.says("hello")
    talk.manager.clear(talk.member_id)
    talk.says("hello")
    talk.redis.hset(talk.key, "flow_data", b"{")
    talk.says("hello", "offer")


STORIES = (
    with_what_is_no_answer,
    with_nothing_but_a_tap,
    with_upkeep,
    with_silence,
    with_somebody_who_looks_after_members,
    with_runs_that_the_operator_starts,
    with_damage,
)


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize("story", STORIES)
def test_a_true_history_holds(any_redis: Redis, prefix: str, story: Callable[[Talk], None]) -> None:
    talk = Talk(any_redis, prefix, FLOWS)
    assert found_of(talk) == []
    story(talk)
    assert found_of(talk) == []


def test_the_true_histories_tell_of_everything_that_can_happen() -> None:
    told: set[str] = set()
    for story in STORIES:
        talk = in_memory(FLOWS)
        story(talk)
        entries = talk.manager.history(talk.member_id)
        told |= {entry.event_type for entry in entries} | {entry.status for entry in entries}
    assert told >= HANDLERS.keys() | MOVES_NOTHING - {audit.ERROR} | {"left", "refused", "failed"}


def test_a_flow_that_fails_breaks_no_rule() -> None:
    class Broken(Offer):
        def confirmation(self) -> str:
            raise KeyError(self.id)

    talk = in_memory(FLOWS)
    talk.deploys([Broken, Account])
    talk.says("offer", "12", "joe", "joe", "back", "cancel")
    assert [reply.status for _, reply in talk.answered].count("error") == 2
    assert complaints(evidence_of(talk.manager, talk.member_id), talk.answered, [Broken, Account]) == []


class Fork(Flow):
    flow_type = "fork"
    steps = (
        Step(
            id="way",
            type=StepType.BUTTON,
            message="Which way?",
            options=(Option("left", "Left", to="hill"), Option("right", "Right", to="lake")),
        ),
        Step(id="hill", type=StepType.TEXT, message="How high?"),
        Step(id="lake", type=StepType.TEXT, message="How deep?"),
    )


def test_a_rollback_may_bring_back_more_than_the_trail_has_kept() -> None:
    """The answer of the way that was left is forgotten by the trail and by the run, but not by the one before it."""
    talk = in_memory([Fork])
    talk.says("fork", "left", "9", "back", "back", "right")
    talk.manager.rollback(talk.member_id)
    assert talk.data.keys() == {"way", "hill"}
    for text in (None, "left", "10"):
        if text is not None:
            talk.says(text)
        evidence = evidence_of(talk.manager, talk.member_id)
        assert complaints(evidence, talk.answered, [Fork]) == []


def test_who_is_helped_in_other_words_is_helped_all_the_same() -> None:
    other = Words(help=("ayuda",))
    talk = in_memory([Offer], words=other)
    talk.says("offer", "ayuda")
    evidence = evidence_of(talk.manager, talk.member_id)
    assert complaints(evidence, talk.answered, [Offer], words=other) == []
    assert complaints(evidence, talk.answered, [Offer]) != []


class Circle(Flow):
    flow_type = "circle"
    steps = (
        Step(id="one", type=StepType.TEXT, message="One?"),
        Step(
            id="more",
            type=StepType.BUTTON,
            message="More?",
            options=(Option("yes", "Yes", to="one"), Option("no", "No")),
        ),
        Step(id="last", type=StepType.TEXT, message="Last?"),
    )


def test_a_run_in_circles_whose_path_is_cut_short_breaks_no_rule() -> None:
    talk = in_memory([Circle])
    talk.says("circle", *["1", "yes"] * PATH_LIMIT, "1", "back", "2")
    assert complaints(evidence_of(talk.manager, talk.member_id), talk.answered, [Circle]) == []


def test_a_trail_that_was_shortened_is_judged_from_where_it_begins(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, FLOWS)
    talk.says(*["account", "ann", "1234", "back", "restart"] * 3, "bob", "1234")
    talk.manager.rollback(talk.member_id)
    talk.says("4321")
    key = talk.manager.layout.keys(talk.member_id).audit
    full = evidence_of(talk.manager, talk.member_id)
    assert not full.begins_midway
    for kept in range(len(full.records) - 1, 0, -1):
        any_redis.xtrim(key, maxlen=kept, approximate=False)
        shortened = evolve(evidence_of(talk.manager, talk.member_id), begins_midway=True)
        assert len(shortened.records) == kept
        assert complaints(shortened, talk.answered, FLOWS) == []


@pytest.mark.parametrize(
    ("begins_at", "forgery"),
    [
        (NAMED, "a transition that starts elsewhere than the last one ended"),
        (NAMED, "a question that is asked elsewhere"),
        (PIN, "a way back that the machine does not have"),
        (REFUSED, "a run that completes twice"),
        (DONE, "an answer of the run before"),
        (NEXT_START, "an answer to a question that was not asked"),
        (NEXT_NAMED, "a stored run at another question"),
        (NEXT_NAMED, "a stored answer that is another"),
        (NEXT_PIN, "a rollback from elsewhere"),
    ],
)
def test_a_forgery_is_caught_where_the_trail_was_shortened_before_it(
    history: History, begins_at: int, forgery: str
) -> None:
    forge, complaint = FORGERIES[forgery]
    evidence, answered = forge(history)
    shortened = evolve(evidence, records=evidence.records[begins_at:], begins_midway=True)
    assert any(complaint in found for found in complaints(shortened, answered, FLOWS))


def test_whether_a_trail_was_shortened_is_told_by_how_long_it_may_be() -> None:
    talk = in_memory(FLOWS)
    talk.says("account", "ann")
    talk.manager.layout = evolve(talk.manager.layout, audit_length=2)
    assert evidence_of(talk.manager, talk.member_id).begins_midway


def test_what_was_added_by_hand_is_no_turn() -> None:
    talk = in_memory(FLOWS)
    talk.says("account", "ann")
    by_hand = AuditEntry(audit.TRANSITION, "success", from_state="kind", to_state="name")
    talk.manager.append(talk.member_id, (by_hand,))
    assert found_of(talk) == []


# -- forgeries --------------------------------------------------------------------------------------------------------


@pytest.fixture
def history() -> History:
    talk = in_memory(FLOWS)
    talk.says(*TEXTS)
    assert found_of(talk) == []
    return evidence_of(talk.manager, talk.member_id), talk.answered


@pytest.mark.parametrize(("forgery", "complaint"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_caught(history: History, forgery: Forgery, complaint: str) -> None:
    evidence, answered = forgery(history)
    assert any(complaint in found for found in complaints(evidence, answered, FLOWS))


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_message_that_was_answered_with_nothing_the_second_time_breaks_no_rule(history: History, number: int) -> None:
    evidence, answered = told(number, messages=(), status="duplicate")(history)
    assert complaints(evidence, answered, FLOWS) == []


def test_no_complaint_shows_a_secret(history: History) -> None:
    for forgery, _ in FORGERIES.values():
        assert not any(SECRET in found for found in complaints(*forgery(history), FLOWS))


def test_what_a_refusal_of_a_secret_said_need_not_be_said_again() -> None:
    talk = in_memory(FLOWS)
    talk.says("account", "ann", "1")
    inbound, reply = talk.answered[-1]
    again = talk.sends(inbound)
    assert again.messages != reply.messages
    assert found_of(talk) == []


def test_all_that_is_wrong_is_said_at_once() -> None:
    talk = in_memory(FLOWS)
    talk.says("account", "ann")
    assert_holds(talk.manager, talk.member_id, talk.answered, FLOWS)
    talk.answered *= 2
    keys = talk.manager.layout.keys(talk.member_id)
    talk.redis.delete(keys.audit, keys.seen)
    with pytest.raises(AssertionError) as caught:
        assert_holds(talk.manager, talk.member_id, talk.answered, FLOWS)
    said = str(caught.value)
    assert said.startswith(f"{talk.member_id}:\nstored: a run at pin")
    for number in (1, 2):
        assert f"message m{number}: it was acknowledged as a new message more than once" in said


def test_what_is_stored_is_read_without_belief() -> None:
    """Whatever the stream holds is a finding, and never an error of the one who looks."""
    for damage in ({"version": "x"}, {"entries": "{"}, {"flow_data": "{"}):
        talk = in_memory(FLOWS)
        talk.says("account")
        key = talk.manager.layout.keys(talk.member_id).audit
        found: Any = talk.redis.xrange(key)
        row = found[0][1]
        talk.redis.delete(key)
        talk.redis.xadd(key, {**row, **{name.encode(): value for name, value in damage.items()}})
        assert "its record cannot be read" in found_of(talk)[0]


def test_messages_of_other_members_are_passed_over() -> None:
    talk = in_memory(FLOWS)
    talk.says("account")
    inbound, reply = talk.answered[0]
    talk.answered.append((inbound, evolve(reply, member_id="somebody", messages=())))
    assert_holds(talk.manager, talk.member_id, talk.answered, FLOWS)


def test_many_members_are_judged_together(any_redis: Redis, prefix: str) -> None:
    talks = [Talk(any_redis, prefix, FLOWS, channel=Channel("console", name)) for name in ("ann", "bob", "cy")]
    for talk in talks:
        talk.says("account", "ann", "back")
    answered = [each for talk in talks for each in talk.answered]
    assert_all_hold(talks[0].manager, answered, FLOWS)
    any_redis.delete(talks[1].key)
    with pytest.raises(AssertionError) as caught:
        assert_all_hold(talks[0].manager, answered, FLOWS)
    assert {line.split(": ")[0] for line in str(caught.value).splitlines()} == {"console:bob"}
