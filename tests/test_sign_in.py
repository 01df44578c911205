"""Flows for those who are signed in, and the way there for those who are not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from fsmflow import (
    AsyncFlowError,
    AuthenticatorFailed,
    Channel,
    Flow,
    FlowDefinitionError,
    FlowRunner,
    FlowStateManager,
    InvalidMemberId,
    Member,
    Sentences,
    Step,
    StepType,
    StoreUnavailable,
    SubFlow,
)
from fsmflow.codec import dump_flow_data, load_flow_data
from fsmflow.messages import Reply
from fsmflow.state import FlowData
from tests.signing_in import FLOWS, PIN, TOKEN, AtTheDoor, Colour, Door, SignIn, Transfer
from tests.talking import CONSOLE, WHATSAPP, words

pytestmark = pytest.mark.usefixtures("side")
SAID = Sentences()


@pytest.fixture
def talk(any_redis: Redis, prefix: str) -> AtTheDoor:
    """A member whom the application knows, and who is not signed in."""
    return AtTheDoor(any_redis, prefix, door=Door({CONSOLE: "ann"}))


def begins(reply: Reply) -> bool:
    """True if a reply begins the sign-in."""
    return reply.flow_id is not None and reply.flow_id.startswith("sign_in") and "Your PIN?" in words(reply)


# -- the value ---------------------------------------------------------------------------------------------------------


def test_a_members_token_is_in_no_representation() -> None:
    member = Member("ann", token=TOKEN)
    assert TOKEN not in repr(member) + str(member) + f"{member}"
    assert member.token == TOKEN


@pytest.mark.parametrize("until", [datetime(2030, 1, 1), 12])
def test_a_sign_in_that_expires_at_no_moment_is_refused(until: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="signed_in_until"):
        Member("ann", until)


def test_a_token_of_another_type_is_refused_without_being_told() -> None:
    wrong: Any = {"token": TOKEN}
    with pytest.raises(TypeError) as told:
        Member("ann", token=wrong)
    assert TOKEN not in str(told.value)


# -- the way in --------------------------------------------------------------------------------------------------------


def test_who_is_signed_in_is_asked_at_once(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    reply = talk.says("transfer")
    assert (words(reply), reply.member_id, reply.flow_id) == ("How much?", "ann", "transfer_ann")


def test_who_is_not_is_taken_through_the_sign_in_and_then_to_where_they_wanted_to_go(talk: AtTheDoor) -> None:
    assert words(talk.says("transfer")) == f"{SAID.sign_in_first}\n\nYour PIN?"
    reply = talk.signs_in()
    assert (words(reply), reply.status, reply.flow_id) == ("Welcome.\n----\nHow much?", "completed", "sign_in_ann")
    assert reply.data == {"pin": PIN}
    reply = talk.says("12")
    assert (words(reply), reply.flow_id) == ("To which handle?", "transfer_ann")
    assert talk.says("bob", "confirm").data == {"amount": 12, "handle": "bob", "confirm": "confirm"}


def test_a_flow_for_everybody_needs_no_sign_in(talk: AtTheDoor) -> None:
    assert talk.says("colour").step_id == "colour"
    assert talk.says("Red").status == "completed"


def test_a_sign_in_that_is_wrong_leads_nowhere(talk: AtTheDoor) -> None:
    talk.says("transfer")
    reply = talk.says("1111")
    assert (words(reply), reply.status) == ("That is not it.\n\nYour PIN?", "refused")
    assert words(talk.signs_in()) == "Welcome.\n----\nHow much?"


def test_the_trail_says_that_a_sign_in_was_wanted_and_for_what(talk: AtTheDoor) -> None:
    talk.says("transfer")
    talk.signs_in()
    talk.says("12")
    told = [(entry.event_type, entry.status, entry.flow_id) for entry in talk.manager.history("ann")]
    assert told[:5] == [
        ("flow_start", "success", "transfer_ann"),
        ("step_start", "in_progress", "transfer_ann"),
        ("sign_in", "in_progress", "transfer_ann"),
        ("flow_start", "success", "sign_in_ann"),
        ("step_start", "in_progress", "sign_in_ann"),
    ]
    assert ("taken_up", "success", "transfer_ann") in told


def test_a_member_is_known_to_the_callables_of_every_flow(any_redis: Redis, prefix: str) -> None:
    seen: list[Any] = []

    class Curious(Flow):
        flow_type = "curious"

        def look(self, value: str) -> bool:  # noqa: ARG002 - what is answered is of no matter
            seen.append(self.member)
            return True

        steps = (Step("one", StepType.TEXT, "One?", validator=look),)

    class Around(Flow):
        flow_type = "around"
        steps = (SubFlow("inner", Curious),)

    talk = AtTheDoor(any_redis, prefix, [SignIn, Curious, Around])
    talk.says("curious", "x")
    talk.door.lets_in()
    talk.says("curious", "x", "around", "x")
    assert seen == [None, Member("ann", token=TOKEN), Member("ann", token=TOKEN)]
    assert talk.runner.flow_of("ann").member is None  # type: ignore[union-attr] # there is one: it was talked to


def test_a_flow_within_which_one_is_for_who_is_signed_in_is_so_itself(any_redis: Redis, prefix: str) -> None:
    class Shop(Flow):
        flow_type = "shop"
        steps = (SubFlow("pay", Transfer), Step("note", StepType.TEXT, "A note?"))

    talk = AtTheDoor(any_redis, prefix, [SignIn, Shop])
    assert begins(talk.says("shop"))
    assert words(talk.signs_in()).endswith("How much?")
    assert talk.says("12", "bob", "confirm").step_id == "note"


# -- in the middle -----------------------------------------------------------------------------------------------------


def signed_in_for(talk: AtTheDoor, **duration: float) -> None:
    talk.door.lets_in(signed_in_until=talk.now + timedelta(**duration))


def test_who_is_signed_in_no_longer_signs_in_and_is_back_where_they_were(talk: AtTheDoor) -> None:
    signed_in_for(talk, minutes=1)
    talk.says("transfer", "12")
    run = talk.run_of("ann")
    talk.waits(minutes=2)
    talk.door.sessions.clear()
    assert words(talk.says("bob")) == f"{SAID.sign_in_expired}\n\nYour PIN?"
    assert words(talk.signs_in()) == f"Welcome.\n----\n{SAID.resumed}\n\nTo which handle?"
    reply = talk.says("joe")
    assert (words(reply), talk.run_of("ann").run_id) == ("Offer 12 to joe?", run.run_id)  # type: ignore[union-attr] # None fails, too
    assert talk.taps("Confirm").data == {"amount": 12, "handle": "joe", "confirm": "confirm"}


def test_the_moment_of_the_expiry_is_no_longer_within_it(talk: AtTheDoor) -> None:
    signed_in_for(talk, seconds=30)
    talk.says("transfer")
    talk.waits(seconds=29)
    assert talk.says("12").step_id == "handle"
    talk.waits(seconds=1)
    assert begins(talk.says("bob"))


def test_a_button_that_was_shown_before_the_sign_in_answers_its_question_after_it(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    asked = talk.says("transfer", "12", "bob")
    talk.door.sessions.clear()
    assert begins(talk.taps("Confirm", of=asked))
    talk.signs_in()
    assert talk.taps("Confirm", of=asked).status == "completed"


@pytest.mark.parametrize("text", ["help", "menu", "back", "restart", "sign in", "colour", "12"])
def test_nothing_is_said_of_a_flow_to_who_is_not_signed_in_for_it(talk: AtTheDoor, text: str) -> None:
    talk.door.lets_in()
    talk.says("transfer", "12", "bob")
    talk.door.sessions.clear()
    said = words(talk.says(text))
    assert "12" not in said
    assert "Your PIN?" in said


def test_nobody_has_to_sign_in_to_leave(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    talk.says("transfer", "12")
    talk.door.sessions.clear()
    reply = talk.says("cancel")
    assert (words(reply), reply.status, reply.flow_id) == ("Cancelled.", "cancelled", "transfer_ann")


def test_a_heart_on_a_message_asks_nobody_to_sign_in(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    talk.says("transfer")
    talk.door.sessions.clear()
    reply = talk.says(None, kind="reaction")  # type: ignore[arg-type] # a reaction has no text
    assert (reply.messages, reply.status) == ((), "ignored")


def test_a_silence_closes_it_before_a_sign_in_is_asked_for(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    talk.says("transfer")
    talk.door.sessions.clear()
    talk.waits(minutes=6)
    assert talk.says("12").status == "expired"


def test_a_late_message_from_who_is_not_signed_in_shows_no_question_either(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    talk.says("transfer", "12", "bob")
    talk.door.sessions.clear()
    assert "12" not in words(talk.says("x", sent_at=talk.now - timedelta(minutes=1)))


# -- a sign-in that does not end well ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_what_waits_for_a_sign_in_that_is_not_gone_through_is_closed_and_that_is_said(
    talk: AtTheDoor, how: str
) -> None:
    talk.says("transfer")
    if how == "expired":
        talk.waits(minutes=6)
    reply = talk.says("cancel")
    assert reply.status == how
    assert words(reply).endswith(SAID.sign_in_left.format(keyword="transfer"))
    assert talk.run_of("ann").waiting is None  # type: ignore[union-attr] # there is one: it was talked to
    assert words(talk.says("12")) == "You can send: sign in, transfer, colour."
    assert ("cancel", "left") in [(entry.event_type, entry.status) for entry in talk.manager.history("ann")]


def test_what_failed_to_sign_in_closes_what_waited_for_it(any_redis: Redis, prefix: str) -> None:
    class Once(SignIn):
        steps = (
            Step("pin", StepType.TEXT, "Your PIN?", validator=SignIn.right, max_attempts=1, on_exhausted="failed"),
        )

    talk = AtTheDoor(any_redis, prefix, [Once, Transfer])
    talk.says("transfer")
    assert words(talk.says("0")).endswith(SAID.sign_in_left.format(keyword="transfer"))
    assert talk.says("12").status == "idle"


def test_who_is_let_in_meanwhile_keeps_what_waits_though_they_leave_the_sign_in(talk: AtTheDoor) -> None:
    talk.says("transfer")
    talk.door.lets_in()
    assert words(talk.says("cancel")) == "Cancelled.\n----\nHow much?"
    assert talk.says("12").step_id == "handle"


def test_who_went_through_it_and_is_still_not_signed_in_is_told_so_at_each_message(talk: AtTheDoor) -> None:
    talk.says("transfer")
    talk.signs_in(noticed=False)
    for _ in range(3):
        assert words(talk.says("12")) == f"{SAID.sign_in_again}\n\nYour PIN?"
        assert words(talk.signs_in(noticed=False)) == "Welcome.\n----\nHow much?"
    talk.says("12")
    talk.signs_in()
    assert talk.says("12").step_id == "handle"
    run = talk.run_of("ann")
    assert run is not None
    assert (run.waiting, run.flow_type, run.unasked) == (None, "transfer", False)


# -- a question that needs to know who asks ----------------------------------------------------------------------------


class Greeting(Flow):
    """Its first question says who is there."""

    flow_type = "greeting"
    requires_auth = True

    def hello(self) -> str:
        assert self.member is not None
        if self.member.token is None:
            raise RuntimeError("no token")
        return f"How are you, {self.member.id}?"

    steps = (Step("how", StepType.TEXT, hello),)


def test_a_question_that_needs_the_member_is_said_at_once_where_the_application_knows_already(
    any_redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = AtTheDoor(any_redis, prefix, [SignIn, Greeting], door=Door({CONSOLE: "ann"}))
    monkeypatch.setattr(SignIn, "door", talk.door)
    talk.says("greeting")
    assert words(talk.says(PIN)) == "Welcome.\n----\nHow are you, ann?"
    assert talk.says("fine").status == "completed"


@pytest.mark.parametrize("known", [{CONSOLE: "ann"}, {}])
def test_and_else_at_the_next_message_which_is_no_answer_to_it(
    any_redis: Redis, prefix: str, known: dict[Channel, str]
) -> None:
    talk = AtTheDoor(any_redis, prefix, [SignIn, Greeting], door=Door(known))
    talk.says("greeting")
    reply = talk.signs_in()
    assert (words(reply), reply.status) == (f"Welcome.\n----\n{SAID.signed_in}", "completed")
    assert words(talk.says("go on")) == "How are you, ann?"
    assert talk.says("fine").data == {"how": "fine"}


def test_a_question_that_fails_does_not_undo_the_sign_in(
    any_redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[str] = []
    talk = AtTheDoor(
        any_redis,
        prefix,
        [SignIn, Greeting],
        door=Door({CONSOLE: "ann"}),
        on_fault=lambda fault, _: faults.append(type(fault).__name__),
    )
    talk.says("greeting")
    monkeypatch.setattr(SignIn, "right", lambda *_: talk.door.sessions.update({CONSOLE: Member("ann")}) or True)
    reply = talk.says(PIN)
    assert (reply.status, words(reply)) == ("completed", f"Welcome.\n----\n{SAID.signed_in}")
    assert faults == ["RuntimeError"]
    assert talk.manager.history("ann")[-1].error == "RuntimeError"
    talk.door.lets_in()
    assert words(talk.says("and now?")) == "How are you, ann?"


# -- other flows beside it ---------------------------------------------------------------------------------------------


def test_a_keyword_of_it_at_a_choice_leads_through_the_sign_in_and_back_to_the_choice(talk: AtTheDoor) -> None:
    talk.says("colour", "transfer")
    assert begins(talk.taps("Come back later"))
    assert words(talk.signs_in()) == "Welcome.\n----\nHow much?"
    reply = talk.says("12", "bob", "confirm")
    assert words(reply) == f"The transfer is made.\n----\n{SAID.resumed}\n\nWhich?"
    assert talk.says("red").status == "completed"


def test_a_sign_in_that_is_left_there_leads_back_to_the_choice(talk: AtTheDoor) -> None:
    talk.says("colour", "transfer")
    talk.taps("Come back later")
    told = SAID.sign_in_left.format(keyword="transfer")
    assert words(talk.says("cancel")) == f"Cancelled.\n----\n{told}\n----\n{SAID.resumed}\n\nWhich?"
    assert talk.says("red").status == "completed"


def test_what_was_to_be_done_about_another_flow_is_not_asked_any_more_after_a_sign_in(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    talk.says("transfer", "12", "bob", "colour")
    talk.door.sessions.clear()
    talk.says("x")
    talk.signs_in()
    assert talk.says("1").status == "completed"  # the first of its own choices, not "Leave it"


class Tap(Flow):
    """A sign-in with a choice, where a keyword may interrupt it."""

    flow_type = "sign_in"
    steps = (Colour.steps[0],)


@pytest.mark.parametrize("choice", ["Leave it", "Come back later"])
def test_another_such_flow_named_at_the_sign_in_waits_for_one_sign_in_only(
    any_redis: Redis, prefix: str, choice: str
) -> None:
    talk = AtTheDoor(any_redis, prefix, [Tap, Transfer, Greeting], door=Door({CONSOLE: "ann"}))
    talk.says("transfer", "greeting")
    said = words(talk.taps(choice))
    assert (SAID.sign_in_left.format(keyword="transfer") in said) is (choice == "Leave it")
    talk.door.lets_in()
    assert words(talk.says("red")).endswith("How are you, ann?")
    reply = talk.says("fine")
    assert words(reply).endswith("How much?" if choice == "Come back later" else "Done. Thank you.")


@pytest.mark.parametrize("let_in", [True, False])
def test_what_waits_beneath_another_flow_is_not_shown_once_the_sign_in_has_expired(
    any_redis: Redis, prefix: str, let_in: bool
) -> None:
    class Choosy(Colour):
        flow_type = "choosy"
        requires_auth = True

    talk = AtTheDoor(any_redis, prefix, [SignIn, Choosy, Colour], door=Door({CONSOLE: "ann"}))
    talk.door.lets_in()
    talk.says("choosy", "colour")
    talk.taps("Come back later")
    talk.door.sessions.clear()
    assert words(talk.says("red")) == f"Done. Thank you.\n----\n{SAID.sign_in_awaits}"
    if let_in:
        talk.door.lets_in()
        assert words(talk.says("green")) == "Which?"  # it was not asked, so it is not answered
    else:
        assert begins(talk.says("green"))
        assert words(talk.signs_in()).endswith("Which?")
    assert talk.says("green").data == {"colour": "g"}


def test_a_started_flow_waits_with_the_run_id_that_it_was_given(talk: AtTheDoor) -> None:
    talk.says("colour")
    reply = talk.runner.start("transfer", talk.message("pay"), run_id="order-7")
    assert begins(reply)
    talk.signs_in()
    assert talk.says("12", "bob", "confirm").run_id == "order-7"


def test_the_flow_of_a_member_is_the_sign_in_while_that_is_open(talk: AtTheDoor) -> None:
    talk.says("transfer")
    found = talk.runner.flow_of("ann")
    assert found is not None
    assert (found.flow_type, found.state) == ("sign_in", "pin")
    talk.signs_in()
    talk.says("12")
    found = talk.runner.flow_of("ann")
    assert found is not None
    assert (found.flow_type, found.state) == ("transfer", "handle")


def test_a_rollback_takes_the_last_answer_back_across_the_sign_in(talk: AtTheDoor) -> None:
    talk.says("transfer")
    talk.signs_in()
    talk.says("12")
    talk.manager.rollback("ann")
    assert talk.says("15").step_id == "handle"
    assert talk.says("bob", "confirm").data == {"amount": 15, "handle": "bob", "confirm": "confirm"}


def test_a_damaged_run_is_restored_without_a_word_of_it_to_who_is_not_signed_in(talk: AtTheDoor) -> None:
    talk.door.lets_in()
    talk.says("transfer", "12", "bob")
    talk.redis.hset(talk.manager.layout.keys("ann").state, "sent_at", "broken")
    talk.door.sessions.clear()
    reply = talk.says("confirm")
    assert (reply.status, "12" in words(reply)) == ("recovered", False)
    assert words(reply) == f"{SAID.recovered}\n\n{SAID.sign_in_first}\n\nYour PIN?"
    assert words(talk.signs_in()).endswith("Offer 12 to bob?")
    assert talk.says("confirm").status == "completed"


def test_a_damaged_run_whose_question_needs_the_member_is_not_asked_for_it(any_redis: Redis, prefix: str) -> None:
    faults: list[Exception] = []
    door = Door({CONSOLE: "ann"})
    talk = AtTheDoor(any_redis, prefix, [SignIn, Greeting], door=door, on_fault=lambda fault, _: faults.append(fault))
    talk.door.lets_in()
    talk.says("greeting")
    talk.redis.hset(talk.manager.layout.keys("ann").state, "sent_at", "broken")
    talk.door.sessions.clear()
    assert begins(talk.says("fine"))
    assert faults == []


def test_a_run_that_waits_for_its_question_is_stored_and_read_as_one() -> None:
    run = FlowData("transfer_ann", "transfer", "amount", 0, unasked=True)
    assert load_flow_data(dump_flow_data(run)) == run
    with pytest.raises(TypeError):
        load_flow_data(dump_flow_data(run).replace(b"true", b"1"))


# -- duplicates --------------------------------------------------------------------------------------------------------


def test_each_message_of_a_sign_in_has_its_reply_again(talk: AtTheDoor) -> None:
    wants = talk.message("transfer")
    first = talk.sends(wants)
    again = talk.sends(wants)
    assert (again.messages, again.duplicate) == (first.messages, True)
    proves = talk.message(PIN)
    done = talk.sends(proves)
    again = talk.sends(proves)
    assert (again.messages, again.duplicate, again.data) == (done.messages, True, {"pin": PIN})
    assert talk.sends(wants).messages == ()


# -- who it is ---------------------------------------------------------------------------------------------------------


def test_it_is_asked_once_for_a_message_and_once_more_when_a_sign_in_is_completed(talk: AtTheDoor) -> None:
    counts = []
    for text in ("transfer", "0", PIN, "12"):
        talk.door.asked.clear()
        talk.says(text)
        counts.append(len(talk.door.asked))
    assert counts == [1, 1, 2, 1]


def test_a_member_on_two_channels_has_one_state_and_is_answered_on_each(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix)
    talk.door.lets_in(CONSOLE)
    talk.door.lets_in(WHATSAPP)
    talk.says("transfer", channel=CONSOLE)
    reply = talk.says("12", channel=WHATSAPP)
    assert (reply.step_id, reply.member_id) == ("handle", "ann")
    assert talk.says("bob", channel=CONSOLE).step_id == "confirm"


def test_the_id_that_a_message_names_wins_and_who_is_another_is_not_signed_in_for_it(talk: AtTheDoor) -> None:
    talk.door.lets_in(member_id="ann")
    assert talk.says("transfer", member_id="ann").step_id == "amount"
    reply = talk.says("transfer", member_id="bob")
    assert begins(reply)
    assert reply.member_id == "bob"
    assert words(talk.says(PIN, member_id="bob")).startswith("Welcome.")
    assert begins(talk.says("12", member_id="bob"))


def test_an_id_that_can_be_no_key_is_refused(talk: AtTheDoor) -> None:
    talk.door.lets_in(member_id="a b")
    with pytest.raises(InvalidMemberId):
        talk.says("transfer")


def test_who_has_no_address_is_asked_for_nowhere(talk: AtTheDoor) -> None:
    with pytest.raises(InvalidMemberId):
        talk.says("transfer", channel=Channel("console", ""))
    assert talk.door.asked == []


@pytest.mark.parametrize("fault", [RuntimeError(TOKEN), StoreUnavailable(TOKEN), InvalidMemberId("id", TOKEN)])
def test_an_authenticator_that_fails_lets_nobody_in_and_has_the_message_delivered_again(
    talk: AtTheDoor, fault: Exception
) -> None:
    talk.door.lets_in()
    talk.says("transfer")
    before = talk.fields, talk.run_of("ann")
    talk.door.fault = fault
    with pytest.raises(AuthenticatorFailed) as failed:
        talk.says("12")
    told: BaseException | None = failed.value
    assert isinstance(told, StoreUnavailable)
    assert type(fault).__name__ in str(told)
    while told is not None:
        assert TOKEN not in repr(told) + str(told)
        told = told.__cause__ or told.__context__
    assert (talk.fields, talk.run_of("ann")) == before
    talk.door.fault = None
    assert talk.says("12").step_id == "handle"


def test_what_it_raised_is_given_to_on_fault(any_redis: Redis, prefix: str) -> None:
    given: list[Any] = []
    talk = AtTheDoor(any_redis, prefix, on_fault=lambda *told: given.append(told))
    talk.door.fault = RuntimeError(TOKEN)
    inbound = talk.message("transfer")
    with pytest.raises(AuthenticatorFailed) as failed:
        talk.sends(inbound)
    assert given == [(talk.door.fault, inbound)]
    assert (failed.value.__cause__, failed.value.__context__) == (None, None)


def test_what_is_no_member_is_nobody(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix)
    talk.door.sessions[CONSOLE] = {"id": "ann", "token": TOKEN}  # type: ignore[assignment] # which is the point
    with pytest.raises(AuthenticatorFailed, match="gave a dict"):
        talk.says("transfer")


def test_of_several_messages_one_whose_sender_is_not_known_holds_up_their_own_only(
    any_redis: Redis, prefix: str
) -> None:
    talk = AtTheDoor(any_redis, prefix)

    def asked(channel: Channel) -> Member | None:
        if channel == CONSOLE:
            raise RuntimeError
        return Member("bob")

    talk.deploys(FLOWS, authenticator=asked, sign_in=SignIn)
    inbounds = [talk.message("transfer"), talk.message("transfer", channel=WHATSAPP), talk.message("12")]
    first, second, third = talk.runner.handle_many(inbounds)
    assert isinstance(first, AuthenticatorFailed)
    assert isinstance(second, Reply)
    assert (third, words(second)) == (first, "How much?")


def test_two_channels_of_one_member_in_one_batch_write_one_state(any_redis: Redis, prefix: str) -> None:
    talk = AtTheDoor(any_redis, prefix)
    talk.door.lets_in(CONSOLE)
    talk.door.lets_in(WHATSAPP)
    talk.says("transfer")
    handled = talk.runner.handle_many([talk.message("12"), talk.message("13", channel=WHATSAPP)])
    assert sorted(reply.step_id for reply in handled if isinstance(reply, Reply)) == ["confirm", "handle"]  # type: ignore[type-var] # one without a step fails
    run = talk.run_of("ann")
    assert run is not None
    assert {*run.data} == {"amount", "handle"}


# -- what is wrong when a runner is made -------------------------------------------------------------------------------


def runner(flows: Any, **named: Any) -> FlowRunner:
    return FlowRunner(FlowStateManager.in_memory(), flows, **named)


def test_a_sign_in_that_itself_requires_one_is_an_error_when_the_runner_is_made() -> None:
    class Barred(SignIn):
        requires_auth = True

    class Within(Flow):
        flow_type = "within"
        steps = (SubFlow("transfer", Transfer),)

    for flow in (Barred, Within):
        with pytest.raises(FlowDefinitionError, match="signs members in"):
            runner([flow, Transfer], authenticator=Door(), sign_in=flow)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({}, "authenticator and a sign_in"),
        ({"authenticator": Door()}, "authenticator and a sign_in"),
        ({"sign_in": SignIn}, "needs an authenticator"),
        ({"authenticator": Door(), "sign_in": "other"}, "the sign_in 'other' is none of its flows"),
        ({"authenticator": "ann", "sign_in": SignIn}, "takes a Channel"),
    ],
)
def test_a_way_in_that_is_not_whole_is_an_error_when_the_runner_is_made(named: Any, told: str) -> None:
    with pytest.raises(FlowDefinitionError, match=told):
        runner(FLOWS, **named)


def test_whether_it_requires_a_sign_in_is_said_by_true_or_false() -> None:
    with pytest.raises(FlowDefinitionError, match="requires_auth is True or False"):

        class Wrong(Colour):
            requires_auth = "yes"  # type: ignore[assignment] # which is the point


async def _asked(_: Channel) -> Member | None:
    return Member("ann")


class _Asking:
    async def __call__(self, _: Channel) -> Member | None:
        return Member("ann")


def test_an_authenticator_that_must_be_awaited_is_for_the_other_runner(
    any_redis: Redis, prefix: str, side: str
) -> None:
    talk = AtTheDoor(any_redis, prefix)
    for asked in (_asked, _Asking()):
        if side == "async":
            talk.deploys(FLOWS, authenticator=asked, sign_in=SignIn)
            assert talk.says("transfer").member_id == "ann"
        else:
            with pytest.raises(AsyncFlowError, match="authenticator"):
                talk.deploys(FLOWS, authenticator=asked, sign_in=SignIn)


def _seems_not_to(channel: Channel) -> Any:
    return _asked(channel)


def test_one_that_turns_out_to_need_awaiting_lets_nobody_in(any_redis: Redis, prefix: str, side: str) -> None:
    talk = AtTheDoor(any_redis, prefix)
    talk.deploys(FLOWS, authenticator=_seems_not_to, sign_in=SignIn)
    if side == "async":
        assert talk.says("transfer").member_id == "ann"
    else:
        with pytest.raises(AuthenticatorFailed, match="AsyncFlowError"):
            talk.says("transfer")
