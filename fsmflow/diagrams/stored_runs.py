"""The points at which a run of a flow may stand, as the store would hold them.

Here belongs the making of such runs, by the examples that the steps bring along. What another release makes of them
belongs to `compatibility`.

Whether a run is restored is decided step by step: by where it begins, by each way that it took, by each answer that is
kept, by where it stands. So one run for each answer that leads on shows whatever any run can meet, and the paths
through a flow need not be counted, of which a flow of twenty choices has a million.

Transformers are called, as they say what is kept. Validators are not: they may look something up, and it is the flow
that is tried here, not its examples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from attrs import evolve, frozen

from fsmflow.answers import Accepted, Answer, judge
from fsmflow.calls import run_calls
from fsmflow.choices import Offer
from fsmflow.definition import Definition
from fsmflow.flow import Flow
from fsmflow.messages import Option, Section
from fsmflow.routes import ways_by
from fsmflow.state import FlowData
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
    """

    stored: FlowData
    untried: tuple[str, ...] = ()


def runs_of(flow: Flow[Any]) -> Iterator[Run]:
    """One run at the first step, and one for each answer that leads to a step."""
    definition, steps = flow.definition, {step.id: step for step in flow.steps}
    first = Run(evolve(flow.snapshot(), step_id=definition.first, step=0))
    yield first
    known: dict[str, tuple[Run, dict[str, Any]]] = {definition.first: (first, {})}
    waiting = deque(known)
    while waiting:
        source = waiting.popleft()
        before, data = known[source]
        for dest, value in _answers(flow, steps[source], data):
            run = _beyond(before, definition, source, dest, value)
            yield run
            if dest not in known:
                known[dest] = (run, data if value is _UNTRIED else {**data, source: value})
                waiting.append(dest)


class _Untried:
    """Stands for an answer that is not at hand."""


_UNTRIED: Final = _Untried()


def _answers(flow: Flow[Any], step: Step, data: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Where each answer to a step leads, if to a step, and what is kept of it."""
    definition = flow.definition
    if step.has_choices:
        # what a callable offers to nobody in particular is no answer that is stored: its step's examples are
        typed = [option.id for option in step.options] if step.live is None else [*dict.fromkeys(step.examples)]
    else:
        callbacks = definition.callbacks[step.id]
        takes_any = callbacks.validator is None and callbacks.transformer is None
        typed = [*dict.fromkeys(step.examples)] or ([_ANYTHING] if takes_any else [])
    for text in typed:
        value = _made(flow, step, text, data)
        for dest in ways_by(definition.machine, step.id, text):
            if dest in definition.index:
                yield dest, value
    if not typed:
        for dest in ways_by(definition.machine, step.id, None):
            if dest in definition.index:
                yield dest, _UNTRIED


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


def _beyond(before: Run, definition: Definition, source: str, dest: str, value: Any) -> Run:
    """The run one answer further."""
    stored, untried = before.stored, before.untried
    try:
        raw = _UNTRIED if value is _UNTRIED else store_answer(value)
    except Exception:  # noqa: BLE001 - what has no JSON is refused when a member gives it
        raw = _UNTRIED
    kept = stored.data if raw is _UNTRIED else {**stored.data, source: raw}
    path = (*stored.path, source)
    index = definition.index[dest]
    run = evolve(stored, step_id=dest, step=index, data=kept, path=path, visit=stored.visit + 1)
    return Run(run, (*untried, source) if raw is _UNTRIED and source not in untried else untried)
