"""Moves: a transition that is taken, or can be, with all that it takes to take it.

Here belong the values: a `Move`, which a test does; a `Way`, which a machine has; a `Place`, where somebody is. Which
of them follow on one another is found in `fsmflow.testing.paths`, where nothing but an input is needed, and in
`fsmflow.testing.trying`, where a predicate decides; how a move is taken belongs to `fsmflow.testing.firing`.

A way out of a flow within the flow is one move of the outer one: it holds the moves of the inner one that lead to its
end. The attempts at an answer are used up by as many refusals as it takes, as nothing else fires it in a conversation.
That there is nothing to choose from is no member's doing, nor is to go on after a silence offered where nothing was
answered: such moves are taken in memory, and nobody is sent to walk there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve, field, frozen

from fsmflow.alphabet import (
    ANSWERING,
    BACK,
    CANCEL,
    EMPTY,
    EXHAUSTED,
    EXPIRE,
    LEADING_ON,
    NOT_DONE,
    PAGE,
    POP,
    PUSH,
    RESTART,
    RESUME,
    RUN,
    SKIP,
    SUBMIT,
)
from fsmflow.machine import FlowTransition
from fsmflow.state import COMPLETED, EXPIRED, TERMINAL_STATES
from fsmflow.testing.inputs import Inputs

_FROM_ANYWHERE: Final = frozenset({CANCEL, RESTART, EXPIRE})

ENTERING: Final = frozenset({PUSH, RUN})
"""What is fired by coming to a step, and by nothing else."""


def step_of(state: str) -> str:
    """The step that a state belongs to: an action has a second one, in which nobody knows what came of it."""
    return state.partition(".")[0]


@frozen
class Move:
    """One transition, taken or to be taken.

    Args:
        trigger: What fires it: ``submit``, ``back``, …
        name: What it is called: ``refused``, the option's id, its predicates, or the trigger.
        source: The state that it starts from.
        dest: The state that it leads to; the source for one that goes nowhere.
        option: The id of the option that takes it, if it is one's own.
        refuses: True if it is the one for answers that are not accepted.
        value: The answer that is submitted; None for the triggers that take none.
        times: How often it is submitted: for ``exhausted`` as often as it may be refused.
        within: The moves of the flow that answers the step, from its first question to its end: for ``pop``.
    """

    trigger: str
    name: str
    source: str
    dest: str
    option: str | None = None
    refuses: bool = False
    value: str | None = field(default=None, repr=False)
    times: int = 1
    within: tuple[Move, ...] = ()

    def __str__(self) -> str:
        name = self.name.replace(" and ", "+")
        if self.refuses or self.trigger in ENTERING:
            return f"{self.source}-{name}"
        if self.trigger == POP and name in TERMINAL_STATES:
            return f"{self.source}-{POP}[{name}]-{self.dest}"
        if self.trigger in (SKIP, EXHAUSTED, EMPTY) and name != self.trigger:
            return f"{self.source}-{self.trigger}[{name}]-{self.dest}"
        told = self.trigger if self.option is not None else name
        option = "" if self.option is None else f"[{self.option}]"
        return f"{self.source}-{told}{option}-{self.dest}"

    def leaves(self) -> Iterator[tuple[Move, Move]]:
        """What a member does to take it: each move at a question, with the move that it completes.

        That is the move itself, but where a flow within the flow ends by it: then it is the way out of that.
        """
        if not self.within:
            yield self, self
            return
        inner = [pair for move in self.within for pair in move.leaves()]
        yield from inner[:-1]
        yield inner[-1][0], self


@frozen
class Place:
    """Where somebody is in a flow.

    Args:
        state: The state.
        came: The steps that were answered on the way, which ``back`` goes back through.
        refused: How many answers were refused here.
        collected: The steps within which a flow has collected something.
        midway: True if a flow within the flow may be at another question than its first, or know an answer already.
        stood: The step at which a silence closed it.
        answered: True if something was answered: after a silence only such a run is offered to be gone on with.
        tried: How many answers were refused at steps that were left without one.
    """

    state: str
    came: tuple[str, ...] = ()
    refused: int = 0
    collected: frozenset[str] = frozenset()
    midway: bool = False
    stood: str | None = None
    answered: bool = False
    tried: frozenset[tuple[str, int]] = frozenset()

    @property
    def kind(self) -> tuple[object, ...]:
        """What decides which ways are open: of two places of one kind the nearer will do."""
        return self.state, self.came[-1:], self.midway, self.stood, self.answered

    def after(self, way: Way) -> Place:
        """The place that a way leads to."""
        if way.refuses:
            return evolve(self, refused=self.refused + 1)
        if way.trigger in (PUSH, RUN, PAGE):
            return self
        came, collected = self.came, self.collected
        gives = way.trigger in ANSWERING or way.trigger == EXHAUSTED
        if gives:
            came = (*came, step_of(way.source))
        elif way.trigger == BACK or (way.trigger == NOT_DONE and way.transition.conditions):
            came = came[:-1]
        elif way.trigger == RESTART:
            came, collected = (), frozenset()
        if way.trigger == POP:
            collected |= {way.source}
        tried = {} if way.trigger == RESTART else {state: times for state, times in self.tried if state != self.state}
        if self.refused and not gives and way.trigger != RESTART:
            tried[self.state] = self.refused
        return Place(
            state=way.dest,
            refused=tried.get(way.dest, 0),
            tried=frozenset(tried.items()),
            came=came,
            collected=collected,
            midway=way.dest in collected,
            stood=way.source if way.trigger == EXPIRE else None,
            answered=gives or (self.answered and way.trigger != RESTART),
        )


@frozen(eq=False)
class Way:
    """One transition of a flow, with what it can be taken with.

    Args:
        trigger: What fires it.
        transition: The transition.
        inputs: What it can be taken with.
        attempts: How many answers its step may refuse; None for any number.
        within: The moves that lead through the flow that answers its step, for ``pop``.
        unless: The steps from which another way leads back, for an action that is refused and has no way back.
    """

    trigger: str
    transition: FlowTransition
    inputs: Inputs
    attempts: int | None = None
    within: tuple[Move, ...] = ()
    unless: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from every other transition of its machine."""
        return (self.trigger, self.transition.name, self.source, self.dest)

    @property
    def source(self) -> str:
        """The state that it starts from."""
        return str(self.transition.source)

    @property
    def dest(self) -> str:
        """The state that it leads to; the source for one that goes nowhere."""
        return str(self.transition.dest or self.transition.source)

    @property
    def refuses(self) -> bool:
        """True if it is the one for answers that are not accepted."""
        return self.transition.refuses

    @property
    def leads_on(self) -> bool:
        """True if it leaves its step for what comes after it."""
        return self.trigger in LEADING_ON and not self.refuses

    @property
    def ends_within(self) -> str:
        """How the flow that answers its step ends, for ``pop``."""
        ended = self.transition.name in TERMINAL_STATES and not self.transition.predicates
        return self.transition.name if ended else COMPLETED

    @property
    def is_known(self) -> bool:
        """True if it is known without trying when it is open."""
        if self.transition.predicates:
            return False
        return self.trigger in (SUBMIT, POP, BACK, NOT_DONE, RESUME) or not self.transition.conditions

    def is_open(self, place: Place) -> bool:
        """True if it can be taken from a place, with the right input."""
        if self.source != place.state or not self.is_known or self.trigger in ENTERING:
            return False
        if self.source == EXPIRED:
            return (place.stood is not None and self.trigger != RESUME) or place.stood == self.dest
        if place.midway and self.trigger not in _FROM_ANYWHERE:
            return False  # where its flow stands, is not known here
        if self.refuses:
            return self.attempts is None or place.refused + 1 < self.attempts
        if self.trigger == NOT_DONE and not self.transition.conditions:
            return self.unless.isdisjoint(place.came[-1:])
        return self.trigger not in (BACK, NOT_DONE) or place.came[-1:] == (self.dest,)

    def is_offered(self, *, answered: bool) -> bool:
        """True if a member can take it, where it is open: by something to do, and after a silence to something kept.

        Args:
            answered: True if something was answered.
        """
        by_itself = self.trigger == EMPTY or any(move.trigger == EMPTY for move in self.within)
        return not by_itself and (self.source != EXPIRED or answered)

    def move(self, value: str | None = None, within: tuple[Move, ...] | None = None) -> Move:
        """The move, with an answer; by default the first of its inputs.

        Args:
            value: The answer.
            within: The moves that lead through the flow that answers its step, if they are others than its own.
        """
        taken = self.transition
        return Move(
            trigger=self.trigger,
            name=taken.name,
            source=self.source,
            dest=self.dest,
            option=taken.option,
            refuses=self.refuses,
            value=self.inputs.first if value is None else value,
            times=(self.attempts or 1) if self.trigger == EXHAUSTED else 1,
            within=self.within if within is None else within,
        )
