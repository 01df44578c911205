"""The points at which a run of a flow may stand, as the store would hold them.

Here belongs the making of such runs, by the examples that the steps bring along. What another release makes of them
belongs to `compatibility`.

Whether a run is restored is decided step by step: by where it begins, by each way that it took, by each answer that is
kept, by where it stands. So one run for each answer that leads on shows whatever any run can meet, and the paths
through a flow need not be counted, of which a flow of twenty choices has a million.

Where a predicate decides, every way is taken with every answer: a run that is read back is not asked for predicates
either, and which of them hold hangs on all that was answered before. Within a flow within the flow a run may stand at
each of its points; what it has collected in the end is an answer like any other.

Transformers are called, as they say what is kept. Validators are not: they may look something up, and it is the flow
that is tried here, not its examples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from attrs import evolve, frozen

from fsmflow.alphabet import EMPTY, EXHAUSTED, SKIP
from fsmflow.answers import Accepted, Answer, judge
from fsmflow.calls import run_calls
from fsmflow.choices import Offer
from fsmflow.definition import Definition
from fsmflow.flow import Flow
from fsmflow.machine import transitions_from
from fsmflow.messages import Option, Section
from fsmflow.registry import sample_flow
from fsmflow.routes import ways_by
from fsmflow.state import COMPLETED, FlowData
from fsmflow.step import Step
from fsmflow.storable import store_answer
from fsmflow.wording import Sentences

_ANYTHING: Final = "anything"  # an answer to a step that takes any


@frozen
class Run:
    """A point at which a run may stand.

    Args:
        stored: The run as the store would hold it.
        untried: The answered steps of which no answer is at hand, so that nothing of it is in the data.
        within: The same of the flow that answers its step, where one does.
    """

    stored: FlowData
    untried: tuple[str, ...] = ()
    within: Run | None = None


def runs_of(flow: Flow[Any]) -> Iterator[Run]:
    """One run at the first step, and one for each answer that leads to a step; in each place of the flows within."""
    steps = {step.id: step for step in flow.steps}
    inner = {step.id: _Inner.of(sample_flow(step.flow)) for step in flow.steps if step.flow is not None}
    for run in _points(flow, steps, inner):
        state = str(run.stored.step_id)
        if state in inner:
            for within in inner[state].runs:
                yield evolve(run, stored=evolve(run.stored, inner=within.stored), within=within)
        elif state in steps:
            yield run


@frozen
class _Inner:
    """A flow that answers a step.

    Args:
        runs: The points at which it may stand.
        collected: What it may have collected in the end: each answer of each step at least once.
    """

    runs: tuple[Run, ...]
    collected: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, flow: Flow[Any]) -> _Inner:
        steps = {step.id: step for step in flow.steps}
        inner = {step.id: cls.of(sample_flow(step.flow)) for step in flow.steps if step.flow is not None}
        points = [*_points(flow, steps, inner)]
        ending = next((run.stored.data for run in points if run.stored.step_id not in steps), {})
        collected = [{**ending, **run.stored.data} for run in points]
        return cls(tuple(runs_of(flow)), tuple(each for at, each in enumerate(collected) if each not in collected[:at]))


def _points(flow: Flow[Any], steps: dict[str, Step], inner: dict[str, _Inner]) -> Iterator[Run]:
    """One run for each answer that leads to a step or completes the flow, and for each step that offers nothing."""
    definition = flow.definition
    first = Run(evolve(flow.snapshot(), step_id=definition.first, step=0))
    yield first
    known: dict[str, tuple[Run, dict[str, Any]]] = {definition.first: (first, {})}
    waiting = deque(known)
    while waiting:
        source = waiting.popleft()
        before, data = known[source]
        for dest, value in _answers(flow, steps[source], data, inner):
            run = _beyond(before, definition, source, dest, value)
            yield run
            if dest not in known and dest in steps:
                known[dest] = (run, data if value is _UNTRIED else {**data, source: value})
                waiting.append(dest)
        for way in transitions_from(definition.machine, EMPTY, source):
            dest = str(way.dest)
            if dest not in steps and dest != COMPLETED:
                continue
            run = _left_empty(before, definition, dest)
            yield run
            if dest not in known and dest in steps:
                known[dest] = (run, data)
                waiting.append(dest)


class _Untried:
    """Stands for an answer that is not at hand."""


_UNTRIED: Final = _Untried()


def _answers(flow: Flow[Any], step: Step, data: dict[str, Any], inner: dict[str, _Inner]) -> Iterator[tuple[str, Any]]:
    """Where each answer to a step leads, if to a step or to the end, and what is kept of it."""
    definition = flow.definition
    counted = {*definition.index, COMPLETED}
    left_out = [*transitions_from(definition.machine, SKIP, step.id)]
    left_out += transitions_from(definition.machine, EXHAUSTED, step.id)
    unanswered = [(str(way.dest), None) for way in left_out if way.dest in counted]
    if step.id in inner:
        for collected in inner[step.id].collected:
            yield from (
                (dest, collected) for dest in ways_by(definition.machine, step.id, collected) if dest in counted
            )
        yield from unanswered
        return
    if step.has_choices:
        # what a callable offers to nobody in particular is no answer that is stored: its step's examples are
        typed = [option.id for option in step.options] if step.live is None else [*dict.fromkeys(step.examples)]
    else:
        callbacks = definition.callbacks[step.id]
        takes_any = callbacks.validator is None and callbacks.transformer is None
        typed = [*dict.fromkeys(step.examples)] or ([_ANYTHING] if takes_any else [])
    for text in typed:
        value = _made(flow, step, text, data)
        yield from ((dest, value) for dest in ways_by(definition.machine, step.id, text) if dest in counted)
    if not typed:
        free = ways_by(definition.machine, step.id, _ANYTHING)
        yield from ((dest, _UNTRIED) for dest in free if dest in counted)
    yield from unanswered


def _made(flow: Flow[Any], step: Step, text: str, data: dict[str, Any]) -> Any:
    """What is kept of an answer, if it can be found out here: validators are not asked, nothing is awaited."""
    callbacks = evolve(flow.definition.callbacks[step.id], validator=None)
    answer = Answer(text, text if step.has_choices else None, "option" if step.has_choices else "text")
    offer = None if step.live is None else Offer((Section("", (Option(text, text),)),))
    flow.answers = {**data}
    try:
        verdict = run_calls(judge(flow, step, callbacks, answer, Sentences(), offer))
    except Exception:  # noqa: BLE001 - an example that its own step refuses is for the tests of the flow to find
        return _UNTRIED
    return verdict.value if isinstance(verdict, Accepted) else _UNTRIED


def _left_empty(before: Run, definition: Definition, dest: str) -> Run:
    """The run where a step had nothing to choose from: it was not answered, and nobody goes back to it."""
    stored = before.stored
    index = definition.position(dest)
    return Run(evolve(stored, step_id=dest, step=index, visit=stored.visit + 1), before.untried)


def _beyond(before: Run, definition: Definition, source: str, dest: str, value: Any) -> Run:
    """The run one answer further."""
    stored, untried = before.stored, before.untried
    try:
        raw = _UNTRIED if value is _UNTRIED else store_answer(value)
    except Exception:  # noqa: BLE001 - what has no JSON is refused when a member gives it
        raw = _UNTRIED
    kept = stored.data if raw is _UNTRIED else {**stored.data, source: raw}
    path = (*stored.path, source)
    index = definition.position(dest)
    run = evolve(stored, step_id=dest, step=index, data=kept, path=path, visit=stored.visit + 1)
    return Run(run, (*untried, source) if raw is _UNTRIED and source not in untried else untried)
