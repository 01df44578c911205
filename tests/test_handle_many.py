"""Many messages at once: each as if it came alone, one member's in their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from fsmflow import Channel, Flow, Inbound, InvalidMemberId, Reply, Step, StepType, StoreUnavailable
from fsmflow.clients import LONGEST_BATCH
from fsmflow.errors import Contended
from fsmflow.exchange import Exchange, Wishes
from fsmflow.runner import Handled
from fsmflow.state import MemberState
from tests.sides import on_side
from tests.talking import Offer, Order, Talk, in_memory, words

pytestmark = pytest.mark.usefixtures("side")

MEMBERS = tuple(Channel("console", name) for name in ("ann", "bob", "cy"))


def inbound(channel: Channel, number: int | str, text: str) -> Inbound:
    return Inbound(channel, f"{channel.identifier}{number}", text)


def each_says(number: int, *texts: str) -> list[Inbound]:
    return [inbound(each, number, text) for each, text in zip(MEMBERS, texts, strict=True)]


def said(handled: Handled) -> str:
    assert isinstance(handled, Reply), handled
    return words(handled)


def test_the_replies_come_in_the_order_of_the_messages(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer, Order])
    handled = talk.runner.handle_many(each for each in each_says(1, "offer", "order", "hm"))
    assert (said(handled[0]), said(handled[1])) == ("How much?", "Which size?")
    assert "offer, order" in said(handled[2])
    assert talk.runner.handle_many([]) == []


def test_messages_of_one_member_are_answered_one_after_the_other(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    ann, bob, _ = MEMBERS
    texts = ((ann, "offer"), (bob, "offer"), (ann, "12"), (ann, "joe"), (bob, "13"), (ann, "back"))
    handled = talk.runner.handle_many([inbound(each, number, text) for number, (each, text) in enumerate(texts)])
    steps = [each.step_id for each in handled if isinstance(each, Reply)]
    assert steps == ["amount", "amount", "handle", "confirm", "handle", "handle"]


def test_a_message_that_stands_there_twice_is_decided_once(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    ann = MEMBERS[0]
    first = inbound(ann, 1, "offer")
    handled = talk.runner.handle_many([first, first, inbound(ann, 2, "12"), first])
    replies = [each for each in handled if isinstance(each, Reply)]
    assert [each.duplicate for each in replies] == [False, True, False, True]
    assert replies[1].messages == replies[0].messages
    assert replies[3].messages == ()


def test_more_members_than_go_into_one_pipeline_are_all_answered(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    members = [Channel("console", f"member-{number}") for number in range(LONGEST_BATCH + 2)]
    talk.runner.handle_many([inbound(each, 1, "offer") for each in members])
    handled = talk.runner.handle_many([inbound(each, 2, str(number)) for number, each in enumerate(members)])
    assert [each.step_id for each in handled if isinstance(each, Reply)] == ["handle"] * len(members)
    kept = [talk.manager.load(f"console:{each.identifier}").to_dict()["flow_data"]["data"] for each in members]
    assert [each["amount"] for each in kept] == [str(number) for number in range(len(members))]


def test_an_address_that_can_be_no_members_concerns_nobody_else(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    nobody = Channel("console", "{}")
    handled = talk.runner.handle_many([inbound(nobody, 1, "offer"), inbound(MEMBERS[0], 1, "offer")])
    assert isinstance(handled[0], InvalidMemberId)
    assert said(handled[1]) == "How much?"


class Odd(Flow):
    flow_type = "odd"

    def looks(self, value: str) -> bool:
        if value == "fail":
            raise RuntimeError(value)
        return True

    steps = (Step(id="one", type=StepType.TEXT, message="One?", validator=looks),)


def test_a_flow_that_fails_for_one_apologizes_to_that_one(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Odd])
    talk.runner.handle_many(each_says(1, "odd", "odd", "odd"))
    handled = talk.runner.handle_many(each_says(2, "a", "fail", "b"))
    assert [each.status for each in handled if isinstance(each, Reply)] == ["completed", "error", "completed"]


def test_what_on_fault_raises_comes_out_after_the_others_were_answered(any_redis: Redis, prefix: str) -> None:
    def raising(fault: Exception, _: Inbound) -> None:
        raise fault

    talk = Talk(any_redis, prefix, [Odd], on_fault=raising)
    talk.runner.handle_many(each_says(1, "odd", "odd", "odd"))
    with pytest.raises(RuntimeError):
        talk.runner.handle_many(each_says(2, "a", "fail", "b"))
    steps = [talk.manager.load(f"console:{each.identifier}").to_dict()["flow_data"]["step_id"] for each in MEMBERS]
    assert steps == ["completed", "one", "completed"]


def test_a_members_later_messages_wait_for_one_that_was_not_decided(
    any_redis: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the answer to the second question would be taken for one to the first."""
    talk = Talk(any_redis, prefix, [Offer])
    ann, bob, _ = MEMBERS
    talk.runner.handle_many([inbound(each, 1, "offer") for each in (ann, bob)])
    troubles = [Contended("other workers kept committing for this member")]
    load = Exchange.load

    def contended(self: Exchange, member_id: str, channel: Channel) -> Wishes[MemberState]:
        if troubles and member_id == "console:ann":
            raise troubles.pop()
        return load(self, member_id, channel)

    monkeypatch.setattr(Exchange, "load", contended)
    batch = [inbound(ann, 2, "12"), inbound(bob, 2, "13"), inbound(ann, 3, "joe")]
    handled = talk.runner.handle_many(batch)
    assert [type(each) for each in handled] == [Contended, Reply, Contended]
    again = talk.runner.handle_many(batch)
    assert [each.step_id for each in again if isinstance(each, Reply)] == ["handle", "handle", "confirm"]


def test_a_server_that_forgot_the_script_is_taught_it_again(redis_client: Redis, prefix: str) -> None:
    talk = Talk(redis_client, prefix, [Offer])
    talk.runner.handle_many([inbound(each, 1, "offer") for each in MEMBERS])
    redis_client.script_flush()
    handled = talk.runner.handle_many([inbound(each, 2, "12") for each in MEMBERS])
    assert [each.step_id for each in handled if isinstance(each, Reply)] == ["handle"] * 3
    assert [len(talk.manager.history(f"console:{each.identifier}")) for each in MEMBERS] == [5] * 3


def test_a_store_that_is_away_is_said_for_each_message(redis_client: Redis, prefix: str) -> None:
    talk = Talk(redis_client, prefix, [Offer])
    handled_before = talk.runner.handle_many([inbound(each, 1, "offer") for each in MEMBERS])
    assert all(isinstance(each, Reply) for each in handled_before)
    for each in MEMBERS:
        redis_client.delete(talk.manager.layout.keys(f"console:{each.identifier}").state)
        redis_client.set(talk.manager.layout.keys(f"console:{each.identifier}").state, "no hash")
    handled = talk.runner.handle_many([inbound(each, 2, "12") for each in MEMBERS])
    assert [type(each) for each in handled] == [StoreUnavailable] * 3
    assert str(handled[0]) == "Redis did not do HGETALL: ResponseError"


TEXTS = st.sampled_from(("offer", "12", "x", "joe", "confirm", "back", "restart", "cancel", "help", "order", "Big"))


@given(st.lists(st.tuples(st.sampled_from(MEMBERS), TEXTS), max_size=12))
def test_together_they_get_what_they_would_have_got_alone(messages: list[tuple[Channel, str]]) -> None:
    batch = [inbound(each, number, text) for number, (each, text) in enumerate(messages)]
    together = in_memory([Offer, Order])
    with on_side("sync"):
        alone = in_memory([Offer, Order])
    expected = [alone.runner.handle(each) for each in batch]
    got = together.runner.handle_many(batch)
    assert [told(each) for each in got] == [told(each) for each in expected]
    for each in MEMBERS:
        member_id = f"console:{each.identifier}"
        assert together.manager.load(member_id).to_dict() == alone.manager.load(member_id).to_dict()


def told(handled: Handled) -> tuple[object, ...]:
    """What a reply says, without what the moment is part of: the run's id, and with it the options' ids."""
    assert isinstance(handled, Reply), handled
    return words(handled), handled.status, handled.step_id, handled.duplicate, handled.data
