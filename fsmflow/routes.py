"""Ways through a machine: which step follows on which, and where answers lead.

Here belongs what is asked of a machine without firing it, when a stored run is held against the flow as it is now, and
the path by which a run came. Predicates are not evaluated here: a stored run has its answers and nothing to call them
with. Where they decide, an answer leads to several steps, and any of them will do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from fsmflow.alphabet import EMPTY, EXHAUSTED, LEADING_ON, POP, SKIP, SUBMIT
from fsmflow.machine import FlowMachine, FlowTransition, transitions_from
from fsmflow.state import COMPLETED

# Where predicates decide, the ways between some steps can be more than there is time for: so many are looked at.
SEARCH_LIMIT: Final = 4096

# How many answers back a member can go in a flow that leads in circles; its path would else grow with each message.
PATH_LIMIT: Final = 64


def leads(machine: FlowMachine, states: Sequence[str], answers: Mapping[str, Any]) -> bool:
    """True if some states follow on one another from the first one, by what was answered at each.

    Args:
        machine: The flow's machine.
        states: The states; a flow in circles passes some of them more than once.
        answers: By step id, as they are stored. Of a step that is passed again it is the answer of the last time, so
            that an earlier time only asks for any way at all.
    """
    if states[0] not in _landings(machine, str(machine.initial)):
        return False
    for place, (source, dest) in enumerate(pairwise(states)):
        is_last = source not in states[place + 1 : -1]
        if is_last and source in answers:
            if dest not in _landings(machine, *ways_by(machine, source, answers[source])):
                return False
        elif dest not in _landings(machine, *_dests_from(machine, source)):
            return False
    return True


def ways_by(machine: FlowMachine, step_id: str, answer: Any) -> tuple[str, ...]:
    """Where an answer may lead: by the ways of its option, else by those that the others go.

    Args:
        machine: The flow's machine.
        step_id: The step that was answered.
        answer: The answer as it is stored: of a choice, the option's id; of a step without an answer, None.

    Returns:
        The states, each once; more than one where a predicate decides.
    """
    ways = _ways_from(machine, step_id)
    chosen = [way.dest for way in ways if way.option is not None and way.option == answer]
    free = [way.dest for way in ways if way.option is None]
    if answer is None:
        free += [way.dest for way in transitions_from(machine, EXHAUSTED, step_id)]
        free += [way.dest for way in transitions_from(machine, SKIP, step_id)]
    return tuple(dict.fromkeys(str(dest) for dest in chosen or free))


def _ways_from(machine: FlowMachine, step_id: str) -> list[FlowTransition]:
    found = (*transitions_from(machine, SUBMIT, step_id), *transitions_from(machine, POP, step_id))
    return [way for way in found if not way.refuses]


def _dests_from(machine: FlowMachine, step_id: str) -> list[str]:
    """Where a step may be left for, by whatever answer or none."""
    ways = (way for trigger in LEADING_ON for way in transitions_from(machine, trigger, step_id))
    return [str(way.dest) for way in ways if way.dest is not None]


def _landings(machine: FlowMachine, *states: str) -> list[str]:
    """Where ways to some states may end: there, or behind them where there was nothing to choose from."""
    landed = list(states)
    for state in landed:  # which grows meanwhile
        landed += [str(way.dest) for way in transitions_from(machine, EMPTY, state) if way.dest not in landed]
    return landed


def route(machine: FlowMachine, answers: Mapping[str, Any], start: str) -> tuple[str, ...]:
    """The answered steps that may lie ahead of a step, itself among them: as far as some answers may lead.

    Args:
        machine: The flow's machine.
        answers: By step id.
        start: The step to begin with.

    Returns:
        Their ids, the nearest first; where a predicate decides, those of each way.
    """
    found = [start]
    for current in found:  # which grows meanwhile
        known = current in answers
        ahead = ways_by(machine, current, answers[current]) if known else _landings(machine, current)[1:]
        found += [dest for dest in ahead if dest not in found]
    return tuple(step_id for step_id in found if step_id in answers)


def path_to(machine: FlowMachine, answers: Mapping[str, Any], goal: str) -> tuple[str, ...]:
    """The steps by which some answers lead to a state; empty where they do not.

    Where predicates decide, they may lead there by several ways: the one that names the most answers is taken, since
    what is on no path is not kept.

    Args:
        machine: The flow's machine.
        answers: By step id.
        goal: The state.

    Returns:
        The ids of the steps, in order, each once.
    """
    best: tuple[str, ...] = ()
    pending: list[tuple[str, ...]] = [(str(machine.initial),)]
    for _ in range(SEARCH_LIMIT):
        if not pending or len(best) == len(answers):
            break
        path = pending.pop()
        *passed, current = path
        if current == goal:
            best = max(best, tuple(passed), key=len)
        elif current in answers and current not in passed:
            # the nearest step is looked at first: past a step that was answered, it was not
            pending += [(*path, dest) for dest in ways_by(machine, current, answers[current])]
        elif current not in answers:  # it may have had nothing to choose from, and is on no path then
            pending += [(*passed, dest) for dest in _landings(machine, current)[1:]]
    return best


def completed_by(machine: FlowMachine, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The path by which a run with these answers, and no others, was completed; empty where there is none."""
    path = path_to(machine, answers, COMPLETED)
    return path if len(path) == len(answers) else ()


def bounded(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path that is too long, without its earliest round trip of which every step stands in the rest as well.

    What is left is a way through the flow again, by which ``back`` can be gone, and names the same answers. Rejected:
    keeping only the latest place of each step, which leaves neighbours that no way on connects.
    """
    if len(path) <= PATH_LIMIT or len(set(path)) == len(path):
        return path
    for start, step_id in enumerate(path):
        end = path.index(step_id, start + 1) if step_id in path[start + 1 :] else start
        rest = path[:start] + path[end:]
        if end > start and set(path[start:end]) <= set(rest):
            return rest
    return path
