"""Two releases of a flow, side by side: one graph of both, what a picture of it marks, and what has changed in words.

Here belongs the comparison as one value. What differs is found in `changes`; which members can go on is found
out by trying, in `compatibility`; how both releases are read belongs to `revisions`, and what a pull
request is shown to `reports`.

The graph of both is the new one, with what is gone put back in its place, so that a reader sees where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from fsmflow.diagrams.changes import Change, Marks, joined
from fsmflow.diagrams.compatibility import GONE, Lost, Release
from fsmflow.diagrams.graph import FlowGraph, StepNode, WayKind, one_line
from fsmflow.diagrams.overlay import Mark, Overlay, key_of

LABEL_LENGTH: Final = 80  # characters of what a release is called

_LEGEND: Final = "+ with a thick line is added, − dotted is removed, ~ dashed or thick is changed."  # noqa: RUF001 - the sign of what is removed
_HELD_UP: Final = "some here do not go on"


@frozen
class Comparison:
    """What has become of a flow from one release to the other.

    Args:
        flow_type: Which flow it is.
        old: The flow before; None for one that is new.
        new: The flow after; None for one that is gone.
        graph: The flow after, with what is gone of it put back in its place.
        overlay: What a picture of the graph marks.
        changes: What has changed.
        lost: The points at which a member in the middle of it does not go on.
    """

    flow_type: str
    old: Release | None
    new: Release | None
    graph: FlowGraph
    overlay: Overlay
    changes: tuple[Change, ...]
    lost: tuple[Lost, ...]

    @property
    def compatible(self) -> bool:
        """True if every member in the middle of it goes on as if nothing had changed."""
        return not self.lost

    @property
    def verdict(self) -> str:
        """What matters of it, in a few words."""
        if self.old is None:
            return "new"
        if not self.compatible:
            return "NOT compatible with members in the middle of it"
        return "compatible" if self.changes else "no change"


def compare(
    old: Release | None, new: Release | None, lost: Sequence[Lost] = (), *, labels: tuple[str, str] = ("", "")
) -> Comparison:
    """Compares two releases of one flow.

    Args:
        old: The flow before; None for one that is new.
        new: The flow after; None for one that is gone.
        lost: What `compatibility.lost_runs` found.
        labels: What the two releases are called.

    Raises:
        ValueError: There is neither.
    """
    if old is not None and new is not None:
        graph = _of_both(old.graph, new.graph)
        marks = Marks(old, new)
        changes = tuple(marks.changes())
        ways, notes = marks.ways, marks.notes
        steps, lost = marks.steps, tuple(lost)
    else:
        only, mark = (old, Mark.REMOVED) if old is not None else (new, Mark.ADDED)
        if only is None:
            raise ValueError("a comparison needs at least one release")
        graph, lost = only.graph, (GONE,) if new is None else ()
        changes = (Change(mark, "flow", f"flow {graph.flow_type} ({only.place})"),)
        steps = dict.fromkeys([*(node.id for node in graph.steps), *graph.ends], mark)
        ways = {key_of(way): mark for way in graph.ways if not way.folded}
        notes = {}
    found = Comparison(graph.flow_type, old, new, graph, Overlay(), changes, tuple(lost))
    for state in dict.fromkeys(each.state for each in found.lost):
        if state and steps.get(state) is not Mark.REMOVED:
            notes[state] = joined([notes.get(state, ""), _HELD_UP])
    before, after = (one_line(label, LABEL_LENGTH) for label in labels)
    legend = [f"Before: {before}. After: {after}."] if before and after else []
    legend += [_LEGEND] if steps or ways else []
    overlay = Overlay(steps, ways, notes, heading=found.verdict, legend=tuple(legend))
    return evolve(found, overlay=overlay)


def _of_both(old: FlowGraph, new: FlowGraph) -> FlowGraph:
    """The new graph with what is gone of the old one; its steps are numbered as they stand in it."""
    steps = _woven(new.steps, old.steps, {node.id for node in new.steps})
    sources = {node.id for node in new.steps} | {wait.id for wait in new.waits}
    known = {key_of(way) for way in new.ways}
    # what every step has is not shown of one that is gone, nor where it only leads elsewhere now
    again = {way[:3] for way in known}
    gone = [
        way
        for way in old.ways
        if key_of(way) not in known and (not way.folded or (way.source in sources and key_of(way)[:3] not in again))
    ]
    return evolve(
        new,
        steps=tuple(evolve(node, number=number) for number, node in enumerate(steps, 1)),
        ends=(*new.ends, *(end for end in old.ends if end not in new.ends)),
        waits=(*new.waits, *(wait for wait in old.waits if wait.id not in sources)),
        ways=(*new.ways, *(way for way in gone if way.kind is not WayKind.BACK)),
    )


def _woven(now: Sequence[StepNode], before: Sequence[StepNode], kept: set[str]) -> list[StepNode]:
    """The steps of now, and those that are gone behind the ones that they stood behind."""
    woven = [*now]
    place = 0
    for node in before:
        if node.id in kept:
            place = next(index for index, each in enumerate(woven) if each.id == node.id) + 1
        else:
            woven.insert(place, node)
            place += 1
    return woven
