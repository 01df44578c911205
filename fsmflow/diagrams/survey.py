"""Reads a flow into a graph: states and transitions in the order of their definition, guards by their names.

Here belongs what is taken from a flow, and how its words are shortened. Nothing of the flow's own code is called:
words that a callable would say are shown as its name.

A picture is of a flow, never of a conversation: an instance that built its own steps may hold its member's data in
their words, so its class is drawn in its place; where that cannot be constructed, words and titles are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fsmflow.action import Action
from fsmflow.alphabet import (
    BACK,
    CANCEL,
    DONE,
    EMPTY,
    EXHAUSTED,
    EXPIRE,
    NOT_DONE,
    PAGE,
    POP,
    PUSH,
    RESTART,
    RESUME,
    RUN,
    SKIP,
    SUBMIT,
    UNKNOWN,
)
from fsmflow.diagrams.graph import FlowGraph, NodeKind, StepNode, WaitNode, Way, WayKind, one_line
from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.machine import FlowTransition, all_transitions
from fsmflow.messages import Option
from fsmflow.per_channel import PerChannel
from fsmflow.registry import sample_flow
from fsmflow.state import FAILED
from fsmflow.step import Step, StepType
from fsmflow.wording import starters

QUESTION_LENGTH: Final = 80  # characters of a question: two or three lines of a box
SUMMARY_LENGTH: Final = 160  # characters of a docstring's first paragraph
TITLE_LENGTH: Final = 24  # characters of an option's title: what a row of a list may have on WhatsApp
# What a trigger stands for. One that is not here is drawn all the same, as one that nobody has a name for.
_KINDS: Final[Mapping[str, WayKind]] = {
    SUBMIT: WayKind.ANSWER,
    BACK: WayKind.BACK,
    CANCEL: WayKind.CANCEL,
    RESTART: WayKind.RESTART,
    EXPIRE: WayKind.TIMEOUT,
    SKIP: WayKind.SKIP,
    EXHAUSTED: WayKind.ATTEMPTS,
    RESUME: WayKind.RESUME,
    PAGE: WayKind.PAGE,
    EMPTY: WayKind.EMPTY,
    RUN: WayKind.RUN,
    DONE: WayKind.DONE,
    NOT_DONE: WayKind.FAILED,
    UNKNOWN: WayKind.UNKNOWN,
    PUSH: WayKind.ENTER,
    POP: WayKind.LEAVE,
}
_STEPS: Final[Mapping[StepType, NodeKind]] = {StepType.FLOW: NodeKind.SUBFLOW, StepType.ACTION: NodeKind.ACTION}
_FOLDED: Final = frozenset(
    {
        WayKind.REFUSED,
        WayKind.BACK,
        WayKind.CANCEL,
        WayKind.RESTART,
        WayKind.TIMEOUT,
        WayKind.RESUME,
        WayKind.PAGE,
        WayKind.ENTER,
    }
)


def graph_of(flow: type[Flow[Any]] | Flow[Any], flow_type: str | None = None) -> FlowGraph:
    """Reads a flow.

    Args:
        flow: A flow class, or a flow.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.

    Returns:
        The flow as values to draw.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    sample, worded = _sample(flow, flow_type)
    owner = type(sample)
    kind = flow_type or sample.flow_type or owner.__name__
    steps = {step.id: step for step in sample.steps}
    return FlowGraph(
        flow_type=kind,
        class_name=owner.__name__,
        summary=one_line((owner.__doc__ or "").strip().partition("\n\n")[0], SUMMARY_LENGTH),
        starters=tuple(one_line(word, TITLE_LENGTH) for word in starters(sample.keywords, kind)),
        timeout=sample.timeout,
        steps=tuple(
            StepNode(
                id=step.id,
                number=number,
                type=step.type.name,
                words=_words(sample, step, worded=worded),
                choices=_titles(step.options, worded=worded),
                sensitive=step.sensitive,
                kind=_STEPS.get(step.type, NodeKind.QUESTION),
                optional=step.optional,
                attempts=step.max_attempts,
                timeout=sample.silences_at(step.id, sample.timeout)[0],
                reminder=step.reminder,
            )
            for number, step in enumerate(sample.steps, 1)
        ),
        ends=tuple(name for name, state in sample.machine.states.items() if state.final),
        ways=_ways(sample, steps, worded=worded),
        waits=tuple(
            WaitNode(name, NodeKind.UNKNOWN if name in sample.definition.unknowns else NodeKind.PENDING)
            for name, state in sample.machine.states.items()
            if not state.final and name not in steps
        ),
    )


def _sample(flow: type[Flow[Any]] | Flow[Any], flow_type: str | None) -> tuple[Flow[Any], bool]:
    """A flow to read, and whether its words are its class's own and may be shown."""
    if not isinstance(flow, Flow) or flow._compiled is not None:
        return sample_flow(flow, flow_type), True
    try:
        return sample_flow(type(flow), flow_type or flow.flow_type), True
    except FlowDefinitionError:
        return flow, False


def _ways(flow: Flow[Any], steps: dict[str, Step], *, worded: bool) -> tuple[Way, ...]:
    found = tuple(all_transitions(flow.machine))
    everywhere = _the_same_at_every_step(found, steps)
    routed = _routed(found)
    ways: list[Way] = []
    for trigger, transition in found:
        step = steps.get(transition.source)
        kind = _kind(trigger, transition)
        takers = () if step is None or trigger != SUBMIT else _takers(step, transition)
        ways.append(
            Way(
                trigger=trigger,
                name=transition.name,
                source=transition.source,
                dest=transition.dest or transition.source,
                choices=_titles(takers, worded=worded) if takers else (),
                guard=_guard(flow, trigger, transition) if transition.conditions else None,
                folded=kind in _FOLDED or trigger in everywhere or _only_fails(kind, transition),
                kind=kind,
                predicates=_predicates(transition) if transition.predicates else (),
                otherwise=bool(routed) and _is_left(trigger, transition, routed),
                refusals=step.max_attempts if step is not None and kind is WayKind.ATTEMPTS else None,
            )
        )
    return tuple(ways)


def _kind(trigger: str, transition: FlowTransition) -> WayKind:
    if transition.refuses:
        return WayKind.REFUSED
    kind = _KINDS.get(trigger, WayKind.OTHER)
    if not transition.predicates or kind in (WayKind.ATTEMPTS, WayKind.EMPTY):
        return kind
    return WayKind.PASSING if any(predicate.route is None for predicate in transition.predicates) else kind


def _only_fails(kind: WayKind, transition: FlowTransition) -> bool:
    """True for attempts that are used up and lead nowhere: that there are so many, the step's own box tells."""
    return kind is WayKind.ATTEMPTS and transition.dest == FAILED


def _predicates(transition: FlowTransition) -> tuple[str, ...]:
    """The names of what must hold besides: the last of its conditions."""
    return tuple(_name(condition) for condition in transition.conditions[-len(transition.predicates) :])


def _routed(found: Iterable[tuple[str, FlowTransition]]) -> frozenset[tuple[str, str]]:
    """The triggers and the steps of which routes decide, so that another way is what is left."""
    return frozenset((trigger, str(each.source)) for trigger, each in found if each.predicates and _by_route(each))


def _by_route(transition: FlowTransition) -> bool:
    return any(predicate.route is not None for predicate in transition.predicates)


def _is_left(trigger: str, transition: FlowTransition, routed: frozenset[tuple[str, str]]) -> bool:
    """True if it is taken where no route is."""
    if (trigger, transition.source) not in routed or transition.option is not None or _by_route(transition):
        return False
    return bool(transition.predicates) or transition.name == trigger


def _the_same_at_every_step(found: Iterable[tuple[str, FlowTransition]], steps: dict[str, Step]) -> frozenset[str]:
    """The triggers that nothing here has a name for, and that lead from every step to one and the same state."""
    led: dict[str, dict[str, str | None]] = {}
    for trigger, transition in found:
        if trigger not in _KINDS:
            led.setdefault(trigger, {})[transition.source] = transition.dest
    return frozenset(
        trigger for trigger, dests in led.items() if dests.keys() >= steps.keys() and len(set(dests.values())) == 1
    )


def _titles(options: Iterable[Option], *, worded: bool) -> tuple[str, ...]:
    return tuple([one_line(option.title if worded else option.id, TITLE_LENGTH) for option in options])


def _takers(step: Step, transition: FlowTransition) -> tuple[Option, ...]:
    """The options that take a transition: the one it is for, or all that have none of their own."""
    if transition.option is not None:
        return tuple([option for option in step.options if option.id == transition.option])
    return () if transition.refuses else tuple([option for option in step.options if option.to is None])


def _guard(flow: Flow[Any], trigger: str, transition: FlowTransition) -> str | None:
    """The name of the first condition, where it is more than the library's own "is there an answer"."""
    if trigger in (SKIP, EXHAUSTED, POP, EMPTY):
        return None  # the library's own, or a predicate
    callbacks = flow.definition.callbacks.get(transition.source)
    named = callbacks is None or any((callbacks.options, callbacks.validator, callbacks.transformer))
    if trigger == SUBMIT and not named:
        return None
    offers = None if callbacks is None or trigger != SUBMIT else callbacks.options
    accepts = _name(transition.conditions[0])
    return accepts if offers is None or offers.name == accepts else f"{offers.name}, {accepts}"


def _name(condition: Any) -> str:
    return str(getattr(condition.func, "__name__", condition.func))


def _words(flow: Flow[Any], step: Step, *, worded: bool) -> str:
    if step.flow is not None:
        return one_line(f"{step.flow.flow_type} ({step.flow.__name__})", QUESTION_LENGTH)
    if isinstance(step, Action):
        found = flow.definition.actions[step.id]
        finds_out = "run again" if step.idempotent else "an operator"
        return f"({found.run.name}); unknown: {finds_out if found.reconcile is None else f'({found.reconcile.name})'}"
    said = step.message.default if isinstance(step.message, PerChannel) else step.message
    if callable(said):
        callback = flow.definition.callbacks[step.id].message
        return f"({step.id}_message)" if callback is None else f"({callback.name})"
    if not worded:
        return "(words of one conversation)"
    return one_line(said if isinstance(said, str) else said.body, QUESTION_LENGTH)
