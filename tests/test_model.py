"""One run of a flow against a reference: a dict of where each answer leads, in plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmflow import audit
from fsmflow.errors import FlowEnded
from fsmflow.flow import Flow
from fsmflow.messages import Option
from fsmflow.routes import PATH_LIMIT
from fsmflow.state import TERMINAL_STATES, FlowData, Validation
from fsmflow.step import Step, StepType

REFUSED_TEXTS = frozenset({"bad", "worse", "", " "})


class Sabotage(Exception):
    """What a callable raises that is told to."""


class Saboteur(Flow):
    """Its callables raise where `broken` says so: ``"validator"``, ``"transformer"``, ``"message"``, ``"complete"``."""

    broken: str | None = None

    def judge_answer(self, value: str) -> bool:
        self.breaks("validator")
        if value == "worse":
            raise ValueError(value)
        return value not in REFUSED_TEXTS

    def keep(self, value: str) -> str:
        self.breaks("transformer")
        return f"kept {value}"

    def ask(self) -> str:
        self.breaks("message")
        return f"{self.state}?"

    def complete(self) -> str:
        self.breaks("complete")
        return "Bye"

    def breaks(self, where: str) -> None:
        if self.broken == where:
            raise Sabotage


@define
class Reference:
    """What a run of these steps must do, without a machine."""

    steps: dict[str, Step]
    state: str
    path: list[str] = field(factory=list)
    data: dict[str, str] = field(factory=dict)
    refused: bool = False
    attempts: int = 0
    previous: tuple[str, list[str], dict[str, str]] | None = None
    stood: str | None = None

    @property
    def triggers(self) -> list[str]:
        """What may be fired."""
        if self.state in TERMINAL_STATES:
            return [] if self.stood is None else ["cancel", "restart", "resume"]
        return ["submit", *(["back"] if self.path else []), "cancel", "restart", "expire"]

    def act(self, trigger: str, value: str) -> None:
        if trigger == "rollback":
            if self.previous is not None:
                (self.state, self.path, self.data), self.previous = self.previous, None
                self.refused, self.stood = False, None
            return
        if self.state in TERMINAL_STATES and self.stood is None:
            raise FlowEnded("", "")
        self.refused = False
        if trigger not in self.triggers:
            return
        if trigger == "submit":
            self.submit(value)
        elif trigger == "back":
            if self.path:
                self.attempts = 0
                self.state = self.path[-1]
                self.path = self.path[:-1]
        else:
            self.attempts = 0
            source, ends = self.state, {"cancel": "cancelled", "expire": "expired", "resume": self.stood or ""}
            self.state = {**ends, "restart": next(iter(self.steps))}[trigger]
            self.stood = source if trigger == "expire" else None
            if trigger == "restart":
                self.path, self.data, self.previous = [], {}, None

    def submit(self, value: str) -> None:
        step, names = self.steps[self.state], list(self.steps)
        chosen = next((option for option in step.options if value in (option.id, option.title.lower())), None)
        if value in REFUSED_TEXTS or (step.options and chosen is None):
            self.refused = True
            self.attempts += 1
            return
        self.attempts = 0
        self.previous = (self.state, self.path, self.data)
        self.data = {**self.data, self.state: f"kept {chosen.id if chosen else value}"}
        self.path = [*self.path, self.state]
        following = (*names, "completed")[names.index(self.state) + 1]
        self.state = (chosen.to if chosen else None) or following
        ahead: list[str] = []  # what is kept of a choice here is no option's id: from there on the plain way counts
        current = self.state
        while current in self.data and current not in ahead:
            ahead.append(current)
            current = (*names, "completed")[names.index(current) + 1]
        self.data = {name: kept for name, kept in self.data.items() if name in (*self.path, *ahead)}


@st.composite
def flows(draw: st.DrawFn) -> list[Step]:
    """The steps of a flow; each has a plain way on, so that each is reached and leads to an end."""
    names = [f"s{number}" for number in range(draw(st.integers(2, 8)))]
    steps = []
    for name in names:
        targets = draw(st.lists(st.none() | st.sampled_from([*names, *sorted(TERMINAL_STATES)]), max_size=3))
        options = [Option(f"o{number}", f"Title {number}", to=to) for number, to in enumerate([None, *targets])]
        kind = draw(st.sampled_from((StepType.TEXT, StepType.BUTTON, StepType.LIST)))
        methods: dict[str, Any] = {"message": Saboteur.ask, "transformer": Saboteur.keep}
        if draw(st.booleans()) or kind is StepType.TEXT:
            methods["validator"] = Saboteur.judge_answer
        steps.append(Step(id=name, type=kind, options=() if kind is StepType.TEXT else options, **methods))
    return steps


VALUES = st.sampled_from(["o0", "o1", "o2", "o3", "title 0", "title 1", "title 2", "free", "bad", "worse", "", " "])
BROKEN = st.sampled_from([None] * 12 + ["validator", "transformer", "message", "complete"])
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["submit"] * 12 + ["back"] * 4 + ["cancel", "restart", "restart", "expire", "resume", "rollback"]
        ),
        VALUES,
        BROKEN,
    ),
    max_size=40,
)


def whole(flow: Flow) -> tuple[Any, ...]:
    """All of a run that a message may change."""
    return (flow.snapshot(), dict(flow.data), flow.previous, flow.refusal, tuple(flow.entries))


def act(flow: Flow, trigger: str, value: str) -> None:
    if trigger == "rollback":
        flow.rollback()
    else:
        flow.trigger(trigger, value)


@settings(max_examples=300)
@given(flows(), ACTIONS)
def test_a_run_is_what_the_reference_says_and_a_fault_leaves_it_as_it_was(
    steps: list[Step], actions: list[tuple[str, str, str | None]]
) -> None:
    flow = type("Random", (Saboteur,), {"flow_type": "random", "steps": steps})()
    reference = Reference({step.id: step for step in steps}, "s0")
    for trigger, value, broken in actions:
        before = whole(flow)
        flow.broken = broken
        try:
            act(flow, trigger, value)
        except Sabotage:
            assert broken is not None
            assert whole(flow) == before
            continue
        except FlowEnded:
            assert reference.state in TERMINAL_STATES
            assert trigger != "rollback"
            assert whole(flow) == before
            continue
        finally:
            flow.broken = None
        assert trigger == "rollback" or reference.state not in TERMINAL_STATES or reference.stood is not None
        reference.act(trigger, value)
        agree(flow, reference)
    assert flow.machine.models == []


def agree(flow: Flow, reference: Reference) -> None:
    assert (flow.state, list(flow.path), flow.data) == (reference.state, reference.path, reference.data)
    assert (flow.refusal is not None) == reference.refused
    if flow.previous is None:
        assert reference.previous is None
    else:
        before = (flow.previous.step_id, list(flow.previous.path), flow.previous.data)
        assert before == reference.previous
    known = ("submit", "back", "cancel", "restart", "expire", "resume")
    assert [trigger for trigger in known if flow.may(trigger)] == reference.triggers


@given(flows(), ACTIONS)
def test_a_run_that_is_stored_and_taken_up_again_goes_on_as_if_nothing_had_been(
    steps: list[Step], actions: list[tuple[str, str, str | None]]
) -> None:
    cls = type("Random", (Saboteur,), {"flow_type": "random", "steps": steps})
    kept = cls()
    for trigger, value, _ in actions:
        if trigger == "rollback" or (kept.state in TERMINAL_STATES and not kept.may(trigger)):
            continue
        again = cls()
        assert again.resume(kept.snapshot())
        again.previous = kept.previous  # the member's state holds it beside the run
        assert again.snapshot() == kept.snapshot()
        assert again.question == kept.question
        assert again.trigger(trigger, value) == kept.trigger(trigger, value)
        assert (again.snapshot(), again.refusal, again.previous) == (kept.snapshot(), kept.refusal, kept.previous)


# -- what is noted --------------------------------------------------------------------------------------------------


class OfferFlow(Flow):
    flow_type = "offer"

    def valid(self, value: str) -> bool:
        return value.isdigit()

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=valid, refusal="A number."),
        Step(id="pin", type=StepType.TEXT, message="PIN?", validator=valid, refusal="Your PIN.", sensitive=True),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message="Sure?",
            options=(Option("yes", "Yes"), Option("no", "No", to="cancelled"), Option("late", "Late", to="expired")),
        ),
    )


def noted(flow: Flow) -> list[tuple[str, str, str | None, str | None, str | None]]:
    return [(entry.event_type, entry.status, entry.step_id, entry.from_state, entry.to_state) for entry in flow.entries]


def accepted(step: str, after: str) -> list[tuple[Any, ...]]:
    return [
        ("validation", "accepted", step, None, None),
        ("transition", "success", after, step, after),
    ]


@pytest.mark.parametrize(
    ("acts", "last"),
    [
        (["yes"], [*accepted("confirm", "completed"), ("complete", "success", "completed", None, None)]),
        (["no"], [*accepted("confirm", "cancelled"), ("cancel", "success", "cancelled", None, None)]),
        (["late"], [*accepted("confirm", "expired"), ("expire", "success", "expired", None, None)]),
        (["maybe"], [("validation", "refused", "confirm", None, None)]),
        (
            [Flow.back],
            [("back", "success", "pin", "confirm", "pin"), ("step_start", "in_progress", "pin", None, None)],
        ),
        ([Flow.cancel], [("cancel", "success", "cancelled", "confirm", "cancelled")]),
        (
            [Flow.restart],
            [
                ("restart", "success", "amount", "confirm", "amount"),
                ("step_start", "in_progress", "amount", None, None),
            ],
        ),
        ([lambda flow: flow.trigger("expire")], [("expire", "success", "expired", "confirm", "expired")]),
        ([Flow.rollback], [("rollback", "success", "pin", "confirm", "pin")]),
    ],
)
def test_what_happened_is_noted_and_nothing_else(
    acts: list[str | Callable[[Flow], object]], last: list[tuple[Any, ...]]
) -> None:
    flow = OfferFlow(member_id="m1")
    flow.process_input("5")
    flow.process_input("4711")
    start = [*accepted("amount", "pin"), ("step_start", "in_progress", "pin", None, None)]
    start += [*accepted("pin", "confirm"), ("step_start", "in_progress", "confirm", None, None)]
    assert noted(flow) == start
    for each in acts:
        flow.process_input(each) if isinstance(each, str) else each(flow)
    assert noted(flow) == start + last


def test_an_entry_says_who_where_and_which_run() -> None:
    flow = OfferFlow(member_id="m1")
    flow.run_id, flow.message_id = "r1", "wamid.1"
    flow.process_input("x")
    (entry,) = flow.entries
    assert (entry.member_id, entry.channel, entry.flow_id) == ("m1", flow.channel, "offer_m1")
    assert (entry.run_id, entry.message_id, entry.reason) == ("r1", "wamid.1", "A number.")


def test_refusals_are_counted_until_an_answer_is_accepted() -> None:
    flow = OfferFlow()
    for attempt in (1, 2, 3):
        flow.process_input("x")
        assert flow.validation == Validation("amount", attempt, "A number.")
    flow.process_input("5")
    assert (flow.validation, flow.refusal) == (None, None)


def test_what_was_said_about_a_sensitive_answer_is_not_kept() -> None:
    flow = OfferFlow()
    flow.process_input("5")
    flow.process_input("sesame")
    assert flow.refusal == "Your PIN."
    assert flow.validation == Validation("pin", 1, audit.REDACTED)
    assert flow.entries[-1].reason == audit.REDACTED


def test_a_question_that_was_asked_again_is_another_visit() -> None:
    flow = OfferFlow()
    visits = [flow.visit]
    for trigger, value in (("submit", "5"), ("back", ""), ("restart", ""), ("submit", "x")):
        flow.trigger(trigger, value)
        visits.append(flow.visit)
    assert visits == [0, 1, 2, 3, 3]  # a refused answer leaves the question, and its buttons, as they are


def test_a_snapshot_holds_all_of_a_run() -> None:
    flow = OfferFlow(member_id="m1")
    flow.process_input("5")
    flow.process_input("x")
    assert flow.snapshot() == FlowData(
        id="offer_m1",
        flow_type="offer",
        step_id="pin",
        step=1,
        data={"amount": "5"},
        run_id="memory",
        visit=1,
        path=("amount",),
        revision=0,
        definition=flow.definition.fingerprint,
        validation=Validation("pin", 1, audit.REDACTED),
    )


def test_a_run_that_does_not_fit_changes_nothing_and_can_be_rewound() -> None:
    flow = OfferFlow()
    stored = FlowData("offer_m1", "offer", "gone", 2, {"amount": "5"}, run_id="r", visit=4, path=("amount",))
    before = whole(flow)
    assert not flow.resume(stored)
    assert whole(flow) == before
    flow.rewind(stored)
    assert (flow.state, flow.data, flow.path, flow.visit, flow.run_id) == (
        "pin",
        {"amount": "5"},
        ("amount",),
        5,
        "r",
    )


def test_a_rewound_run_gives_no_more_attempts_and_knows_no_list_that_is_not_on_the_screen() -> None:
    stored = FlowData(
        *("offer_m1", "offer", "gone", 2, {"amount": "5"}),
        run_id="r",
        path=("amount",),
        tried={"amount": 1},
        validation=Validation("gone", 2),
        page=1,
        shown="mark",
    )
    flow = OfferFlow()
    flow.rewind(stored)
    again = flow.snapshot()
    assert (again.tried, again.validation, again.page, again.shown) == ({"amount": 1, "gone": 2}, None, 0, "")


def test_answers_on_a_way_that_was_left_are_no_part_of_what_was_completed() -> None:
    class Detour(Flow):
        flow_type = "detour"
        steps = (
            Step(
                id="how",
                type=StepType.BUTTON,
                message="How?",
                options=(Option("long", "Long"), Option("short", "Short", to="last")),
            ),
            Step(id="why", type=StepType.TEXT, message="Why?"),
            Step(id="last", type=StepType.TEXT, message="Last?"),
        )

    flow = Detour()
    for answer in ("long", "because"):
        flow.process_input(answer)
    flow.back()
    flow.back()
    flow.process_input("short")
    assert flow.data == {"how": "short"}  # nothing that is asked from here on may speak of it
    flow.process_input("end")
    assert flow.data == {"how": "short", "last": "end"}


def test_answers_that_still_lie_ahead_are_kept_when_an_earlier_one_is_changed() -> None:
    flow = OfferFlow()
    flow.process_input("5")
    ahead = flow.state
    flow.process_input(flow.steps[1].examples[0] if flow.steps[1].examples else "1234")
    kept = flow.data[ahead]
    flow.back()
    flow.back()
    flow.process_input("6")
    assert (flow.state, flow.data[ahead]) == (ahead, kept)


def menu(step_id: str, *targets: str | None) -> Step:
    options = tuple(Option(f"to_{to}", f"To {to}", to=to) for to in targets)
    return Step(id=step_id, type=StepType.LIST, message="?", options=options)


class Circles(Flow):
    flow_type = "circles"
    steps = (
        menu("home", "shop", "bank", None),
        menu("bank", "home", "completed", "shop"),
        menu("shop", "home", "bank", "completed"),
    )


def test_back_follows_the_members_own_path_where_several_ways_meet() -> None:
    for answers in (("to_shop",), ("to_bank", "to_shop"), ("to_bank", "to_home", "to_shop", "to_bank", "to_shop")):
        flow, asked = Circles(), []
        for answer in answers:
            asked.append(flow.state)
            flow.process_input(answer)
        for state in reversed(asked):
            assert flow.may("back")
            flow.back()
            assert flow.state == state
        assert not flow.may("back")


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["home", "bank", "shop"]), min_size=150, max_size=250))
def test_a_flow_in_circles_keeps_a_bounded_path_that_can_be_gone_back(places: list[str]) -> None:
    flow = Circles()
    answered: set[str] = set()
    for place in places:
        asked = flow.state
        flow.process_input(f"to_{place}" if place != asked else "to_None")
        if flow.refusal is None:  # only home has a plain way on
            answered.add(asked)
        assert len(flow.path) <= PATH_LIMIT + len(Circles.steps) ** 2
        assert set(flow.path) == answered
    while flow.path:
        came_from = flow.path[-1]
        assert flow.trigger("back")
        assert flow.state == came_from
    assert flow.state == "home"


def test_a_step_that_was_answered_once_stays_on_the_path_of_a_flow_in_circles() -> None:
    flow = Circles()
    for answer in ("to_shop", "to_home", *("to_bank", "to_home") * PATH_LIMIT):
        flow.process_input(answer)
    assert (len(flow.path) <= PATH_LIMIT + 2, "shop" in flow.path) == (True, True)
    flow.process_input("to_bank")
    flow.process_input("to_completed")
    assert set(flow.data) == {"home", "shop", "bank"}


def test_a_path_that_is_long_but_goes_nowhere_twice_is_kept_whole() -> None:
    names = [f"s{number}" for number in range(PATH_LIMIT + 10)]
    steps = tuple(Step(id=name, type=StepType.TEXT, message="?") for name in names)
    flow = type("Long", (Flow,), {"flow_type": "long", "steps": steps})()
    for _ in names[:-1]:
        flow.process_input("x")
    assert list(flow.path) == names[:-1]
    flow.process_input("x")
    assert list(flow.data) == names
