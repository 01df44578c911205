"""Effects where no message is at hand: closed by the word of a service or an operator, or taken up when they are due.

Here belongs what loads the state for it, asks who is there to hear of it, and says where what came of it is to be sent.
How an outcome is applied belongs to `settling`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fsmflow.acting import Acting
from fsmflow.calls import Calls
from fsmflow.codec import CODEC, codec_of
from fsmflow.decision import member_id_of
from fsmflow.effects import Effects, Load
from fsmflow.errors import NewerState
from fsmflow.holding import UNKNOWN, WORKING, is_held
from fsmflow.messages import Channel, Inbound, Reply
from fsmflow.outcomes import Outcome
from fsmflow.pending import Pending
from fsmflow.sign_in import SigningIn
from fsmflow.state import MemberState
from fsmflow.timers import EFFECT, Due

NOWHERE: Final = Channel("unknown", "unknown")  # of a member of whom nothing is stored: nothing is sent there


FROM_OUTSIDE: Final = "said from outside"
"""Why an outcome is believed that nobody gave a reason for, as the trail says it."""


def resolving(
    dialogue: SigningIn, member_id: str, effect_id: str, outcome: Outcome, moment: datetime, reason: str | None = None
) -> Effects[Due | None]:
    """Closes an open effect by the word of a service or an operator; None where it is not open any more.

    Raises:
        NewerState: A newer release runs it.
        OutcomeNotTaken: The flow failed at it, or is none that this release knows: it is open still.
    """
    state = yield from _loaded(member_id)
    pending = Pending.of(state.raw.get("pending")) if is_held(state) else None
    if pending is None or pending.effect_id != effect_id:
        return None
    acting = yield from at_hand(dialogue, state, moment)
    settled = yield from acting.settle(state, pending, outcome, why=(reason or "").strip() or FROM_OUTSIDE)
    if settled is None:
        return None
    reply, state, goes_on = settled
    return due_of(state, (yield from acting.act(reply, state, taken_over=False)) if goes_on else reply)


def recovering(dialogue: SigningIn, member_id: str, moment: datetime) -> Effects[Due | None]:
    """Takes up what a crash left of an effect; None where nothing is open, or somebody has it still.

    Raises:
        NewerState: A newer release runs it.
    """
    state = yield from _loaded(member_id)
    return (yield from taken_up(dialogue, state, moment))


def _loaded(member_id: str) -> Effects[MemberState]:
    state: MemberState = yield Load(member_id, NOWHERE)
    if codec_of(state) > CODEC:
        raise NewerState("the state was written by a newer release of fsmflow")
    return state


def taken_up(dialogue: SigningIn, state: MemberState, moment: datetime) -> Effects[Due | None]:
    """Takes up the effect that is open in a state, if it is to be had; None where nothing was done."""
    told = Reply((), state.member_id, None, None, WORKING)
    acting = yield from at_hand(dialogue, state, moment)
    reply = yield from acting.take(told, state)
    is_news = reply is not None and reply is not told and (reply.messages or reply.status not in (WORKING, UNKNOWN))
    return due_of(state, reply) if reply is not None and is_news else None


def due_of(state: MemberState, reply: Reply) -> Due:
    """What came of an effect, and where to say it."""
    account = state.raw.get("account", b"").decode("utf-8", "replace") or None
    return Due(EFFECT, reply, state.channel, account)


def at_hand(dialogue: SigningIn, state: MemberState, moment: datetime) -> Calls[Acting]:
    """How an effect is run where there is no message.

    What was begun by who was known by an address only, is told at that address.
    """
    inbound = Inbound(state.channel, EFFECT, kind=EFFECT, member_id=state.member_id)
    arrival, is_there = yield from dialogue.who_is_there(inbound, moment)
    return Acting(dialogue, arrival, is_there or state.member_id == member_id_of(state.channel))
