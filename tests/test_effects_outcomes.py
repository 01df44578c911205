"""What comes of an effect, and what the member is told: done, refused, accepted, unknown."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from fsmflow import Done, EffectOpen, EffectRefused, Inbound, StoreUnavailable
from tests.bank import (
    ACCEPTS,
    DIES,
    FAILS,
    PAYS,
    PAYS_AND_DIES,
    PAYS_AND_FAILS,
    REASON,
    REFUSES,
    Bank,
    Lost,
    open_effect,
    talk_to,
)
from tests.talking import Talk, words

pytestmark = pytest.mark.usefixtures("side")

WORKING = "One moment: this is being done."
CHECKING = "We are checking whether this went through. Nothing is done twice; please wait."


def lifetimes(talk: Talk) -> list[bool]:
    """For each of the member's keys whether it expires."""
    keys = talk.manager.layout.keys(talk.member_id)
    return [int(talk.redis.pttl(key)) > 0 for key in (keys.state, keys.seen, keys.audit)]


def effects_of(talk: Talk) -> list[str]:
    """What the trail says of effects."""
    return [event for event, _, _ in talk.events if event.startswith("effect")]


# -- it is known what came of it --------------------------------------------------------------------------------------


def test_what_is_done_leads_on_and_is_kept_and_nothing_is_open_any_more(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("pay", "5", "yes")
    assert (words(reply), reply.status, reply.step_id) == ("A note?", "in_progress", "note")
    assert talk.data["payment"] == "receipt 1"
    assert bank.paid == bank.calls
    assert open_effect(talk) == []
    assert lifetimes(talk) == [True, True, True]
    assert effects_of(talk) == ["effect_run", "effect_done"]
    assert words(talk.says("thanks")) == "Paid: receipt 1."


def test_there_is_no_way_back_over_what_was_done(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    assert talk.state.previous is None
    assert talk.says("back").status == "refused"
    assert talk.manager.rollback(talk.member_id).flow_data == talk.state.flow_data
    assert talk.state.flow_data is not None
    assert talk.state.flow_data.step_id == "note"
    assert len(bank.calls) == 1


def test_what_is_refused_leads_back_to_the_step_before_with_the_reason_and_the_answers(
    any_redis: Redis, prefix: str
) -> None:
    bank = Bank(REFUSES)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("pay", "5", "yes")
    assert words(reply) == f"{REASON}\n\nPay 5?"
    assert (reply.step_id, talk.data["amount"], open_effect(talk)) == ("confirm", "5", [])
    assert lifetimes(talk) == [True, True, True]
    assert effects_of(talk) == ["effect_run", "effect_refused"]
    assert words(talk.taps("Yes")) == "A note?"
    assert len(set(bank.calls)) == 2, "another attempt of the member's is another payment"
    assert bank.paid == bank.calls[1:]


def test_the_first_step_refused_ends_the_flow_with_the_reason(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(REFUSES))
    reply = talk.says("payfirst")
    assert reply.status == "failed"
    assert words(reply).startswith(REASON)


@pytest.mark.parametrize("outcome", [Done("later"), EffectRefused(REASON)], ids=lambda outcome: type(outcome).__name__)
def test_what_is_accepted_waits_until_it_is_resolved_once(any_redis: Redis, prefix: str, outcome: Any) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("pay", "5", "yes")
    assert (words(reply), reply.status) == (WORKING, "working")
    assert lifetimes(talk) == [False, False, False]
    talk.ages(days=30)
    assert words(talk.says("and?")) == WORKING
    assert talk.runner.due() == []
    assert talk.runner.resolve(talk.member_id, "another", outcome) is None
    due = talk.runner.resolve(talk.member_id, bank.calls[0], outcome)
    assert due is not None
    assert (due.kind, due.channel) == ("effect", talk.channel)
    assert words(due.reply) == ("A note?" if isinstance(outcome, Done) else f"{REASON}\n\nPay 5?")
    assert talk.runner.resolve(talk.member_id, bank.calls[0], outcome) is None
    assert lifetimes(talk) == [True, True, True]
    assert len(bank.calls) == 1


def test_a_member_who_waited_long_for_an_outcome_was_not_silent(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    talk.ages(hours=1)
    talk.runner.resolve(talk.member_id, bank.calls[0], Done())
    talk.waits(minutes=1)
    assert talk.says("thanks").status == "completed"


def test_only_an_outcome_resolves(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    talk.says("pay", "5", "yes")
    wrong: Any = "done"
    with pytest.raises(TypeError, match="Done or EffectRefused"):
        talk.runner.resolve(talk.member_id, "any", wrong)


# -- nobody knows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("happened", [FAILS, PAYS_AND_FAILS])
def test_without_a_way_to_know_it_stays_unknown_for_an_operator_and_is_never_run_again(
    any_redis: Redis, prefix: str, happened: str
) -> None:
    bank = Bank(happened)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("pay", "5", "yes")
    assert (words(reply), reply.status) == (CHECKING, "unknown")
    talk.ages(days=30)
    assert words(talk.says("and?")) == CHECKING
    assert talk.runner.due() == []
    assert talk.runner.recover(talk.member_id) is None
    assert len(bank.calls) == 1
    assert effects_of(talk) == ["effect_run", "effect_unknown"]
    due = talk.runner.resolve(talk.member_id, bank.calls[0], Done("found"))
    assert due is not None
    assert words(due.reply) == "A note?"
    assert talk.data["payment"] == "found"


@pytest.mark.parametrize(("happened", "calls"), [(FAILS, 2), (PAYS_AND_FAILS, 1)])
def test_what_can_be_asked_is_asked_and_run_again_only_where_it_was_not_done(
    any_redis: Redis, prefix: str, happened: str, calls: int
) -> None:
    bank = Bank(happened)
    talk = talk_to(any_redis, prefix, bank)
    assert words(talk.says("payknown", "5", "yes")) == CHECKING
    assert bank.asked == []
    assert words(talk.says("and?")) == CHECKING
    talk.ages(minutes=2)
    assert words(talk.says("and?")) == "A note?"
    assert len(bank.paid) == 1
    assert len(bank.calls) == calls
    assert bank.asked == bank.calls[:1]
    assert set(bank.calls) == set(bank.paid), "the second attempt has the id of the first"


def test_what_is_still_unknown_is_asked_again_and_again(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS_AND_FAILS)
    bank.is_blind = True
    talk = talk_to(any_redis, prefix, bank)
    talk.says("payknown", "5", "yes")
    for asked, minutes in enumerate(
        (1, 2, 4, 8, 15, 15), 1
    ):  # each time it takes twice as long, up to a quarter of an hour
        talk.ages(minutes=minutes, seconds=-1)
        assert talk.runner.due() == []
        talk.ages(seconds=2)
        talk.runner.due()
        assert len(bank.asked) == asked
    bank.is_blind = False
    talk.ages(minutes=15)
    (due,) = talk.runner.due()
    assert words(due.reply) == "A note?"
    assert (len(bank.calls), len(bank.paid)) == (1, 1)


def test_what_does_nothing_twice_is_run_again_under_the_same_id(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS_AND_FAILS)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("payonce", "5", "yes")
    talk.ages(minutes=2)
    (due,) = talk.runner.due()
    assert words(due.reply) == "A note?"
    assert len(bank.calls) == 2
    assert len(set(bank.calls)) == 1
    assert len(bank.paid) == 1


def test_a_call_is_repeated_within_an_attempt_under_the_same_id(any_redis: Redis, prefix: str) -> None:
    bank = Bank(FAILS, PAYS_AND_FAILS)
    talk = talk_to(any_redis, prefix, bank)
    assert words(talk.says("payagain", "5")) == "A note?"
    assert len(bank.calls) == 3
    assert len(set(bank.calls)) == 1
    assert len(bank.paid) == 1


def test_what_was_raised_goes_where_the_application_wants_it(any_redis: Redis, prefix: str) -> None:
    met: list[Exception] = []
    talk = talk_to(any_redis, prefix, Bank(FAILS), on_fault=lambda fault, _: met.append(fault))
    talk.says("pay", "5", "yes")
    assert [type(fault) for fault in met] == [Lost]


def test_what_no_action_may_return_is_unknown(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(lambda: True))
    assert talk.says("pay", "5", "yes").status == "unknown"


def test_a_receipt_that_has_no_json_is_unknown_and_nothing_is_paid_again(any_redis: Redis, prefix: str) -> None:
    bank = Bank(lambda: Done(object()))
    talk = talk_to(any_redis, prefix, bank)
    assert talk.says("pay", "5", "yes").status == "unknown"
    talk.ages(days=1)
    talk.says("and?")
    assert len(bank.calls) == 1


# -- as long as it is open --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["back", "cancel", "restart", "help", "menu", "skip", "7", "order", "yes"])
def test_whatever_is_said_while_an_effect_is_open_changes_nothing(any_redis: Redis, prefix: str, word: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    question = talk.says("pay", "5")
    talk.taps("Yes")
    before, still = talk.state.flow_data, open_effect(talk)
    assert words(talk.says(word)) == WORKING
    assert words(talk.taps("Yes", of=question)) == WORKING
    assert (talk.state.flow_data, open_effect(talk)) == (before, still)


def test_nothing_is_cleared_rolled_back_or_started_while_an_effect_is_open(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    before = talk.state.flow_data
    with pytest.raises(EffectOpen):
        talk.manager.clear(talk.member_id)
    with pytest.raises(EffectOpen):
        talk.manager.rollback(talk.member_id)
    assert words(talk.runner.start("payfirst", talk.message("now"))) == WORKING
    assert talk.state.flow_data == before
    assert len(bank.calls) == 1


def test_what_is_added_to_the_trail_by_hand_has_it_expire_no_sooner(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    talk.says("pay", "5", "yes")
    talk.manager.append(talk.member_id, talk.manager.history(talk.member_id)[-1:])
    assert lifetimes(talk) == [False, False, False]


def test_a_silence_closes_no_run_whose_effect_is_open(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    talk.says("pay", "5", "yes")
    talk.ages(days=9)
    assert talk.runner.due() == []
    assert words(talk.says("hello?")) == WORKING


def test_a_tap_on_the_button_again_and_again_pays_once(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    question = talk.says("pay", "5")
    for _ in range(10):
        talk.taps("Yes", of=question)
    assert len(bank.calls) == 1


def test_the_same_conversation_again_after_a_clear_is_another_payment(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    for _ in range(2):
        talk.says("pay", "5", "yes")
        talk.manager.clear(talk.member_id)
    assert len(set(bank.paid)) == 2


def test_duplicates_get_what_the_outcome_said(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5")
    message = talk.message("yes")
    first = talk.sends(message)
    again = talk.sends(message)
    assert words(again) == words(first) == "A note?"
    assert again.duplicate
    assert len(bank.calls) == 1


# -- a worker is gone -------------------------------------------------------------------------------------------------


def left_open(talk: Talk, bank: Bank, *texts: str) -> Inbound:
    """Has a worker die of the last message; gives that message."""
    talk.says(*texts[:-1])
    message = talk.message(texts[-1])
    with pytest.raises(StoreUnavailable):
        talk.sends(message)
    bank.is_dead = False
    return message


@pytest.mark.parametrize("happened", [DIES, PAYS_AND_DIES])
@pytest.mark.parametrize("way", ["message", "redelivery", "due", "recover"])
def test_what_a_worker_left_is_taken_over_once_its_time_is_over_and_paid_once(
    any_redis: Redis, prefix: str, happened: str, way: str
) -> None:
    bank = Bank(happened)
    talk = talk_to(any_redis, prefix, bank)
    message = left_open(talk, bank, "payknown", "5", "yes")

    def takes() -> list[str]:
        if way in ("message", "redelivery"):
            return [words(talk.says("and?") if way == "message" else talk.sends(message))]
        found = talk.runner.due() if way == "due" else [talk.runner.recover(talk.member_id)]
        return [words(due.reply) for due in found if due is not None]

    assert open_effect(talk)[0] == "running"
    assert takes() in ([], [WORKING])
    assert bank.asked == []
    talk.ages(minutes=1)
    assert takes() == ["A note?"]
    assert (len(bank.paid), len(bank.asked)) == (1, 1)
    assert set(bank.calls) == set(bank.paid)
    assert open_effect(talk) == []
    assert talk.runner.due() == []
    assert talk.runner.recover(talk.member_id) is None
    assert len(bank.paid) == 1


def test_what_a_worker_left_that_nobody_can_know_is_unknown_then(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS_AND_DIES)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, "pay", "5", "yes")
    talk.ages(minutes=1)
    (due,) = talk.runner.due()
    assert (words(due.reply), due.reply.status) == (CHECKING, "unknown")
    talk.ages(days=1)
    assert talk.runner.due() == []
    assert (len(bank.calls), lifetimes(talk)) == (1, [False, False, False])


# -- where it stands --------------------------------------------------------------------------------------------------


def test_two_effects_in_a_row_are_two_payments_and_complete_the_flow(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("paytwice", "5")
    assert (reply.status, len(set(bank.paid)), len(bank.calls)) == ("completed", 2, 2)
    assert reply.data == {"amount": "5", "payment": "receipt 1", "fee": "receipt 2"}


def test_the_second_of_two_effects_is_taken_over_alone(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS, PAYS_AND_DIES)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, "paytwice", "5")
    talk.ages(minutes=1)
    assert words(talk.says("and?")) == "Paid: receipt 1."
    assert len(bank.paid) == len(set(bank.paid)) == 2
    assert bank.asked == bank.calls[1:]


def test_the_second_of_two_effects_refused_goes_back_over_nothing(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS, REFUSES)
    talk = talk_to(any_redis, prefix, bank)
    reply = talk.says("paytwice", "5")
    assert reply.status == "failed"
    assert words(reply).startswith(REASON)
    assert len(bank.paid) == 1


def test_an_effect_may_come_first(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    assert words(talk.says("payfirst")) == "A note?"
    assert len(bank.paid) == 1


def test_an_effect_of_a_flow_within_has_an_id_of_its_own_and_no_way_back(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    assert words(talk.says("order", "shoes", "5")) == "Where to?"
    assert talk.data["paying"] == {"amount": "5", "payment": "receipt 1"}
    assert talk.says("back").status == "refused"
    assert talk.says("home").status == "completed"
    assert len(bank.calls) == 1


def test_nothing_leads_out_of_a_flow_within_back_over_what_was_done_there(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    talk.says("ordernoted", "shoes", "5")
    assert words(talk.taps("Yes")) == "A note?"
    assert talk.says("back").status == "refused"
    assert words(talk.says("back")).endswith("A note?")
    assert len(bank.calls) == 1


def test_attempts_that_are_used_up_may_lead_to_an_effect_which_is_taken_up_once(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    assert words(talk.says("payatlast", "what?", "what?")).endswith("A note?")
    assert effects_of(talk) == ["effect_run", "effect_done"]
    assert len(bank.calls) == 1


def test_an_effect_of_a_flow_within_is_taken_over(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS_AND_DIES)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, "order", "shoes", "5")
    talk.ages(minutes=1)
    assert words(talk.says("and?")) == "Where to?"
    assert (len(bank.paid), len(bank.calls)) == (1, 1)


def test_an_effect_of_a_flow_within_that_is_refused_asks_the_question_within(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(REFUSES))
    assert words(talk.says("order", "shoes", "5")) == f"{REASON}\n\nHow much?"
    assert words(talk.says("back")) == "Your answer was: shoes\n\nWhat?"
