"""What is done when the stored state cannot be read, or does not fit the flow any more.

What cannot be read is put aside in the same commit, and the member goes on from the best that is left: what could be
read of the run, else the run before the last answer, else the audit trail's last snapshot, else a clean start. The
message at hand is never taken for an answer then: nobody can say what it answers. The question is asked again.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from attrs import frozen

from fsmflow import audit
from fsmflow.audit import AuditEntry
from fsmflow.callbacks import Calls
from fsmflow.decision import Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.effects import Effect, LastValid
from fsmflow.flow import Flow
from fsmflow.messages import Message
from fsmflow.state import FlowData, MemberState, Unreadable


@frozen
class _Restored:
    """A run that was restored, where from, and what is said at it."""

    flow: Flow
    source: str
    messages: tuple[Message, ...]


def recover(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Generator[Effect, Any, Decision]:
    """Restores what can be restored, and says so in one plain sentence.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message at hand.
        state: What was read: some of it unreadable, or a run that does not fit its flow.

    Yields:
        The calls of a flow's message, and the reading of the audit trail where nothing else is left.

    Returns:
        The decision; it puts aside what could not be read.

    Raises:
        NewerState: What is left was written by a newer release.
    """
    unreadable = state.unreadable
    if not unreadable:
        raw = state.raw.get("flow_data")
        unreadable = (Unreadable("flow_data", raw, "it does not fit the flow"),)
    names = ", ".join(sorted(found.name for found in unreadable))
    attempt = _entry(arrival, audit.RECOVERY_ATTEMPT, "in_progress", f"could not use: {names}")
    restored = yield from _restore(dialogue, arrival, state)
    if restored is None:
        result = _entry(arrival, audit.RECOVERY_RESULT, "failed", "clean start")
        said = dialogue.checked(arrival, f"{dialogue.sentences.lost}\n\n{dialogue.idle()}")
        return Decision((said,), "recovered", entries=(attempt, result), forget=True, unreadable=unreadable, ended=True)
    result = restored.flow.entry(audit.RECOVERY_RESULT, "success", reason=f"restored from {restored.source}")
    return Decision(
        restored.messages,
        "recovered",
        flow=restored.flow,
        entries=(attempt, result),
        # what could not be read must not become "previous", and what was used is no longer a step behind
        forget=True,
        moved=True,
        unreadable=unreadable,
    )


def _restore(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Generator[Effect, Any, _Restored | None]:
    for source, candidate in (("flow_data", state.flow_data), ("previous", state.previous)):
        restored = yield from _resume(dialogue, arrival, state, source, candidate)
        if restored is not None:
            return restored
    readable_and_empty = state.flow_data is None and state.raw.get("flow_data") == b"null"
    if readable_and_empty:
        return None
    found: MemberState | None = yield LastValid(arrival.member_id)
    candidate = None if found is None else found.flow_data
    return (yield from _resume(dialogue, arrival, state, "the audit trail", candidate))


def _resume(
    dialogue: Dialogue, arrival: Arrival, state: MemberState, source: str, candidate: FlowData | None
) -> Calls[_Restored | None]:
    """A flow at the furthest point of a stored run that fits it, or None where there is none."""
    if candidate is None or candidate.flow_type not in dialogue.registry.registrations:
        return None
    registration = dialogue.known(arrival, state, candidate)
    if registration is None:
        return None
    flow = dialogue.flow_for(arrival, registration, state)
    if not flow.resume(candidate):
        flow.rewind(candidate)
    try:
        if candidate.ended:
            said: tuple[Message, ...] = (
                dialogue.checked(arrival, f"{dialogue.sentences.recovered}\n\n{dialogue.idle()}"),
            )
        else:
            flow.visit += 1  # a button that was shown before must not answer what is asked now
            said = yield from dialogue.ask(arrival, flow, dialogue.sentences.recovered)
    except Exception:  # noqa: BLE001 - a flow that cannot ask from this point is no point to go on from; the next is tried
        return None
    return _Restored(flow, source, said)


def _entry(arrival: Arrival, event_type: str, status: str, reason: str) -> AuditEntry:
    return AuditEntry(
        event_type,
        status,
        reason=reason,
        channel=arrival.inbound.channel,
        message_id=arrival.inbound.message_id,
        member_id=arrival.member_id,
    )
