"""What cannot be read, or was changed, where money was moved: nothing is paid again, and nothing goes on unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from redis import Redis

from fsmflow import Action, Done, Flow, OutcomeNotTaken, Step, StepType, StoreUnavailable
from tests.bank import ACCEPTS, FLOWS, PAYS_AND_DIES, REASON, REFUSES, Bank, Pay, PayKnown, open_effect, talk_to
from tests.talking import SECRET, Talk, records_of, stored_bytes, words

pytestmark = pytest.mark.usefixtures("side")

CHECKING = "We are checking whether this went through. Nothing is done twice; please wait."


def test_a_run_at_an_action_that_nothing_says_is_open_is_asked_about_and_not_run(any_redis: Redis, prefix: str) -> None:
    bank = Bank(PAYS_AND_DIES)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("payknown", "5")
    with pytest.raises(StoreUnavailable):
        talk.says("yes")
    bank.is_dead = False
    any_redis.hdel(talk.key, "pending")
    assert CHECKING in words(talk.says("and?"))
    assert len(bank.calls) == 1
    talk.ages(minutes=2)
    assert words(talk.says("and?")) == "A note?"
    assert bank.asked == bank.calls, "it is asked about under the id that it was run by"
    assert len(bank.paid) == 1


@pytest.mark.parametrize("damage", [b"", b"running", b"running 1 x", b"\xff\xfe", b"nothing 1 - - id"])
def test_what_the_hash_says_of_an_effect_may_be_unreadable_and_stays_for_an_operator(
    any_redis: Redis, prefix: str, damage: bytes
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    any_redis.hset(talk.key, "pending", damage)
    assert CHECKING in words(talk.says("and?"))
    talk.ages(days=1)
    assert talk.runner.due() == []
    assert len(bank.calls) == 1


@pytest.mark.parametrize("field", ["flow_data", "previous", "recent", "version", "sent_at", "due"])
def test_a_damaged_field_beside_an_open_effect_changes_nothing_about_it(
    any_redis: Redis, prefix: str, field: str
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    still = open_effect(talk)
    kept = talk.fields[field]
    any_redis.hset(talk.key, field, b"\xff?")
    for text in ("and?", "cancel", "pay"):
        talk.says(text)
    assert open_effect(talk) == still
    assert len(bank.calls) == 1
    if field == "flow_data":
        assert talk.fields[field] == b"\xff?", "what cannot be read is not overwritten"
        any_redis.hset(talk.key, field, kept)
    due = talk.runner.resolve(talk.member_id, bank.calls[0], Done())
    assert due is not None
    assert words(due.reply) == "A note?"


def test_an_outcome_for_a_run_that_cannot_be_read_waits_until_it_can_be(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    kept = talk.fields["flow_data"]
    any_redis.hset(talk.key, "flow_data", b"{")
    with pytest.raises(OutcomeNotTaken, match="open still: InvalidState"):
        talk.runner.resolve(talk.member_id, bank.calls[0], Done())
    any_redis.hset(talk.key, "flow_data", kept)
    assert talk.runner.resolve(talk.member_id, bank.calls[0], Done()) is not None


class PayChanged(Pay):
    """The same, by a release that asks for the amount otherwise, so that no earlier answer fits."""

    def as_number(self, value: str) -> int:
        return int(value)

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", transformer=as_number),
        *Pay.steps[1:3],
        Step(id="receipt_to", type=StepType.TEXT, message="Where to?"),
        Pay.note,
    )


def test_a_run_that_fits_no_more_is_not_gone_on_with_before_what_was_paid(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5 or so", "yes")
    talk.deploys([PayChanged], services=bank)
    talk.says("and?")
    found = talk.state.flow_data
    assert found is None or found.ended
    assert len(bank.calls) == 1


def test_a_question_that_became_an_action_is_not_run_unasked(any_redis: Redis, prefix: str) -> None:
    class Before(Flow):
        flow_type = "turned"
        steps = (Step(id="amount", type=StepType.TEXT, message="?"), Step(id="pay", type=StepType.TEXT, message="Pay?"))

    class After(Flow):
        flow_type = "turned"
        steps = (Before.steps[0], Action("pay", lambda self: self.services.pay(self.effect_id)))

    bank = Bank()
    talk = Talk(any_redis, prefix, [Before])
    talk.says("turned", "5")
    talk.deploys([After], services=bank)
    assert CHECKING in words(talk.says("no"))
    assert bank.calls == []


class Built(Flow):
    """A flow that builds its own steps, an action among them."""

    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        self.flow_type = flow_type
        steps = [
            Step(id="amount", type=StepType.TEXT, message="How much?"),
            Action("payment", self.pays, reconcile=self.asks),
            Step(id="note", type=StepType.TEXT, message=self.words),
        ]
        super().__init__(f"{flow_type}_{state.get('member_id')}", steps)

    def pays(self) -> Any:
        return self.services.pay(self.effect_id)

    def asks(self) -> Any:
        return self.services.knows(self.effect_id)

    def words(self) -> str:
        return f"A note on {self.data['payment']}?"


def test_a_flow_that_builds_its_own_steps_may_act(any_redis: Redis, prefix: str) -> None:
    bank = Bank()
    talk = Talk(any_redis, prefix, {"built": Built}, services=bank)
    assert words(talk.says("built", "5")) == "A note on receipt 1?"
    assert bank.calls[0]
    assert bank.calls[0].split(":")[1] == "payment"
    assert len(bank.calls) == 1


class Secretive(Flow):
    """Asks for a secret, and is refused with it."""

    flow_type = "secretive"

    def pays(self) -> Any:
        return self.services.pay(self.effect_id)

    steps = (
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True),
        Action("payment", pays),
    )


@pytest.mark.parametrize("raises", [True, False])
def test_nothing_keeps_a_sensitive_answer_that_an_action_quotes(any_redis: Redis, prefix: str, raises: bool) -> None:
    from fsmflow import EffectRefused

    def quotes() -> Any:
        raise (ValueError if raises else EffectRefused)(f"{SECRET} is wrong")

    talk = Talk(any_redis, prefix, [Secretive], services=Bank(quotes))
    with records_of() as records:
        reply = talk.says("secretive", SECRET)
    if not raises:
        assert SECRET in words(reply), "the member is told why"
    assert SECRET not in str(talk.manager.history(talk.member_id))
    assert SECRET not in str([record["message"] for record in records])
    assert not any(SECRET.encode() in raw for raw in stored_bytes(any_redis, prefix).values())
    assert SECRET.encode() not in talk.fields["reply"]


def test_an_older_workers_revision_leaves_an_open_effect_alone(any_redis: Redis, prefix: str) -> None:
    class Newer(Pay):
        revision = 1

    bank = Bank(ACCEPTS)
    talk = Talk(any_redis, prefix, [Newer], services=bank)
    talk.says("pay", "5", "yes")
    before = talk.fields
    talk.deploys(FLOWS, services=bank)
    with pytest.raises(StoreUnavailable):
        talk.says("and?")
    assert talk.fields == before


def test_the_effect_id_is_that_of_the_run_the_step_and_the_visit_and_stays(any_redis: Redis, prefix: str) -> None:
    bank = Bank(REFUSES, PAYS_AND_DIES)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("payknown", "5")
    assert words(talk.taps("Yes")) == f"{REASON}\n\nPay 5?"
    with pytest.raises(StoreUnavailable):
        talk.taps("Yes")
    bank.is_dead = False
    found = talk.state.flow_data
    assert found is not None
    assert open_effect(talk)[4] == bank.calls[1] == f"{found.run_id}:payment:{found.visit}"
    assert bank.calls[0] != bank.calls[1]
    assert PayKnown.flow_type == found.flow_type
