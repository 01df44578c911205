"""The turn itself, driven by hand: what it wants done, in which order, and what it makes of each answer."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from attrs import evolve

from fsmflow import Channel, Flow, Inbound, NewerState, Reply, Step, StepType, StoreUnavailable, Text
from fsmflow.calls import Call
from fsmflow.codec import CODEC, dump_channel, load_reply, load_state, message_key
from fsmflow.conversation import Conversation
from fsmflow.effects import Backoff, Commit, Committed, LastValid, Load, Outcome, Write
from fsmflow.registry import Registry
from fsmflow.state import MemberState
from tests.talking import BEGINNING, CONSOLE, Offer

MEMBER = "console:ann"
NOBODY = MemberState(MEMBER, CONSOLE)
Turn = Generator[Any, Any, Reply]


@pytest.fixture
def conversation() -> Conversation:
    return Conversation(Registry.of([Offer]))


def turn(conversation: Conversation, text: str, message_id: str = "m") -> Turn:
    return conversation.turn(Inbound(CONSOLE, message_id, text), BEGINNING)


def ends(effects: Turn, result: Any) -> Reply:
    """Sends the last result in; the turn must be over then."""
    with pytest.raises(StopIteration) as stopped:
        effects.send(result)
    reply: Reply = stopped.value.value
    return reply


def calls_made(effects: Turn, effect: Any) -> Any:
    """Makes the calls that a turn wants made; gives its first other effect."""
    while isinstance(effect, Call):
        effect = effects.send(effect.function(*effect.arguments))
    return effect


def written(state: MemberState, commit: Commit, version: int) -> MemberState:
    """What a store would hold after a commit."""
    raw = {**state.raw, **commit.fields, "version": str(version).encode(), "token": b"t", "updated_at": b"1"}
    if commit.write is Write.ADVANCE:
        raw["previous"] = state.raw["flow_data"]
    return load_state(MEMBER, CONSOLE, raw)


def started(conversation: Conversation) -> MemberState:
    """A member at the first question, as a store would hold it."""
    effects = turn(conversation, "offer", "m0")
    next(effects)
    state = written(NOBODY, effects.send(NOBODY), 7)
    assert state.unreadable == ()
    return state


def test_a_turn_loads_commits_and_replies(conversation: Conversation) -> None:
    effects = turn(conversation, "offer")
    assert next(effects) == Load(MEMBER, CONSOLE)
    commit = effects.send(NOBODY)
    assert isinstance(commit, Commit)
    assert (commit.member_id, commit.channel, commit.expected) == (MEMBER, CONSOLE, b"")
    assert (commit.write, commit.unreadable, commit.snapshot) == (Write.UPDATE, (), b"=")
    assert commit.message_key == message_key(Inbound(CONSOLE, "m"))
    assert [entry.event_type for entry in commit.entries] == ["flow_start", "step_start"]
    assert commit.fields.keys() == {
        "member_id", "codec", "channel", "flow_data", "previous", "recent", "reply", "sent_at"
    }  # fmt: skip
    assert commit.fields["channel"] == dump_channel(CONSOLE)
    assert commit.fields["previous"] == b"null"
    assert commit.fields["recent"] == commit.message_key.encode()
    reply = ends(effects, Committed(Outcome.APPLIED))
    run_id = commit.entries[0].run_id
    assert reply == Reply((Text("How much?"),), MEMBER, f"offer_{MEMBER}", "amount", "in_progress", run_id=run_id)
    assert load_reply(commit.fields["reply"], MEMBER) == evolve(reply, duplicate=True)


def test_an_accepted_answer_advances_and_writes_no_more_than_it_must(conversation: Conversation) -> None:
    state = started(conversation)
    effects = turn(conversation, "12")
    next(effects)
    commit = calls_made(effects, effects.send(state))
    assert (commit.write, commit.expected) == (Write.ADVANCE, b"7")
    assert commit.fields.keys() == {"flow_data", "recent", "reply", "sent_at"}


def test_a_refused_message_that_changes_nothing_leaves_the_run_unwritten(conversation: Conversation) -> None:
    state = started(conversation)
    effects = turn(conversation, "back")
    next(effects)
    commit = calls_made(effects, effects.send(state))
    assert (commit.write, commit.snapshot) == (Write.UPDATE, b"")
    assert [(entry.event_type, entry.status) for entry in commit.entries] == [("validation", "refused")]
    assert commit.fields.keys() == {"recent", "reply", "sent_at"}


def test_on_a_conflict_the_turn_is_taken_again_on_what_is_stored_now(conversation: Conversation) -> None:
    """Without another load: the conflict brought the state along."""
    state = started(conversation)
    effects = turn(conversation, "12")
    next(effects)
    first = calls_made(effects, effects.send(state))
    meanwhile = turn(conversation, "13", "other")
    next(meanwhile)
    fresh = written(state, calls_made(meanwhile, meanwhile.send(state)), 8)
    assert effects.send(Committed(Outcome.CONFLICT, fresh)) == Backoff(1)
    second = calls_made(effects, effects.send(None))
    assert (first.expected, second.expected) == (b"7", b"8")
    assert effects.send(Committed(Outcome.CONFLICT, fresh)) == Backoff(2)
    third = calls_made(effects, effects.send(None))
    assert third == second
    reply = ends(effects, Committed(Outcome.APPLIED))
    assert (reply.status, reply.step_id) == ("in_progress", "confirm")
    assert load_state(MEMBER, CONSOLE, {**fresh.raw, **third.fields}).to_dict()["flow_data"]["data"]["handle"] == "12"


def test_a_duplicate_that_the_store_knows_gets_the_stored_reply(conversation: Conversation) -> None:
    """Another worker decided the same message between our load and our commit."""
    effects = turn(conversation, "offer")
    next(effects)
    commit = effects.send(NOBODY)
    reply = ends(effects, Committed(Outcome.DUPLICATE, written(NOBODY, commit, 7)))
    first = Reply((Text("How much?"),), MEMBER, f"offer_{MEMBER}", "amount", "in_progress", duplicate=True)
    assert reply == evolve(first, run_id=commit.entries[0].run_id)


def test_a_duplicate_that_is_not_the_latest_gets_no_message(conversation: Conversation) -> None:
    state = started(conversation)
    effects = turn(conversation, "12")
    next(effects)
    calls_made(effects, effects.send(state))
    reply = ends(effects, Committed(Outcome.DUPLICATE, state))
    assert reply == Reply((), MEMBER, f"offer_{MEMBER}", "amount", "duplicate", duplicate=True)


def test_a_duplicate_that_the_hash_knows_costs_no_commit(conversation: Conversation) -> None:
    effects = turn(conversation, "offer", "m0")
    next(effects)
    assert ends(effects, started(conversation)).duplicate


def test_where_nothing_is_left_the_trail_is_asked_last(conversation: Conversation) -> None:
    state = started(conversation)
    broken = load_state(MEMBER, CONSOLE, {**state.raw, "flow_data": b"?", "previous": b"?"})
    effects = turn(conversation, "12")
    next(effects)
    assert effects.send(broken) == LastValid(MEMBER)
    commit = calls_made(effects, effects.send(evolve(state, raw={})))
    assert {found.name: found.raw for found in commit.unreadable} == {"flow_data": b"?", "previous": b"?"}
    assert ends(effects, Committed(Outcome.APPLIED)).status == "recovered"


def test_a_newer_state_ends_the_turn_before_anything_is_written(conversation: Conversation) -> None:
    state = started(conversation)
    effects = turn(conversation, "12")
    next(effects)
    with pytest.raises(NewerState):
        effects.send(evolve(state, raw={**state.raw, "codec": str(CODEC + 1).encode()}))


@pytest.mark.parametrize("at", ["load", "commit"])
def test_a_store_that_does_not_answer_ends_the_turn(conversation: Conversation, at: str) -> None:
    effects = turn(conversation, "offer")
    next(effects)
    if at == "commit":
        effects.send(NOBODY)
    with pytest.raises(StoreUnavailable):
        effects.throw(StoreUnavailable("no answer"))


def test_what_a_flow_must_do_itself_is_wanted_as_a_call_and_its_fault_is_an_apology() -> None:
    class Asking(Flow):
        flow_type = "asking"

        def asked(self) -> str:
            return "Asked."

        steps = (Step("one", StepType.TEXT, asked),)

    effects = turn(Conversation(Registry.of([Asking])), "asking")
    next(effects)
    call = effects.send(NOBODY)
    assert isinstance(call, Call)
    assert call.function(*call.arguments) == "Asked."
    commit = effects.throw(ValueError("S3CRET"))
    assert [(entry.event_type, entry.error) for entry in commit.entries] == [("error", "ValueError")]
    assert b"S3CRET" not in repr(commit).encode() + commit.record + b"".join(commit.fields.values())
    assert ends(effects, Committed(Outcome.APPLIED)).status == "error"


def test_a_turn_is_a_matter_of_its_message_and_of_what_is_stored_alone(conversation: Conversation) -> None:
    """The same twice gives the same commit: no clock, no chance."""

    def commit() -> Commit:
        effects = turn(conversation, "offer")
        next(effects)
        found: Commit = effects.send(NOBODY)
        return found

    assert commit() == commit()
    assert commit().fields == commit().fields


def test_the_member_is_the_one_that_the_application_knows_else_the_channels(conversation: Conversation) -> None:
    known = conversation.turn(Inbound(CONSOLE, "m", "x", member_id="ann"), BEGINNING)
    assert next(known) == Load("ann", CONSOLE)
    other = Channel("whatsapp", "15550001111")
    assert next(conversation.turn(Inbound(other, "m", "x"), BEGINNING)) == Load("whatsapp:15550001111", other)
