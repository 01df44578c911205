"""Ways through a machine: which step follows on which, and where answers lead.

Here belongs what is asked of a machine without firing it, when a stored run is held against the flow as it is now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from fsmflow.machine import SUBMIT, FlowMachine, transitions_from


def leads(machine: FlowMachine, states: Sequence[str], answers: Mapping[str, Any]) -> bool:
    """True if some states follow on one another from the first one, by what was answered at each.

    Args:
        machine: The flow's machine.
        states: The states; a flow in circles passes some of them more than once.
        answers: By step id, as they are stored. Of a step that is passed again it is the answer of the last time, so
            that an earlier time only asks for any way at all.
    """
    if states[0] != machine.initial:
        return False
    for place, (source, dest) in enumerate(pairwise(states)):
        is_last = source not in states[place + 1 : -1]
        if is_last and source in answers:
            if way_on(machine, source, answers[source]) != dest:
                return False
        elif all(way.dest != dest for way in transitions_from(machine, SUBMIT, source)):
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
    while current is not None and current != goal and current in answers and current not in passed:
        passed.append(current)
        current = way_on(machine, current, answers[current])
    return tuple(passed) if goal is None or current == goal else ()
