"""What is done when a flow's code fails: an apology to the member, and an entry that finds the place.

The entry holds the type of what was raised and where it came from, and of the library's own faults also the words:
they name fields, types and lengths, and no answer. The words of any other exception may quote one, so they are nowhere;
who needs them gets the exception itself by ``FlowRunner(on_fault=…)``.
"""

from __future__ import annotations

from typing import Any

from fsmflow import audit, questions
from fsmflow.audit import AuditEntry, place_of
from fsmflow.decision import Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.errors import FlowDefinitionError, FlowFault
from fsmflow.flow import Flow
from fsmflow.messages import Text
from fsmflow.state import FlowData, MemberState


def apology(dialogue: Dialogue, arrival: Arrival, state: MemberState, fault: Exception, flow: Flow | None) -> Decision:
    """What is decided where a flow's code failed: the stored run stands.

    Args:
        dialogue: How the runner speaks.
        arrival: The message at hand.
        state: What was read.
        fault: What was raised.
        flow: The flow that was at it, if it was made.

    Returns:
        The decision.
    """
    if flow is not None:
        entry = fault_entry(flow, fault)
    else:
        stored = None if state.flow_data is None or state.flow_data.ended else state.flow_data
        entry = about(arrival, stored, audit.ERROR, "error", **_told(fault))
    said = (Text(dialogue.sentences.apology),)  # unchecked: what it would be checked for has no better answer
    # What could be read of the run stays where it is: the next message tries again to go on from it. Of a hash that is
    # not known to be this member's nothing is left.
    foreign = any(each.name == "member_id" for each in state.unreadable)
    aside = tuple(each for each in state.unreadable if foreign or each.name not in ("flow_data", "previous"))
    return Decision(said, "error", entries=(entry,), forget=foreign, unreadable=aside, ended=foreign, heard=flow)


def fault_entry(flow: Flow, fault: Exception) -> AuditEntry:
    """The entry that finds the place at which a flow's code failed."""
    own = tuple(base.__module__ for base in type(flow).__mro__ if not base.__module__.startswith(f"{__package__}."))
    return flow.entry(audit.ERROR, "error", **_told(fault, own))


def _told(fault: Exception, modules: tuple[str, ...] = ()) -> dict[str, str | None]:
    return {
        "error": type(fault).__name__,
        "place": place_of(fault, modules),
        "reason": str(fault) if _is_of_the_library(fault) else None,
    }


def about(arrival: Arrival, stored: FlowData | None, event_type: str, status: str, **named: Any) -> AuditEntry:
    """An entry about the stored run, where no flow was made of it."""
    return AuditEntry(
        event_type,
        status,
        step_id=None if stored is None else stored.step_id,
        flow_id=None if stored is None else stored.id,
        run_id=None if stored is None else stored.run_id,
        channel=arrival.inbound.channel,
        message_id=arrival.inbound.message_id,
        member_id=arrival.member_id,
        **named,
    )


def _is_of_the_library(fault: Exception) -> bool:
    """True for a fault whose words are the library's; a bare `FlowFault` may be raised by anyone, with any words."""
    kind = type(fault)
    if isinstance(fault, FlowDefinitionError):
        # One of a flow that builds its steps for a member may name a title; one of words that are none names a type.
        return place_of(fault).startswith(f"{questions.__name__}:")
    return isinstance(fault, FlowFault) and kind is not FlowFault and kind.__module__ == FlowFault.__module__
