from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from transitions import Machine

from fsmflow.edges import Edge, check_reachable, ways_on
from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.machine import (
    WITNESSES,
    FlowTransition,
    Turn,
    build_machine,
    transitions_from,
)
from fsmflow.messages import Option
from fsmflow.step import Step, StepType


def text(step_id: str, **named: Any) -> Step:
    return Step(id=step_id, type=StepType.TEXT, message="?", **named)


def menu(step_id: str, *options: tuple[str, str | None], **named: Any) -> Step:
    made = tuple(Option(name, name.title(), to=to) for name, to in options)
    return Step(id=step_id, type=StepType.BUTTON, message="?", options=made, **named)


def flow_of(*steps: Step) -> type[Flow]:
    return type("OfferFlow", (Flow,), {"flow_type": "offer", "steps": steps})


class OfferFlow(Flow):
    flow_type = "offer"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_handle(self, value: str) -> str:
        return value.lower()

    steps = (
        text("amount", validator=valid_amount),
        text("handle", transformer=parse_handle),
        text("note", validator=lambda value: value != ""),
        menu("confirm", ("yes", None), ("change", "amount"), ("decline", "cancelled"), ("again", "confirm")),
        menu("rate", ("refused", "failed"), ("submit", "completed")),
    )


def table(machine: Machine) -> list[tuple[str, str, str | None, str, tuple[str, ...]]]:
    """Every transition of a machine: trigger, source, dest, name and the names of its guards, in order."""
    rows = []
    for trigger, event in machine.events.items():
        for source, transitions in event.transitions.items():
            for each in transitions:
                assert isinstance(each, FlowTransition)
                assert not each.before
                assert not each.after
                assert not each.prepare
                guards = tuple(getattr(condition.func, "__name__", "?") for condition in each.conditions)
                assert all(condition.target for condition in each.conditions)
                rows.append((trigger, source, each.dest, each.name, guards))
    return rows


def test_the_alphabet_is_exactly_this() -> None:
    steps = ("amount", "handle", "note", "confirm", "rate")
    assert table(OfferFlow().machine) == [
        ("submit", "amount", "handle", "submit", ("valid_amount",)),
        ("submit", "amount", None, "refused", ()),
        ("submit", "handle", "note", "submit", ("parse_handle",)),
        ("submit", "handle", None, "refused", ()),
        ("submit", "note", "confirm", "submit", ("note_validator",)),
        ("submit", "note", None, "refused", ()),
        ("submit", "confirm", "amount", "change", ("chosen", "chose_change")),
        ("submit", "confirm", "cancelled", "decline", ("chosen", "chose_decline")),
        ("submit", "confirm", "confirm", "again", ("chosen", "chose_again")),
        ("submit", "confirm", "rate", "submit", ("chosen",)),
        ("submit", "confirm", None, "refused", ()),
        ("submit", "rate", "failed", "refused", ("chosen", "chose_refused")),
        ("submit", "rate", "completed", "submit", ("chosen", "chose_submit")),
        ("submit", "rate", None, "refused", ()),
        ("back", "handle", "amount", "back", ("came_from_amount",)),
        ("back", "note", "handle", "back", ("came_from_handle",)),
        ("back", "confirm", "note", "back", ("came_from_note",)),
        ("back", "confirm", "confirm", "back", ("came_from_confirm",)),
        ("back", "amount", "confirm", "back", ("came_from_confirm",)),
        ("back", "rate", "confirm", "back", ("came_from_confirm",)),
        *(("cancel", step, "cancelled", "cancel", ()) for step in (*steps, "expired")),
        *(("restart", step, "amount", "restart", ()) for step in (*steps, "expired")),
        *(("expire", step, "expired", "expire", ()) for step in steps),
        *(("resume", "expired", step, "resume", (f"stood_at_{step}",)) for step in steps),
    ]


def test_the_states_are_the_steps_and_the_ends_and_only_the_ends_are_final() -> None:
    machine = OfferFlow().machine
    assert list(machine.states) == [
        *("amount", "handle", "note", "confirm", "rate"),
        *("completed", "cancelled", "failed", "expired"),
    ]
    assert {name for name, state in machine.states.items() if state.final} == {
        *("completed", "cancelled", "failed", "expired"),
    }
    assert machine.initial == "amount"
    assert machine.name == "offer: "


def test_an_end_that_nothing_leads_to_is_no_state_of_the_machine() -> None:
    machine = build_machine("f", (menu("only", ("no", "cancelled")),), {"only": "chosen"}, {})
    assert list(machine.states) == ["only", "cancelled", "expired"]


def test_the_machine_has_no_model_no_queue_and_no_transition_that_nobody_asked_for() -> None:
    machine = OfferFlow().machine
    assert machine.models == []
    assert not machine.has_queue
    assert machine.send_event
    assert not machine.auto_transitions
    assert not machine.on_exception  # it would swallow a KeyboardInterrupt
    assert not machine.finalize_event  # its exceptions would only be logged
    assert list(machine.events) == ["submit", "back", "cancel", "restart", "expire", "resume"]


def test_a_flow_of_one_step_has_no_way_back() -> None:
    machine = build_machine("f", (text("only"),), {"only": "answered"}, {})
    assert list(machine.events) == ["submit", "cancel", "restart", "expire", "resume"]
    assert transitions_from(machine, "back", "only") == ()
    assert transitions_from(machine, "submit", "completed") == ()


def test_a_way_back_that_two_options_share_is_one_transition() -> None:
    steps = (menu("a", ("x", "b"), ("y", "b"), ("z", None)), text("b"))
    machine = build_machine("f", steps, {"a": "chosen", "b": "answered"}, {})
    assert [each.dest for each in transitions_from(machine, "back", "b")] == ["a"]


def test_the_names_of_options_do_not_make_a_choice_a_refusal() -> None:
    flow = OfferFlow()
    for answer in ("5", "@ada", "hi", "yes"):
        flow.process_input(answer)
    flow.process_input("refused")
    assert (flow.state, flow.refusal, flow.data["rate"]) == ("failed", None, "refused")


def test_a_condition_is_judged_once_however_many_ask() -> None:
    asked: list[str] = []
    step = menu("a", ("x", "b"), ("y", "completed"), ("z", None), validator=lambda value: asked.append(value) or True)  # type: ignore[func-returns-value]  # append counts the call
    flow = flow_of(step, text("b"))()
    flow.process_input("z")
    assert (flow.state, asked) == ("b", ["z"])


def test_the_ways_on_are_an_options_own_then_the_next_step() -> None:
    steps = (menu("a", ("x", "c"), ("y", None)), menu("b", ("z", "failed")), text("c"))
    assert ways_on(steps) == (
        Edge("a", "c", "x"),
        Edge("a", "b"),
        Edge("b", "failed", "z"),
        Edge("c", "completed"),
    )


@pytest.mark.parametrize(
    ("steps", "step", "expected"),
    [
        ((menu("a", ("x", "completed")), text("b")), "b", "no answer leads to this step"),
        ((menu("a", ("x", "c")), text("b"), text("c")), "b", "no answer leads to this step"),
        ((menu("a", ("x", "a")),), "a", "no answer leads from this step to an end"),
        ((text("a"), menu("b", ("x", "a"))), "a", "no answer leads from this step to an end"),
        ((menu("a", ("x", None), ("y", "c")), menu("b", ("x", "b")), text("c")), "b", "no answer leads from this step"),
        ((menu("a", ("x", "completed"), ("y", "c")), menu("b", ("x", "c")), menu("c", ("x", "b"))), "b", "no answer l"),
    ],
)
def test_a_dead_step_and_an_endless_loop_are_found(steps: tuple[Step, ...], step: str, expected: str) -> None:
    with pytest.raises(FlowDefinitionError) as caught:
        check_reachable("OfferFlow", steps)
    assert (caught.value.flow, caught.value.step) == ("OfferFlow", step)
    assert caught.value.expected.startswith(expected)
    with pytest.raises(FlowDefinitionError):
        flow_of(*steps)


def test_a_long_flow_is_walked_whole_in_either_direction() -> None:
    names = [f"s{index}" for index in range(300)]
    leaps = [menu(name, ("on", before), ("off", "cancelled")) for before, name in pairwise(names)]
    check_reachable("f", (menu("first", ("on", names[-1])), text("s0"), *leaps))
    with pytest.raises(FlowDefinitionError, match="'s2'"):
        check_reachable("f", (menu("first", ("on", names[-1])), text("s0"), *leaps[:-1], menu("s299", ("on", "s0"))))


def test_who_watches_is_told_of_every_transition_of_every_flow_and_of_nothing_else() -> None:
    seen: list[tuple[str, str, str, str | None]] = []

    def witness(model: Any, trigger: str, transition: FlowTransition) -> None:
        seen.append((model.flow_type, trigger, transition.source, transition.dest))

    flow = OfferFlow()
    flow.process_input("5")
    WITNESSES.append(witness)
    try:
        flow.back()
        flow.may("submit", "much")
        flow.process_input("much")
        flow.cancel()
    finally:
        WITNESSES.remove(witness)
    OfferFlow().cancel()
    assert seen == [
        ("offer", "back", "handle", "amount"),
        ("offer", "submit", "amount", None),
        ("offer", "cancel", "amount", "cancelled"),
    ]


def test_a_turn_begins_empty() -> None:
    turn = Turn()
    assert (turn.answer, turn.before, turn.verdict, turn.taken, turn.entries) == (None, None, None, None, [])
