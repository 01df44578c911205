"""Where an effect meets the other parts of a conversation: who must sign in, what was begun elsewhere, what waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from attrs import evolve
from redis import Redis

from fsmflow import (
    Accepted,
    Action,
    Done,
    EffectRefused,
    Flow,
    FlowDefinitionError,
    Option,
    OutcomeNotTaken,
    Sentences,
    Step,
    StepType,
    StillUnknown,
    SubFlow,
)
from fsmflow.calls import drive
from fsmflow.effects import Outcome, Write
from fsmflow.pending import Claim, Take
from fsmflow.testing.ageing import ageing
from tests.bank import ACCEPTS, REASON, REFUSES, Bank, Pay, open_effect
from tests.commits import MEMBER, commit_on, run_at, send
from tests.sides import manager_on
from tests.signing_in import AtTheDoor, Colour, SignIn
from tests.talking import CONSOLE, SECRET, WHATSAPP, Talk, records_of, stored_bytes, words

pytestmark = pytest.mark.usefixtures("side")
SAID = Sentences()
ADDRESS = "console:ann"


class Send(Pay):
    """A payment for those who are signed in, and a question after it."""

    flow_type = "send"
    requires_auth = True
    steps = (Pay.amount, Action("payment", Pay.pays), Pay.note)


class SendAtLast(Pay):
    """The same, with nothing after it."""

    flow_type = "sendatlast"
    requires_auth = True
    steps = (Pay.amount, Action("payment", Pay.pays))


class SendFirst(Pay):
    """A payment that comes before every question, for those who are signed in."""

    flow_type = "sendfirst"
    requires_auth = True
    steps = (Action("payment", Pay.pays), Pay.note)


class PayFirst(Pay):
    """A payment that comes before every question."""

    flow_type = "payfirst"
    steps = (Action("payment", Pay.pays), Pay.note)


class SendFirstWithin(Pay):
    """The same, within another flow."""

    flow_type = "sendfirstwithin"
    requires_auth = True
    steps = (SubFlow("sending", PayFirst), Pay.note)


class Fee(Pay):
    """A payment for anybody."""

    flow_type = "fee"
    steps = (Pay.amount, Action("payment", Pay.pays, reconcile=Pay.asks), Pay.note)


class FeeAtLast(Pay):
    """The same, with nothing after it."""

    flow_type = "feeatlast"
    steps = (Pay.amount, Action("payment", Pay.pays, reconcile=Pay.asks))


class Stay(Colour):
    """A choice, in the middle of which something else may be wanted."""

    flow_type = "stay"


FLOWS = (SignIn, Send, SendAtLast, Fee, FeeAtLast, Stay)


def at_the_door(redis: Redis, prefix: str, bank: Bank) -> AtTheDoor:
    return AtTheDoor(redis, prefix, FLOWS, services=bank)


def effect_of(talk: Talk, member_id: str) -> str:
    """The id of the effect that is open at a member."""
    return talk.manager.load(member_id).raw["pending"].decode().split(" ")[-1]


# -- who must sign in -------------------------------------------------------------------------------------------------


def test_an_outcome_is_told_to_who_is_signed_in(any_redis: Redis, prefix: str) -> None:
    talk = at_the_door(any_redis, prefix, Bank(ACCEPTS))
    talk.door.lets_in()
    talk.says("send", "5")
    due = talk.runner.resolve("ann", effect_of(talk, "ann"), Done("receipt"))
    assert due is not None
    assert (words(due.reply), due.channel) == ("A note?", CONSOLE)


def test_an_outcome_for_who_is_signed_in_no_more_is_kept_and_what_comes_next_is_asked_once_they_are(
    any_redis: Redis, prefix: str
) -> None:
    talk = at_the_door(any_redis, prefix, Bank(ACCEPTS))
    talk.door.lets_in(signed_in_until=talk.now)
    talk.door.known = {CONSOLE: "ann"}
    talk.now = talk.now.replace(year=2029)
    talk.says("send", "5")
    talk.now = talk.now.replace(year=2031)
    due = talk.runner.resolve("ann", effect_of(talk, "ann"), Done("receipt"))
    assert due is not None
    assert words(due.reply) == SAID.settled
    stored = talk.run_of("ann")
    assert stored is not None
    assert (stored.step_id, stored.data["payment"], stored.unasked) == ("note", "receipt", True)
    assert "Your PIN?" in words(talk.says("hello"))
    reply = talk.signs_in()
    assert words(reply) == f"Welcome.\n----\n{SAID.resumed}\n\nA note?"
    assert talk.says("thanks").status == "completed"


def test_an_outcome_is_not_told_to_who_is_at_the_address_now(any_redis: Redis, prefix: str) -> None:
    talk = at_the_door(any_redis, prefix, Bank(ACCEPTS))
    talk.door.lets_in()
    talk.says("fee", "5")
    talk.door.lets_in(member_id="joe")
    due = talk.runner.resolve("ann", effect_of(talk, "ann"), EffectRefused(REASON))
    assert due is not None
    assert due.reply.messages == ()
    talk.door.lets_in()
    assert words(talk.says("hello")) == "How much?"


def test_a_doorkeeper_who_fails_keeps_no_outcome_from_being_kept(any_redis: Redis, prefix: str) -> None:
    talk = at_the_door(any_redis, prefix, Bank(ACCEPTS))
    talk.door.lets_in()
    talk.says("sendatlast", "5")
    talk.door.fault = OSError("no door")
    due = talk.runner.resolve("ann", effect_of(talk, "ann"), Done("receipt"))
    assert due is not None
    assert (due.reply.messages, due.reply.status) == ((), "completed")
    stored = talk.run_of("ann")
    assert stored is not None
    assert stored.data["payment"] == "receipt"
    talk.door.fault = None
    reply = talk.says("fee")
    assert words(reply) == "Paid: receipt.\n----\nHow much?", "what nobody heard is said with the next message"
    assert words(talk.says("cancel")) == SAID.cancelled


@pytest.mark.parametrize("hours", [23, 25])
def test_what_comes_too_late_for_a_channel_is_said_with_the_next_message(
    any_redis: Redis, prefix: str, hours: int
) -> None:
    talk = Talk(any_redis, prefix, (FeeAtLast, Stay), services=Bank(ACCEPTS), channel=WHATSAPP)
    talk.says("feeatlast", "5")
    talk.waits(hours=hours)
    due = talk.runner.resolve(talk.member_id, effect_of(talk, talk.member_id), Done("receipt"))
    assert due is not None
    assert words(due.reply) == ("Paid: receipt." if hours < 24 else "")
    said = words(talk.says("stay"))
    assert said == ("Which?" if hours < 24 else "Paid: receipt.\n----\nWhich?")
    assert words(talk.taps("Red")) == SAID.completed


@pytest.mark.parametrize("flow", [SendFirst, SendFirstWithin])
def test_what_is_for_who_is_signed_in_does_not_begin_with_an_action(
    any_redis: Redis, prefix: str, flow: type[Flow]
) -> None:
    with pytest.raises(FlowDefinitionError, match="whatever is sent after the sign-in would run it"):
        AtTheDoor(any_redis, prefix, (SignIn, flow), services=Bank())


class BuiltOtherwise(Flow):
    """It begins with an action for one member, and with a question for all others."""

    requires_auth = True

    def __init__(self, flow_type: str, state: Any = None) -> None:
        self.flow_type = flow_type
        member_id = (state or {}).get("member_id")
        steps = (Action("payment", self.pays), Pay.note) if member_id == ADDRESS else (Pay.note,)
        super().__init__(f"{flow_type}_{member_id}", steps)

    def pays(self) -> Any:
        return self.services.pay(self.effect_id)


def test_nor_does_one_that_builds_its_steps_so_for_a_member(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = AtTheDoor(any_redis, prefix, {"sign_in": SignIn, "built": BuiltOtherwise}, services=bank)
    assert talk.says("built").status == "error"
    talk.door.lets_in(member_id=ADDRESS)
    assert bank.calls == []


# -- what was begun before it was known who the member is --------------------------------------------------------------


def test_what_is_open_at_the_address_is_settled_there_and_taken_along_after_that(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = at_the_door(any_redis, prefix, bank)
    talk.says("fee", "5")
    talk.door.lets_in()
    reply = talk.says("and?")
    assert (words(reply), reply.status) == (SAID.working, "working")
    assert talk.run_of("ann") is None
    due = talk.runner.resolve(ADDRESS, effect_of(talk, ADDRESS), Done("receipt"))
    assert due is not None
    assert words(due.reply) == "A note?", "it was begun at that address"
    reply = talk.says("thanks")
    assert (reply.status, reply.member_id) == ("completed", "ann")
    assert len(bank.calls) == 1


def test_nothing_is_taken_along_while_an_effect_of_the_member_is_open(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = at_the_door(any_redis, prefix, bank)
    talk.says("stay")
    talk.door.lets_in()
    talk.channel = WHATSAPP
    talk.door.lets_in(WHATSAPP)
    talk.says("fee", "5")
    talk.channel = CONSOLE
    assert words(talk.says("Red")) == SAID.working
    talk.runner.resolve("ann", effect_of(talk, "ann"), Done("receipt"))
    assert (talk.run_of("ann") or talk.run_of(ADDRESS)) is not None
    reply = talk.says("Red")
    assert (reply.status, reply.flow_id) == ("completed", "stay_ann")
    assert len(bank.calls) == 1


def test_what_is_taken_along_is_not_lost_for_the_words_that_nobody_has_heard(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix, (SignIn, FeeAtLast, Stay), services=Bank(ACCEPTS))
    talk.channel = WHATSAPP
    talk.door.lets_in(WHATSAPP)
    talk.says("feeatlast", "5")
    talk.channel = CONSOLE
    talk.says("stay")
    talk.door.fault = OSError("no door")
    assert talk.runner.resolve("ann", effect_of(talk, "ann"), Done("receipt")) is not None
    talk.door.fault = None
    talk.door.lets_in()
    reply = talk.says("menu")
    assert words(reply).startswith("Paid: receipt.\n----\n")
    assert words(reply).endswith("\n\nWhich?")
    assert talk.says("Red").flow_id == "stay_ann"
    assert words(talk.says("Red")).startswith("You can send")


# -- what waits, and what is no answer ---------------------------------------------------------------------------------


def test_after_an_effect_that_ends_its_flow_what_waited_is_asked_again(any_redis: Redis, prefix: str) -> None:
    class Tip(Pay):
        flow_type = "tip"
        steps = (Pay.amount, Action("payment", Pay.pays))

        def complete(self) -> str:
            return "Tipped."

    bank = Bank()
    talk = Talk(any_redis, prefix, (Stay, Tip), services=bank)
    talk.says("stay")
    asked = talk.says("tip")
    talk.taps("Come back later", of=asked)
    reply = talk.says("5")
    assert words(reply) == f"Tipped.\n----\n{SAID.resumed}\n\nWhich?"
    assert talk.says("Red").flow_id == "stay_console:ann"
    assert len(bank.paid) == 1


@pytest.mark.parametrize("kind", ["reaction", "system"])
def test_what_is_no_answer_gets_none_while_an_effect_is_open_and_takes_nothing_up(
    any_redis: Redis, prefix: str, kind: str
) -> None:
    bank = Bank(ACCEPTS)
    talk = Talk(any_redis, prefix, (Fee,), services=bank)
    talk.says("fee", "5")
    before, still = talk.state.flow_data, open_effect(talk)
    reply = talk.says("x", kind=kind)
    assert (reply.messages, reply.status) == ((), "ignored")
    assert (talk.state.flow_data, open_effect(talk)) == (before, still)
    assert words(talk.runner.start("fee", talk.message("x", kind=kind))) == SAID.working
    assert (talk.state.flow_data, open_effect(talk)) == (before, still)


def test_options_that_live_are_asked_for_after_an_outcome_too(any_redis: Redis, prefix: str) -> None:
    class Then(Pay):
        flow_type = "then"
        offered: ClassVar[list[Option]] = []
        steps = (
            Pay.amount,
            Action("payment", Pay.pays),
            Step("which", StepType.LIST, "Which?", options=lambda self: self.offered, when_empty="note"),
            Pay.note,
        )

    talk = Talk(any_redis, prefix, (Then,), services=Bank())
    assert words(talk.says("then", "5")) == "A note?"
    Then.offered = [Option("a", "A")]
    talk.says("thanks")
    assert words(talk.says("then", "5")) == "Which?"


class Broken(Pay):
    """Its words after a payment fail."""

    flow_type = "broken"
    is_broken = True

    def words(self) -> str:
        if type(self).is_broken:
            raise KeyError("words")
        return f"Noted {self.data['payment']}. More?"

    steps: tuple[Step, ...] = (Pay.amount, Action("payment", Pay.pays), Step("more", StepType.TEXT, words))


class BrokenAtTheEnd(Broken):
    flow_type = "brokenattheend"
    steps = (Pay.amount, Action("payment", Pay.pays))

    def complete(self) -> str:
        return self.words()


class BrokenBefore(Broken):
    flow_type = "brokenbefore"
    steps = (Step("sure", StepType.TEXT, lambda self: self.words() if self.entries else "Sure?"), Broken.steps[1])


@pytest.fixture
def broken() -> Iterator[None]:
    """The code of this moment fails, until a test mends it."""
    Broken.is_broken = True
    yield
    Broken.is_broken = True


@pytest.mark.usefixtures("broken")
def test_words_that_fail_after_an_outcome_do_not_have_it_forgotten(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = Talk(any_redis, prefix, (Broken,), services=bank)
    assert words(talk.says("broken", "5")) == SAID.done
    assert ("error", "error", "more") in talk.events
    Broken.is_broken = False
    assert words(talk.says("and?")) == f"{SAID.resumed}\n\nNoted receipt 1. More?"
    assert talk.says("no").status == "completed"
    assert len(bank.calls) == 1


@pytest.mark.usefixtures("broken")
def test_closing_words_that_fail_after_an_outcome_leave_the_run_completed(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, (BrokenAtTheEnd,), services=Bank())
    reply = talk.says("brokenattheend", "5")
    assert (words(reply), reply.status) == (SAID.done, "completed")
    assert talk.data == {"amount": "5", "payment": "receipt 1"}


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("is_heard", [True, False], ids=["heard", "not heard"])
def test_closing_words_that_fail_each_time_keep_nobody_from_anything_else(
    any_redis: Redis, prefix: str, is_heard: bool
) -> None:
    faults: list[Exception] = []
    talk = Talk(
        *(any_redis, prefix, (BrokenAtTheEnd, Stay)),
        services=Bank(ACCEPTS),
        channel=WHATSAPP,
        on_fault=lambda fault, _: faults.append(fault),
    )
    talk.says("brokenattheend", "5")
    talk.waits(hours=1 if is_heard else 25)
    due = talk.runner.resolve(talk.member_id, effect_of(talk, talk.member_id), Done("receipt"))
    assert due is not None
    assert words(due.reply) == (SAID.done if is_heard else "")
    reply = talk.says("stay")
    assert words(reply) == ("Which?" if is_heard else f"{SAID.done}\n----\nWhich?"), "that it was done is said once"
    assert [type(fault) for fault in faults] == [KeyError]
    assert words(talk.taps("Red")) == SAID.completed


@pytest.mark.usefixtures("broken")
def test_a_question_that_fails_after_a_refusal_leaves_its_reason(any_redis: Redis, prefix: str) -> None:
    Broken.is_broken = False
    talk = Talk(any_redis, prefix, (BrokenBefore,), services=Bank(REFUSES))
    talk.says("brokenbefore")
    Broken.is_broken = True
    assert words(talk.says("yes")) == REASON


@pytest.mark.parametrize("outcome", [Done(object()), Done(b"\xff")], ids=["an object", "bytes"])
def test_who_says_an_outcome_that_cannot_be_taken_hears_of_it_and_may_say_it_again(
    any_redis: Redis, prefix: str, outcome: Done
) -> None:
    talk = Talk(any_redis, prefix, (Fee,), services=Bank(ACCEPTS))
    talk.says("fee", "5")
    before = talk.fields
    with pytest.raises(OutcomeNotTaken) as raised:
        talk.runner.resolve(talk.member_id, effect_of(talk, talk.member_id), outcome)
    assert (raised.value.error, talk.fields) == ("UnstorableAnswer", before)
    due = talk.runner.resolve(talk.member_id, effect_of(talk, talk.member_id), Done("receipt"))
    assert due is not None
    assert words(due.reply) == "A note?"


# -- one that was accepted, and of which nobody ever says more --------------------------------------------------------


def test_one_that_was_accepted_is_asked_for_now_and_then_where_it_can_be(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = Talk(any_redis, prefix, (Fee,), services=bank)
    talk.says("fee", "5")
    bank.found = [Accepted(), StillUnknown()]
    talk.ages(minutes=2)
    assert (talk.runner.due(), open_effect(talk)[0]) == ([], "accepted"), "the member knows that already"
    talk.ages(minutes=4)
    [due] = talk.runner.due()
    assert (words(due.reply), open_effect(talk)[0]) == (SAID.checking, "unknown")
    bank.found = [StillUnknown()]
    talk.ages(minutes=8)
    assert (talk.runner.due(), open_effect(talk)[0]) == ([], "unknown"), "and is not told again each time"
    bank.paid += bank.calls
    talk.ages(minutes=15)
    [due] = talk.runner.due()
    assert words(due.reply) == "A note?"
    assert len(bank.calls) == 1


# -- what is no affair of a trail -------------------------------------------------------------------------------------


def test_what_is_kept_of_a_sensitive_action_is_in_the_hash_alone(any_redis: Redis, prefix: str) -> None:
    class Opens(Pay):
        flow_type = "opens"

        def opens(self) -> Any:
            return self.services.pop()

        steps = (Action("key", opens, sensitive=True), Pay.note)

    talk = Talk(any_redis, prefix, (Opens,), services=[Done(SECRET)])
    with records_of() as records:
        talk.says("opens", "thanks")
    assert talk.data["key"] == SECRET
    kept = b"".join(stored_bytes(any_redis, prefix).values())
    assert SECRET.encode() not in kept
    assert SECRET not in repr(records)


# -- a claim whose answer was cut -------------------------------------------------------------------------------------


def test_a_claim_that_is_sent_again_holds_unless_somebody_has_taken_over_since(any_redis: Redis, prefix: str) -> None:
    manager = manager_on(any_redis, prefix=prefix)
    state = manager.load(MEMBER)
    claim = evolve(commit_on(state, run_at("payment", amount="5"), key="m1"), pending=Claim("run:payment:1", 60_000))
    assert send(any_redis, manager.layout, claim, "first").outcome is Outcome.APPLIED
    assert send(any_redis, manager.layout, claim, "first").outcome is Outcome.APPLIED
    take = evolve(commit_on(manager.load(MEMBER)), fields={}, write=Write.TAKE, entries=(), record=b"")
    take = evolve(take, pending=Take(60_000))
    assert send(any_redis, manager.layout, take, "second").outcome is Outcome.HELD
    execute: Any = any_redis.execute_command  # redis-py leaves it untyped
    drive(ageing(prefix, 61_000), lambda command: execute(*command))
    assert send(any_redis, manager.layout, take, "second").outcome is Outcome.TAKEN
    assert send(any_redis, manager.layout, take, "second").outcome is Outcome.TAKEN
    assert send(any_redis, manager.layout, claim, "first").outcome is Outcome.LOST
