"""A member's way, told from the trail that real conversations leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from redis import Redis

from fsmflow import AuditEntry, Flow, Option, Refused, Step, StepType
from fsmflow.diagrams import dot, json, mermaid
from fsmflow.diagrams.graph import FlowGraph
from fsmflow.diagrams.journey import Journey, journey_of, runs_in
from fsmflow.diagrams.overlay import Mark
from fsmflow.diagrams.survey import graph_of
from tests.releases import choice, made, text
from tests.talking import SECRET, Offer, Order, Talk, in_memory

AMOUNT_ON = ("submit", "submit", "amount", "handle")


def way(talk: Talk, flow: type[Flow] = Offer, place: int = -1) -> Journey:
    """The way of the latest run, or of another, counted from the end."""
    runs = [*runs_in(talk.manager.history(talk.member_id)).values()]
    return journey_of(graph_of(flow), runs[place])


def told(journey: Journey) -> list[tuple[str, str, int]]:
    return [(event.state, event.words, event.times) for event in journey.events]


def test_the_way_the_step_and_the_refusals_are_marked(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Offer])
    talk.says("offer", "much", "very much", "12")
    found = way(talk)
    assert found.state == "handle"
    assert found.overlay.steps == {"amount": Mark.PASSED, "handle": Mark.CURRENT}
    assert found.overlay.ways == {AMOUNT_ON: Mark.PASSED, ("submit", "refused", "amount", "amount"): Mark.REFUSED}
    assert found.overlay.notes == {("submit", "refused", "amount", "amount"): "2×"}
    assert told(found) == [("amount", "began", 1), ("amount", "refused", 2), ("amount", "→ 'handle'", 1)]
    assert found.whole
    assert [event.time is not None for event in found.events] == [True] * 3


def test_what_was_passed_more_than_once_is_counted() -> None:
    talk = in_memory([Offer])
    talk.says("offer", "12", "back", "13", "back", "14", "ann")
    found = way(talk)
    assert found.overlay.notes == {
        "amount": "3×",
        "handle": "3×",
        AMOUNT_ON: "3×",
        ("back", "back", "handle", "amount"): "2×",
    }
    assert ("handle", "back → 'amount'", 1) in told(found)


@pytest.mark.parametrize(
    ("said", "state", "trigger"),
    [
        (("offer", "12", "ann", "Confirm"), "completed", "submit"),
        (("offer", "12", "ann", "Decline"), "cancelled", "submit"),
        (("offer", "12", "cancel"), "cancelled", "cancel"),
    ],
)
def test_a_run_that_has_ended_stands_at_its_end(said: tuple[str, ...], state: str, trigger: str) -> None:
    talk = in_memory([Offer])
    talk.says(*said)
    found = way(talk)
    assert (found.state, found.overlay.steps[state]) == (state, Mark.CURRENT)
    assert [key[0] for key in found.overlay.ways if key[3] == state] == [trigger]


def test_a_run_that_expired_stands_at_that_end() -> None:
    talk = in_memory([Offer])
    talk.says("offer")
    talk.waits(minutes=6)
    talk.says("12")
    assert told(way(talk)) == [("amount", "began", 1), ("amount", "expire → 'expired'", 1)]


def test_a_restart_begins_another_run_and_is_no_part_of_its_picture() -> None:
    talk = in_memory([Offer])
    talk.says("offer", "12", "restart", "13")
    found, before = way(talk), way(talk, place=-2)
    assert told(found) == [("handle", "began, by restart", 1), ("amount", "→ 'handle'", 1)]
    assert found.overlay.ways == {AMOUNT_ON: Mark.PASSED}
    assert (found.whole, before.state) == (True, "handle")


def test_of_several_answers_that_lead_the_same_way_each_is_one_of_these() -> None:
    fork = made(choice("a", "p>b", "q>b", "r"), text("b"))
    talk = in_memory([fork])
    talk.says("survey", "Q", "back", "P")
    found = way(talk, fork)
    assert found.overlay.ways[("submit", "p", "a", "b")] is Mark.PASSED
    assert found.overlay.notes[("submit", "q", "a", "b")] == "2× · one of these"
    assert "Which of several answers it was is not recorded." in found.overlay.legend
    assert found.overlay.legend != way_of_an_offer().overlay.legend


def way_of_an_offer() -> Journey:
    talk = in_memory([Offer])
    talk.says("offer", "12")
    return way(talk)


def test_what_was_no_answer_at_all_is_no_refusal_of_the_step() -> None:
    talk = in_memory([Order])
    first = talk.says("order")
    talk.taps("Big")
    talk.taps("Big", of=first)
    talk.says("back", "back")
    found = way(talk, Order)
    assert ("sure", "not taken for an answer: a choice of an earlier question", 1) in told(found)
    assert ("size", "not taken for an answer: nothing to go back to", 1) in told(found)
    assert Mark.REFUSED not in found.overlay.ways.values()


def test_a_fault_is_counted_and_named_by_its_place_without_its_words() -> None:
    class Faulty(Offer):
        def valid_amount(self, value: str) -> bool:
            raise LookupError(f"{SECRET} {value}")

    talk = in_memory([Faulty])
    talk.says("offer", "12", "13")
    found = way(talk, Faulty)
    assert found.overlay.notes == {"amount": "2 errors"}
    ((state, words, times),) = told(found)[1:]
    assert (state, times) == ("amount", 2)
    assert words.startswith("error: LookupError at tests.test_journey:valid_amount:")
    assert SECRET not in repr(found)


def test_a_run_that_was_recovered_or_rolled_back_goes_on_where_it_was_put() -> None:
    talk = in_memory([made(text("a"), text("b"), text("c"))])
    talk.says("survey", "1", "2")
    talk.manager.rollback(talk.member_id)
    flow = made(text("a"), text("c"))
    talk.deploys([flow])
    talk.says("3")
    found = way(talk, flow)
    assert told(found)[-2:] == [
        ("c", "rolled back to 'b'", 1),
        ("c", "recovered: restored from flow_data", 1),
    ]
    assert found.state == "c"


def test_a_recovery_where_the_member_was_is_no_second_visit() -> None:
    talk = in_memory([Offer])
    talk.says("offer", "12")
    talk.redis.hset(talk.key, "previous", b"?")
    assert talk.says("ann").status == "recovered"
    found = way(talk)
    assert told(found)[-1] == ("handle", "recovered: restored from flow_data", 1)
    assert found.overlay.notes == {}


def test_what_is_gone_from_the_flow_is_said_and_not_drawn() -> None:
    talk = in_memory([made(text("a"), text("b"), text("c"))])
    talk.says("survey", "1", "2")
    flow = made(text("a"), text("c"))
    found = way(talk, flow)
    assert "No longer in the flow, and not drawn: b." in found.overlay.legend
    assert ("b", "→ 'c' (no such transition in the flow as it is now)", 1) in told(found)
    assert "● 2 · c" in dot(graph_of(flow), overlay=found.overlay)


def test_a_run_that_was_left_for_another_flow_says_so() -> None:
    talk = in_memory([Offer, Order])
    talk.says("offer", "12")
    talk.runner.start("order", talk.message("x"))
    before = way(talk, Offer, place=-2)
    assert told(before)[-1] == ("handle", "left for another flow", 1)
    assert [flow_id for flow_id, _ in runs_in(talk.manager.history(talk.member_id))] == [
        *(f"{name}_{talk.member_id}" for name in ("offer", "order"))
    ]


def test_the_run_of_the_latest_entry_is_the_last_and_what_is_of_no_run_is_left_out() -> None:
    entries = [entry(run_id=run_id) for run_id in ("r1", "r2", None, "r1")]
    assert [run_id for _, run_id in runs_in(entries)] == ["r2", "r1"]
    assert len(runs_in(entries)["offer_ann", "r1"]) == 2


def entry(event_type: str = "step_start", status: str = "in_progress", **named: Any) -> AuditEntry:
    given = {"flow_id": "offer_ann", "run_id": "r1", "step_id": "amount", **named}
    return AuditEntry(event_type, status, **given)


def test_a_trail_that_has_lost_the_beginning_is_told_as_far_as_it_goes() -> None:
    moved = {"from_state": "handle", "to_state": "confirm", "step_id": "confirm"}
    found = journey_of(graph_of(Offer), [entry("transition", "success", **moved)])
    assert (found.state, found.whole) == ("confirm", False)
    assert found.overlay.steps == {"handle": Mark.PASSED, "confirm": Mark.CURRENT}
    assert found.overlay.legend[-1] == "The beginning of this run is no longer in the trail."


def test_what_nothing_here_has_a_name_for_is_told_as_it_stands() -> None:
    moved = {"from_state": "amount", "to_state": "handle"}
    found = journey_of(graph_of(Offer), [entry(), entry("sent", "pending"), entry("leapt", "success", **moved)])
    assert told(found) == [("amount", "sent: pending", 1), ("amount", "leapt → 'handle'", 1)]
    assert found.overlay.ways == {AMOUNT_ON: Mark.PASSED}


class Pin(Flow):
    """Asks for something that nobody else may know, and quotes it in what it says."""

    flow_type = "pin"

    def valid_pin(self, value: str) -> bool:
        return value == SECRET

    def valid_name(self, value: str) -> bool:
        raise Refused(f"{value}? And your PIN is {self.data['pin']}.")

    steps = (
        Step(id="pin", type=StepType.TEXT, message="PIN?", validator=valid_pin, sensitive=True),
        Step(id="name", type=StepType.TEXT, message="Name?", validator=valid_name),
        Step(id="ok", type=StepType.BUTTON, message="Ok?", options=(Option("y", "Yes"),)),
    )


@pytest.mark.parametrize("form", [dot, mermaid, json])
def test_nothing_that_a_member_typed_or_was_told_is_in_a_journey(form: Callable[..., str]) -> None:
    talk = in_memory([Pin])
    talk.says("pin", f"{SECRET}-not", SECRET, "Ann Other")
    graph: FlowGraph = graph_of(Pin)
    found = way(talk, Pin)
    assert told(found)[-1] == ("name", "refused", 1)
    shown = repr(found) + form(graph, overlay=found.overlay)
    for kept_back in (SECRET, "Ann Other", "your PIN", talk.channel.identifier):
        assert kept_back not in shown


def test_the_time_is_the_stores_own() -> None:
    moment = datetime(2030, 1, 1, 12, 0, 5, tzinfo=timezone.utc)
    found = journey_of(graph_of(Offer), [entry("flow_start", "success", time=moment)])
    assert [event.time for event in found.events] == [moment]
