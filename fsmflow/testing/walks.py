"""Paths through a flow, for tests of more than one transition.

    @pytest.mark.parametrize("run", paths_of(OfferFlow).tour(), ids=str)
    def test_every_transition_is_taken(run):
        run.run()

    @given(paths_of(OfferFlow).walks())
    def test_an_offer_that_is_made_has_an_amount(walk):
        flow = walk.run()
        assert flow.state != "completed" or flow.data["amount"] > 0

Here belongs the face of `fsmflow.testing.paths`: its ways as paths that can be run, and random walks over them.
hypothesis is imported for the walks alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from fsmflow.flow import Flow
from fsmflow.testing.cases import Path, read
from fsmflow.testing.moves import Move, Way
from fsmflow.testing.paths import Here, Ways, tour
from fsmflow.testing.trying import Standing, Tried

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_SELDOM: Final = 11  # of twelve places where a walk could end, it goes on at eleven


@frozen(eq=False)
class Paths:
    """The paths through a flow.

    Args:
        flow: The flow's class.
        flow_type: Which flow it is.
        ways: Its transitions, with what they can be taken with.
    """

    flow: type[Flow[Any]]
    flow_type: str
    ways: Ways

    def to(self, state: str) -> Path:
        """A shortest path to a state. Of several it is the first in the order of the flow's definition.

        Raises:
            ValueError: The flow has no such state.
        """
        if state not in self.ways.states:
            raise ValueError(f"{self.flow.__name__} has no state {state!r}; there are {', '.join(self.ways.states)}")
        path, lacks = self.ways.shortest(state)
        return self._path(path, lacks)

    def shortest(self) -> Mapping[str, Path]:
        """A shortest path to each state of the machine, by the state."""
        return {state: self.to(state) for state in self.ways.states}

    def simple(self, to: str | None = None) -> Iterator[Path]:
        """The paths to a state that meet no state twice, in the order of definition.

        Their number may grow with the power of the steps: take them with `itertools.islice`.

        Args:
            to: The state; None for every state at which a conversation ends.

        Raises:
            ValueError: The flow has no such state.
        """
        if to is not None:
            self.to(to)
        ends = [state for state in self.ways.states if self.ways.closes(state)] if to is None else [to]
        return (self._path(path) for path in self.ways.simple(ends))

    def tour(self) -> list[Path]:
        """Conversations that together take every transition at least once.

        Returns:
            The paths; one that no path could take is a path of its own, which says what it `lacks`.
        """
        runs, missing = tour(self.ways)
        lacking = [Path(self.flow, self.flow_type, (move,), lacks) for move, lacks in missing]
        return [*map(self._path, runs), *lacking]

    def walks(self, *, longest: int = 20) -> SearchStrategy[Path]:
        """A hypothesis strategy of random walks from the first question: any transition, any of its inputs.

        Args:
            longest: How many moves a walk has at most.

        Returns:
            The strategy. It draws from the inputs that are there: a transition that lacks one is on no walk.
        """
        from hypothesis import strategies as st

        @st.composite
        def walk(draw: Any) -> Path:
            here, moves = self.ways.begin(), []
            for _ in range(draw(st.integers(1, longest))):
                drawn = self._drawn(draw, here)
                if drawn is None:
                    break
                move, here = drawn
                moves.append(move)
            return Path(self.flow, self.flow_type, tuple(moves))

        return walk()

    def _drawn(self, draw: Any, here: Here) -> tuple[Move, Here] | None:
        from hypothesis import strategies as st

        onward = [each for each in self.ways.onward(here) if each[0].is_offered(answered=here.answered)]
        going_on = [each for each in onward if not self.ways.ends(each[0].dest)]
        ending = [each for each in onward if self.ways.ends(each[0].dest)]
        if ending and (not going_on or draw(st.integers(0, _SELDOM)) == _SELDOM):
            going_on = ending
        return self._answered(draw, here, *draw(st.sampled_from(going_on))) if going_on else None

    def _answered(self, draw: Any, here: Here, way: Way, move: Move, there: Here) -> tuple[Move, Here]:
        """The move with any of its inputs, as far as they lead the same way."""
        value = _value(draw, way)
        if value is None or value == move.value:
            return move, there
        if not isinstance(here, Standing) or not isinstance(there, Standing) or self.ways.trying is None:
            return way.move(value), there
        tried = self.ways.trying.with_value(here, Tried(way, move, there), value)
        return (move, there) if tried is None else (tried.move, tried.there)

    def _path(self, moves: tuple[Move, ...], lacks: str | None = None) -> Path:
        return Path(self.flow, self.flow_type, moves, lacks)


def paths_of(flow: type[Flow[Any]] | Flow[Any], flow_type: str | None = None) -> Paths:
    """The paths through a flow: shortest and simple ones, a tour of all transitions, random walks.

    Args:
        flow: A flow class, or a flow of it.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    return Paths(*read(flow, flow_type))


def _value(draw: Any, way: Way) -> str | None:
    inputs = way.inputs
    if not inputs.values:
        return None
    from hypothesis import strategies as st

    named = st.sampled_from(inputs.values)
    return str(draw(named if inputs.strategy is None else named | inputs.strategy))
