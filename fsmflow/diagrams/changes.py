"""What has changed from one release of a flow to another: a mark for the picture, a note, and a sentence for each.

Here belongs what differs between two graphs. What is the same at every step (back, cancel, restart) follows from the
steps and the ways on: where it does, nothing is said of it, or one inserted step would mark every box.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from attrs import frozen

from fsmflow.diagrams.compatibility import Release
from fsmflow.diagrams.graph import FlowGraph, NodeKind, StepNode, Way, WayKind, spoken_number
from fsmflow.diagrams.overlay import Mark, WayKey, key_of
from fsmflow.wording import spoken

ItemT = TypeVar("ItemT")


@frozen
class Change:
    """One thing that has changed, in words.

    Args:
        mark: Whether it is added, removed or changed.
        what: What it is: ``step``, ``transition`` or ``flow``.
        words: What has become of it.
    """

    mark: Mark
    what: str
    words: str


class Marks:
    """What is marked, noted and told of two releases of a flow.

    Args:
        old: The flow before.
        new: The flow after.
    """

    def __init__(self, old: Release, new: Release) -> None:
        self.old, self.new = old, new
        self.steps: dict[str, Mark] = {}
        self.ways: dict[WayKey, Mark] = {}
        self.notes: dict[str | WayKey, str] = {}

    def changes(self) -> Iterator[Change]:
        """Finds what has changed; the marks and the notes are complete when it is through."""
        yield from self._of_the_flow()
        yield from self._of_steps()
        old, new = self.old.graph, self.new.graph
        for mark, states, others in ((Mark.REMOVED, old, new), (Mark.ADDED, new, old)):
            for state in (*states.ends, *(wait.id for wait in states.waits)):
                if state not in (*others.ends, *(wait.id for wait in others.waits)):
                    self.steps[state] = mark
        yield from self._of_ways_on()
        yield from self._of_what_every_step_has()

    def _of_the_flow(self) -> Iterator[Change]:
        old, new = self.old.graph, self.new.graph
        told = [
            ("timeout", *(_silence(graph) for graph in (old, new))),
            ("keywords", *(", ".join(graph.starters) for graph in (old, new))),
            ("revision", str(self.old.revision), str(self.new.revision)),
        ]
        for name, before, after in told:
            if before != after:
                yield Change(Mark.CHANGED, "flow", f"{name}: was {before}, is {after}")
        common = [node.id for node in new.steps if node.id in {each.id for each in old.steps}]
        if common != [node.id for node in old.steps if node.id in common]:
            yield Change(Mark.CHANGED, "flow", f"the steps are in another order: {', '.join(common)}")

    def _of_steps(self) -> Iterator[Change]:
        before = {node.id: node for node in self.old.graph.steps}
        after = {node.id: node for node in self.new.graph.steps}
        for node in before.values():
            if node.id not in after:
                self.steps[node.id] = Mark.REMOVED
                yield Change(Mark.REMOVED, "step", _introduced(node))
        for node in after.values():
            if node.id not in before:
                self.steps[node.id] = Mark.ADDED
                yield Change(Mark.ADDED, "step", _introduced(node))
                continue
            told = [*self._between(before[node.id], node)]
            if told:
                self.steps[node.id] = Mark.CHANGED
                self.notes[node.id] = joined(short for short, _ in told)
                yield Change(Mark.CHANGED, "step", f"{node.id!r} {'; '.join(words for _, words in told)}")

    def _between(self, before: StepNode, after: StepNode) -> Iterator[tuple[str, str]]:
        """What differs between two forms of a step: in a picture, and in a sentence."""
        if before.kind is not after.kind:
            yield f"was {before.kind.value}", f"was of kind {before.kind.value} and is {after.kind.value}"
        if before.type != after.type:
            yield f"was {before.type}", f"was {before.type} and is {after.type}"
        if before.words != after.words and {NodeKind.SUBFLOW, NodeKind.ACTION} & {before.kind, after.kind}:
            yield f"was {before.words}", f"was “{before.words}” and is “{after.words}”"
        elif before.words != after.words:
            yield "other words", f"asked “{before.words}” and asks “{after.words}”"
        if before.optional is not after.optional:
            yield (
                ("was not optional", "may be left out now")
                if after.optional
                else ("was optional", "may not be left out any more")
            )
        if before.sensitive is not after.sensitive:
            yield (
                ("was not sensitive", "is sensitive now")
                if after.sensitive
                else ("was sensitive", "is not sensitive any more")
            )
        kept, keeps = self.old.kept.get(before.id, ""), self.new.kept.get(after.id, "")
        if kept != keeps:
            yield f"kept {kept}", f"kept its answer as {kept} and keeps it as {keeps}"

    def _of_ways_on(self) -> Iterator[Change]:
        """The ways that are drawn: what leads where, and what must accept it."""
        before = {key_of(way): way for way in self.old.graph.ways if not way.folded}
        after = {key_of(way): way for way in self.new.graph.ways if not way.folded}
        lost = [way for key, way in before.items() if key not in after]
        gained = [way for key, way in after.items() if key not in before]
        self.ways.update({key_of(way): Mark.REMOVED for way in lost} | {key_of(way): Mark.ADDED for way in gained})
        for way in lost:
            moved = next((each for each in gained if key_of(each)[:3] == key_of(way)[:3]), None)
            if moved is None:
                yield Change(Mark.REMOVED, "transition", _way_told(way))
                continue
            gained.remove(moved)
            words = f"from {way.source!r}, “{moved.label}”: led to {way.dest!r} and leads to {moved.dest!r}"
            yield Change(Mark.CHANGED, "transition", words)
        for way in gained:
            yield Change(Mark.ADDED, "transition", _way_told(way))
        for key, way in after.items():
            told = "; ".join(_between_ways(before[key], way)) if key in before else ""
            if told:
                self.ways[key], self.notes[key] = Mark.CHANGED, told
                yield Change(Mark.CHANGED, "transition", f"{_way_told(way)}: {told}")

    def _of_what_every_step_has(self) -> Iterator[Change]:
        """What is folded: told once where the same has become of it at every step, marked where it has not."""
        common = {node.id for node in self.old.graph.steps} & {node.id for node in self.new.graph.steps}
        before, after = _folded(self.old.graph, common), _folded(self.new.graph, common)
        differing: dict[tuple[str, str], dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        for trigger, name, source in dict.fromkeys([*before, *after]):
            dests = before.get((trigger, name, source), ()), after.get((trigger, name, source), ())
            if dests[0] != dests[1]:
                differing.setdefault((trigger, name), {})[source] = dests
        for (trigger, name), sources in differing.items():
            alike = Counter(sources.values())
            if len(alike) == 1 and sources.keys() == common:
                yield _led(name, "every step", *next(iter(alike)))
                continue
            for source, (lost, gained) in sources.items():
                mark = Mark.CHANGED if lost and gained else Mark.ADDED if gained else Mark.REMOVED
                for dest in gained or lost:
                    self.ways[trigger, name, source, dest] = mark
                yield _led(name, repr(source), lost, gained)


def _folded(graph: FlowGraph, steps: set[str]) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Where each folded way of some steps leads, but for those that follow from the ways on and from the steps."""
    found: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for way in graph.ways:
        if way.folded and way.kind not in (WayKind.BACK, WayKind.ENTER) and way.source in steps:
            key = key_of(way)[:3]
            found[key] = (*found.get(key, ()), way.dest)
    return found


def _led(name: str, source: str, lost: tuple[str, ...], gained: tuple[str, ...]) -> Change:
    if lost and gained:
        words = f"{name} at {source}: led to {_or(lost)} and leads to {_or(gained)}"
        return Change(Mark.CHANGED, "transition", words)
    mark, dests = (Mark.ADDED, gained) if gained else (Mark.REMOVED, lost)
    return Change(mark, "transition", f"{name} at {source}, to {_or(dests)}")


def _between_ways(before: Way, after: Way) -> Iterator[str]:
    if before.predicates != after.predicates:
        yield f"was [{'] ['.join(before.predicates)}]" if before.predicates else f"now [{'] ['.join(after.predicates)}]"
    if before.refusals != after.refusals and before.refusals is not None:
        yield f"was after {spoken_number(before.refusals, 'refusal')}"
    if before.guard != after.guard:
        yield f"was [{before.guard}]" if before.guard else f"now [{after.guard}]"
    lost, gained = _only(before.choices, after.choices), _only(after.choices, before.choices)
    if len(lost) == len(gained) == 1:
        yield f"was {lost[0]}"
    elif lost or gained:
        yield ", ".join([*(f"− {title}" for title in lost), *(f"+ {title}" for title in gained)])  # noqa: RUF001 - as above
    elif before.choices != after.choices:
        yield "in another order"


def _only(these: Sequence[ItemT], others: Sequence[ItemT]) -> list[ItemT]:
    return [each for each in these if each not in others]


def _introduced(node: StepNode) -> str:
    return f"{node.id!r} ({node.type}): “{node.words}”"


def _way_told(way: Way) -> str:
    return f"from {way.source!r} to {way.dest!r}, “{way.label}”"


def _silence(graph: FlowGraph) -> str:
    return "none" if graph.timeout is None else f"{spoken(graph.timeout)} of silence"


def _or(dests: Iterable[str]) -> str:
    return " or ".join(map(repr, dests))


def joined(parts: Iterable[str]) -> str:
    """What is noted of one part, as one note."""
    return " · ".join(filter(None, parts))
