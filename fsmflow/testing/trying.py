"""Which way an answer really takes, found out by trying: for flows in which predicates decide.

Here belong the runs that are tried, in memory, and what is found by them: for each transition a path that takes it, for
each state one that leads to it. What needs no trying is known from the machine (`fsmflow.testing.paths`), at a fraction
of the cost.

The search is bounded, and the same each time. A predicate may look at any answer that was given on the way, so the
runs in which an answer meets a question for the first time are gone on with first, then those in which two answers do:
what hangs on one or two answers is found soon, in a long flow too, and what hangs on more as far as the bound goes.
Rejected: every combination of every example, of which ten steps of three have 59,049; and reading the predicates,
which may be any code.

One flow is tried throughout, and put back each time, because a class that builds its steps has bound methods in them: a
copy would be asked by the original's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import combinations
from typing import Any, Final, TypeVar

from attrs import define, field, frozen

from fsmflow.alphabet import EMPTY, EXHAUSTED, LEADING_ON, POP, PUSH
from fsmflow.flow import Flow
from fsmflow.machine import WITNESSES, Turn
from fsmflow.state import TERMINAL_STATES
from fsmflow.testing.firing import Run, act, is_loop_running, running
from fsmflow.testing.moves import Move, Way

TRIES: Final = 4_000
"""How many moves a search takes at most."""

ENDINGS: Final = 32
"""By how many ways through a flow within a flow it is tried where that leads."""

WayKey = tuple[str, str, str, str]
"""What tells a way from every other one of its machine."""

_Kept = tuple[tuple[Any, dict[str, Any]], ...]
_Told = Mapping[str, tuple[Any, ...]]
_Reached = tuple["Standing", tuple[Move, ...], _Told]
_LAST: Final = 2  # of the three queues of a search the one that is asked when the others are empty
_ResultT = TypeVar("_ResultT")


@define(eq=False)
class Standing:
    """A run, as it stands.

    Args:
        kept: What is put back to stand there again.
        state: The state.
        came: The steps that were answered on the way.
        place: The question, within the flows that stand within each other.
        stood: The step at which a silence closed it.
        answered: True if something was answered.
        onward: What is found to be open from there, once somebody has asked.
    """

    kept: _Kept
    state: str
    came: tuple[str, ...]
    place: str
    stood: str | None
    answered: bool
    onward: tuple[Tried, ...] | None = None

    @property
    def kind(self) -> tuple[object, ...]:
        """What tells it from others, where a way is looked for."""
        return self.state, self.came[-1:], self.place, self.stood, self.answered


@frozen(eq=False)
class Tried:
    """A move that was tried.

    Args:
        way: What it takes.
        move: The move.
        there: Where it leads.
    """

    way: Way
    move: Move
    there: Standing


@frozen(eq=False)
class Searched:
    """What a search has found.

    Args:
        by_way: For each way on a path that ends with it.
        to: For each state a path to it.
        behind: For each state, and the step that was answered last, a path there.
        endings: For each end paths to it, no two with the same answers.
        tries: How many moves were taken.
    """

    by_way: dict[WayKey, tuple[Move, ...]] = field(factory=dict)
    to: dict[str, tuple[Move, ...]] = field(factory=dict)
    behind: dict[tuple[str, str], tuple[Move, ...]] = field(factory=dict)
    endings: dict[str, list[tuple[Move, ...]]] = field(factory=dict)
    tries: list[int] = field(factory=lambda: [0])


class Trying:
    """Runs of one flow, tried.

    Args:
        flow: A flow at its first question, which belongs to nobody else.
        ways: The transitions of its machine.
        endings: For each end of the flow that answers a step the ways through it, by the step and the end.
    """

    def __init__(
        self, flow: Flow[Any], ways: Sequence[Way], endings: Mapping[tuple[str, str], Sequence[tuple[Move, ...]]]
    ) -> None:
        self._flow = flow
        self._ways = {way.key: way for way in ways}
        self._order = {way.key: number for number, way in enumerate(ways)}
        self._moves: dict[str, dict[tuple[Any, ...], Move]] = {}
        for way in ways:
            for move in _moves(way, endings):
                self._moves.setdefault(way.source, {}).setdefault((move.trigger, move.value, move.within), move)
        self.faults: dict[str, str] = {}
        with unwitnessed():
            flow.begin(Turn())
        self.first = self._standing()

    def from_first(self, *, all_endings: bool = False) -> Searched:
        """Searches from the first question.

        Args:
            all_endings: True goes on when every way is found, for other answers that lead to an end.
        """
        return self._apart(lambda run: self._search(run, all_endings=all_endings))

    def onward(self, standing: Standing) -> tuple[Tried, ...]:
        """What is open from a place, in order of definition: each way with the first of its inputs that takes it."""
        if standing.onward is None:
            standing.onward = self._apart(lambda run: self._open(standing, run))
        return standing.onward

    def with_value(self, standing: Standing, tried: Tried, value: str) -> Tried | None:
        """The same way with another answer; None if that takes another way."""
        move = tried.way.move(value)
        there = self._apart(lambda run: self._take(standing, move, run))
        return None if there is None or there[0] is not tried.way else Tried(tried.way, move, there[1])

    # -- trying --------------------------------------------------------------------------------------------------------

    def _open(self, standing: Standing, run: Run) -> tuple[Tried, ...]:
        found: dict[WayKey, Tried] = {}
        for move in self._moves.get(standing.state, {}).values():
            taken = self._take(standing, move, run)
            if taken is not None:
                way, there = taken
                # what an example that is refused shows, a counterexample shows, too, and is meant for
                if way.key not in found and (not way.refuses or move.value in way.inputs.values):
                    found[way.key] = Tried(way, way.move(move.value, move.within), there)
        return tuple(found[key] for key in sorted(found, key=self._order.__getitem__))

    def _take(self, standing: Standing, move: Move, run: Run) -> tuple[Way, Standing] | None:
        """Which way a move takes, and where that leads; None if none does, or the flow's code raises."""
        self._put_back(standing.kept)
        try:
            turn = act(self._flow, move, run)
        except Exception as fault:  # noqa: BLE001 - a flow's code may raise anything; a case that fires it will tell
            self.faults.setdefault(standing.state, type(fault).__name__)
            return None
        taken = turn.taken
        if taken is None:
            return None
        key = (move.trigger, taken.name, str(taken.source), str(taken.dest or taken.source))
        way = self._ways.get(key)
        return None if way is None else (way, self._standing())

    def _search(self, run: Run, *, all_endings: bool) -> Searched:
        found = Searched(to={self.first.state: ()})
        wanted = {key for key, way in self._ways.items() if way.leads_on}
        waiting: tuple[deque[_Reached], ...] = (deque([(self.first, (), {})]), deque(), deque())
        met: dict[str, set[Any]] = {}
        known: set[tuple[str, frozenset[Any]]] = set()
        while any(waiting) and found.tries[0] < TRIES and (all_endings or not wanted <= found.by_way.keys()):
            level = next(number for number, each in enumerate(waiting) if each)
            queue = waiting[level]
            # of two answers the latest pair first, or the end of a long flow is not come to
            standing, path, told = queue.pop() if level == 1 else queue.popleft()
            news = _news(told, level)
            if level < _LAST and standing.state in met and news <= met[standing.state]:
                waiting[level + 1].append((standing, path, told))
                continue
            met.setdefault(standing.state, set()).update(*(_news(told, each) for each in range(_LAST)))
            for move in self._moves.get(standing.state, {}).values():
                found.tries[0] += 1
                taken = self._take(standing, move, run) if self._leads_on(move) else None
                if taken is None or not taken[0].leads_on:
                    continue
                way, there = taken
                longer = (*path, way.move(move.value, move.within))
                answers = {**told, standing.state: (standing.state, move.trigger, move.value, move.within)}
                seen = (there.state, frozenset(answers.values()))
                if seen in known:
                    continue
                known.add(seen)
                found.by_way.setdefault(way.key, longer)
                found.to.setdefault(there.state, longer)
                found.behind.setdefault((there.state, there.came[-1]) if there.came else (there.state, ""), longer)
                if there.state in TERMINAL_STATES:
                    found.endings.setdefault(there.state, []).append(longer)
                    continue
                # who was refused too often, or had nothing to choose from, came by no answer: what lies behind is
                # looked at once the rest is
                waiting[_LAST if way.trigger in (EXHAUSTED, EMPTY) else 0].append((there, longer, answers))
        return found

    @staticmethod
    def _leads_on(move: Move) -> bool:
        return not move.refuses and move.trigger in LEADING_ON

    # -- standing somewhere --------------------------------------------------------------------------------------------

    def _standing(self) -> Standing:
        flow = self._flow
        return Standing(_kept(flow), flow.state, flow.path, flow.place, flow.stood_at(), flow.has_answers)

    def _put_back(self, kept: _Kept) -> None:
        for each, values in kept:
            held: dict[str, Any] = each.__dict__
            held.clear()
            held.update({**values, "answers": dict(values["answers"]), "entries": list(values["entries"])})

    def _apart(self, ask: Callable[[Run], _ResultT]) -> _ResultT:
        """Asks with what drives the flow's calls; on a thread of its own where an event loop is in the way."""

        def asked() -> _ResultT:
            with unwitnessed(), running(self._flow) as run:
                return ask(run)

        if not (self._flow.definition.asynchronous and is_loop_running()):
            return asked()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asked).result()


def _news(told: _Told, level: int) -> set[Any]:
    """What makes a run worth going on with: its answers, and on the next level each two of them together."""
    return {*told.values()} if level == 0 else {*combinations(told.values(), 2)}


@contextmanager
def unwitnessed() -> Iterator[None]:
    """Has nobody told of the transitions that are made: what is only tried, no test has fired."""
    kept = WITNESSES[:]
    del WITNESSES[:]
    try:
        yield
    finally:
        WITNESSES[:0] = kept


def _moves(way: Way, endings: Mapping[tuple[str, str], Sequence[tuple[Move, ...]]]) -> Iterable[Move]:
    if way.trigger == PUSH:
        return
    if way.trigger == POP:
        for within in endings.get((way.source, way.ends_within), ()):
            yield way.move(within=within)
    elif way.inputs.values:
        for value in way.inputs.values:
            yield way.move(value)
    elif way.inputs.lacks is None:
        yield way.move()


def _kept(flow: Any) -> _Kept:
    kept = []
    while flow is not None:
        values = {**vars(flow), "answers": dict(flow.answers), "entries": list(flow.entries)}
        kept.append((flow, values))
        flow = flow.inner
    return tuple(kept)
