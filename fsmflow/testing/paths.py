"""The ways through a flow: moves from state to state, and how to find them.

Here belongs what can be known from a machine and from the steps' own inputs, without a flow being run: the shortest
path to a state, the paths that meet no state twice, a tour of all transitions. That a path leads where it says is found
out in `fsmflow.testing.cases`, by trying.

A transition is open if it needs nothing but its input, or nothing but where the member came from, as ``back`` does, and
what leads on from where a silence has led. One that needs more than that (a guard that is not known here) is on no
path, and said to be missing from the tour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from attrs import field, frozen

from fsmflow.alphabet import BACK, EMPTY, EXPIRE, RESTART, RESUME, SUBMIT
from fsmflow.flow import Flow
from fsmflow.machine import FlowTransition, all_transitions
from fsmflow.state import EXPIRED
from fsmflow.testing.inputs import Inputs, inputs_of

LONGEST_ROUND: Final = 48
"""After how many answers a run of a tour that goes in circles ends: below what a flow remembers to go back by."""


@frozen
class Move:
    """One transition, taken or to be taken.

    Args:
        trigger: What fires it: ``submit``, ``back``, …
        name: What it is called: ``refused``, the option's id, or the trigger.
        source: The state that it starts from.
        dest: The state that it leads to; the source for one that goes nowhere.
        option: The id of the option that takes it, if it is one's own.
        refuses: True if it is the one for answers that are not accepted.
        value: The answer that is submitted; None for the other triggers.
    """

    trigger: str
    name: str
    source: str
    dest: str
    option: str | None = None
    refuses: bool = False
    value: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        if self.refuses:
            return f"{self.source}-{self.name}"
        told = self.trigger if self.option is not None else self.name
        option = "" if self.option is None else f"[{self.option}]"
        return f"{self.source}-{told}{option}-{self.dest}"


@frozen
class Place:
    """Where somebody is in a flow.

    Args:
        state: The state.
        came: The steps that were answered on the way, which ``back`` goes back through.
        stood: The step at which a silence closed it.
        answered: True if something was answered: after a silence only such a run is offered to be gone on with.
    """

    state: str
    came: tuple[str, ...] = ()
    stood: str | None = None
    answered: bool = False

    @property
    def kind(self) -> tuple[object, ...]:
        """What decides which ways are open: of two places of one kind the nearer will do."""
        return self.state, self.came[-1:], self.stood, self.answered

    def after(self, way: Way) -> Place:
        """The place that a way leads to."""
        came = self.came
        if way.refuses:
            return self
        if way.trigger == SUBMIT:
            came = (*came, way.source)
        elif way.trigger == BACK:
            came = came[:-1]
        elif way.trigger == RESTART:
            came = ()
        answered = way.trigger != RESTART and (self.answered or way.trigger == SUBMIT)
        return Place(way.dest, came, way.source if way.trigger == EXPIRE else None, answered)


@frozen(eq=False)
class Way:
    """One transition of a flow, with what it can be taken with.

    Args:
        trigger: What fires it.
        transition: The transition.
        inputs: What it can be taken with.
    """

    trigger: str
    transition: FlowTransition
    inputs: Inputs

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
    def is_known(self) -> bool:
        """True if it is known here when it is open."""
        return self.trigger in (SUBMIT, BACK, RESUME) or not self.transition.conditions

    def is_open(self, place: Place) -> bool:
        """True if it can be taken from a place, with the right input."""
        if self.source != place.state or not self.is_known:
            return False
        if self.source == EXPIRED:
            return (place.stood is not None and self.trigger != RESUME) or place.stood == self.dest
        return self.trigger != BACK or place.came[-1:] == (self.dest,)

    def is_offered(self, place: Place) -> bool:
        """True if a member can take it from a place: it is open, and after a silence there is something to keep."""
        return self.is_open(place) and (self.source != EXPIRED or place.answered)

    def move(self, value: str | None = None) -> Move:
        """The move, with an answer; by default the first of its inputs."""
        taken = self.transition
        submitted = self.inputs.first if value is None else value
        return Move(self.trigger, taken.name, self.source, self.dest, taken.option, self.refuses, submitted)


@frozen(eq=False)
class Ways:
    """The ways of a flow.

    Args:
        first: The id of the first step.
        states: Every state, in order.
        all: Every transition, in the order of definition.
    """

    first: str
    states: tuple[str, ...]
    all: tuple[Way, ...]

    @classmethod
    def of(cls, flow: Flow[Any]) -> Ways:
        """Reads a flow's machine and its steps."""
        found = (Way(trigger, each, inputs_of(flow, trigger, each)) for trigger, each in all_transitions(flow.machine))
        return cls(flow.definition.first, tuple(flow.machine.states), tuple(found))

    @property
    def open_to_anybody(self) -> tuple[Way, ...]:
        """What leads somewhere and does not hang on where the member came from."""
        hanging = (BACK, RESUME)
        known = (way for way in self.all if way.is_known and not way.refuses and way.source != EXPIRED)
        return tuple(way for way in known if way.trigger not in hanging)

    def before(self, way: Way) -> tuple[tuple[Way, ...], str | None]:
        """The shortest path to where a way can be taken, and what it lacks."""
        if way.source != EXPIRED:
            return self.shortest(way.source, last=way.dest if way.trigger == BACK else None)
        stood = way.dest if way.trigger == RESUME else self.first
        path, lacks = self.shortest(stood)
        silent = next(each for each in self.all if (each.trigger, each.source) == (EXPIRE, stood))
        return (*path, silent), lacks

    def shortest(self, state: str, *, last: str | None = None) -> tuple[tuple[Way, ...], str | None]:
        """The shortest path to a state, and what it lacks.

        Args:
            state: Where to.
            last: The step that must be answered last, if it matters.

        Returns:
            The path, and None; or what is missing, in words.
        """
        if last is not None:
            ways = [way for way in self.all if way.trigger == SUBMIT and way.source == last and not way.refuses]
            ways = [way for way in ways if self._beyond(way.dest, state) is not None]
            usable = [way for way in ways if way.inputs.lacks is None]
            before, lacks = self.shortest(last)
            if not usable:
                return before, lacks or ways[0].inputs.lacks
            return (*before, usable[0], *(self._beyond(usable[0].dest, state) or ())), lacks
        path = self._shortest(state, [way for way in self.open_to_anybody if way.inputs.lacks is None])
        if path is not None:
            return path, None
        wanted = self._shortest(state, self.open_to_anybody)
        if wanted is None:
            return (), f"nothing that is known here leads to {state!r}"
        return (), next(way.inputs.lacks for way in wanted if way.inputs.lacks is not None)

    def _beyond(self, reached: str, state: str) -> tuple[Way, ...] | None:
        """The ways from steps that have nothing to choose from, up to a state; None if they do not lead there."""
        passed: list[Way] = []
        while reached != state:
            onward = [way for way in self.all if way.trigger == EMPTY and way.source == reached]
            if not onward:
                return None
            passed.append(onward[0])
            reached = onward[0].dest
        return tuple(passed)

    def _shortest(self, state: str, ways: Iterable[Way]) -> tuple[Way, ...] | None:
        from_state: dict[str, list[Way]] = {}
        for way in ways:
            from_state.setdefault(way.source, []).append(way)
        known: dict[str, tuple[Way, ...]] = {self.first: ()}
        waiting = deque([self.first])
        while waiting and state not in known:
            reached = waiting.popleft()
            for way in from_state.get(reached, ()):
                if way.dest not in known:
                    known[way.dest] = (*known[reached], way)
                    waiting.append(way.dest)
        return known.get(state)

    def simple(self, ends: Iterable[str]) -> Iterator[tuple[Way, ...]]:
        """The paths to some states that meet no state twice, in the order of definition; there may be very many."""
        wanted = frozenset(ends)
        pending: list[tuple[Place, tuple[Way, ...]]] = [(Place(self.first), ())]
        while pending:
            place, path = pending.pop()
            if place.state in wanted:
                yield path
                continue
            met = {self.first, *(way.dest for way in path)}
            ways = (way for way in self.all if way.source != EXPIRED)  # a silence is an end, here
            onward = [way for way in ways if way.is_open(place) and way.inputs.lacks is None]
            pending += [(place.after(way), (*path, way)) for way in reversed(onward) if way.dest not in met]


def tour(ways: Ways) -> tuple[list[tuple[Way, ...]], list[Way]]:
    """Runs that together take every transition, and the transitions that none of them could take.

    One run takes what it can before it ends, because an end is left by starting anew: refusals where they are met,
    then what is nearest. What no member is offered (to go on after a silence where nothing was answered) comes last.

    Args:
        ways: The ways of a flow.
    """
    remaining = dict.fromkeys(way for way in ways.all if way.inputs.lacks is None)
    runs = [*_runs(ways, remaining, Way.is_offered), *_runs(ways, remaining, Way.is_open)]
    return runs, [way for way in ways.all if way in remaining or way.inputs.lacks is not None]


def _runs(ways: Ways, remaining: dict[Way, None], is_open: Callable[[Way, Place], bool]) -> Iterator[tuple[Way, ...]]:
    """Runs that take what is left to be taken, as far as any can, and take it off."""
    from_state: dict[str, list[Way]] = {}
    for way in ways.all:
        if way.inputs.lacks is None:
            from_state.setdefault(way.source, []).append(way)
    while remaining:
        run: list[Way] = []
        place = Place(ways.first)
        while not (len(place.came) > LONGEST_ROUND and len(set(place.came)) < len(place.came)):
            found = _nearest(place, from_state, is_open, lambda way: way in remaining and way.dest in from_state)
            found = found or _nearest(place, from_state, is_open, lambda way: way in remaining)
            if found is None:
                break
            for way in found:
                place = place.after(way)
                remaining.pop(way, None)
            run += found
        if not run:
            break
        yield tuple(run)


def _nearest(
    place: Place,
    from_state: dict[str, list[Way]],
    is_open: Callable[[Way, Place], bool],
    wanted: Callable[[Way], bool],
) -> list[Way] | None:
    """The shortest way from a place that ends with one that is wanted."""
    waiting: deque[tuple[Place, list[Way]]] = deque([(place, [])])
    met = {place.kind}
    while waiting:
        reached, path = waiting.popleft()
        onward = [way for way in from_state.get(reached.state, ()) if is_open(way, reached)]
        taken = min((way for way in onward if wanted(way)), key=lambda way: not way.refuses, default=None)
        if taken is not None:
            return [*path, taken]
        for way in onward:
            there = reached.after(way)
            if there.kind not in met:
                met.add(there.kind)
                waiting.append((there, [*path, way]))
    return None
