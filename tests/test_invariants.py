"""The checker of invariants: it is silent about what truly happened, and catches a forgery of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from redis import Redis

from fsmflow import audit
from fsmflow.audit import AuditEntry
from tests.evidence import evidence_of
from tests.forgeries import FLOWS, FORGERIES, TEXTS, Account, Forgery, History, told
from tests.invariants import assert_holds, complaints
from tests.talking import SECRET, Offer, Talk, in_memory


def found_of(talk: Talk) -> list[str]:
    return complaints(evidence_of(talk.manager, talk.member_id), talk.answered, FLOWS)


# -- what truly happened ----------------------------------------------------------------------------------------------

CONVERSATIONS = {
    "to the end": ["account", "ann", "1234", "basic"],
    "to an end by an option": ["account", "ann", "1234", "none"],
    "with refusals": ["account", "ann", "1", "2", "1234", "?", "basic"],
    "back and on by another answer": ["account", "ann", "1234", "back", "back", "bob", "9999", "basic"],
    "back at the first question": ["account", "back", "ann"],
    "starting over": ["account", "ann", "restart", "bob", "cancel", "account"],
    "one flow after the other": ["account", "cancel", "offer", "12", "joe", "confirm", "offer"],
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


@pytest.mark.usefixtures("side")
def test_a_true_history_holds_with_all_that_is_no_answer(any_redis: Redis, prefix: str) -> None:
    """Duplicates old and new, silence, stale taps, late messages, reactions, upkeep, starting, damage and faults."""
    talk = Talk(any_redis, prefix, FLOWS)
    assert_holds(talk.manager, talk.member_id, (), FLOWS)
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
    talk.manager.rollback(talk.member_id)
    talk.says("eve")
    talk.says("Confirm")
    talk.manager.rollback(talk.member_id)
    talk.says("Confirm")
    talk.says("offer", "13")
    talk.waits(hours=1)
    talk.says("account")
    talk.waits(hours=1)
    talk.says("anything")
    by_the_operator = talk.message("whatever it says")
    talk.answered.append((by_the_operator, talk.runner.start("offer", by_the_operator)))
    talk.says("14")
    for name, raw in (("flow_data", b"{"), ("version", b"x"), ("member_id", b"somebody"), ("reply", b"?")):
        talk.redis.hset(talk.key, name, raw)
        talk.says("again")
    talk.manager.clear(talk.member_id)
    assert found_of(talk) == []
    talk.says("hello", "offer", "15")
    assert found_of(talk) == []
    assert {entry.event_type for entry in talk.manager.history(talk.member_id)} >= {
        audit.CLEAR,
        audit.EXPIRE,
        audit.RECOVERY_RESULT,
        audit.ROLLBACK,
    }


def test_a_flow_that_fails_breaks_no_rule() -> None:
    class Broken(Offer):
        def confirmation(self) -> str:
            raise KeyError(self.id)

    talk = in_memory(FLOWS)
    talk.deploys([Broken, Account])
    talk.says("offer", "12", "joe", "joe", "back", "cancel")
    assert [reply.status for _, reply in talk.answered].count("error") == 2
    assert complaints(evidence_of(talk.manager, talk.member_id), talk.answered, [Broken, Account]) == []


def test_a_trail_that_was_shortened_is_judged_from_where_it_begins(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, FLOWS)
    talk.says(*["account", "ann", "1234", "back", "restart"] * 3, "bob", "1234")
    key = talk.manager.layout.keys(talk.member_id).audit
    full = evidence_of(talk.manager, talk.member_id)
    assert not full.begins_midway
    for kept in range(len(full.records) - 1, 0, -1):
        any_redis.xtrim(key, maxlen=kept, approximate=False)
        shortened = evolve(evidence_of(talk.manager, talk.member_id), begins_midway=True)
        assert len(shortened.records) == kept
        assert complaints(shortened, talk.answered, FLOWS) == []


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
