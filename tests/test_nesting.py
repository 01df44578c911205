"""A flow within a flow, without a store: one answer after the other, back, rollback, and faults."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fsmflow import AsyncFlowError, Flow, FlowDefinitionError, FlowEnded, Step, StepType
from fsmflow.step import Route, SubFlow
from tests.branched import YES_NO, Account, Address, Card, Order, text
from tests.talking import SECRET, body_of


class Both(Flow):
    """Has no question of its own."""

    flow_type = "both"
    steps = (SubFlow("first", Address), SubFlow("second", Card))


def said(flow: Flow, *values: str) -> list[str]:
    return [body_of(flow.process_input(value)) for value in values]


def asked(flow: Flow) -> str:
    return body_of(flow.question)


def test_its_questions_are_asked_in_place() -> None:
    flow = Order()
    assert said(flow, "5", "Main", "Rome", "yes") == [
        "street?",
        "town?",
        "sure?",
        "Sent to {'street': 'Main', 'town': 'Rome'}.",
    ]
    assert (flow.state, flow.inner, flow.innermost) == ("completed", None, flow)
    with pytest.raises(FlowEnded):
        flow.process_input("x")


def test_a_flow_of_flows_alone_has_the_same_triggers_as_any_other() -> None:
    flow = Both()
    assert asked(flow) == "street?"
    assert flow.triggers() == ("cancel", "restart", "expire", "submit")
    assert said(flow, "Main") == ["town?"]
    assert flow.triggers() == ("back", "cancel", "restart", "expire", "submit", "skip")
    assert flow.trigger("skip")
    assert (flow.data, asked(flow)) == ({"first": {"street": "Main", "town": None}}, "pin?")


def test_one_that_was_just_made_takes_an_answer_by_whichever_way_it_is_given() -> None:
    flow = Both()
    assert flow.may("submit", "Main")
    assert not flow.may("submit", "x")
    assert flow.trigger("submit", "Main")
    assert flow.innermost.answers == {"street": "Main"}


def test_what_a_flow_within_opens_and_ends_by_is_nobodys_to_fire() -> None:
    flow = Order()
    said(flow, "5")
    assert not flow.may("push")
    assert not flow.may("pop")
    assert not flow.trigger("pop")
    assert asked(flow) == "street?"
    with pytest.raises(FlowDefinitionError, match="'jump' is no trigger"):
        flow.trigger("jump")


def test_back_crosses_the_border_both_ways() -> None:
    flow = Order()
    said(flow, "5", "Main", "Rome")
    assert [body_of(flow.back()) for _ in range(3)] == ["town?", "street?", "amount?"]
    assert flow.may("back") is False
    assert said(flow, "6", "High", "Paris") == ["street?", "town?", "sure?"]
    assert flow.data == {"amount": "6", "address": {"street": "High", "town": "Paris"}}


def test_a_flow_of_one_question_says_that_it_is_the_first() -> None:
    flow = Card()
    one: Flow = type("One", (Flow,), {"flow_type": "one", "steps": (text("a"),)})()
    for each in (flow, one):
        assert body_of(each.back()).startswith("This is the first question")


def test_whether_one_may_go_back_is_known_within_as_well() -> None:
    flow = Order()
    may = [flow.may("back")]
    for value in ("5", "Main", "Rome"):
        said(flow, value)
        may.append(flow.may("back"))
    assert may == [False, True, True, True]
    both = Both()
    assert not both.may("back")


def test_rollback_takes_one_answer_back_within_and_over_the_border() -> None:
    flow = Order()
    said(flow, "5", "Main")
    assert body_of(flow.rollback()) == "street?"
    assert flow.innermost.answers == {}
    said(flow, "Main", "Rome")
    assert body_of(flow.rollback()) == "town?"
    assert (flow.data, flow.innermost.answers) == ({"amount": "5"}, {"street": "Main"})
    other = Order()
    said(other, "5")
    assert body_of(other.rollback()) == "amount?"
    assert other.inner is None


def test_rollback_after_back_takes_back_the_last_answer_not_the_step_back() -> None:
    within, plain = Order(), Order()
    said(within, "5", "Main")
    within.back()
    assert body_of(within.rollback()) == "street?"
    said(plain, "5", "Main", "Rome")
    plain.back()
    assert body_of(plain.rollback()) == "town?"


def test_cancel_and_restart_are_of_the_whole() -> None:
    flow = Order()
    said(flow, "5", "Main")
    assert body_of(flow.restart()) == "amount?"
    assert (flow.data, flow.inner) == ({}, None)
    said(flow, "5", "Main")
    assert body_of(flow.cancel()) == "Cancelled."
    assert (flow.state, flow.inner) == ("cancelled", None)


def failing(where: str) -> type[Flow]:
    """A flow within a flow within a flow that fails where the last answer is `"boom"`, at one place."""

    class Deep(Flow):
        flow_type = "deep"

        def words(self) -> str:
            if where == "question" and self.data.get("a") == "boom":
                raise RuntimeError
            return "b?"

        def valid(self, value: str) -> bool:
            if where == "validator" and value == "boom":
                raise RuntimeError
            return True

        def leads(self, value: str) -> bool:
            if where == "route" and value == "boom":
                raise RuntimeError
            return False

        steps = (
            text("a", validator=valid, routes=(Route("completed", leads),)),
            Step("b", StepType.BUTTON, words, options=YES_NO),
        )

    class Middle(Flow):
        flow_type = "middle"

        def leads(self, value: dict[str, Any]) -> bool:
            if where == "pop" and value["b"] == "no":
                raise RuntimeError
            return False

        steps = (text("before"), SubFlow("deep", Deep, routes=(Route("completed", leads),)))

    class Outer(Flow):
        flow_type = "outer"

        def words(self) -> str:
            if where == "the question after it" and self.data["middle"]["deep"]["b"] == "no":
                raise RuntimeError
            return "after?"

        steps = (text("first"), SubFlow("middle", Middle), Step("after", StepType.BUTTON, words, options=YES_NO))

    return Outer


AT_THE_END = ("pop", "the question after it")


@pytest.mark.parametrize("where", ["validator", "route", "question", *AT_THE_END])
def test_a_fault_within_leaves_every_run_as_it_was(where: str) -> None:
    flow = failing(where)()
    said(flow, "1", "2", *(("a",) if where in AT_THE_END else ()))
    runs = [flow, flow.inner, flow.innermost]
    before = [(run.snapshot(), run.previous, run.refusal, list(run.entries)) for run in runs if run is not None]
    with pytest.raises(RuntimeError):
        flow.process_input("no" if where in AT_THE_END else "boom")
    now = [flow, flow.inner, flow.innermost]
    assert all(run is kept for run, kept in zip(now, runs, strict=True))
    assert [(run.snapshot(), run.previous, run.refusal, list(run.entries)) for run in now if run is not None] == before
    said(flow, "yes" if where in AT_THE_END else "fine")
    assert asked(flow) == ("after?" if where in AT_THE_END else "b?")


def test_a_fault_on_the_way_into_it_leaves_none_behind() -> None:
    class Shy(Flow):
        flow_type = "shy"
        fails = True

        def words(self) -> str:
            if Shy.fails:
                raise RuntimeError
            return "inside?"

        steps = (Step("a", StepType.TEXT, words),)

    class Around(Flow):
        flow_type = "around"
        steps = (text("first"), SubFlow("within", Shy))

    flow = Around()
    before = (flow.snapshot(), len(flow.entries))
    with pytest.raises(RuntimeError):
        flow.process_input("x")
    assert (flow.snapshot(), len(flow.entries), flow.inner, asked(flow)) == (*before, None, "first?")
    Shy.fails = False
    assert said(flow, "x") == ["inside?"]


def test_a_snapshot_is_taken_up_again_at_every_point() -> None:
    answers = ("Ann", SECRET, "12", "1234", "yes", "skipped", "yes")
    for count in range(len(answers)):
        flow, again = Account(), Account()
        said(flow, *answers[:count])
        assert asked(flow)
        assert again.resume(flow.snapshot())
        assert again.snapshot() == flow.snapshot()
        assert said(again, *answers[count:]) == said(flow, *answers[count:])
        assert (again.data, again.path) == (flow.data, flow.path)


def test_one_that_must_be_awaited_makes_the_whole_so() -> None:
    class Waits(Flow):
        flow_type = "waits"

        async def valid(self, value: str) -> bool:
            await asyncio.sleep(0)
            return bool(value)

        steps = (text("a", validator=valid),)

    class Around(Flow):
        flow_type = "around"
        steps = (SubFlow("within", Waits), text("b"))

    with pytest.raises(AsyncFlowError, match=r"within\.valid must be awaited"):
        Around().process_input("x")


def test_a_flow_within_has_the_voice_and_the_channel_of_the_one_around_it() -> None:
    flow = Order(member_id="ann")
    said(flow, "5")
    within = flow.innermost
    assert (within.member_id, within.channel, within.sentences, within.id) == (
        "ann",
        flow.channel,
        flow.sentences,
        "order_ann.address",
    )


def test_it_is_shown_to_nobody_by_its_representation() -> None:
    flow = Account()
    said(flow, "Ann", SECRET, "1234")
    assert SECRET not in repr((flow, flow.snapshot(), flow.entries, flow.transcript, flow.machine))
