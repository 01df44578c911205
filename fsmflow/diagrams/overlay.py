"""What a picture says of a flow's parts besides what they are: a change, a member's way, what tests have fired.

Here belong the marks that a step, an end or a transition can bear and the notes beside them, as values. Who makes
them stands above (a comparison, the audit trail, the callbacks of a test run); who draws them, in `fsmflow.diagrams`
and `flowchart`. The flow itself is never changed for the sake of a picture: a graph that was made to hold the
marks would be another one for each use, and its bytes could no longer be compared.

A mark is told by a sign in words, by line and by shape; a colour may go with it, and says nothing alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeAlias

from attrs import field, frozen

from fsmflow.diagrams.graph import Way

WayKey: TypeAlias = tuple[str, str, str, str]
"""A transition: its trigger, its name, its source and its destination, as `Way` has them."""


class Mark(Enum):
    """What a part of a picture is marked as."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    PASSED = "passed"
    CURRENT = "current"
    REFUSED = "refused"
    COVERED = "covered"
    UNCOVERED = "uncovered"

    @property
    def sign(self) -> str:
        """The sign that stands before the words of what bears it."""
        return _SIGNS[self]


_SIGNS: Final = {
    Mark.ADDED: "+",
    Mark.REMOVED: "−",  # noqa: RUF001 - a minus, as wide as the plus: a hyphen would be read as part of the words
    Mark.CHANGED: "~",
    Mark.PASSED: "✓",
    Mark.CURRENT: "●",
    Mark.REFUSED: "✗",
    Mark.COVERED: "✓",
    Mark.UNCOVERED: "✗",
}


@frozen
class Overlay:
    """What a picture says of its parts besides what they are.

    A transition that is folded in the picture of the flow alone is told in the box of its step if its mark is what a
    reader looks for (`TOLD`), and drawn if a member took it; covered, it stays folded. What is not in the flow is
    passed over: a picture draws the flow that it is of.

    Args:
        steps: The marks of steps and ends, by their ids.
        ways: The marks of transitions.
        notes: A short word beside a step, an end or a transition: ``2 refused``, ``12×``, ``was: TEXT``.
        heading: What the picture is, beside the flow's title.
        legend: What the marks mean, line by line.
    """

    steps: Mapping[str, Mark] = field(factory=dict)
    ways: Mapping[WayKey, Mark] = field(factory=dict)
    notes: Mapping[str | WayKey, str] = field(factory=dict)
    heading: str = ""
    legend: tuple[str, ...] = ()


NOTHING: Final = Overlay()
"""A picture of the flow alone."""

TOLD: Final = frozenset({Mark.ADDED, Mark.REMOVED, Mark.CHANGED, Mark.REFUSED, Mark.UNCOVERED})
"""The marks of a folded transition that are told in the box of the step that it starts from."""


def key_of(way: Way) -> WayKey:
    """What an overlay calls a transition."""
    return (way.trigger, way.name, way.source, way.dest)
