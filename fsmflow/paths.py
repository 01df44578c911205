"""The ways through a flow that its steps' own examples open.

Here belong the inputs that a step brings along, for being accepted and for being refused, and the shortest path of
them to a state. Whether a flow keeps what its examples say is found out in `fsmflow.testing`, by trying.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

from fsmflow.flow import Flow
from fsmflow.machine import SUBMIT, FlowTransition, all_transitions
from fsmflow.step import Step
from fsmflow.wording import folded

ANYTHING: Final = "anything"
"""What answers a TEXT step that has neither a validator nor a transformer."""

NOTHING_OFFERED: Final = "none of these"
"""What is sent in place of an option."""


@frozen
class Answered:
    """One answer on the way to where a case starts.

    Args:
        step: The id of the step that is answered.
        value: The answer: an example, or the id of an option.
        dest: Where it leads.
    """

    step: str
    value: str = field(repr=False)
    dest: str


@frozen
class Paths:
    """The answers that a flow's steps bring along, and the ways that they open.

    Args:
        first: The id of the first step.
        steps: The steps, by id.
        ways: The transitions that an accepted answer takes.
    """

    first: str
    steps: dict[str, Step]
    ways: tuple[FlowTransition, ...]

    @classmethod
    def of(cls, flow: Flow) -> Paths:
        """Reads a flow's steps and its machine."""
        ways = tuple(
            found for trigger, found in all_transitions(flow.machine) if trigger == SUBMIT and not found.refuses
        )
        return cls(flow.definition.first, {step.id: step for step in flow.steps}, ways)

    def to(self, state: str, *, last: str | None = None) -> tuple[tuple[Answered, ...], str | None]:
        """The shortest path to a state, and what it lacks.

        Args:
            state: Where to.
            last: The step that must be answered last, if it matters.

        Returns:
            The answers, and None; or what is missing, in words.
        """
        if last is not None:
            ways = [way for way in self.ways if way.source == last and way.dest == state]
            usable = [way for way in ways if self.input_of(way)[1] is None]
            before, lacks = self.to(last)
            if not usable:
                return before, lacks or self.input_of(ways[0])[1]
            return (*before, self._answered(usable[0])), lacks
        path = self._shortest(state, [way for way in self.ways if self.input_of(way)[1] is None])
        if path is not None:
            return tuple(self._answered(way) for way in path), None
        wanted = self._shortest(state, self.ways) or ()
        return (), next(lacks for way in wanted if (lacks := self.input_of(way)[1]) is not None)

    def input_of(self, transition: FlowTransition) -> tuple[str | None, str | None]:
        """What is submitted to take a transition, or what is missing for it, in words."""
        step = self.steps[transition.source]
        if transition.option is not None:
            return transition.option, None
        if transition.refuses:
            return _refused(step)
        if step.has_choices:
            free = [option.id for option in step.options if option.to is None]
            return next((example for example in step.examples if example in free), free[0]), None
        if step.examples:
            return step.examples[0], None
        if step.validator is None and step.transformer is None:
            return ANYTHING, None
        return None, f"step {step.id!r} has no examples: name an answer that it accepts"

    def _answered(self, way: FlowTransition) -> Answered:
        return Answered(way.source, self.input_of(way)[0] or "", str(way.dest))

    def _shortest(self, state: str, ways: Iterable[FlowTransition]) -> tuple[FlowTransition, ...] | None:
        known: dict[str, tuple[FlowTransition, ...]] = {self.first: ()}
        waiting = deque([self.first])
        usable = list(ways)
        while waiting and state not in known:
            reached = waiting.popleft()
            for way in usable:
                if way.source == reached and str(way.dest) not in known:
                    known[str(way.dest)] = (*known[reached], way)
                    waiting.append(str(way.dest))
        return known.get(state)


def _refused(step: Step) -> tuple[str | None, str | None]:
    """An answer that a step refuses, and what is missing for it."""
    if step.has_choices:
        text = NOTHING_OFFERED
        while any(folded(text) in (folded(option.title), folded(option.id)) for option in step.options):
            text += "!"
        return text, None
    if step.counterexamples:
        return step.counterexamples[0], None
    if step.validator is None and step.transformer is None:
        return "", None
    return None, f"step {step.id!r} has no counterexamples: name an answer that it refuses"
