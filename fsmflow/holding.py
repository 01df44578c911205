"""What is said while an effect is open: nothing else happens then.

Here belongs the answer to whatever a member sends while it is not known what came of an action: that it is being done,
or being checked. Their message is decided, and answers nothing; nothing is left, gone back over, restarted or recovered.
With the same commit the effect is taken over, if whoever had it has had it for too long; whether that is so, the store
says, by its own clock.
"""

from __future__ import annotations

from typing import Final

from fsmflow import audit
from fsmflow.action import Action
from fsmflow.decision import Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.effects import Commit, Write
from fsmflow.faults import about
from fsmflow.pending import Pending, Status, Take, milliseconds_of
from fsmflow.state import MemberState

WORKING: Final = "working"
"""The status of a reply while an effect is under way."""

UNKNOWN: Final = "unknown"
"""The status of a reply while nobody can say what came of an effect."""


def is_held(state: MemberState) -> bool:
    """True if an effect is open."""
    return bool(state.raw.get("pending"))


def held(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Decision:
    """What is decided about a message while an effect is open."""
    pending = Pending.of(state.raw.get("pending"))
    is_unknown = pending is None or pending.status is Status.UNKNOWN
    said = dialogue.checked(arrival, dialogue.sentences.checking if is_unknown else dialogue.sentences.working)
    entry = about(arrival, state.flow_data, audit.VALIDATION, "refused", reason="an effect is open")
    status = UNKNOWN if is_unknown else WORKING
    return Decision((said,), status, entries=(entry,), pending=_take(dialogue, arrival, state))


def taking(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Commit:
    """The commit that takes an effect over, where it is to be had, and writes nothing else."""
    return Commit(
        member_id=arrival.member_id,
        channel=arrival.inbound.channel,
        expected=state.raw.get("version", b""),
        fields={},
        write=Write.TAKE,
        pending=_take(dialogue, arrival, state),
    )


def _take(dialogue: Dialogue, arrival: Arrival, state: MemberState) -> Take | None:
    """What is tried with the effect; None where this release could not do anything with it."""
    try:
        flow = None if state.flow_data is None else dialogue.taken_up(arrival, state.flow_data)
    except Exception:  # noqa: BLE001 - a flow that cannot be made cannot act; its effect stays open
        return None
    step = None if flow is None else flow.innermost.current_step
    return Take(milliseconds_of(step.lease)) if isinstance(step, Action) else None
