"""Which stored runs of one release of a flow another release goes on with, found out by trying.

Here belongs the holding of each point at which a run may stand (`stored_runs`) against the definition of
another release: by taking it up, as the next message of its member would, so there are no second rules that could say
something else. The two releases are never in one process (two versions of a module cannot be): what passes
between them are values. Reading them belongs to `revisions`, the comparison of what they look like to
`comparison`.

Two things are asked beyond `restore`, which cannot know them: a step that is asked in another way (TEXT, now BUTTON)
shows one question and judges the answer to another; and an answer of which no example is at hand is held to fit if its
transformer says the same type as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from fsmflow.definition import Definition
from fsmflow.diagrams.graph import FlowGraph
from fsmflow.diagrams.stored_runs import Run, runs_of
from fsmflow.diagrams.survey import graph_of
from fsmflow.flow import Flow
from fsmflow.registry import sample_flow
from fsmflow.routes import leads
from fsmflow.state import FlowData

Kept = Mapping[str, str]

AS_TYPED: Final = "text"
"""What is kept of an answer that no transformer touches."""


@frozen
class Release:
    """A flow as one release has it, as far as another can be held against it.

    Args:
        graph: The flow as values to draw.
        place: Where it is, as somebody would name it: ``module:Class``.
        fingerprint: What the state stores of its structure.
        revision: Its revision.
        kept: For each step the name of the type that is kept of its answer; of a flow within, under ``address.street``.
        runs: The points at which a run of it may stand, one for each answer that leads on.
    """

    graph: FlowGraph
    place: str
    fingerprint: str
    revision: int
    kept: Mapping[str, str]
    runs: tuple[Run, ...] = field(default=(), repr=False)


@frozen
class Lost:
    """A point at which a member does not go on as if nothing had changed.

    Args:
        state: The step that the member was asked; nothing for any step.
        why: What is in the way.
        then: What happens instead.
    """

    state: str
    why: str
    then: str


def release_of(flow: type[Flow[Any]], flow_type: str, place: str) -> Release:
    """Reads a flow.

    Args:
        flow: Its class.
        flow_type: Which flow it is.
        place: Where the class is.

    Raises:
        FlowDefinitionError: It is written wrongly, or cannot be constructed.
    """
    sample = sample_flow(flow, flow_type)
    definition = sample.definition
    return Release(
        graph=graph_of(flow, flow_type),
        place=place,
        fingerprint=definition.fingerprint,
        revision=sample.revision,
        kept=_all_kept(definition),
        runs=tuple(runs_of(sample)),
    )


GONE: Final = Lost("", "the flow is gone", "is told that we lost our place, and starts another")
"""What a member meets whose flow is there no more."""


def lost_runs(old: Release, flow: Flow[Any]) -> tuple[Lost, ...]:
    """The points of an old release at which a new one does not go on as it is, each once, in the order of its steps.

    Args:
        old: The old release.
        flow: A flow of the new one, at its first step.
    """
    if flow.revision < old.revision:
        why = f"the revision went back from {old.revision} to {flow.revision}"
        return (Lost("", why, "waits for a worker of the higher one"),)
    types = {step.id: step.type.name for step in flow.steps}
    retyped = {
        node.id: f"was {node.type} and is {types[node.id]}"
        for node in old.graph.steps
        if types.get(node.id, node.type) != node.type
    }
    found = dict.fromkeys(_held(run, old, flow, retyped) for run in old.runs)
    place = {node.id: node.number for node in old.graph.steps}
    return tuple(sorted((lost for lost in found if lost is not None), key=lambda lost: place[lost.state]))


# -- a run, held against another release -------------------------------------------------------------------------


def _held(run: Run, old: Release, flow: Flow[Any], retyped: Mapping[str, str]) -> Lost | None:
    state = str(run.stored.step_id)
    why = _in_the_way(run, old.kept, flow)
    if why is not None:
        return Lost(state, why, _instead(run, flow))
    if state in retyped:
        return Lost(
            state, f"step {state!r} {retyped[state]}", "may be refused the answer to the question that was shown"
        )
    for step_id in run.stored.path:
        if step_id in retyped:
            why = f"step {step_id!r}, answered before, {retyped[step_id]}"
            return Lost(state, why, "goes on with an answer of the other kind")
    return None


def _in_the_way(run: Run, kept: Kept, flow: Flow[Any]) -> str | None:
    """Why a run is not taken up as it is; None if it is."""
    stored, definition = run.stored, flow.definition
    if _is_untried(run):
        changed = next((step_id for step_id in run.untried if not _same_kind(step_id, kept, definition)), None)
        broken = _broken_way(stored, definition)
        if broken is None and changed is not None and changed in definition.index:
            kinds = f"kept as {kept[changed]}, now {_kept(definition, changed)}"
            return f"what was answered at {changed!r} is {kinds}; it has no example to try"
        return broken or _unfit_answer(stored, kept, definition) or _in_the_way_within(run, kept, flow)
    again = sample_flow(type(flow), flow.flow_type)
    if again.resume(stored) and _stands(again) == _stood(stored):
        return None
    found = _broken_way(stored, definition) or _unfit_answer(stored, kept, definition)
    return found or _in_the_way_within(run, kept, flow) or "it does not fit"


def _in_the_way_within(run: Run, kept: Kept, flow: Flow[Any]) -> str | None:
    """The same of the flow that answers the step at which it stands."""
    state = str(run.stored.step_id)
    within = next((step.flow for step in flow.steps if step.id == state), None)
    if run.within is None:
        return None if within is None else f"step {state!r} is a flow of its own now"
    if within is None:
        return f"step {state!r} is no flow of its own any more"
    inner = {name.partition(".")[2]: kind for name, kind in kept.items() if name.startswith(f"{state}.")}
    why = _in_the_way(run.within, inner, sample_flow(within))
    return None if why is None else f"within {state!r}, {why}"


def _is_untried(run: Run | None) -> bool:
    return run is not None and (bool(run.untried) or _is_untried(run.within))


def _stands(flow: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return () if flow is None else ((flow.state, flow.path), *_stands(flow.inner))


def _stood(stored: FlowData | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return () if stored is None else ((str(stored.step_id), stored.path), *_stood(stored.inner))


def _broken_way(stored: FlowData, definition: Definition) -> str | None:
    """Where the way of a run is broken, in words; None if it leads to its step."""
    states = (*stored.path, str(stored.step_id))
    for place, state in enumerate(states):
        if state not in definition.index:
            answered = ", answered before," if place + 1 < len(states) else ""
            return f"step {state!r}{answered} is gone"
    for place in range(1, len(states) + 1):
        if not leads(definition.machine, states[:place], stored.data):
            if place == 1:
                return f"the flow begins with {definition.first!r} now"
            return f"the way that led from {states[place - 2]!r} to {states[place - 1]!r} does not any more"
    return None


def _unfit_answer(stored: FlowData, kept: Kept, definition: Definition) -> str | None:
    """Which kept answer does not fit, in words. Each is tried for itself, in a run that stands at the first step."""
    at_first = evolve(stored, step_id=definition.first, step=0, path=(), definition=definition.fingerprint)
    for step_id, raw in stored.data.items():
        if definition.restore(evolve(at_first, data={step_id: raw})) is None:
            if raw is None:
                return f"step {step_id!r} was left unanswered, which it may not be any more"
            kinds = f"kept as {kept[step_id]}, now {_kept(definition, step_id)}"
            return f"what was answered at {step_id!r} does not fit any more ({kinds})"
    return None


def _instead(run: Run, flow: Flow[Any]) -> str:
    if _is_untried(run):
        return "is asked an earlier question again"  # which one, an answer that is not at hand decides
    again = sample_flow(type(flow), flow.flow_type)
    again.rewind(run.stored)
    from_first = not again.path and again.state != run.stored.step_id
    return f"is asked {again.place!r}" + (", from the beginning" if from_first else "")


def _same_kind(step_id: str, kept: Kept, definition: Definition) -> bool:
    """True if what is kept of an answer is of the type that it was, or any type is taken as it comes."""
    callbacks = definition.callbacks.get(step_id)
    takes_any = callbacks is None or callbacks.transformer is None or callbacks.kept_as is None
    return takes_any or _kept(definition, step_id) == kept[step_id]


def _all_kept(definition: Definition, within: str = "") -> dict[str, str]:
    found = {f"{within}{step_id}": _kept(definition, step_id) for step_id in definition.index}
    for step_id, inner in definition.flows.items():
        found |= _all_kept(inner, f"{within}{step_id}.")
    return found


def _kept(definition: Definition, step_id: str) -> str:
    inner = definition.flows.get(step_id)
    if inner is not None:
        return f"what {inner.flow_type} collects"
    callbacks = definition.callbacks[step_id]
    if callbacks.transformer is None:
        return AS_TYPED
    kind = callbacks.kept_as
    return "anything" if kind is None else kind.__qualname__ if isinstance(kind, type) else str(kind)
