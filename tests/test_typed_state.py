"""A typed flow in the store: answers come back as their fields say; what is badly typed goes the way of recovery."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen
from redis import Redis

from fsmflow import Flow, NotYetAnswered, Step, StepType
from tests.damage import LOST_PLACE, damage, reasons
from tests.paying import ANSWERS, PAID, Payment, PaymentFlow, Sum, Way
from tests.talking import SECRET, Talk, records_of, words

pytestmark = pytest.mark.usefixtures("side")

# What each field may be found to hold that it should not.
BAD: dict[str, tuple[Any, ...]] = {
    "total": ("12.50", 12, None, [], {"amount": "12.50"}, {"amount": "many", "currency": "USD"}, {"currency": "USD"}),
    "parts": ("12", 12, None, ["x"], [1.5], [None], {"a": 1}),
    "payer": (12, None, True, ["ann"], {"a": "ann"}),
    "way": ("cheque", 1, None, ["cash"]),
    "due": ("soon", 12, None, ["2030-02-01"]),
    "pin": (9876, None, [SECRET]),
}
CELLS = [(name, raw) for name, bad in BAD.items() for raw in bad]


def asked_for(name: str) -> str:
    """The words in which a step is asked, once all those before it are answered."""
    for step in PaymentFlow.steps:
        if step.id == name and isinstance(step.message, str):
            return step.message
    return "Who pays 6.25 USD each?"


def at_the_confirmation(redis: Redis, prefix: str) -> Talk:
    talk = Talk(redis, prefix, [PaymentFlow])
    talk.says("pay", *list(ANSWERS.values())[:-1])
    return talk


def hold(talk: Talk, **answers: Any) -> bytes:
    """Puts other values in place of stored answers."""
    stored = json.loads(talk.fields["flow_data"])
    stored["data"].update(answers)
    raw = json.dumps(stored).encode()
    damage(talk, flow_data=raw)
    return raw


@pytest.mark.parametrize(("name", "raw"), CELLS)
def test_a_badly_typed_answer_is_put_aside_and_asked_again(any_redis: Redis, prefix: str, name: str, raw: Any) -> None:
    talk = at_the_confirmation(any_redis, prefix)
    damaged = hold(talk, **{name: raw})
    with records_of() as records:
        reply = talk.says("Yes")
    assert (words(reply), reply.status, reply.data) == (f"{LOST_PLACE}\n\n{asked_for(name)}", "recovered", None)
    assert talk.quarantine == {"flow_data": damaged}
    assert reasons(talk) == ["could not use: flow_data (it does not fit the flow)", "restored from flow_data"]
    assert SECRET not in repr(records)
    missing = list(ANSWERS)[list(ANSWERS).index(name) :]
    assert talk.says(*(ANSWERS[each] for each in missing)).data == PAID


def test_each_answer_comes_back_as_its_field_says(any_redis: Redis, prefix: str) -> None:
    talk = at_the_confirmation(any_redis, prefix)
    flow = talk.runner.flow_of(talk.member_id)
    assert isinstance(flow, PaymentFlow)
    assert flow.data == PAID
    assert (flow.data.total, flow.data.parts, flow.data.way) == (Sum(Decimal("12.50"), "USD"), [1, 2], Way.CASH)


def test_who_started_the_flow_is_given_an_object_of_the_data_class(any_redis: Redis, prefix: str) -> None:
    talk = at_the_confirmation(any_redis, prefix)
    reply = talk.says("Yes")
    assert (words(reply), reply.status) == ("ann pays 12.50.", "completed")
    assert (type(reply.data), reply.data) == (Payment, PAID)
    assert SECRET not in repr(reply)


def test_its_duplicate_has_it_too(any_redis: Redis, prefix: str) -> None:
    talk = at_the_confirmation(any_redis, prefix)
    inbound = talk.message("Yes")
    first, again = talk.sends(inbound), talk.sends(inbound)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert (type(again.data), again.data) == (Payment, first.data)


def test_only_a_completed_flow_gives_its_data(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [PaymentFlow])
    assert [talk.says(said).data for said in ("pay", *list(ANSWERS.values())[:-1])] == [None] * 7
    assert talk.says("No").data is None


def test_a_duplicate_is_answered_without_data_where_the_class_has_something_against_it_now(
    any_redis: Redis, prefix: str
) -> None:
    talk = at_the_confirmation(any_redis, prefix)
    inbound = talk.message("Yes")
    first = talk.sends(inbound)

    @frozen
    class Stricter(Payment):
        def __attrs_post_init__(self) -> None:
            raise ValueError("nothing is good enough")

    class StricterFlow(Flow[Stricter]):
        flow_type = "pay"
        steps = PaymentFlow.steps

    talk.deploys([StricterFlow])
    again = talk.sends(inbound)
    assert (again.duplicate, again.messages, again.data) == (True, first.messages, None)


@frozen
class Range:
    low: int
    high: int

    def __attrs_post_init__(self) -> None:
        if self.high < self.low:
            raise ValueError(f"{self.high} is below {self.low}")


class RangeFlow(Flow[Range]):
    flow_type = "range"

    def number(self, value: str) -> int:
        return int(value)

    steps = (
        Step(id="low", type=StepType.TEXT, message="From?", transformer=number),
        Step(id="high", type=StepType.TEXT, message="To?", transformer=number),
    )


def test_what_the_data_class_has_against_the_whole_is_a_fault_and_the_answer_does_not_count(
    any_redis: Redis, prefix: str
) -> None:
    faults: list[Exception] = []
    talk = Talk(any_redis, prefix, [RangeFlow], on_fault=lambda fault, _: faults.append(fault))
    talk.says("range", "7")
    before = talk.data
    reply = talk.says("3")
    assert (reply.status, reply.step_id, reply.data) == ("error", "high", None)
    assert "below" not in words(reply)
    assert (talk.data, [type(fault) for fault in faults]) == (before, [ValueError])
    assert talk.says("8").data == Range(7, 8)


class Hasty(Flow[Range]):
    flow_type = "hasty"

    def low_prompt(self) -> str:
        return f"At least {self.data.high}?"

    steps = (
        Step(id="low", type=StepType.TEXT, message=low_prompt, transformer=int),
        Step(id="high", type=StepType.TEXT, message="To?", transformer=int),
    )


def test_reading_too_early_is_a_fault_that_its_member_does_not_see(any_redis: Redis, prefix: str) -> None:
    faults: list[Exception] = []
    talk = Talk(any_redis, prefix, [Hasty], on_fault=lambda fault, _: faults.append(fault))
    reply = talk.says("hasty")
    assert (reply.status, [str(fault) for fault in faults]) == ("error", [str(NotYetAnswered("Hasty", "high"))])
    assert "high" not in words(reply)


def test_going_back_and_starting_over_are_seen_in_the_data(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [RangeFlow])

    def seen() -> str:
        flow = talk.runner.flow_of(talk.member_id)
        return repr(None if flow is None else flow.data)

    talk.says("range", "7")
    assert seen() == "Range(low=7, high=…)"
    talk.says("back")
    assert seen() == "Range(low=7, high=…)"  # kept until it is answered anew
    talk.says("4")
    assert seen() == "Range(low=4, high=…)"
    talk.says("restart")
    assert seen() == "Range(low=…, high=…)"


def test_a_run_that_was_begun_untyped_goes_on_typed(any_redis: Redis, prefix: str) -> None:
    class Before(Flow):
        flow_type = "range"
        steps = RangeFlow.steps
        number = RangeFlow.number

    talk = Talk(any_redis, prefix, [Before])
    talk.says("range", "7")
    talk.deploys([RangeFlow])
    assert talk.says("8").data == Range(7, 8)


def test_a_run_that_an_earlier_release_completed_is_seen_as_far_as_it_is_known(any_redis: Redis, prefix: str) -> None:
    class Before(Flow):
        flow_type = "range"
        steps = RangeFlow.steps[:1]
        number = RangeFlow.number

    talk = Talk(any_redis, prefix, [Before])
    inbound = talk.message("7")
    talk.says("range")
    talk.sends(inbound)
    talk.deploys([RangeFlow])
    flow = talk.runner.flow_of(talk.member_id)
    assert flow is not None
    assert (flow.state, repr(flow.data)) == ("completed", "Range(low=7, high=…)")
    assert (talk.sends(inbound).duplicate, talk.sends(inbound).data) == (True, None)
