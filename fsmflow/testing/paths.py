"""The ways through a flow: how they follow on one another, and which path leads where.

Here belongs the shortest path to a state, the paths that meet no state twice, a tour of all transitions. Where a
transition needs nothing but its input, or nothing but where the member came from, as ``back`` does, all is known from
the machine and the steps' own inputs, and no flow is run. Where a predicate decides, in any of a flow's transitions, it
is found out by trying (`fsmflow.testing.trying`). That a path leads where it says is found out in
`fsmflow.testing.cases` in any case, by taking it.

A silence closes a conversation, and may be gone on from all the same: walks and tours do, paths to an end do not.
What nothing here opens (a guard that is not known, a predicate for which no example is at hand) is on no path, and said
to be missing from the tour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Union

from attrs import field, frozen

from fsmflow.alphabet import ANSWERING, BACK, EMPTY, EXHAUSTED, EXPIRE, LEADING_ON, POP, PUSH, RESUME, SKIP
from fsmflow.flow import Flow
from fsmflow.machine import all_transitions
from fsmflow.registry import sample_flow
from fsmflow.state import EXPIRED
from fsmflow.step import Step
from fsmflow.testing.inputs import Inputs, inputs_of
from fsmflow.testing.moves import Move, Place, Way
from fsmflow.testing.trying import ENDINGS, Searched, Standing, Tried, Trying

LONGEST_ROUND: Final = 48
"""After how many answers a run of a tour that goes in circles ends: below what a flow remembers to go back by."""

_FURTHEST: Final = 200  # places at which a next way of a tour is looked for, where each must be tried

Here = Union[Place, Standing]
"""Where somebody is: known, or tried."""


@frozen(eq=False)
class Ways:
    """The ways of a flow.

    Args:
        first: The id of the first step.
        states: Every state, in order.
        all: Every transition, in the order of definition.
        trying: Finds out by trying what is open, where predicates decide; None where none does.
        searched: What was found so.
    """

    first: str
    states: tuple[str, ...]
    all: tuple[Way, ...]
    trying: Trying | None = None
    searched: Searched | None = None
    _leaving: Mapping[str, Sequence[Way]] = field(init=False)

    @_leaving.default
    def _by_source(self) -> Mapping[str, Sequence[Way]]:
        leaving: dict[str, list[Way]] = {}
        for way in self.all:
            leaving.setdefault(way.source, []).append(way)
        return leaving

    @classmethod
    def of(cls, flow: Flow[Any], *, all_endings: bool = False) -> Ways:
        """Reads a flow's machine and its steps.

        Args:
            flow: The flow. It is not run: where one must be, another of its class is.
            all_endings: True also looks for the ways through it that differ in an answer, which needs trying.
        """
        steps = {step.id: step for step in flow.steps}
        needs_trying = all_endings or any(way.predicates for _, way in all_transitions(flow.machine))
        within = {
            step.id: cls.of(sample_flow(step.flow), all_endings=needs_trying)
            for step in flow.steps
            if step.flow is not None
        }
        found = tuple(_ways(flow, steps, within))
        read = cls(flow.definition.first, tuple(flow.machine.states), found)
        if not needs_trying:
            return read
        endings = {
            (way.source, way.ends_within): within[way.source].endings(way.ends_within)
            for way in found
            if way.trigger == POP
        }
        trying = Trying(sample_flow(type(flow), flow.flow_type), found, endings)
        return cls(read.first, read.states, found, trying, trying.from_first(all_endings=all_endings))

    def endings(self, end: str) -> Sequence[tuple[Move, ...]]:
        """Ways through the flow to one of its ends, by what a member does at its questions."""
        if self.searched is not None:
            return self.searched.endings.get(end, [])[:ENDINGS]
        path, lacks = self.shortest(end, by=LEADING_ON)
        return [] if lacks is not None else [path]

    # -- what is open --------------------------------------------------------------------------------------------------

    def begin(self) -> Here:
        """Where a conversation begins."""
        return Place(self.first) if self.trying is None else self.trying.first

    def onward(self, here: Here) -> Iterator[tuple[Way, Move, Here]]:
        """What can be taken from a place, with an input that takes it, and where it leads; in order of definition."""
        if isinstance(here, Standing):
            yield from ((tried.way, tried.move, tried.there) for tried in self._tried(here))
            return
        for way in self._leaving.get(here.state, ()):
            if way.is_open(here) and way.inputs.lacks is None:
                yield way, way.move(), here.after(way)

    def _tried(self, here: Standing) -> tuple[Tried, ...]:
        return () if self.trying is None else self.trying.onward(here)

    # -- the way to a state, or to a transition ------------------------------------------------------------------------

    @property
    def open_to_anybody(self) -> tuple[Way, ...]:
        """What leads somewhere and does not hang on where the member came from."""
        hanging = (BACK, PUSH, RESUME)
        known = (way for way in self.all if way.is_known and not way.refuses and way.source != EXPIRED)
        return tuple(way for way in known if way.trigger not in hanging)

    def shortest(
        self, state: str, *, last: str | None = None, by: Collection[str] | None = None
    ) -> tuple[tuple[Move, ...], str | None]:
        """The shortest path to a state, and what it lacks.

        Args:
            state: Where to.
            last: The step that must be answered last, if it matters.
            by: The triggers that may be fired; None for any.

        Returns:
            The path, and None; or what is missing, in words.
        """
        if last is not None:
            return self._answered_last(state, last)
        if self.searched is not None:
            return self._found(state, self.searched)
        known = [way for way in self.open_to_anybody if by is None or way.trigger in by]
        usable = [way for way in known if way.inputs.lacks is None]
        done = [way for way in usable if way.trigger != EMPTY]  # which is no member's doing
        answered = [way for way in done if way.trigger not in (EXHAUSTED, SKIP)]  # a question is best answered
        for ways in (answered, done, usable):
            path = self._shortest(state, ways)
            if path is not None:
                return tuple(way.move() for way in path), None
        wanted = self._shortest(state, known)
        if wanted is None:
            return (), f"nothing that is known here leads to {state!r}"
        return (), next(way.inputs.lacks for way in wanted if way.inputs.lacks is not None)

    def to(self, way: Way) -> tuple[tuple[Move, ...], Move, str | None]:
        """The path to the place from which a transition can be taken, the move that takes it, and what is missing."""
        if way.source == EXPIRED:
            stood = way.dest if way.trigger == RESUME else self.first
            before, lacks = self.shortest(stood)
            silence = next(each for each in self._leaving[stood] if each.trigger == EXPIRE)
            return (*before, silence.move()), way.move(), lacks
        if self.searched is not None and way.leads_on:
            path = self.searched.by_way.get(way.key)
            return ((), way.move(), self.lacks(way)) if path is None else (path[:-1], path[-1], None)
        before, lacks = self.shortest(way.source, last=way.dest if way.trigger == BACK else None)
        return before, way.move(), lacks or way.inputs.lacks

    def lacks(self, way: Way) -> str | None:
        """What is missing to take a transition, in words; None if nothing is."""
        if self.searched is None or not way.leads_on or way.key in self.searched.by_way:
            return way.inputs.lacks
        if way.source not in self.searched.to:
            return self.shortest(way.source)[1]
        return way.inputs.lacks or self._unopened(way)

    def _unopened(self, way: Way) -> str:
        """Which example is lacking, and for which predicate."""
        holds = _predicates(way)
        others: list[str] = []
        for each in self._leaving[way.source]:
            if each is way:
                break
            if each.trigger == way.trigger and each.transition.option in (None, way.transition.option):
                others += _predicates(each)[-1:]  # the last one decides: those before it may hold for both
        not_so = [name for name in dict.fromkeys(others) if name not in holds]
        told = [f"[{name}] holds" for name in holds] + [f"[{name}] does not hold" for name in not_so]
        fault = "" if self.trying is None else self.trying.faults.get(way.source, "")
        raised = f" ({fault} is raised by one that is there)" if fault else ""
        wanted = f"name an answer, there or before, for which {' and '.join(told) or 'it is taken'}"
        return f"step {way.source!r} lacks an example: {wanted}{raised}"

    def _answered_last(self, state: str, last: str) -> tuple[tuple[Move, ...], str | None]:
        if self.searched is not None and (state, last) in self.searched.behind:
            return self.searched.behind[state, last], None
        ways = [way for way in self._leaving[last] if way.trigger in ANSWERING and not way.refuses]
        ways = [way for way in ways if self._beyond(way.dest, state) is not None]
        usable = [way for way in ways if self.lacks(way) is None]
        if not usable:
            before, lacks = self.shortest(last)
            return before, lacks or self.lacks(ways[0])
        before, move, lacks = self.to(usable[0])
        return (*before, move, *(way.move() for way in self._beyond(usable[0].dest, state) or ())), lacks

    def _beyond(self, reached: str, state: str) -> tuple[Way, ...] | None:
        """The ways from steps that have nothing to choose from, up to a state; None if they do not lead there."""
        passed: list[Way] = []
        while reached != state:
            onward = [way for way in self._leaving.get(reached, ()) if way.trigger == EMPTY]
            if not onward:
                return None
            passed.append(onward[-1])  # those before it hang on a predicate
            reached = onward[-1].dest
        return tuple(passed)

    def _found(self, state: str, searched: Searched) -> tuple[tuple[Move, ...], str | None]:
        paths = [searched.to[state]] if state in searched.to else []
        for way in self.open_to_anybody:
            if way.dest == state and not way.leads_on and way.source in searched.to:
                paths.append((*searched.to[way.source], way.move()))
        if paths:
            return min(paths, key=len), None
        wanted = self._shortest(state, [way for way in self.all if way.leads_on]) or ()
        lacks = (self.lacks(way) for way in wanted if way.key not in searched.by_way and way.source in searched.to)
        return (), next(lacks, None) or f"nothing that is known here leads to {state!r}"

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

    def simple(self, ends: Iterable[str]) -> Iterator[tuple[Move, ...]]:
        """The paths to some states that meet no state twice, in the order of definition; there may be very many."""
        wanted = frozenset(ends)
        pending: list[tuple[Here, tuple[Move, ...]]] = [(self.begin(), ())]
        while pending:
            here, path = pending.pop()
            if here.state in wanted:
                yield path
                continue
            met = {self.first, *(move.dest for move in path)}
            onward = [(there, (*path, move)) for way, move, there in self.onward(here) if way.dest not in met]
            onward = [] if here.state == EXPIRED else onward  # a silence is an end, here
            pending += reversed(onward)

    def entered(self, state: str) -> Way | None:
        """What entering a state fires besides: the way into the flow that answers it."""
        return next((way for way in self._leaving.get(state, ()) if way.trigger == PUSH), None)

    def ends(self, state: str) -> bool:
        """True if a conversation ends at a state."""
        return state not in self._leaving

    def closes(self, state: str) -> bool:
        """True if a conversation ends at a state, or ends there unless it is gone on with after a silence."""
        return state == EXPIRED or self.ends(state)


def _ways(flow: Flow[Any], steps: Mapping[str, Step], within: Mapping[str, Ways]) -> Iterator[Way]:
    for trigger, transition in all_transitions(flow.machine):
        step = steps.get(str(transition.source))
        way = Way(trigger, transition, inputs_of(flow, trigger, transition), step.max_attempts if step else None)
        if trigger == POP and way.source in within:
            found, lacks = within[way.source], None
            endings = found.endings(way.ends_within)
            if not endings:
                lacks = found.shortest(way.ends_within, by=LEADING_ON)[1] or "nothing that is known leads to its end"
                lacks = f"within {way.source!r}, {lacks}"
            way = Way(trigger, transition, Inputs(lacks=lacks), None, next(iter(endings), ()))
        yield way


def _predicates(way: Way) -> list[str]:
    """The names of the predicates that must hold for a way: the last of its conditions."""
    conditions = way.transition.conditions[len(way.transition.conditions) - len(way.transition.predicates) :]
    return [str(getattr(each.func, "__name__", each.func)) for each in conditions]


def tour(ways: Ways) -> tuple[list[tuple[Move, ...]], list[tuple[Move, str]]]:
    """Runs that together take every transition; and those that none of them could take, with what they lack.

    One run takes what it can before it ends, because an end is left by starting anew: refusals where they are met,
    then what is nearest. What no member is offered (to go on after a silence where nothing was answered) and what is
    no member's doing (to have nothing to choose from) comes last.

    Args:
        ways: The ways of a flow.
    """
    lacking = {way: lacks for way in ways.all if (lacks := ways.lacks(way)) is not None}
    remaining = dict.fromkeys(way for way in ways.all if way not in lacking and not _is_taken_along(way, ways))
    found = frozenset[object]() if ways.searched is None else ways.searched.by_way.keys()
    runs: list[tuple[Move, ...]] = []
    for offered in (True, False):
        while remaining and (run := _run(ways, remaining, offered=offered)):
            runs.append(run)
    for way in [*remaining]:
        before, move, lacks = ways.to(way)
        if lacks is None and (way.is_known or way.key in found):
            runs.append((*before, move))
        else:
            lacking[way] = lacks or "nothing that is known here leads to it"
    return runs, [(way.move(), lacking[way]) for way in ways.all if way in lacking]


def _is_taken_along(way: Way, ways: Ways) -> bool:
    """True for a refusal that is the last attempt at once: who uses up the attempts takes it, and nobody else."""
    exhausted = (each for each in ways.all if each.trigger == EXHAUSTED and each.source == way.source)
    return way.refuses and way.attempts == 1 and any(ways.lacks(each) is None for each in exhausted)


def _run(ways: Ways, remaining: dict[Way, None], *, offered: bool) -> tuple[Move, ...]:
    """A run that takes what is left to be taken, as far as it can, and takes it off."""
    run: list[Move] = []
    here = ways.begin()
    entered = ways.entered(here.state)
    while True:
        if entered in remaining:
            del remaining[entered]
            run.append(entered.move())
        if len(here.came) > LONGEST_ROUND and len(set(here.came)) < len(here.came):
            break
        found = _nearest(ways, here, lambda way: way in remaining and not ways.ends(way.dest), offered=offered)
        found = found or _nearest(ways, here, lambda way: way in remaining, offered=offered)
        if found is None:
            break
        for way, move, there in found:
            is_new = way.leads_on and not (isinstance(there, Place) and there.midway)
            entered = ways.entered(way.dest) if is_new else None
            here = there
            remaining.pop(way, None)
            run.append(move)
    return tuple(run)


def _nearest(
    ways: Ways, here: Here, wanted: Callable[[Way], bool], *, offered: bool
) -> list[tuple[Way, Move, Here]] | None:
    """The shortest way from a place that ends with one that is wanted."""
    waiting: deque[tuple[Here, list[tuple[Way, Move, Here]]]] = deque([(here, [])])
    met = {here.kind}
    looked = 0
    while waiting and (ways.trying is None or looked < _FURTHEST):
        reached, path = waiting.popleft()
        looked += 1
        onward = [*ways.onward(reached)]
        if offered:
            onward = [each for each in onward if each[0].is_offered(answered=reached.answered)]
        taken = min((each for each in onward if wanted(each[0])), key=lambda each: not each[0].refuses, default=None)
        if taken is not None:
            return [*path, taken]
        for each in onward:
            if each[2].kind not in met:
                met.add(each[2].kind)
                waiting.append((each[2], [*path, each]))
    return None
