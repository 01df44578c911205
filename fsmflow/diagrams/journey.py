"""A member's way through a flow, told from the audit trail: what a picture of it marks, and what happened in words.

Here belongs what follows from entries alone; where they come from is `fsmflow.manager`'s affair. Nothing that a member
typed or was told is in a journey. Answers are not in the trail; the words of a refusal are, where a flow may quote an
answer, so refusals are counted and not repeated. Who the member is, is not in it either: a picture is soon in a ticket.

The trail says from where to where, not by which option: an answer. Where several transitions lead the same way, each
of them is marked, as one of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from attrs import frozen

from fsmflow import audit
from fsmflow.alphabet import EMPTY, SUBMIT
from fsmflow.audit import AuditEntry
from fsmflow.decision import FIRST, LATE, OVER, STALE
from fsmflow.diagrams.graph import FlowGraph, Way, WayKind, one_line
from fsmflow.diagrams.overlay import Mark, Overlay, WayKey, key_of
from fsmflow.model import NOTHING_OFFERED

# why a message was no answer at all: the library's own words
_PASSED_OVER: Final = frozenset({FIRST, LATE, OVER, STALE})
# a transition told it
_UNTOLD: Final = frozenset({audit.STEP_START, audit.COMPLETE, audit.CANCEL, audit.EXPIRE, audit.HANDOVER})
_LEGEND: Final = "✓ with a thick line was passed, ● in two lines is where the member is, ✗ was refused."
_ONE_OF_THESE: Final = "one of these"
_WORD_LENGTH: Final = 120  # characters of an error's place, or of what a recovery found


@frozen
class Event:
    """One thing that happened on the way.

    Args:
        time: When; None where the trail does not say.
        state: The step that it concerns.
        words: What it was.
        times: How often in a row.
    """

    time: datetime | None
    state: str
    words: str
    times: int = 1


@frozen
class Journey:
    """A member's way through one run of a flow.

    Args:
        run_id: Which run.
        state: The state that it is in, as far as the trail tells; None if it does not.
        overlay: What a picture of the flow marks.
        events: What happened, the earliest first.
        whole: False if the trail no longer holds the beginning of the run.
    """

    run_id: str
    state: str | None
    overlay: Overlay
    events: tuple[Event, ...]
    whole: bool


def runs_in(entries: Iterable[AuditEntry]) -> dict[tuple[str, str], list[AuditEntry]]:
    """The entries of each run, by flow id and run id; the run of the latest entry comes last.

    What happened in a flow within a flow belongs to the run of the outermost, in whose trail it stands.

    Args:
        entries: A member's trail, the oldest first.
    """
    runs: dict[tuple[str, str], list[AuditEntry]] = {}
    latest: dict[str, str] = {}
    for entry in entries:
        if entry.run_id and entry.flow_id:
            outer = next((each for each in latest if entry.flow_id.startswith(f"{each}.")), entry.flow_id)
            if outer == entry.flow_id:
                latest[outer] = entry.run_id
            key = (outer, latest[outer])
            runs[key] = [*runs.pop(key, []), entry]
    return runs


def journey_of(graph: FlowGraph, entries: Sequence[AuditEntry]) -> Journey:
    """Tells the way of a run.

    Args:
        graph: The flow, as it is now; the run may have passed what is there no more.
        entries: The entries of the run, the oldest first; at least one.
    """
    told = _Way(graph, str(entries[0].flow_id))
    events = [event for entry in entries for event in told.of(entry)]
    whole = entries[0].event_type in (audit.FLOW_START, audit.RESTART)
    run_id = str(entries[0].run_id)
    return Journey(run_id, told.state, told.overlay(run_id, whole=whole), tuple(_in_a_row(events)), whole)


class _Way:
    """What is known of a run so far: where it is, and how often it passed what."""

    def __init__(self, graph: FlowGraph, flow_id: str) -> None:
        self.graph, self.flow_id = graph, flow_id
        self.state: str | None = None
        self.entered: Counter[str] = Counter()
        self.passed: Counter[tuple[WayKey, ...]] = Counter()
        self.refused: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.refused_within: Counter[str] = Counter()
        self.began = False

    def of(self, entry: AuditEntry) -> Iterator[Event]:
        """Takes note of an entry, and tells it."""
        if entry.flow_id != self.flow_id:
            yield from self._within(entry)
            return
        state = entry.step_id or self.state or ""
        words = self._words(entry, state)
        if words:
            yield Event(entry.time, entry.from_state or state, words)

    def _within(self, entry: AuditEntry) -> Iterator[Event]:
        """What happened in the flow that answers a step: told, and counted there; its own picture shows more."""
        places = str(entry.flow_id).removeprefix(f"{self.flow_id}.")
        step, state = places.partition(".")[0], f"{places}.{entry.step_id}"
        if entry.event_type == audit.ERROR:
            self.errors[step] += 1
            yield Event(entry.time, state, one_line(f"error: {entry.error} at {entry.place}", _WORD_LENGTH))
        elif entry.from_state and entry.to_state:
            kind = _kind_of(entry)
            how = "" if kind == audit.TRANSITION else f"{kind} "
            yield Event(entry.time, f"{places}.{entry.from_state}", f"{how}→ {entry.to_state!r}")
        elif entry.event_type == audit.VALIDATION and entry.status != "accepted":
            passed_over = entry.reason in _PASSED_OVER
            self.refused_within[step] += not passed_over
            yield Event(entry.time, state, f"not taken for an answer: {entry.reason}" if passed_over else "refused")

    def _words(self, entry: AuditEntry, state: str) -> str:
        kind, status = entry.event_type, entry.status
        begins, self.began = not self.began, True
        if kind == audit.RESTART and begins and entry.to_state:
            self._enter(entry.to_state)  # the transition ended the run before, in another picture
            return "began, by restart"
        if entry.from_state and entry.to_state:
            return self._moved(_kind_of(entry), entry.from_state, entry.to_state)
        if kind == audit.FLOW_START:
            self._enter(state)
            return "began"
        if kind == audit.STEP_START and self.state != state:
            self._enter(state)
        if kind == audit.VALIDATION:
            return self._judged(entry, state)
        if kind == audit.ERROR:
            self.errors[state] += 1
            return one_line(f"error: {entry.error} at {entry.place}", _WORD_LENGTH)
        if kind == audit.RECOVERY_RESULT:
            if self.state != state:
                self._enter(state)
            return one_line(f"recovered: {entry.reason}", _WORD_LENGTH)
        if kind == audit.CANCEL and status == "left":
            return "left for another flow"
        return "" if kind in _UNTOLD else f"{kind}: {status}"

    def _judged(self, entry: AuditEntry, state: str) -> str:
        if entry.status == "accepted":
            return ""
        if entry.reason in _PASSED_OVER:
            return f"not taken for an answer: {entry.reason}"
        self.refused[state] += 1
        return "refused"

    def _moved(self, kind: str, source: str, dest: str) -> str:
        if kind == audit.PUSH:
            return "its flow begins"
        self.entered[source] = self.entered[source] or 1  # the trail may begin in the middle
        self._enter(dest)
        if kind == audit.ROLLBACK:
            return f"rolled back to {dest!r}"
        ways = tuple(key_of(way) for way in self._led(kind, source, dest))
        self.passed[ways] += 1
        how = "" if kind == audit.TRANSITION else f"{kind} "
        return f"{how}→ {dest!r}" if ways else f"{how}→ {dest!r} (no such transition in the flow as it is now)"

    def _led(self, kind: str, source: str, dest: str) -> list[Way]:
        """The transitions that an entry may be of."""
        trigger = SUBMIT if kind == audit.TRANSITION else kind
        found = [way for way in self.graph.ways if (way.source, way.dest) == (source, dest)]
        named = [way for way in found if way.trigger == trigger]
        known = {way.trigger for way in self.graph.ways}
        return [way for way in (named if trigger in known else found) if way.kind is not WayKind.REFUSED]

    def _enter(self, state: str) -> None:
        self.state = state
        self.entered[state] += 1

    def overlay(self, run_id: str, *, whole: bool) -> Overlay:
        """What a picture marks."""
        steps = dict.fromkeys(self.entered, Mark.PASSED)
        if self.state is not None:
            steps[self.state] = Mark.CURRENT
        notes: dict[str | WayKey, str] = {}
        for state in steps:
            refused = self.refused_within[state]
            within = f"{refused} refused within" if refused else ""
            counts = [_times(self.entered[state]), within, _number(self.errors[state], "error")]
            notes[state] = " · ".join(filter(None, counts))
        ways: dict[WayKey, Mark] = {}
        for keys, count in self.passed.items():
            for key in keys:
                ways[key] = Mark.PASSED
                notes[key] = " · ".join(filter(None, [_times(count), _ONE_OF_THESE if len(keys) > 1 else ""]))
        for way in self.graph.ways:
            if way.kind is WayKind.REFUSED and self.refused[way.source]:
                ways[key_of(way)], notes[key_of(way)] = Mark.REFUSED, f"{self.refused[way.source]}×"
        known = {node.id for node in self.graph.steps} | {wait.id for wait in self.graph.waits} | {*self.graph.ends}
        gone = [state for state in steps if state not in known]
        legend = [_LEGEND]
        if any(_ONE_OF_THESE in note for note in notes.values()):
            legend.append("Which of several answers it was is not recorded.")
        if gone:
            legend.append(f"No longer in the flow, and not drawn: {', '.join(gone)}.")
        if not whole:
            legend.append("The beginning of this run is no longer in the trail.")
        return Overlay(
            steps,
            ways,
            {part: note for part, note in notes.items() if note},
            heading=one_line(f"a member's way, run {run_id}", _WORD_LENGTH),
            legend=tuple(legend),
        )


def _kind_of(entry: AuditEntry) -> str:
    """What happened. That there was nothing to choose from is recorded as a transition, with that for its reason."""
    is_empty = (entry.event_type, entry.reason) == (audit.TRANSITION, NOTHING_OFFERED)
    return EMPTY if is_empty else entry.event_type


def _times(count: int) -> str:
    return f"{count}×" if count > 1 else ""


def _number(count: int, what: str) -> str:
    return "" if not count else f"1 {what}" if count == 1 else f"{count} {what}s"


def _in_a_row(events: Iterable[Event]) -> Iterator[Event]:
    """The same thing several times in a row, once."""
    last: Event | None = None
    for event in events:
        if last is not None and (event.state, event.words) == (last.state, last.words):
            last = Event(last.time, last.state, last.words, last.times + 1)
            continue
        if last is not None:
            yield last
        last = event
    if last is not None:
        yield last
