"""Which of a flow's ways become arrows, and which are told beside a step.

Here belongs the choice: what leads the same way is one arrow; what is folded is left out, told in the box of its step
where it bears a mark, or listed beside the step where all is asked for. A list was chosen over arrows to the ends,
because every step has five such ways: with them the way forward, which is what a reviewer follows, could not be found.
In a long flow what leads far away is listed, too: nobody follows a line over ten screens, and Graphviz takes minutes
to find a path for a hundred of them.
How they are spelled belongs to `digraph` and `flowchart`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import frozen

from fsmflow.diagrams.graph import TITLES_SHOWN, FlowGraph, Way, WayKind
from fsmflow.diagrams.overlay import NOTHING, TOLD, Mark, Overlay, key_of

LONG: Final = 60
"""The number of steps above which a flow is a long one."""

FAR: Final = 20
"""How many steps an arrow spans at most in a long flow."""


@frozen
class Arrow:
    """What is drawn between two nodes: one way, or several that lead the same way.

    Args:
        source: Where it starts.
        dest: Where it ends.
        labels: What it says, line by line.
        upward: True if it leads to its own step or to an earlier one.
        next: True if it leads to what comes next, as most answers do: such arrows are kept straight.
        kind: What it stands for.
        mark: What it is marked as, or None.
    """

    source: str
    dest: str
    labels: tuple[str, ...]
    upward: bool
    next: bool
    kind: WayKind
    mark: Mark | None


@frozen
class Layout:
    """What is drawn as arrows, and what is listed beside the steps.

    Args:
        arrows: In the order of the machine's transitions: ways of one source, one destination, one kind and one mark
            are one arrow.
        listed: The ways that no arrow shows, by the state that they start from.
    """

    arrows: tuple[Arrow, ...]
    listed: Mapping[str, list[Way]]


def lay_out(graph: FlowGraph, overlay: Overlay = NOTHING, *, unfolded: bool = False, far: int | None = None) -> Layout:
    """Decides what becomes an arrow.

    Args:
        graph: The flow.
        overlay: What is said of its ways besides. A folded way that a member took is drawn.
        unfolded: True has an arrow name every way that it stands for; of many it names the first and the number.
        far: How many steps an arrow may span; None for any number.
    """
    place = {node.id: node.number for node in graph.steps}
    last = len(place)
    groups: dict[tuple[str, str, WayKind, Mark | None], list[Way]] = {}
    listed: dict[str, list[Way]] = {}
    for way in graph.ways:
        mark = overlay.ways.get(key_of(way)) if overlay.ways else None
        if mark is Mark.PASSED or mark is Mark.CURRENT:
            is_drawn = True
        elif way.folded or far is None or way.source not in place:
            is_drawn = not way.folded
        else:
            is_drawn = abs(place.get(way.dest, last + 1) - place[way.source]) <= far
        if is_drawn:
            groups.setdefault((way.source, way.dest, way.kind, mark), []).append(way)
        else:
            listed.setdefault(way.source, []).append(way)
    arrows = []
    for (source, dest, kind, mark), ways in groups.items():
        start, end = place.get(source), place.get(dest, last + 1)
        arrows.append(
            Arrow(
                source=source,
                dest=dest,
                labels=_labels(ways, mark, overlay, unfolded=unfolded),
                upward=start is not None and end <= start,
                next=start is None or end == start + 1 or start == last,
                kind=kind,
                mark=mark,
            )
        )
    return Layout(tuple(arrows), listed)


def told_in_box(ways: Iterable[Way], overlay: Overlay) -> list[str]:
    """What is said in a step's box of the folded ways that bear a mark: a line for each mark.

    Args:
        ways: The folded ways of the step.
        overlay: The marks and the notes.
    """
    told: dict[Mark, list[str]] = {}
    for way in ways:
        if not way.folded:
            continue
        mark = overlay.ways.get(key_of(way))
        if mark in TOLD:
            note = overlay.notes.get(key_of(way), "")
            told.setdefault(mark, []).append(f"{way.name} ({note})" if note else way.name)
    return [f"{mark.sign} {', '.join(names)}" for mark, names in told.items()]


def marked(words: str, mark: Mark | None, note: str) -> str:
    """Words with the sign of a mark before them and a note behind."""
    signed = f"{mark.sign} {words}" if mark is not None else words
    return f"{signed} · {note}" if note else signed


def ends_of(
    graph: FlowGraph, arrows: Sequence[Arrow], overlay: Overlay = NOTHING, *, listed: Iterable[str] = ()
) -> tuple[str, ...]:
    """The terminal states that are drawn: those that an arrow leads to or from, or that bear a mark.

    Args:
        graph: The flow.
        arrows: What is drawn.
        overlay: The marks.
        listed: The states beside which a list stands: one that is gone on from after a silence is among them.
    """
    reached = {state for arrow in arrows for state in (arrow.source, arrow.dest)} | {*listed}
    return tuple(end for end in graph.ends if end in reached or end in overlay.steps)


def _labels(ways: Sequence[Way], mark: Mark | None, overlay: Overlay, *, unfolded: bool) -> tuple[str, ...]:
    notes = [overlay.notes.get(key_of(way), "") for way in ways] if overlay.notes else [""] * len(ways)
    labels = [marked(way.label, mark, note) for way, note in zip(ways, notes, strict=True)]
    if len(labels) > TITLES_SHOWN and not unfolded and not any(notes):
        return (*labels[: TITLES_SHOWN - 1], f"… ({len(labels)} options)")
    return tuple(labels)
