"""Ways through a machine: which step follows on which, and where answers lead.

Here belongs what is asked of a machine without firing it, when a stored run is held against the flow as it is now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from fsmflow.machine import EMPTY, SUBMIT, FlowMachine, transitions_from


def leads(machine: FlowMachine, states: Sequence[str], answers: Mapping[str, Any]) -> bool:
    """True if some states follow on one another from the first one, by what was answered at each.

    Args:
        machine: The flow's machine.
        states: The states; a flow in circles passes some of them more than once.
        answers: By step id, as they are stored. Of a step that is passed again it is the answer of the last time, so
            that an earlier time only asks for any way at all.
    """
    if states[0] not in landings(machine, machine.initial):
        return False
    for place, (source, dest) in enumerate(pairwise(states)):
        is_last = source not in states[place + 1 : -1]
        if is_last and source in answers:
            if dest not in landings(machine, way_on(machine, source, answers[source])):
                return False
        elif all(dest not in landings(machine, way.dest) for way in transitions_from(machine, SUBMIT, source)):
            return False
    return True


def way_on(machine: FlowMachine, step_id: str, answer: Any) -> str | None:
    """Where an answer leads: the way of its option, else the way that the others go; None where there is none.

    Args:
        machine: The flow's machine.
        step_id: The step that was answered.
        answer: The answer as it is stored: of a choice, the option's id.
    """
    ways = [way for way in transitions_from(machine, SUBMIT, step_id) if not way.refuses]
    chosen = [way.dest for way in ways if way.option is not None and way.option == answer]
    return next(iter(chosen or [way.dest for way in ways if way.option is None]), None)


def landings(machine: FlowMachine, state: str | None) -> Iterator[str | None]:
    """Where a way to a state may end: there, or behind it and others that had nothing to choose from."""
    while True:
        yield state
        onward = () if state is None else transitions_from(machine, EMPTY, state)
        if not onward:
            return
        state = onward[0].dest


def route(machine: FlowMachine, answers: Mapping[str, Any], start: str, goal: str | None = None) -> tuple[str, ...]:
    """The steps that some answers lead through, as far as they lead.

    Args:
        machine: The flow's machine.
        answers: By step id.
        start: The step to begin with.
        goal: Where to stop, if anywhere.

    Returns:
        Their ids, in order; none where there is a goal that they do not lead to.
    """
    passed: list[str] = []
    current: str | None = start
    while current is not None and current != goal and current not in passed:
        if current in answers:
            passed.append(current)
            current = way_on(machine, current, answers[current])
            continue
        skipped = transitions_from(machine, EMPTY, current)
        if not skipped:
            break
        current = skipped[0].dest  # never in a circle: that is found out when the class is made
    return tuple(passed) if goal is None or current == goal else ()
