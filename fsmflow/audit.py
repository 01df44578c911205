"""The audit trail: what is recorded of a conversation, and the logger that people call themselves.

Here belong the entry (`AuditEntry`), its way into loguru, and `FlowAuditLogger`. Entries of a turn are made by the
machine's callbacks and stored by the commit, in the same write as the state: an entry that is there happened, and
what happened is there. Only after the commit do they go to loguru.

No entry holds an answer, unless a flow quotes one in its refusal, whose words are kept (a sensitive step's are not).
A stored snapshot of the run stands beside the entries of a turn that changed it, so that the state can be recovered
from the trail; a sensitive step's answer is left out of it, and whoever is recovered from it is asked for it again.

Rejected: keeping refused inputs in validation entries. They would help to debug, and they are where a PIN ends up that
was typed one question too early, when no step was there to say that it is sensitive.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Protocol, Union

from attrs import evolve, frozen
from loguru import logger

from fsmflow.errors import InvalidState
from fsmflow.messages import Channel
from fsmflow.state import FlowData, MemberState, channel_of, check_member_id

REDACTED: Final = "[redacted]"

# The event types, as they stand in the trail.
FLOW_START: Final = "flow_start"
STEP_START: Final = "step_start"
VALIDATION: Final = "validation"
TRANSITION: Final = "transition"
BACK: Final = "back"
CANCEL: Final = "cancel"
RESTART: Final = "restart"
ROLLBACK: Final = "rollback"
CLEAR: Final = "clear"
EXPIRE: Final = "expire"
COMPLETE: Final = "complete"
ERROR: Final = "error"
RECOVERY_ATTEMPT: Final = "recovery_attempt"
RECOVERY_RESULT: Final = "recovery_result"


@frozen
class AuditEntry:
    """One thing that happened.

    Args:
        event_type: What happened, one of the event types above.
        status: How it went: ``success``, ``in_progress``, ``accepted``, ``refused``, ``error``, ….
        step_id: The step that it concerns.
        from_state: The state before, of a transition.
        to_state: The state after, of a transition.
        error: The type of what went wrong; never its text, which may hold an answer.
        place: Where it went wrong: module, function and line.
        reason: Why: what the member was told (redacted for a sensitive step), or what the library found.
        flow_id: The flow.
        run_id: The run of the flow.
        channel: The channel of the message.
        message_id: The message that made it happen.
        member_id: Whom it concerns.
        version: The version of the state that was written with it.
        time: When it was committed, by the store's clock.
    """

    event_type: str
    status: str
    step_id: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    error: str | None = None
    place: str | None = None
    reason: str | None = None
    flow_id: str | None = None
    run_id: str | None = None
    channel: Channel | None = None
    message_id: str | None = None
    member_id: str | None = None
    version: int | None = None
    time: datetime | None = None


def emit(entries: Sequence[AuditEntry]) -> None:
    """Sends entries to loguru, each as a record with member, channel, flow, run and step in its extra.

    Args:
        entries: What happened; errors go out at ERROR, recoveries at WARNING, all else at INFO. What a member was
            told stays behind: a flow may quote an answer in it.
    """
    bound, concerned = logger, None
    for entry in entries:
        # bound once for a turn: what its entries share; the rest lands in the record's extra as well
        whom = (entry.member_id, entry.channel, entry.flow_id, entry.run_id, entry.message_id)
        if whom != concerned:
            concerned = whom
            bound = logger.bind(
                member_id=entry.member_id,
                channel=None if entry.channel is None else entry.channel.type,
                flow_id=entry.flow_id,
                run_id=entry.run_id,
                message_id=entry.message_id,
            )
        what, how, step_id = entry.event_type, entry.status, entry.step_id
        if how == "error":
            words, told = "{} {}: {} at {}: {}", (what, how, entry.error, entry.place, entry.reason)
            bound.error(words, *told, step_id=step_id, event_type=what, status=how)
        elif what in (RECOVERY_ATTEMPT, RECOVERY_RESULT):
            bound.warning("{} {}: {}", what, how, entry.reason, step_id=step_id, event_type=what, status=how)
        elif entry.to_state is not None:
            way = (entry.from_state, entry.to_state)
            bound.info("{} {}: {} -> {}", what, how, *way, step_id=step_id, event_type=what, status=how)
        else:
            bound.info("{} {}", what, how, step_id=step_id, event_type=what, status=how)


class AuditStore(Protocol):
    """What the logger needs of a store."""

    def append(self, member_id: str, entries: Sequence[AuditEntry], snapshot: FlowData | None = None) -> None:
        """Adds entries to the stream of a member."""

    def history(self, member_id: str, flow_id: str | None = None) -> Sequence[AuditEntry]:
        """All entries of a member, the oldest first."""

    def last_valid_state(self, member_id: str, flow_id: str | None = None) -> MemberState | None:
        """The latest state that the stream can give back."""


StateView = Union[MemberState, Mapping[str, Any], str, None]


class FlowAuditLogger:
    """Writes to the audit trail by hand, and reads it.

    The runner writes its own entries; this is for what an application adds to them.

    Args:
        store: Where entries are kept, usually a `FlowStateManager`; None logs only.
        sensitive: The ids of steps whose answers are left out of the snapshots that are kept, besides those that the
            flows of this process call sensitive. Name them where the flow's class is not in this process.

    Raises:
        TypeError: The store is one for an event loop: there, await its ``append``.
    """

    def __init__(self, store: AuditStore | None = None, *, sensitive: Collection[str] = ()) -> None:
        if store is not None and inspect.iscoroutinefunction(store.append):
            # its calls would return what nobody awaits: entries that are lost without a word
            raise TypeError(f"the logger is synchronous: it needs a FlowStateManager, not a {type(store).__name__}")
        self.store = store
        self.sensitive = frozenset(sensitive)

    def log_flow_event(
        self, flow_id: str, event_type: str, step_id: str | None, state: StateView, status: str, error: object = None
    ) -> None:
        """Records that something happened in a flow.

        Args:
            flow_id: The flow.
            event_type: What happened.
            step_id: The step that it concerns.
            state: The state structure (or value) at that moment; it names the member.
            status: How it went.
            error: What went wrong: an exception, or the name of its type. Its text is not kept.

        Raises:
            InvalidState: The structure names no member, or one whose id cannot be part of a key.
        """
        entry = AuditEntry(event_type, status, step_id=step_id, error=_error_type(error), flow_id=flow_id)
        self._write(entry, state, keep=error is None)

    def log_validation_event(
        self,
        flow_id: str,
        step_id: str,
        input_data: Mapping[str, Any],
        validation_result: object,
        error: object = None,
    ) -> None:
        """Records how an answer was judged, without the answer.

        Args:
            flow_id: The flow.
            step_id: The step.
            input_data: ``{"member_id": …, "channel": …, "data": …}``; ``data`` is not kept.
            validation_result: Whether it was accepted: a bool, or anything with a truth.
            error: What went wrong: an exception, or the name of its type.

        Raises:
            InvalidState: The structure names no member, or one whose id cannot be part of a key.
        """
        status = "error" if error is not None else "accepted" if validation_result else "refused"
        entry = AuditEntry(VALIDATION, status, step_id=step_id, error=_error_type(error), flow_id=flow_id)
        self._write(entry, input_data, keep=False)

    def log_state_transition(
        self, flow_id: str, from_state: StateView, to_state: StateView, status: str, error: object = None
    ) -> None:
        """Records that a flow went from one state to another.

        Args:
            flow_id: The flow.
            from_state: The state structure (or value, or a state's name) before.
            to_state: The same after; it names the member.
            status: How it went.
            error: What went wrong: an exception, or the name of its type.

        Raises:
            InvalidState: The structure names no member, or one whose id cannot be part of a key.
        """
        entry = AuditEntry(
            TRANSITION,
            status,
            step_id=_position(to_state),
            from_state=_position(from_state),
            to_state=_position(to_state),
            error=_error_type(error),
            flow_id=flow_id,
        )
        named = to_state if isinstance(to_state, (MemberState, Mapping)) else from_state
        self._write(entry, named, keep=error is None and named is to_state)

    def history(self, member_id: str, flow_id: str | None = None) -> Sequence[AuditEntry]:
        """All entries of one member, the oldest first; empty without a store.

        Args:
            member_id: Whose.
            flow_id: Only those of this flow.
        """
        return [] if self.store is None else self.store.history(member_id, flow_id)

    def last_valid_state(self, member_id: str, flow_id: str | None = None) -> MemberState | None:
        """The latest state that the trail can give back, without the answers of sensitive steps.

        Args:
            member_id: Whose.
            flow_id: Only of this flow.
        """
        return None if self.store is None else self.store.last_valid_state(member_id, flow_id)

    def _write(self, entry: AuditEntry, state: StateView, *, keep: bool) -> None:
        snapshot: FlowData | None = None
        if isinstance(state, MemberState):
            entry = evolve(entry, member_id=check_member_id(state.member_id), channel=state.channel)
            snapshot = state.flow_data
        elif isinstance(state, Mapping):
            member_id = state.get("member_id")
            if not isinstance(member_id, str):
                raise InvalidState("member_id", "a string")
            entry = evolve(entry, member_id=check_member_id(member_id), channel=channel_of(state))
            if keep and isinstance(state.get("flow_data"), Mapping):
                snapshot = MemberState.from_dict(state).flow_data
        elif self.store is not None:
            raise InvalidState("state", "a structure that names the member: an entry is kept in that member's stream")
        if snapshot is not None:
            entry = evolve(entry, run_id=snapshot.run_id or None)
        if self.store is not None and entry.member_id is not None:
            kept = None
            if snapshot is not None and keep:
                kept = redacted(snapshot, self.sensitive | _sensitive.get(snapshot.flow_type, frozenset()))
            self.store.append(entry.member_id, (entry,), kept)
        emit((entry,))


# Which steps are sensitive, of every flow type that was compiled in this process: who logs by hand has a structure in
# hand, not a flow. It only ever grows, by what classes say of themselves.
_sensitive: dict[str, frozenset[str]] = {}


def remember_sensitive(flow_type: str, step_ids: frozenset[str]) -> None:
    """Has the answers of some steps of a flow type left out wherever a state is logged by hand."""
    if step_ids:
        _sensitive[flow_type] = _sensitive.get(flow_type, frozenset()) | step_ids


def redacted(flow_data: FlowData, sensitive: frozenset[str]) -> FlowData:
    """A run without the answers of sensitive steps: the same object where there are none."""
    if not sensitive or sensitive.isdisjoint(flow_data.data):
        return flow_data
    return evolve(flow_data, data={key: value for key, value in flow_data.data.items() if key not in sensitive})


def place_of(fault: BaseException, modules: Collection[str] = ()) -> str:
    """Where an exception came from: module, function and line.

    Args:
        fault: The exception.
        modules: The modules of the flow's own code. Of them the innermost frame counts, since there is what can be
            mended; without any, the innermost of all.
    """
    frames = [(each.tb_frame, each.tb_lineno) for each in _tracebacks(fault)]
    own = [each for each in frames if each[0].f_globals.get("__name__") in modules]
    if not frames:
        return "unknown"
    frame, line = (own or frames)[-1]
    return f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{line}"


def _tracebacks(fault: BaseException) -> Iterator[TracebackType]:
    found = fault.__traceback__
    while found is not None:
        yield found
        found = found.tb_next


def _error_type(error: object) -> str | None:
    """The type of an error; a text of more than one word could quote an answer, so only an identifier passes."""
    if error is None:
        return None
    if isinstance(error, BaseException):
        return type(error).__name__
    return error if isinstance(error, str) and error.isidentifier() else REDACTED


def _position(state: StateView) -> str | None:
    if isinstance(state, str) or state is None:
        return state
    if isinstance(state, MemberState):
        return None if state.flow_data is None else state.flow_data.step_id
    found = state.get("flow_data")
    if not isinstance(found, Mapping):
        return None
    step_id = found.get("step_id")
    return step_id if isinstance(step_id, str) else str(found.get("step"))
