"""A member's trail, followed from the first record to the last: is each thing that happened legal after the one before?

Here belongs what one record may say after another, held against the machines of the flows. What the records keep of
the run is compared in `kept_runs`; what clients were told, and what the hash holds, in `invariants`. The walk knows
nothing of how a turn decides: it reads what was recorded as somebody would who has only the flow's diagram at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import Factory, define, evolve

from fsmflow import audit
from fsmflow.alphabet import BACK, CANCEL, EXPIRE, RESTART, RESUME, SUBMIT
from fsmflow.audit import AuditEntry
from fsmflow.definition import Definition
from fsmflow.flow import Flow
from fsmflow.machine import all_transitions
from fsmflow.state import CANCELLED, COMPLETED, EXPIRED, TERMINAL_STATES
from tests.evidence import Record
from tests.kept_runs import Kept, Place

# What concerns the run that is open, and no other.
OF_THE_RUN = frozenset(
    {audit.STEP_START, audit.VALIDATION, audit.TRANSITION, audit.BACK, audit.CANCEL, audit.EXPIRE, audit.COMPLETE}
) | {audit.ROLLBACK, audit.RESUME, audit.REMINDER}
# After which of them no run need be stored.
EMPTYING = frozenset({audit.CLEAR, audit.RECOVERY_RESULT, audit.ERROR})
MOVES_NOTHING = frozenset({audit.CLEAR, audit.ERROR, audit.RECOVERY_ATTEMPT})


@define
class Walk:
    """The walk over one trail.

    Args:
        flows: A sample of each flow, by its type.
        known: False at first where the trail begins in the middle of a conversation.
        complaints: What was found wrong, a sentence each.
        place: Where the member stands after the records so far; None where that cannot be told.
        kept: What was kept of that run.
        accepted: The steps of this run whose answers were accepted, as far as the trail goes back.
        after: Where the member stood after each version.
    """

    flows: Mapping[str, Flow]
    known: bool = True
    complaints: list[str] = Factory(list)
    place: Place = Factory(Place)
    kept: Kept = Factory(Kept)
    accepted: set[str] | None = Factory(set)
    after: dict[int, Place | None] = Factory(dict)
    _record: Record = Factory(lambda: Record(0, ()))
    _asked: set[tuple[str | None, str | None]] = Factory(set)
    _ended: set[str | None] = Factory(set)
    _completed: set[str | None] = Factory(set)
    _position: int = 0

    def take(self, record: Record) -> None:
        """Follows one record."""
        self._record = record
        if not record.is_readable:
            self.complain("its record cannot be read")
            return
        if not self.known:
            self._enter_midway(record.entries[0])
        if self.known:
            for self._position, entry in enumerate(record.entries):
                self._take_entry(entry)
        self._compare()
        self.after[record.version] = self.place if self.known else None

    def complain(self, what: str) -> None:
        """Notes what is wrong at the record at hand."""
        self.complaints.append(f"version {self._record.version}: {what}")

    @property
    def definition(self) -> Definition | None:
        """The definition of the flow in which the member stands."""
        flow = self.flows.get(self.place.flow_type or "")
        return None if flow is None else flow.definition

    def _enter_midway(self, entry: AuditEntry) -> None:
        """Takes the word of the first record that tells where the member stands."""
        state = entry.from_state or entry.step_id
        if entry.event_type in OF_THE_RUN and state is not None and entry.flow_id is not None:
            flow_type = next((name for name in self.flows if entry.flow_id == f"{name}_{entry.member_id}"), None)
            self.place, self.accepted = Place(flow_type, entry.run_id, state), None
            self.kept.is_anything()
        self.known = self.place.state is not None or entry.event_type in (audit.FLOW_START, audit.CLEAR)

    def _take_entry(self, entry: AuditEntry) -> None:
        if entry.event_type in OF_THE_RUN and entry.run_id != self.place.run_id:
            self.complain(f"{entry.event_type} concerns another run than the one that is open")
        handler = HANDLERS.get(entry.event_type)
        if handler is not None:
            handler(self, entry)
        elif entry.event_type not in MOVES_NOTHING:
            self.complain(f"nobody knows what a {entry.event_type} is")
        self._asked.add((self.place.run_id, self.place.state))
        if self.place.state in TERMINAL_STATES:
            self._ended.add(self.place.run_id)

    # -- what may happen -----------------------------------------------------------------------------------------------

    def _starts(self, entry: AuditEntry) -> None:
        before = self._record.entries[: self._position]
        excused = any(each.status == "left" or each.event_type == audit.RECOVERY_ATTEMPT for each in before)
        if self.place.is_open and not excused:
            self.complain(f"a flow starts although {self.place.state} is asked")
        self._begin(Place(self._snapshot_type(), entry.run_id, entry.step_id))

    def _snapshot_type(self) -> str | None:
        snapshot = self._record.snapshot
        return None if snapshot is None else snapshot.flow_type

    def _begin(self, place: Place) -> None:
        self.place, self.accepted, self.kept = place, set(), Kept()
        definition = self.definition
        if definition is None:
            self.complain("it starts a flow that nobody knows")
        elif place.state != definition.first:
            self.complain(f"a run starts at {place.state}, which is not the first step")

    def _asks(self, entry: AuditEntry) -> None:
        if entry.step_id != self.place.state:
            self.complain(f"{entry.step_id} is asked, but the last transition left {self.place.state}")

    def _judges(self, entry: AuditEntry) -> None:
        if entry.step_id != self.place.state:
            self.complain(f"an answer to {entry.step_id} is {entry.status} while {self.place.state} is asked")
        if entry.status == "accepted":
            if self.accepted is not None:
                self.accepted.add(str(entry.step_id))
            following = self._record.entries[self._position + 1 : self._position + 2]
            if not any(each.event_type == audit.TRANSITION and each.from_state == entry.step_id for each in following):
                self.complain(f"an answer to {entry.step_id} is accepted and leads nowhere")

    def _goes_on(self, entry: AuditEntry) -> None:
        source = entry.from_state
        judged = self._record.entries[: self._position][-1:]
        if not any(each.status == "accepted" and each.step_id == source for each in judged):
            self.complain(f"a transition from {source} without an accepted answer to it")
        self._moves(entry, SUBMIT)
        self.kept.gains(str(source))

    def _goes_back(self, entry: AuditEntry) -> None:
        self._moves(entry, BACK)
        if not self.kept.goes_back(str(entry.to_state)):
            self.complain(f"it goes back to {entry.to_state}, by which the member did not come")

    def _restarts(self, entry: AuditEntry) -> None:
        old = self.place.run_id
        self._moves(entry, RESTART)
        if entry.run_id == old:
            self.complain("a restart goes on with the same run")
        self._begin(evolve(self.place, run_id=entry.run_id))

    def _cancels(self, entry: AuditEntry) -> None:
        if entry.from_state is not None:
            self._moves(entry, CANCEL)
        elif entry.status == "left":
            self._asks(entry)
            self._ended.add(self.place.run_id)
        elif self.place.state != CANCELLED:
            self.complain(f"a cancellation is noted at {self.place.state}")

    def _expires(self, entry: AuditEntry) -> None:
        if entry.from_state is not None:
            self._moves(entry, EXPIRE)
        elif self.place.state != EXPIRED:
            self.complain(f"an expiry is noted at {self.place.state}")

    def _resumes(self, entry: AuditEntry) -> None:
        self._moves(entry, RESUME)
        if self.accepted is not None and (self.place.run_id, entry.to_state) not in self._asked:
            self.complain(f"it goes on at {entry.to_state}, which this run never asked")
        self._ended.discard(self.place.run_id)

    def _completes(self, entry: AuditEntry) -> None:
        if self.place.state != COMPLETED:
            self.complain(f"a completion is noted at {self.place.state}")
        if entry.run_id in self._completed:
            self.complain("a run completes that had completed before")
        self._completed.add(entry.run_id)

    def _moves(self, entry: AuditEntry, trigger: str) -> None:
        """Makes a transition of the machine, if it is one."""
        source, dest = entry.from_state, entry.to_state
        if source != self.place.state:
            self.complain(f"{trigger} from {source}, but the last transition left {self.place.state}")
        elif (trigger, source, dest) not in self._ways():
            self.complain(f"the flow has no way from {source} to {dest} by {trigger}")
        self.place = evolve(self.place, state=dest)

    def _ways(self) -> set[tuple[str, Any, Any]]:
        definition = self.definition
        found = () if definition is None else all_transitions(definition.machine)
        return {(trigger, way.source, way.dest) for trigger, way in found if not way.refuses}

    # -- what no machine says ------------------------------------------------------------------------------------------

    def _rolls_back(self, entry: AuditEntry) -> None:
        if entry.from_state != self.place.state:
            self.complain(f"rollback from {entry.from_state}, but the last transition left {self.place.state}")
        if self.accepted is not None and (self.place.run_id, entry.to_state) not in self._asked:
            self.complain(f"rollback to {entry.to_state}, which this run never asked")
        self.place = evolve(self.place, state=entry.to_state)
        self.kept.is_anything()
        self._ended.discard(self.place.run_id)
        self._completed.discard(self.place.run_id)  # what is taken back is no completion any more

    def _recovers(self, entry: AuditEntry) -> None:
        """A recovery goes on from anywhere, but not with what had ended."""
        if entry.run_id is None:
            return
        if entry.run_id in self._ended:
            self.complain("a recovery goes on with a run that had ended")
        self.place, self.accepted = Place(self._snapshot_type(), entry.run_id, entry.step_id), None
        self.kept = Kept()
        self.kept.is_anything()

    def _compare(self) -> None:
        """Holds the run that was stored with a record against what the record says."""
        record = self._record
        if record.empties:
            if not record.events & EMPTYING:
                self.complain("the run is dropped, and nothing says why")
            self.place, self.kept, self.accepted, self.known = Place(), Kept(), set(), True
        elif self.known:
            for what in self.kept.compare(record, self.place, self.definition):
                self.complain(what)


HANDLERS: Mapping[str, Callable[[Walk, AuditEntry], None]] = {
    audit.FLOW_START: Walk._starts,
    audit.STEP_START: Walk._asks,
    audit.VALIDATION: Walk._judges,
    audit.TRANSITION: Walk._goes_on,
    audit.BACK: Walk._goes_back,
    audit.RESTART: Walk._restarts,
    audit.CANCEL: Walk._cancels,
    audit.EXPIRE: Walk._expires,
    audit.RESUME: Walk._resumes,
    audit.REMINDER: Walk._asks,
    audit.COMPLETE: Walk._completes,
    audit.ROLLBACK: Walk._rolls_back,
    audit.RECOVERY_RESULT: Walk._recovers,
}
