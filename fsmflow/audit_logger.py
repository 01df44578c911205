"""The audit logger that people call themselves, beside what the runner records.

Here belong `FlowAuditLogger` and what it needs of a store. What an entry is, and how it goes to the logs, belongs to
`audit`.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, Union

from attrs import evolve

from fsmflow.audit import REDACTED, TRANSITION, VALIDATION, AuditEntry, emit, redacted, sensitive_steps
from fsmflow.errors import InvalidState
from fsmflow.state import FlowData, MemberState, channel_of, check_member_id


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
                kept = redacted(snapshot, self.sensitive | sensitive_steps(snapshot.flow_type))
            self.store.append(entry.member_id, (entry,), kept)
        emit((entry,))


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
