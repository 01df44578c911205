"""What is said while an effect is open: nothing else happens then.

Here belongs the answer to whatever a member sends while it is not known what came of an action: that it is being done,
or being checked. Their message is decided, and answers nothing: nothing is left, gone back over, restarted, recovered.
With the same commit the effect is taken over, if whoever had it has had it for too long; whether that is so, the store
says, by its own clock.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from fsmflow import audit
from fsmflow.action import Action
from fsmflow.decision import Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.effects import Commit, Write
from fsmflow.faults import about
from fsmflow.flow import Flow
from fsmflow.pending import Pending, Status, Take, milliseconds_of
from fsmflow.state import TERMINAL_STATES, MemberState

WORKING: Final = "working"
"""The status of a reply while an effect is under way."""

UNKNOWN: Final = "unknown"
"""The status of a reply while nobody can say what came of an effect."""


def status_of(flow: Flow) -> str:
    """What a reply says of a flow: that an effect is under way, or how it ended, if it did."""
    if flow.action is not None:
        return WORKING
    return flow.state if flow.state in TERMINAL_STATES else "in_progress"


def is_held(state: MemberState) -> bool:
    """True if an effect is open, in a hash that is known to be this member's."""
    return bool(state.raw.get("pending")) and not any(each.name == "pending" for each in state.unreadable)


def held(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Decision:
    """What is decided about a message while an effect is open.

    Raises:
        NewerState: A newer release runs it.
    """
    if state.flow_data is not None:
        dialogue.known(arrival, state, state.flow_data)
    # as in an apology: what could be read of the run stays where it is
    aside = tuple(each for each in state.unreadable if each.name not in ("flow_data", "previous"))
    return evolve(held_elsewhere(dialogue, arrival, state), unreadable=aside, pending=_take(dialogue, arrival, state))


def held_elsewhere(dialogue: Dialogue, arrival: Arrival, other: MemberState) -> Decision:
    """What is decided about a message while an effect is open that the member began before it was known who they are.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message at hand.
        other: What is stored where the effect is open; only what is stored there says what becomes of it.
    """
    pending = Pending.of(other.raw.get("pending"))
    is_unknown = pending is None or pending.status is Status.UNKNOWN
    said = dialogue.checked(arrival, dialogue.sentences.checking if is_unknown else dialogue.sentences.working)
    entry = about(arrival, other.flow_data, audit.VALIDATION, "refused", reason="an effect is open")
    return Decision((said,), UNKNOWN if is_unknown else WORKING, entries=(entry,))


def taking(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Commit | None:
    """The commit that takes an effect over, where it is to be had, and writes nothing else; None for no attempt."""
    take = _take(dialogue, arrival, state)
    if take is None:
        return None
    return Commit(
        member_id=arrival.member_id,
        channel=arrival.inbound.channel,
        expected=state.raw.get("version", b""),
        fields={},
        write=Write.TAKE,
        pending=take,
    )


def _take(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Take | None:
    """What is tried with the effect; None where this release could not do anything with it."""
    try:
        flow = None if state.flow_data is None else dialogue.taken_up(arrival, state.flow_data)
    except Exception:  # noqa: BLE001 - a flow that cannot be made cannot act; its effect stays open
        return None
    step = None if flow is None else flow.innermost.current_step
    return Take(milliseconds_of(step.lease_taken_over)) if isinstance(step, Action) else None
