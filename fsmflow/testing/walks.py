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
from fsmflow.state import EXPIRED
from fsmflow.testing.cases import Path, read
from fsmflow.testing.inputs import Inputs
from fsmflow.testing.paths import Move, Place, Way, Ways, tour

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
        sources = {way.source for way in self.ways.all} - {EXPIRED}
        ends = [state for state in self.ways.states if state not in sources] if to is None else [to]
        return (self._path(path) for path in self.ways.simple(ends))

    def tour(self) -> list[Path]:
        """Conversations that together take every transition at least once.

        Returns:
            The paths; one that no path could take is a path of its own, which says what it `lacks`.
        """
        runs, missing = tour(self.ways)
        lacking = [
            Path(self.flow, self.flow_type, (way.move(),), way.inputs.lacks or "nothing that is known here leads to it")
            for way in missing
        ]
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
            place, moves = Place(self.ways.first), []
            for _ in range(draw(st.integers(1, longest))):
                way = self._drawn(draw, place)
                if way is None:
                    break
                moves.append(_move(draw, way))
                place = place.after(way)
            return Path(self.flow, self.flow_type, tuple(moves))

        return walk()

    def _drawn(self, draw: Any, place: Place) -> Way | None:
        from hypothesis import strategies as st

        is_left = {way.source for way in self.ways.all}
        onward = [way for way in self.ways.all if way.is_offered(place) and way.inputs.lacks is None]
        going_on = [way for way in onward if way.dest in is_left]
        ending = [way for way in onward if way.dest not in is_left]
        if ending and (not going_on or draw(st.integers(0, _SELDOM)) == _SELDOM):
            going_on = ending
        drawn: Way | None = draw(st.sampled_from(going_on)) if going_on else None
        return drawn

    def _path(self, ways: tuple[Way, ...], lacks: str | None = None) -> Path:
        return Path(self.flow, self.flow_type, tuple(way.move() for way in ways), lacks)


def paths_of(flow: type[Flow[Any]] | Flow[Any], flow_type: str | None = None) -> Paths:
    """The paths through a flow: shortest and simple ones, a tour of all transitions, random walks.

    Args:
        flow: A flow class, or a flow of it.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    return Paths(*read(flow, flow_type))


def _move(draw: Any, way: Way) -> Move:
    inputs: Inputs = way.inputs
    if not inputs.values:
        return way.move()
    from hypothesis import strategies as st

    named = st.sampled_from(inputs.values)
    return way.move(draw(named if inputs.strategy is None else named | inputs.strategy))
