"""What the records of a trail keep of a run, one after the other: no answer comes, goes or changes by itself.

Here belong where a member stands, and the comparing of one snapshot with the one before it, by what happened in
between. What may happen at all belongs to `trail_walk`.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from attrs import define, frozen

from fsmflow import audit
from fsmflow.definition import Definition
from fsmflow.routes import PATH_LIMIT
from fsmflow.state import TERMINAL_STATES, FlowData
from tests.evidence import Record


@frozen
class Place:
    """Where a member stands.

    Args:
        flow_type: In which flow; None where none was started, or all was forgotten.
        run_id: In which run of it.
        state: The state that the last transition left.
    """

    flow_type: str | None = None
    run_id: str | None = None
    state: str | None = None

    @property
    def is_open(self) -> bool:
        """True if an answer is awaited."""
        return self.state is not None and self.state not in TERMINAL_STATES


@define
class Kept:
    """What was kept of one run so far; new, it is that of a run which begins.

    Args:
        run: The last snapshot.
        is_whole: True if it has every answer that is not sensitive. After a rollback the trail keeps only what it knew.
        path: The way that the next snapshot must tell; None where any will do.
        gained: The step whose answer the next snapshot must have.
    """

    run: FlowData | None = None
    is_whole: bool = True
    path: tuple[str, ...] | None = ()
    gained: str | None = None

    def is_anything(self) -> None:
        """The next snapshot may tell of any answers, by any way: nobody knows what it follows."""
        self.path = None

    def gains(self, step_id: str) -> None:
        """An answer was accepted."""
        self.gained = step_id
        if self.path is not None:
            self.path = (*self.path, step_id)

    def goes_back(self, step_id: str) -> bool:
        """The member goes back: False if not by the way that was come."""
        came, self.path = self.path, None if self.path is None else self.path[:-1]
        return came is None or came[-1:] == (step_id,)

    def compare(self, record: Record, place: Place, definition: Definition | None) -> Iterator[str]:
        """What is wrong with the snapshot of a record; from then on it is the last one.

        Args:
            record: The record.
            place: Where the member stands after what it says.
            definition: The flow's; what else its code puts into the data than answers to its steps is its own affair.
        """
        snapshot = record.snapshot
        answerable = frozenset() if definition is None else definition.index.keys() - definition.sensitive
        if snapshot is None:
            if any(entry.to_state is not None or entry.event_type == audit.FLOW_START for entry in record.entries):
                yield "it moves the run and keeps nothing of it"
            return
        if (snapshot.run_id, snapshot.step_id) != (place.run_id, place.state):
            yield f"what is kept stands at {snapshot.step_id}, what happened led to {place.state}"
        if self.gained in answerable and self.gained not in snapshot.data:
            yield f"the accepted answer to {self.gained} is not kept"
        if self.path is not None:
            # one that grows too long is cut short, of which only the end is known
            if snapshot.path != self.path and len(self.path) <= PATH_LIMIT:
                yield "the path that is kept is not the one that was gone"
            yield from self._answers(snapshot, answerable)
        self.run, self.path, self.gained = snapshot, snapshot.path, None
        self.is_whole = audit.ROLLBACK not in record.events

    def _answers(self, snapshot: FlowData, answerable: Set[str]) -> Iterator[str]:
        known = {} if self.run is None else self.run.data
        for step_id in sorted(answerable & snapshot.data.keys()) if self.is_whole else ():
            if step_id != self.gained and (step_id not in known or known[step_id] != snapshot.data[step_id]):
                yield f"the answer to {step_id} changes, and nobody was asked for it"
        for step_id in snapshot.path:
            if step_id in answerable and step_id in known and step_id not in snapshot.data:
                yield f"the answer to {step_id} is lost on the way"
