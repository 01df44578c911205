"""One case for each transition of a flow, and paths of several: ready to be run, honest about what they lack.

Here belong the values that a test gets, and what they check when they are run: that the transition that was taken is
the one that was meant. What a member reads then, and what is kept, is for the test to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import frozen

from fsmflow.alphabet import ANSWERING, DONE, EMPTY, EXHAUSTED, NOT_DONE, RESTART, RUN, UNKNOWN
from fsmflow.flow import Flow
from fsmflow.machine import Turn
from fsmflow.registry import sample_flow
from fsmflow.state import EXPIRED
from fsmflow.testing.firing import Fired, Run, WrongTransition, running, take
from fsmflow.testing.moves import Move
from fsmflow.testing.paths import Ways

_SHOWN = 3  # moves of a path in its name


BY_ITSELF: Final = frozenset({EMPTY, RUN, DONE, NOT_DONE, UNKNOWN})
"""The triggers of what no member does: it happens, or a service says so."""


@frozen(eq=False, repr=False)
class TransitionCase:
    """One transition of a flow's machine, ready to be fired. Its ``str`` is its id among the flow's cases.

    Args:
        flow: The flow's class.
        flow_type: Which flow it is.
        move: The transition, with the answer that is submitted.
        path: The moves that lead to its source.
        lacks: What is missing to fire it, in words; None if nothing is.
    """

    flow: type[Flow[Any]]
    flow_type: str
    move: Move
    path: tuple[Move, ...]
    lacks: str | None

    def __str__(self) -> str:
        return str(self.move)

    def __repr__(self) -> str:
        return f"<TransitionCase {self}>"

    @property
    def source(self) -> str:
        """The state to start from."""
        return self.move.source

    @property
    def trigger(self) -> str:
        """What fires it: ``submit``, ``back``, ``cancel`` or whatever the machine knows."""
        return self.move.trigger

    @property
    def name(self) -> str:
        """What the transition is called: ``refused``, the option's id, or the trigger."""
        return self.move.name

    @property
    def dest(self) -> str:
        """The state that it leads to; the source for a refusal."""
        return self.move.dest

    @property
    def option(self) -> str | None:
        """The id of the option that takes it, if it is one's own."""
        return self.move.option

    @property
    def value(self) -> str | None:
        """The answer that is submitted; None for the other triggers, or where it is missing."""
        return self.move.value

    def start(self) -> Flow[Any]:
        """A new flow in memory, brought to the source by its examples.

        Returns:
            The flow, in the state `source`.

        Raises:
            AssertionError: Something is lacking, or an example was not accepted.
        """
        flow = self._new()
        with running(flow) as run:
            return self._started(flow, run)

    def fire(self) -> Fired:
        """Starts a flow and fires the transition.

        Returns:
            What came of it.

        Raises:
            AssertionError: Another transition was taken, or none; or the case cannot be started.
            Exception: Whatever the flow's code raised.
        """
        flow = self._new()
        with running(flow) as run:
            return take(self._started(flow, run), self.move, run)

    def _new(self) -> Flow[Any]:
        if self.lacks is not None:
            raise AssertionError(f"{self} cannot be tried: {self.lacks}")
        return sample_flow(self.flow, self.flow_type)

    def _started(self, flow: Flow[Any], run: Run) -> Flow[Any]:
        flow.begin(Turn())
        for move in self.path:
            try:
                take(flow, move, run)
            except WrongTransition as wrong:
                raise WrongTransition(f"{self}: on the way there, {wrong}") from None
        return flow


@frozen(eq=False, repr=False)
class Path:
    """Several moves of one conversation, from the first question on, ready to be run.

    Args:
        flow: The flow's class.
        flow_type: Which flow it is.
        moves: The moves, in order.
        lacks: What is missing to take them, in words; None if nothing is.
    """

    flow: type[Flow[Any]]
    flow_type: str
    moves: tuple[Move, ...]
    lacks: str | None = None

    def __str__(self) -> str:
        shown = [str(move) for move in self.moves[:_SHOWN]]
        more = len(self.moves) - len(shown)
        return ",".join([*shown, *([f"and-{more}-more"] if more else [])]) or "nothing"

    def __repr__(self) -> str:
        answers = ", ".join(f"{move}" + ("" if move.value is None else f" {move.value!r}") for move in self.moves)
        return f"<Path of {self.flow.__name__}: {answers or 'nothing'}>"

    @property
    def is_offered(self) -> bool:
        """True if a member can make each of its moves, in a conversation.

        That there is nothing to choose from is no member's doing, nor is what comes of an action; and to go on, or to
        start over, after a silence is offered only where something was answered.
        """
        answered = False
        for move in self.moves:
            leaves = [leaf for leaf, _ in move.leaves()]
            if any(leaf.trigger in BY_ITSELF for leaf in leaves) or (move.source == EXPIRED and not answered):
                return False
            gives = move.trigger in ANSWERING or move.trigger == EXHAUSTED
            answered = (gives and not move.refuses) or (answered and move.trigger != RESTART)
        return True

    def run(self) -> Flow[Any]:
        """Takes all moves, in a new flow in memory.

        Returns:
            The flow, where the last move led.

        Raises:
            AssertionError: A move led elsewhere than it says, or something is lacking.
            Exception: Whatever the flow's code raised.
        """
        flow = sample_flow(self.flow, self.flow_type)
        for _ in self.fire(flow):
            pass
        return flow

    def fire(self, flow: Flow[Any] | None = None) -> Iterator[Fired]:
        """Takes the moves one by one, in a new flow or in one that is at its first question.

        Yields:
            What came of each move, before the next is taken: for what must hold all the way.

        Raises:
            AssertionError: A move led elsewhere than it says, or something is lacking.
            Exception: Whatever the flow's code raised.
        """
        if self.lacks is not None:
            raise AssertionError(f"{self} cannot be tried: {self.lacks}")
        flow = sample_flow(self.flow, self.flow_type) if flow is None else flow
        with running(flow) as run:
            flow.begin(Turn())
            for number, move in enumerate(self.moves, 1):
                try:
                    fired = take(flow, move, run)
                except WrongTransition as wrong:
                    raise WrongTransition(f"{wrong}, as move {number} of {self!r}") from None
                yield fired


def transitions_of(flow: type[Flow[Any]] | Flow[Any], flow_type: str | None = None) -> list[TransitionCase]:
    """A case for each transition of a flow's machine, in the order of their definition.

    Args:
        flow: A flow class, or a flow of it.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.

    Returns:
        The cases; a case that cannot be tried says what it `lacks`.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    owner, kind, ways = read(flow, flow_type)
    cases = []
    for way in ways.all:
        path, move, lacks = ways.to(way)
        cases.append(TransitionCase(owner, kind, move, path, lacks))
    return cases


def read(flow: type[Flow[Any]] | Flow[Any], flow_type: str | None) -> tuple[type[Flow[Any]], str, Ways]:
    """The class, the flow type and the ways of a flow.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    sample = sample_flow(flow, flow_type)
    return type(sample), flow_type or sample.flow_type, Ways.of(sample)
