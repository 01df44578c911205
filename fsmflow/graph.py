"""A flow as values to draw: what stands between its machine and a picture.

Here belongs what a picture says: steps, arrows and their labels, what is folded and what the legend tells of it. How
a flow is read into these values belongs to `fsmflow.survey`; how a picture spells them, to `fsmflow.diagrams`.

A machine of five steps has some thirty transitions, of which a reviewer looks for six. What is the same at every
question (refused, back, cancel, restart, expire) is therefore folded into the legend, unless all is asked for.
Rejected: a loop and an arrow for each, in grey, which made every picture a ball of wool.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from fsmflow.machine import BACK, CANCEL, EXPIRE, REFUSED, RESTART, SUBMIT
from fsmflow.wording import spoken

TITLES_SHOWN: Final = 4  # of more options that lead the same way, the first and the number are told


@frozen
class StepNode:
    """A step, as it is drawn.

    Args:
        id: Its id.
        number: Its place, from 1.
        type: ``TEXT``, ``BUTTON`` or ``LIST``.
        words: Its shortened question, or the name of the callable that says it, in parentheses.
        choices: The titles of its options, in the order in which they are shown.
        sensitive: True if its answer is redacted.
    """

    id: str
    number: int
    type: str
    words: str
    choices: tuple[str, ...]
    sensitive: bool


@frozen
class Way:
    """One transition of the machine, as it is told.

    Args:
        trigger: What fires it.
        name: What it is called: ``refused``, the option's id, or the trigger.
        source: Where it starts.
        dest: Where it ends; the source for one that goes nowhere.
        choices: The titles of the options that take it.
        guard: The name of what must accept; None where nothing of the flow's own does.
        folded: True if it is the same at every question, and left out unless all is asked for.
    """

    trigger: str
    name: str
    source: str
    dest: str
    choices: tuple[str, ...]
    guard: str | None
    folded: bool

    @property
    def label(self) -> str:
        """What an arrow says: the choices or the trigger, and the guard in brackets."""
        guard = "" if self.guard is None else f"[{self.guard}]"
        named = _listed(self.choices) if self.choices or self.name == SUBMIT else self.name
        return f"{named} {guard}".strip() or "any text"


@frozen
class Arrow:
    """What is drawn between two nodes: one way, or several that lead the same way.

    Args:
        source: Where it starts.
        dest: Where it ends.
        labels: What it says, line by line.
        upward: True if it leads to its own step or to an earlier one.
        folded: True for one that is only drawn when all is asked for.
    """

    source: str
    dest: str
    labels: tuple[str, ...]
    upward: bool
    folded: bool


@frozen
class FlowGraph:
    """A flow, ready to be drawn.

    Args:
        flow_type: Which flow it is.
        class_name: The name of its class.
        summary: The first line of the class's docstring, or nothing.
        starters: What a member types to start it.
        timeout: The silence after which it expires; None for never.
        steps: Its steps, in order.
        ends: Its terminal states.
        ways: Every transition of its machine, in the order of their definition.
    """

    flow_type: str
    class_name: str
    summary: str
    starters: tuple[str, ...]
    timeout: timedelta | None
    steps: tuple[StepNode, ...]
    ends: tuple[str, ...]
    ways: tuple[Way, ...]

    @property
    def title(self) -> str:
        """What the picture is of, on one line."""
        return f"{self.flow_type} ({self.class_name})" if self.class_name else self.flow_type

    def arrows(self, *, unfolded: bool = False) -> tuple[Arrow, ...]:
        """What is drawn between the nodes.

        Args:
            unfolded: True draws every transition, each for itself; False leaves out what is folded, and draws ways of
                one source and one destination as one arrow.

        Returns:
            The arrows, in the order of the machine's transitions.
        """
        place = {node.id: node.number for node in self.steps}
        drawn = [way for way in self.ways if unfolded or not way.folded]
        groups: dict[object, list[Way]] = {}
        for index, way in enumerate(drawn):
            groups.setdefault(index if unfolded else (way.source, way.dest), []).append(way)
        return tuple(
            Arrow(
                source=ways[0].source,
                dest=ways[0].dest,
                labels=tuple(way.label for way in ways),
                upward=place.get(ways[0].dest, len(place) + 1) <= place[ways[0].source],
                folded=ways[0].folded,
            )
            for ways in groups.values()
        )

    def ends_of(self, arrows: Sequence[Arrow]) -> tuple[str, ...]:
        """The terminal states that one of the arrows leads to."""
        return tuple(end for end in self.ends if any(arrow.dest == end for arrow in arrows))

    def legend(self, *, unfolded: bool = False) -> tuple[str, ...]:
        """What a reader must be told, line by line: what is left out, or how it is drawn if it is not."""
        if unfolded:
            return ("Every transition is drawn;", "dashed: refused, back, cancel, restart, expire.")
        named = "[name] must accept the answer, (name) says the question."
        return (named, "Not drawn, as it is the same at every question", *self._folded_words())

    def _folded_words(self) -> tuple[str, ...]:
        found = {way.name: way for way in self.ways if way.folded}
        silence = "" if self.timeout is None else f" ({spoken(self.timeout)} of silence)"
        told = {
            REFUSED: "any other answer: refused, the question is asked again",
            BACK: "back: to the question answered before",
            CANCEL: f"cancel: to {found[CANCEL].dest}" if CANCEL in found else "",
            RESTART: f"restart: to {found[RESTART].dest}" if RESTART in found else "",
            EXPIRE: f"expire{silence}: to {found[EXPIRE].dest}" if EXPIRE in found else "",
        }
        if self.timeout is None:
            del told[EXPIRE]
        return tuple(f"– {words}" for name, words in told.items() if name in found)


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of a width, in characters. Most texts are short, and textwrap is slow."""
    return textwrap.wrap(text, width) if len(text) > width else [text] if text else []


def _listed(titles: Sequence[str]) -> str:
    if len(titles) > TITLES_SHOWN:
        return f"{' / '.join(titles[: TITLES_SHOWN - 1])} / … ({len(titles)} options)"
    return " / ".join(titles)
