"""Which way an answer takes, where predicates decide.

Here belongs the asking of a flow's predicates, as a generator of calls, before the Machine fires: its conditions then
only look up what was found. They are asked in the order in which the Machine tries the ways, each at most once, and
only as far as it will look.

A predicate sees the answer as if it had been taken: it is in the flow's data while it is asked. It decides between two
ways on and cannot refuse; whatever it raises is a fault of the flow, and the run stands where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from attrs import evolve

from fsmflow.answers import Accepted
from fsmflow.callbacks import callable_of
from fsmflow.calls import Calls
from fsmflow.definition import Definition
from fsmflow.edges import Predicate
from fsmflow.errors import UnexpectedVerdict
from fsmflow.machine import transitions_from
from fsmflow.step import Step


class Branching(Protocol):
    """What is needed of a flow to ask its predicates."""

    steps: Sequence[Step]
    state: str
    answers: dict[str, Any]

    @property
    def definition(self) -> Definition:
        """The compiled form of the flow."""


def branched(flow: Branching, trigger: str, accepted: Accepted) -> Calls[Accepted]:
    """Asks what decides between the ways of an accepted answer.

    Args:
        flow: The flow, at the step that was answered.
        trigger: What will be fired.
        accepted: The answer.

    Yields:
        The calls of predicates.

    Returns:
        The same, with the predicates that hold.

    Raises:
        UnexpectedVerdict: A predicate returned neither True nor False.
        Exception: Whatever else the flow's code raised.
    """
    if (trigger, flow.state) not in flow.definition.deciding:
        return accepted
    ways = transitions_from(flow.definition.machine, trigger, flow.state)
    chosen = None if accepted.option is None else accepted.option.id
    found: dict[Predicate, bool] = {}
    kept = flow.answers
    flow.answers = {**kept, flow.state: accepted.value}
    try:
        for way in ways:
            if way.dest is None or (way.option is not None and way.option != chosen):
                continue
            for predicate in way.predicates:
                if predicate not in found:
                    found[predicate] = yield from _asked(flow, predicate, accepted.value)
                if not found[predicate]:
                    break
            else:
                break
    finally:
        flow.answers = kept
    return evolve(accepted, holds=frozenset(predicate for predicate, holds in found.items() if holds))


def _asked(flow: Branching, predicate: Predicate, value: Any) -> Calls[bool]:
    callback = flow.definition.predicates[predicate]
    step = flow.steps[flow.definition.index[predicate.step]]
    written = step.skip_when if predicate.route is None else step.routes[predicate.route].when
    arguments = () if predicate.route is None else (value,)
    held = yield callback.call(flow, callable_of(written), *arguments)
    if held is not True and held is not False:
        raise UnexpectedVerdict(type(flow).__name__, predicate.step, callback.name, type(held).__name__)
    return bool(held)
