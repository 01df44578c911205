"""The ways on of a flow: which step follows on which, read from its steps before the Machine is built.

Here belongs the one reading of options, routes and what is skipped as edges, in the order in which they are tried: the
first whose predicates hold is taken. The way past a step that may be skipped is tried before the way to it, so that no
edge needs the opposite of a predicate, and each is evaluated at most once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import frozen

from fsmflow.alphabet import EMPTY, EXHAUSTED, POP, SKIP, SUBMIT
from fsmflow.errors import FlowDefinitionError
from fsmflow.state import COMPLETED, TERMINAL_STATES
from fsmflow.step import Step


@frozen
class Predicate:
    """Which predicate of a flow: a route's, or the one that has a step skipped.

    Args:
        step: The step that it belongs to.
        route: The place of its route among the step's; None for the one that has the step itself skipped.
    """

    step: str
    route: int | None = None


@frozen
class Edge:
    """A way on from a step.

    Args:
        source: The step that is left.
        dest: Where it leads.
        option: The id of the option that leads there, or None for the way that the others go.
        trigger: What fires it.
        predicates: What must hold, besides that the answer is accepted.
    """

    source: str
    dest: str
    option: str | None = None
    trigger: str = SUBMIT
    predicates: tuple[Predicate, ...] = ()


def ways_on(steps: Sequence[Step]) -> tuple[Edge, ...]:
    """The ways on of a flow, step by step in the order in which they are tried."""
    following = {step.id: after.id for step, after in pairwise(steps)}
    skippable = {step.id for step in steps if step.skip_when is not None}
    edges: list[Edge] = []
    for step in steps:
        for edge in _edges_of(step, following.get(step.id, COMPLETED)):
            edges += _past(edge, following, skippable)
    return tuple(dict.fromkeys(edges))


def _edges_of(step: Step, following: str) -> Iterator[Edge]:
    trigger = SUBMIT if step.flow is None else POP
    for option in step.options:
        if option.to is not None:
            yield Edge(step.id, option.to, option.id)
    if not step.options or any(option.to is None for option in step.options):
        yield from _routed(step, trigger, following)
    if step.optional:
        # no predicate is asked about an answer that was not given; a way that asks none is everybody's
        always = next((route.to for route in step.routes if route.when is None), following)
        yield Edge(step.id, always, trigger=SKIP)
    if step.on_exhausted is not None:
        yield Edge(step.id, step.on_exhausted, trigger=EXHAUSTED)
    if step.when_empty is not None:
        yield Edge(step.id, step.when_empty, trigger=EMPTY)


def _routed(step: Step, trigger: str, following: str) -> Iterator[Edge]:
    for place, route in enumerate(step.routes):
        if route.when is None:
            yield Edge(step.id, route.to, trigger=trigger)
            return  # whatever comes after it is never tried
        yield Edge(step.id, route.to, trigger=trigger, predicates=(Predicate(step.id, place),))
    yield Edge(step.id, following, trigger=trigger)


def _past(edge: Edge, following: dict[str, str], skippable: set[str]) -> Iterator[Edge]:
    """An edge, after those that go past the step it leads to: the furthest first."""
    passing = [edge]
    while passing[-1].dest in skippable:
        last = passing[-1]
        beyond = following.get(last.dest, COMPLETED)
        held = (*last.predicates, Predicate(last.dest))
        passing.append(Edge(edge.source, beyond, edge.option, edge.trigger, held))
    return reversed(passing)


def landings(edges: Sequence[Edge], dest: str) -> tuple[str, ...]:
    """Where a way to a step may end: there, or behind it and others that have nothing to choose from."""
    landed = [dest]
    for state in landed:
        landed += [edge.dest for edge in edges if _is_empty(edge) and edge.source == state and edge.dest not in landed]
    return tuple(landed)


def _is_empty(edge: Edge) -> bool:
    return edge.trigger == EMPTY


def check_reachable(flow: str, steps: Sequence[Step]) -> None:
    """Checks that each step can be reached and that each leads to an end.

    Raises:
        FlowDefinitionError: A step cannot be reached from the first one, or never leads to an end.
    """
    edges = ways_on(steps)
    for edge in filter(_is_empty, edges):
        if edge.source in landings(edges, edge.dest):
            wanted = "when_empty leads back to this step: nobody would ever be asked"
            raise FlowDefinitionError(flow, edge.source, wanted)
    reached = {steps[0].id}
    ending = set(TERMINAL_STATES)
    grown = True
    while grown:
        before = len(reached) + len(ending)
        for edge in edges:  # ways on mostly run downward: one pass in each direction usually does
            if edge.source in reached:
                reached.add(edge.dest)
        for edge in reversed(edges):  # who answers, and rightly, must come to an end too
            if edge.dest in ending and edge.trigger not in (EXHAUSTED, EMPTY):
                ending.add(edge.source)
        grown = len(reached) + len(ending) > before
    for step in steps:
        if step.id not in reached:
            raise FlowDefinitionError(flow, step.id, "no answer leads to this step")
        if step.id not in ending:
            raise FlowDefinitionError(flow, step.id, "no answer leads from this step to an end")
