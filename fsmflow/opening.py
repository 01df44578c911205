"""A run that begins: by a keyword, by the caller's word, or because nothing else is meant.

Here belong which flow a message names, the making of its run, and what is said where nothing begins. Who must sign in
for it is asked to do that first, see `sign_in`.
"""

from __future__ import annotations

from collections.abc import Sequence

from fsmflow import audit
from fsmflow.audit import AuditEntry
from fsmflow.calls import Calls
from fsmflow.codec import digest
from fsmflow.decision import Arrival, Decision
from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.holding import status_of
from fsmflow.machine import Turn
from fsmflow.messages import Inbound
from fsmflow.registry import Registry
from fsmflow.sign_in import ACTS_UNASKED, SigningIn
from fsmflow.state import FlowData
from fsmflow.taps import is_wire_id


def named_by(registry: Registry, inbound: Inbound) -> str | None:
    """The flow type that a message names by a keyword. A question's own button starts nothing, whatever it says."""
    if inbound.option_id is not None and is_wire_id(inbound.option_id):
        return None
    return registry.started_by(inbound.option_id) or registry.started_by(inbound.text)


def begins(
    dialogue: SigningIn,
    arrival: Arrival,
    at_hand: list[Flow],
    start: str | None = None,
    run_id: str | None = None,
    before: Sequence[AuditEntry] = (),
    waiting: FlowData | None = None,
) -> Calls[Decision]:
    """Starts what the message (or the caller) names, else the default flow; or says what can be started.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        at_hand: Takes the flow that is started.
        start: The flow type that the caller names.
        run_id: The id of the run, if the caller has one.
        before: What happened before.
        waiting: The run that is gone on with once this one has ended.

    Yields:
        The calls of the first question.
    """
    inbound = arrival.inbound
    if start is None and inbound.option_id is not None and is_wire_id(inbound.option_id):
        return nothing_open(dialogue, arrival, dialogue.sentences.stale)
    flow_type = start or named_by(dialogue.registry, inbound)
    typed = (inbound.option_id, inbound.text)  # a button of an approved template may be a word, as it may a keyword
    if flow_type is None and not any(dialogue.words.meaning(each or "") for each in typed):
        flow_type = dialogue.registry.default
    if flow_type is None:
        return Decision((dialogue.checked(arrival, dialogue.idle()),), "idle")
    flow = dialogue.flow_for(arrival, dialogue.registry.registrations[flow_type])
    at_hand.append(flow)
    flow.waiting = waiting
    flow.run_id = run_id or run_id_of(arrival)
    if run_id is not None:
        flow.visit = arrival.received  # an id that was given before must not bring its old buttons back
    turn = Turn()
    turn.entries += [*before, flow.entry(audit.FLOW_START, "success"), flow.entry(audit.STEP_START, "in_progress")]
    flow.begin(turn)
    if dialogue.must_sign_in(arrival, flow):
        if flow.action is not None:  # of a class that builds its steps otherwise for this member
            raise FlowDefinitionError(type(flow).__name__, flow.state, ACTS_UNASKED)
        why = dialogue.sentences.sign_in_first
        return (yield from dialogue.signs_in(arrival, flow, at_hand, turn.entries, why))
    told = (yield from flow.leaves_if_empty(turn.entries)) if flow.innermost.may_have_nothing else None
    messages = yield from dialogue.ask(arrival, flow, *(told or ()))
    return Decision(messages, status_of(flow), flow=flow, entries=turn.entries, forget=True, moved=True)


def nothing_open(dialogue: SigningIn, arrival: Arrival, why: str) -> Decision:
    """Says why a message starts nothing, and what can be started."""
    return Decision((dialogue.checked(arrival, f"{why}\n\n{dialogue.idle()}"),), "refused")


def run_id_of(arrival: Arrival) -> str:
    """The id of a run that a message starts.

    The member and the moment are part of it because ids of messages may come again: on a channel that counts each
    member's own, or after the retention. Two runs must never share the key of a payment.
    """
    return digest(arrival.member_id, arrival.inbound.channel.type, arrival.inbound.message_id, str(arrival.at))
