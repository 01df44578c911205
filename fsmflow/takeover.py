"""What a member began before it was known who they are, taken along when it is.

Who is not signed in may be known by an address only, and their state has the key of that. Once an authenticator says
who is there, the key is the member's. What was going on under the other one (the flow that the sign-in was for, as a
rule) was asked last, so the next message answers it: it is taken over, on top of what may be open.

Here belongs what is taken, how it is known to have been, and what is left behind. The two hashes are in different
slots, so nothing writes both at once. What makes it once is in one of them: the commit that takes a run over also
writes down its run id, in the field ``taken`` of the member's hash, and what stands there is never taken again. What is
left under the address is then released, by a commit of its own. Where the worker dies in between, each later message of
the member finds it still there, and releases it.

A message that was decided under the address is known there, and the member's turn asks for that as it loads: delivered
again, it gets its reply, and answers nothing. Both hashes and that are read in one round trip. The other way round
nobody asks: an authenticator that forgets who signed out (None, instead of a `Member` whose time has passed) sends a
message that is delivered again to another key; there it is a message like any other, and most often a late one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve

from fsmflow import audit
from fsmflow.codec import digest, dump_flow_data
from fsmflow.decision import Arrival, Decision, member_id_of
from fsmflow.dialogue import Dialogue
from fsmflow.effects import Commit, Write
from fsmflow.errors import InvalidMemberId
from fsmflow.faults import about
from fsmflow.flow import Flow
from fsmflow.holding import is_held
from fsmflow.messages import Reply
from fsmflow.state import FlowData, MemberState, check_member_id
from fsmflow.timers import KEEP, LOOK, Keep, Timer
from fsmflow.trail import dump_entries

TAKEN: Final = "taken"
"""The field of a member's hash that holds what was taken over: short hashes of run ids, the latest last."""

TAKEN_LIMIT: Final = 16
"""How many of them are kept. What was taken is released soon after, and then nobody asks for it any more."""


def id_by_channel(arrival: Arrival) -> str | None:
    """The id that a member had before it was known who they are; None where it is the same, or the message says it."""
    if arrival.member is None or arrival.inbound.member_id is not None:
        return None
    known_as = member_id_of(arrival.inbound.channel)
    if known_as == arrival.member_id:
        return None
    try:
        return check_member_id(known_as)
    except InvalidMemberId:
        return None  # nothing was ever stored under it


def run_to_take(
    dialogue: Dialogue, arrival: Arrival, state: MemberState, by_channel: MemberState | None
) -> FlowData | None:
    """The run that is going on under the id by channel and was not taken over yet, as it is the member's.

    What is open under the member's own id waits beneath it. Where nobody has answered for too long, it is taken only to
    be closed; so not if that were in the way of something else.
    """
    if by_channel is None or by_channel.unreadable or state.unreadable:
        return None
    if is_held(state) or is_held(by_channel):  # an effect is settled where it was begun
        return None
    taken = _taken(state)
    run = None if taken is None else _without(_going_on(by_channel.flow_data), taken)
    if run is None:
        return None
    beneath = _going_on(state.flow_data)
    if beneath is not None and beneath.halt is not None:
        beneath = _to_be_asked(beneath)
    registration = dialogue.registry.registrations.get(run.flow_type)
    timeout = None if registration is None else registration.flow.timeout
    if beneath is not None and (run.halt is not None or arrival.is_silent_since(by_channel, timeout)):
        return None
    return _moved(run, by_channel.member_id, arrival.member_id, beneath)


def as_seen(state: MemberState, by_channel: MemberState | None, run: FlowData | None) -> MemberState:
    """The member's state as the turn is to see it.

    Args:
        state: What is stored of the member.
        by_channel: What is stored under the id by channel.
        run: The run that is being taken over.
    """
    if by_channel is None:
        return state
    if run is not None:
        return evolve(state, flow_data=run, previous=None, channel=by_channel.channel, sent_at=by_channel.sent_at)
    going_on = _going_on(state.flow_data)
    if going_on is None or state.unreadable or not _was_asked_there(state, by_channel):
        return state
    return evolve(state, flow_data=_to_be_asked(going_on))


def _was_asked_there(state: MemberState, by_channel: MemberState) -> bool:
    """True if a run that was taken over, but not released, was gone on with under the address after that.

    What was asked last is then not what is asked now, and the message must not answer that.
    """
    left = _going_on(by_channel.flow_data)
    return left is not None and _known_by(left) in (_taken(state) or ()) and by_channel.sent_at > state.sent_at


def taking(
    dialogue: Dialogue,
    arrival: Arrival,
    state: MemberState,
    by_channel: MemberState,
    run: FlowData,
    decision: Decision,
    at_hand: list[Flow],
) -> tuple[Reply, Commit]:
    """The reply of a decision, and its commit, with the run that is taken over by it.

    Args:
        dialogue: The flows.
        arrival: The message at hand.
        state: What is stored of the member.
        by_channel: What is stored under the id by channel.
        run: The run that is taken over.
        decision: What was decided, on the state with that run.
        at_hand: The flows that were at it.
    """
    if decision.flow is None and at_hand and not decision.ended:
        decision = evolve(decision, flow=at_hand[0], moved=True)  # it stays as it is: but here, from now on
    if decision.flow is None:
        reply = decision.reply(arrival, as_seen(state, by_channel, run))
        return reply, decision.commit(arrival, state, reply, dialogue.for_the_trail)
    entry = about(arrival, run, audit.TAKEOVER, "success", reason=f"from {by_channel.member_id}")
    decision = evolve(decision, entries=(entry, *decision.entries))
    reply = decision.reply(arrival, state)
    commit = decision.commit(arrival, state, reply, dialogue.for_the_trail)
    known = (*(_taken(state) or ()), *_ids(run))[-TAKEN_LIMIT:]
    before = None  # what the store has for it is another run
    if decision.write is Write.ADVANCE:  # of one that a silence had closed it is the question that was open
        before = run if run.halt is None or decision.flow is None else decision.flow.previous
    fields = {**commit.fields, TAKEN: " ".join(known).encode(), "previous": dump_flow_data(before)}
    return reply, evolve(commit, fields=fields, write=Write.UPDATE)


def releasing(
    dialogue: Dialogue, arrival: Arrival, state: MemberState, commit: Commit, by_channel: MemberState
) -> Commit | None:
    """What frees the id by channel of what was taken over; None where nothing of it is left there.

    Args:
        dialogue: The flows.
        arrival: The message at hand.
        state: What was stored of the member before the turn.
        commit: The turn's, which may have taken something over.
        by_channel: What is stored under the id by channel.
    """
    run = by_channel.flow_data
    known = (*(_taken(state) or ()), *commit.fields.get(TAKEN, b"").decode().split())
    if run is None or by_channel.unreadable or not known or is_held(by_channel):
        return None
    is_over = run.ended and run.halt is None
    left = evolve(run, waiting=_without(run.waiting, known)) if is_over else _without(run, known)
    if left == run:
        return None
    address = evolve(arrival, member_id=by_channel.member_id, member=None)
    flow = None if left is None else dialogue.taken_up(address, left)
    entries = (about(address, _going_on(run), audit.TAKEOVER, "left", reason=f"to {arrival.member_id}"),)
    return Commit(
        member_id=by_channel.member_id,
        channel=by_channel.channel,
        expected=by_channel.raw.get("version", b""),
        fields={"flow_data": dump_flow_data(left), "previous": dump_flow_data(None)},
        entries=entries,
        record=dump_entries(entries),
        snapshot=dump_flow_data(None if flow is None or left is None else dialogue.for_the_trail(address, flow, left)),
        timer=_timer(run, left),
    )


def _taken(state: MemberState) -> tuple[str, ...] | None:
    """What was taken over; None where that cannot be read, and nothing is taken."""
    try:
        return tuple(state.raw.get(TAKEN, b"").decode("ascii").split())
    except UnicodeDecodeError:
        return None


def _known_by(run: FlowData) -> str:
    return digest(run.run_id)


def _ids(run: FlowData | None) -> Iterator[str]:
    while run is not None:
        yield _known_by(run)
        run = run.waiting


def _timer(run: FlowData, left: FlowData | None) -> Timer | Keep | None:
    """What is due at the address, of what is left there: of what was taken, nothing is."""
    if left is None or left.ended:
        return None
    return KEEP if left.run_id == run.run_id else Timer(LOOK, 1)


def _going_on(run: FlowData | None) -> FlowData | None:
    """The run that a message is for: one that a silence has closed may be gone on with itself."""
    return run.waiting if run is not None and run.ended and run.halt is None else run


def _to_be_asked(run: FlowData | None) -> FlowData | None:
    """A run as one that nothing answers before it was asked; of one that a silence has closed the offer is made."""
    if run is None:
        return None
    return evolve(
        run, unasked=True, halt=None if run.halt is None else evolve(run.halt, offers=max(1, run.halt.offers))
    )


def _without(run: FlowData | None, taken: tuple[str, ...]) -> FlowData | None:
    if run is None:
        return None
    beneath = _without(run.waiting, taken)
    return beneath if _known_by(run) in taken else evolve(run, waiting=beneath)


def _moved(run: FlowData, known_as: str, member_id: str, beneath: FlowData | None) -> FlowData:
    """A run as another member's, with what waits beneath it."""
    below = beneath if run.waiting is None else _moved(run.waiting, known_as, member_id, beneath)
    own = run.id.removesuffix(known_as) + member_id if run.id.endswith(f"_{known_as}") else run.id
    return evolve(run, id=own, waiting=below)
