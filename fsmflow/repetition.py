"""What is answered to a message that was decided before.

Here belongs the reply to a duplicate: the stored one, if it was the latest, with what was collected where it completed
a run; else one without messages. Nothing is decided and nothing is written.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from fsmflow.decision import Arrival
from fsmflow.dialogue import Dialogue
from fsmflow.messages import Reply
from fsmflow.state import COMPLETED, FlowData, MemberState


def repeated(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Reply:
    """The reply to a message that was decided before: the stored one if it was the latest, else nothing to send."""
    flow_data = state.flow_data
    if state.recent and state.recent[-1] == arrival.key:
        stored = dialogue.said_before(arrival, state)
        if stored is not None:
            return evolve(stored, data=_collected(dialogue, arrival, stored, flow_data))
    flow_id, step_id = (None, None) if flow_data is None else (flow_data.id, flow_data.place)
    return Reply((), arrival.member_id, flow_id, step_id, "duplicate", duplicate=True)


def _collected(dialogue: Dialogue, arrival: Arrival, stored: Reply, flow_data: FlowData | None) -> Any:
    """What was collected by the run that a stored reply completed, if it is still what is stored."""
    if stored.status != COMPLETED or flow_data is None or flow_data.run_id != stored.run_id:
        return None
    registration = dialogue.registry.registrations.get(flow_data.flow_type)
    if registration is None or flow_data.step_id != COMPLETED:
        return None
    try:
        flow = dialogue.flow_for(arrival, registration, flow_data)
        return flow.collected() if flow.resume(flow_data) else None
    except Exception:  # noqa: BLE001 - a flow that cannot be made must not keep a duplicate from its reply
        return None
