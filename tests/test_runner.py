"""What a webhook server calls: the flows that a runner takes, and the answers that it hands back structured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from fsmflow import (
    AsyncFlowError,
    Flow,
    FlowDefinitionError,
    FlowRunner,
    FlowStateManager,
    Inbound,
    InvalidMemberId,
    Sentences,
    Step,
    StepType,
)
from tests.talking import CONSOLE, WHATSAPP, Offer, Order, Talk, body_of, words

pytestmark = pytest.mark.usefixtures("side")


class Credex(Flow):
    """A flow that builds its steps, with bound methods, as the framework's description does."""

    def __init__(self, flow_type: str, state: Mapping[str, Any]) -> None:
        self.address = self._get_channel_identifier(state)
        steps = [
            Step(id="amount", type=StepType.TEXT, message=self.ask_amount, transformer=self.parse),
            Step(id="handle", type=StepType.TEXT, message="To which handle?"),
        ]
        super().__init__(f"{flow_type}_{state['member_id']}", steps)

    def ask_amount(self) -> str:
        return f"How much, {self.address}?"

    def parse(self, value: str) -> Decimal:
        return Decimal(value)


def test_what_was_collected_is_handed_back_structured(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    assert talk.says("offer", "12", "bob", "confirm").status == "completed"
    flow = talk.runner.flow_of(talk.member_id)
    assert isinstance(flow, Offer)
    assert flow.data == {"amount": Decimal("12"), "handle": "bob", "confirm": "confirm"}
    assert (flow.state, flow.current_step, flow.member_id, flow.channel) == ("completed", None, "console:ann", CONSOLE)
    assert body_of(flow.question) == "The offer is made."


def test_what_was_collected_by_a_flow_that_builds_its_steps_is_too(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, {"credex_offer": Credex, "credex_accept": Credex}, channel=WHATSAPP)
    assert words(talk.says("credex offer")) == "How much, 15550001111?"
    assert talk.says("12.5", "bob").status == "completed"
    flow = talk.runner.flow_of(talk.member_id)
    assert isinstance(flow, Credex)
    assert flow.data == {"amount": Decimal("12.5"), "handle": "bob"}
    assert (flow.flow_type, flow.id) == ("credex_offer", f"credex_offer_{talk.member_id}")
    assert (flow.member_id, flow.channel) == (talk.member_id, WHATSAPP)


def test_an_open_flow_can_be_looked_at_without_touching_it(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer], sentences=Sentences(choose="Eh?"))
    talk.says("offer", "12")
    before = talk.fields
    flow = talk.runner.flow_of(talk.member_id)
    assert flow is not None
    assert (flow.state, flow.data, flow.sentences.choose) == ("handle", {"amount": Decimal(12)}, "Eh?")
    flow.process_input("bob")
    assert talk.fields == before


def test_there_is_no_flow_where_none_was_or_none_fits(any_redis: Redis, prefix: str) -> None:
    class Other(Flow):
        flow_type = "offer"
        steps = (Step("other", StepType.TEXT, "Else?"),)

    talk = Talk(any_redis, prefix, [Offer])
    assert talk.runner.flow_of(talk.member_id) is None
    talk.says("hello")
    assert talk.runner.flow_of(talk.member_id) is None
    talk.says("offer", "12")
    talk.deploys([Order])
    assert talk.runner.flow_of(talk.member_id) is None
    talk.deploys([Other])
    assert talk.runner.flow_of(talk.member_id) is None


def test_one_runner_serves_many_members(any_redis: Redis, prefix: str) -> None:
    runner = FlowRunner(FlowStateManager(any_redis, prefix=prefix), [Offer])
    for member, amount in (("ann", "1"), ("bob", "2")):
        runner.handle(Inbound(CONSOLE, "1", "offer", member_id=member))
        runner.handle(Inbound(CONSOLE, "2", amount, member_id=member))
    found = [runner.flow_of(member) for member in ("ann", "bob")]
    assert [flow.data for flow in found if flow is not None] == [{"amount": Decimal(1)}, {"amount": Decimal(2)}]


def test_without_a_clock_of_its_own_a_message_is_of_the_moment(any_redis: Redis, prefix: str) -> None:
    """The runner's clock by default is this worker's: what it answers at once is not answered too late."""
    runner = FlowRunner(FlowStateManager(any_redis, prefix=prefix), [Offer])
    runner.handle(Inbound(CONSOLE, "1", "offer"))
    assert runner.handle(Inbound(CONSOLE, "2", "12")).status == "in_progress"
    assert runner.clock().utcoffset() == timedelta(0)


def test_a_member_who_can_have_no_key_is_refused_before_anything_is_read(any_redis: Redis, prefix: str) -> None:
    runner = FlowRunner(FlowStateManager(any_redis, prefix=prefix), [Offer])
    with pytest.raises(InvalidMemberId):
        runner.handle(Inbound(CONSOLE, "1", "offer", member_id="a b"))
    with pytest.raises(InvalidMemberId):
        runner.flow_of("{ann}")


def in_memory_runner(flows: Any, **named: Any) -> FlowRunner:
    return FlowRunner(FlowStateManager.in_memory(), flows, **named)


def test_a_flow_that_must_be_awaited_is_refused_when_the_runner_is_made() -> None:
    class Awaited(Flow):
        flow_type = "awaited"

        async def judged(self, value: str) -> bool:
            return bool(value)

        steps = (Step("one", StepType.TEXT, "One?", validator=judged),)

    with pytest.raises(AsyncFlowError, match="judged must be awaited"):
        in_memory_runner([Awaited])


@pytest.mark.parametrize("flows", [[], {}, [Offer, Offer], {"offer": Offer, "other": Offer}, ["offer"], [Flow]])
def test_flows_that_cannot_be_told_apart_or_are_none_are_refused(flows: Any) -> None:
    with pytest.raises(FlowDefinitionError):
        in_memory_runner(flows)


@pytest.mark.parametrize("default", [Order, "order"])
def test_a_default_that_is_none_of_the_flows_is_refused(default: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="is none of its flows"):
        in_memory_runner([Offer], default=default)


def test_what_was_collected_comes_with_the_reply_that_completed_it_and_with_its_duplicate(
    any_redis: Redis, prefix: str
) -> None:
    """Who died between the commit and the payment gets all that it takes again, under the same key."""
    talk = Talk(any_redis, prefix, [Offer])
    assert talk.says("offer", "12", "bob").data is None
    last = talk.message("confirm")
    reply = talk.sends(last)
    again = talk.sends(last)
    assert (reply.status, reply.duplicate, again.duplicate) == ("completed", False, True)
    assert reply.data == again.data == {"amount": Decimal("12"), "handle": "bob", "confirm": "confirm"}
    assert reply.run_id == again.run_id is not None
    assert "bob" not in repr(reply)


def test_a_declined_flow_hands_nothing_over(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    reply = talk.says("offer", "12", "bob", "decline")
    assert (reply.status, reply.data) == ("cancelled", None)


def test_what_was_taken_back_is_not_handed_over_by_a_duplicate(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "12", "bob")
    last = talk.message("confirm")
    talk.sends(last)
    talk.manager.rollback(talk.member_id)
    again = talk.sends(last)
    assert (again.data, again.messages, again.duplicate) == (None, (), True)


@pytest.mark.parametrize("run_id", ["", "\ud800", 7, "two\nlines"])
def test_a_run_id_that_cannot_be_kept_is_refused(any_redis: Redis, prefix: str, run_id: Any) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    with pytest.raises(ValueError, match="run_id"):
        talk.runner.start("offer", talk.message("x"), run_id=run_id)
