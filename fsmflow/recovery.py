"""What is done when the stored state cannot be read, or does not fit the flow any more.

What cannot be read is put aside in the same commit, and the member goes on from the best that is left: what could be
read of the run, else the run before the last answer, else the audit trail's last snapshot, else a clean start; and a
run that the trail knows to have ended stays ended. The message at hand is never taken for an answer then: nobody can
say what it answers. The question is asked again.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from attrs import frozen

from fsmflow import audit
from fsmflow.action import Action
from fsmflow.alphabet import UNKNOWN
from fsmflow.audit import AuditEntry
from fsmflow.calls import Calls
from fsmflow.decision import Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.effects import Effect, LastValid
from fsmflow.errors import StoreUnavailable
from fsmflow.flow import Flow
from fsmflow.machine import Turn
from fsmflow.messages import Message
from fsmflow.pending import CHECK_AGAIN, Park, Status
from fsmflow.state import FlowData, MemberState, UnreadableField, next_visit


@frozen
class _Restored:
    """What was found to go on from.

    Args:
        source: Where it was found.
        messages: What is said.
        flow: The run, made ready; None if it has ended, and nothing is open.
        whole: True if it is the stored run as it was stored.
        entries: What happened to it since.
        parked: What is said of the effect at which it stands.
    """

    source: str
    messages: tuple[Message, ...]
    flow: Flow | None = None
    whole: bool = False
    entries: tuple[AuditEntry, ...] = ()
    parked: Park | None = None


def recover(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Generator[Effect, Any, Decision]:
    """Restores what can be restored, and says so in one plain sentence.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message at hand.
        state: What was read: some of it unreadable, or a run that does not fit its flow.

    Yields:
        The calls of a flow's message, and the reading of the audit trail where the stored run itself is of no use.

    Returns:
        The decision; it puts aside what could not be read. Of a flow that the member must sign in for it says nothing.

    Raises:
        NewerState: What is left was written by a newer release.
    """
    restored = yield from _restore(dialogue, arrival, state)
    whole = restored is not None and restored.whole
    unreadable = state.unreadable
    if state.flow_data is not None and not whole:
        unreadable += (UnreadableField("flow_data", state.raw.get("flow_data"), "it does not fit the flow"),)
    names = {found.name for found in unreadable}
    attempt = put_aside(arrival, unreadable)
    # what was used is no longer a step behind, and what could not be read must not stay there
    forget = not whole or "previous" in names
    if restored is None:
        result = _entry(arrival, audit.RECOVERY_RESULT, "failed", "clean start")
        said = dialogue.sentences.lost
        if state.flow_data is not None and _had_acted(dialogue, arrival, state.flow_data):
            said = f"{said} {dialogue.sentences.still_done}"
        messages: tuple[Message, ...] = (_nothing_open(dialogue, arrival, said),)
        flow = None
    else:
        why, messages, flow = f"restored from {restored.source}", restored.messages, restored.flow
        result = _entry(arrival, audit.RECOVERY_RESULT, "success", why)
        # a run that waited is gone on with: what is a step behind is of the one that was over
        forget = forget or (flow is not None and _waited(flow, state.flow_data))
        if flow is not None:
            result = flow.entry(audit.RECOVERY_RESULT, "success", reason=why)
    return Decision(
        messages,
        "recovered",
        flow=flow,
        entries=(attempt, result, *(() if restored is None else restored.entries)),
        forget=forget,
        moved=flow is not None,
        unreadable=unreadable,
        ended=flow is None and not whole,
        pending=None if restored is None else restored.parked,
    )


def _had_acted(dialogue: Dialogue, arrival: Arrival, stored: FlowData) -> bool:
    """True if an effect was done, or may have been, in a run that cannot be gone on with."""
    registration = dialogue.registry.registrations.get(stored.flow_type)
    try:
        return registration is not None and dialogue.flow_for(arrival, registration, stored).definition.acted(stored)
    except Exception:  # noqa: BLE001 - a flow that cannot be made says nothing
        return False


def _restore(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Generator[Effect, Any, _Restored | None]:
    restored = yield from _resume(dialogue, arrival, state, "flow_data", state.flow_data)
    if restored is not None:
        return restored
    lost = any(found.name == "flow_data" for found in state.unreadable)
    if state.flow_data is None and not lost:
        return None  # it can be read, and says that nothing was open
    found: MemberState | None = yield LastValid(arrival.member_id)
    trail = None if found is None else found.flow_data
    candidates = [("previous", state.previous), ("the audit trail", trail)]
    if lost and trail is not None and trail.ended:
        # The run before the last answer is open, but the trail knows that this answer ended it: asked again, it would
        # be completed a second time.
        candidates.reverse()
    for source, candidate in candidates:
        restored = yield from _resume(dialogue, arrival, state, source, candidate)
        if restored is not None:
            return restored
    return None


def _resume(
    dialogue: Dialogue, arrival: Arrival, state: MemberState, source: str, candidate: FlowData | None
) -> Calls[_Restored | None]:
    """The furthest point of a stored run that its flow can go on from, or None where there is none.

    A run that has ended stays ended: taken up at an earlier point it could be completed a second time.
    """
    registration = None if candidate is None or candidate.ended else dialogue.known(arrival, state, candidate)
    if candidate is None or (registration is None and not candidate.ended):
        return None
    if registration is None:
        waited = yield from _resume(dialogue, arrival, state, source, candidate.waiting)
        if waited is not None:
            return waited
        said = _nothing_open(dialogue, arrival, dialogue.sentences.recovered)
        return _Restored(source, (said,), whole=source == "flow_data")
    fits = False
    try:
        flow = dialogue.flow_for(arrival, registration, candidate)
        fits = flow.resume(candidate)
        if not fits and not _rewound(flow, candidate):
            return None
        parked = yield from _left_open(flow)
        # A button that was shown before must not answer what is asked now. How many questions were asked since this
        # point was stored is not known: the count leaps to the moment, which is beyond any of them.
        flow.visit = max(next_visit(flow.visit), arrival.at, arrival.received)
        flow.interrupted_by = None  # its own question is asked
        if arrival.is_silent_since(state, flow.current_timeout):
            waited = yield from _resume(dialogue, arrival, state, source, candidate.waiting)
            said = _nothing_open(dialogue, arrival, dialogue.sentences.recovered)
            return waited or _Restored(f"{source}, where nobody had answered for too long", (said,))
        if dialogue.must_sign_in(arrival, flow):
            return _Restored(source, (), flow, whole=fits and source == "flow_data")  # not for everybody's eyes
        entries: list[AuditEntry] = []
        told = yield from flow.leaves_if_empty(entries)
        messages = yield from dialogue.ask(arrival, flow, dialogue.sentences.recovered, *(told or ()))
    except StoreUnavailable:
        raise
    except Exception:
        if fits and (candidate.path or flow.state == flow.definition.first):
            raise  # the run is whole, and what failed may pass: it stays where it is, and the member is told to wait
        return None
    whole = fits and source == "flow_data"
    return _Restored(source, messages, flow, whole=whole, entries=tuple(entries), parked=parked)


def _rewound(flow: Flow, candidate: FlowData) -> bool:
    """Takes a run up as far as it fits; False where an effect would lie ahead that was done, or that nobody asked for.

    Rather a clean start than another payment.
    """
    flow.rewind(candidate)
    return not flow.forgets_an_effect(candidate) and flow.action is None


def _left_open(flow: Flow) -> Calls[Park | None]:
    """What is said of an effect at which a run stands while nothing says that it is open: nobody knows then."""
    asking = flow.innermost
    action = asking.current_step
    if not isinstance(action, Action):
        return None
    effect_id = f"{asking.run_id}:{action.id}:{asking.visit}"  # as the commit has named it that has come to it
    if flow.action is not None:
        yield from flow.goes(UNKNOWN, Turn())
    return Park(effect_id, Status.UNKNOWN, 1, CHECK_AGAIN if action.can_be_asked else None)


def _waited(flow: Flow, stored: FlowData | None) -> bool:
    return stored is not None and stored.waiting is not None and flow.run_id != stored.run_id


def put_aside(arrival: Arrival, unreadable: Sequence[UnreadableField]) -> AuditEntry:
    """The entry that says what could not be used, and why."""
    told = ", ".join(f"{found.name} ({found.why})" for found in sorted(unreadable, key=lambda found: found.name))
    return _entry(arrival, audit.RECOVERY_ATTEMPT, "in_progress", f"could not use: {told}")


def _nothing_open(dialogue: Dialogue, arrival: Arrival, why: str) -> Message:
    return dialogue.checked(arrival, f"{why}\n\n{dialogue.idle()}")


def _entry(arrival: Arrival, event_type: str, status: str, reason: str) -> AuditEntry:
    return AuditEntry(
        event_type,
        status,
        reason=reason,
        channel=arrival.inbound.channel,
        message_id=arrival.inbound.message_id,
        member_id=arrival.member_id,
    )
