"""One turn: what is done with one message, from loading the state to the reply.

Here belongs the order in which a message is looked at, written once for every runner, as a generator of effects. It
reads no clock, does no I/O and logs nothing.

The order: who is it of, is it known (a duplicate), can the state be read, is anything open, is the flow known here, was
the member away too long, may they go through it, is the message older than the last one, does it tap an earlier
question, is it a global word; else it is an answer.
What comes earlier protects what comes later: an answer is only looked at once nothing else can be meant.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from fsmflow import audit
from fsmflow.acting import Acting
from fsmflow.action import Action
from fsmflow.calls import Call, Calls
from fsmflow.codec import CODEC, codec_of
from fsmflow.decision import IGNORED, LATE, Arrival, Decision
from fsmflow.effects import Backoff, Both, Commit, Committed, Effects, Load, LoadBoth, Outcome, Write
from fsmflow.errors import NewerState, StoreUnavailable
from fsmflow.faults import about, apology
from fsmflow.flow import Flow
from fsmflow.holding import held, held_elsewhere, is_held
from fsmflow.interruption import waiting_beneath
from fsmflow.listening import listens, obeys
from fsmflow.machine import Turn
from fsmflow.messages import Inbound, Reply
from fsmflow.moving import refuses, says_at_last
from fsmflow.opening import begins, named_by, nothing_open
from fsmflow.pending import Claim
from fsmflow.recovery import put_aside, recover
from fsmflow.repetition import repeated
from fsmflow.returning import Further, expires, leaves_behind, returning
from fsmflow.sign_in import SigningIn
from fsmflow.state import FlowData, MemberState
from fsmflow.takeover import as_seen, id_by_channel, releasing, run_to_take, taking

# What a member does beside the conversation: a heart on a message, a new phone number. It answers nothing, so it gets
# no answer, which would have to be paid for.
SILENT_KINDS: Final = frozenset({"reaction", "system"})


@frozen
class Conversation(SigningIn):
    """How messages are answered."""

    def turn(
        self, inbound: Inbound, received_at: datetime, *, start: str | None = None, run_id: str | None = None
    ) -> Effects[Reply]:
        """Takes one message.

        Args:
            inbound: The message.
            received_at: When it was received, for a channel that does not say when it was sent.
            start: The flow type to start instead of looking at the message's text.
            run_id: The id of that run, if the caller has one.

        Yields:
            What is to be done.

        Returns:
            The reply.

        Raises:
            InvalidMemberId: The member's id cannot be part of a key.
            StoreUnavailable: Nothing was decided: have the message delivered again.
        """
        member = None if self.authenticator is None else (yield from self.authenticates(inbound))
        arrival = Arrival.of(inbound, received_at, member)
        known_as, other = id_by_channel(arrival), None
        state: MemberState
        if known_as is None:
            state = yield Load(arrival.member_id, inbound.channel)
        else:
            both: Both = yield LoadBoth(arrival.member_id, known_as, inbound.channel, arrival.key)
            state, other = both.state, both.by_channel
            if both.is_known:
                return repeated(self, evolve(arrival, member_id=known_as), other)
        attempt = 0
        while True:
            if codec_of(state) > CODEC or (other is not None and codec_of(other) > CODEC):
                raise NewerState("the state was written by a newer release of fsmflow")
            if arrival.key in state.recent:
                return (yield from self._taken_over(arrival, state))
            reply, commit = yield from self._decide(arrival, state, other, start, run_id)
            committed: Committed = yield commit
            if committed.outcome is Outcome.APPLIED:
                released = None if other is None else releasing(self, arrival, state, commit, other)
                if released is not None:
                    with suppress(StoreUnavailable):  # the message is decided; a later one releases it as well
                        yield released
                if committed.state is not None and isinstance(commit.pending, Claim):
                    return (yield from Acting(self, arrival).act(reply, committed.state, taken_over=False))
            if committed.outcome is Outcome.TAKEN and committed.state is not None:
                return (yield from Acting(self, arrival).act(reply, committed.state, taken_over=True))
            if committed.outcome not in (Outcome.CONFLICT, Outcome.DUPLICATE) or committed.state is None:
                return reply  # of what was claimed by it and is lost by now, somebody else says what came of it
            state = committed.state
            if committed.outcome is Outcome.DUPLICATE:
                return (yield from self._taken_over(arrival, state))
            attempt += 1
            yield Backoff(attempt)

    def _taken_over(self, arrival: Arrival, state: MemberState) -> Effects[Reply]:
        """The reply to a message that was decided before; an effect that was left open is taken over, if it can be."""
        reply = repeated(self, arrival, state)
        taken = yield from Acting(self, arrival).take(reply, state)
        return reply if taken is None else taken

    def _decide(
        self,
        arrival: Arrival,
        state: MemberState,
        other: MemberState | None,
        start: str | None,
        run_id: str | None,
    ) -> Effects[tuple[Reply, Commit]]:
        """The reply, and the commit that stores it. A flow that fails is dropped: of it nothing is saved.

        The fields are written out in here too: what a flow put into its data or its words may have no JSON.
        """
        at_hand: list[Flow] = []
        run = run_to_take(self, arrival, state, other)
        why = self.why_sign_in(state.flow_data if run is None else run)
        ended = state.flow_data
        comes_back, state = _with_what_waits(state)
        seen = as_seen(state, other, run)
        try:
            if other is not None and is_held(other) and not is_held(state):
                decision = held_elsewhere(self, arrival, other)
            else:
                decision = yield from self._consider(arrival, seen, at_hand, start, run_id, why)
            if ended is not None and ended.ended and ended.unasked and decision.status != IGNORED:
                said, unsaid = yield from says_at_last(self, arrival, ended)
                kept = (
                    decision.flow if run is not None else decision.flow or unsaid
                )  # a run that is taken over stays what is stored
                decision = evolve(decision, messages=(*said, *decision.messages), flow=kept)
            if run is not None and other is not None:
                return taking(self, arrival, state, other, run, decision, at_hand)
            if comes_back and decision.flow is not None and decision.write is Write.UPDATE:
                decision = evolve(decision, forget=True)
            reply = decision.reply(arrival, seen)
            return reply, decision.commit(arrival, seen, reply, self.for_the_trail)
        except StoreUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever a flow's code raises, its member gets an apology, not a traceback
            if self.on_fault is not None:
                yield Call(self.on_fault, (fault, arrival.inbound))
            decision = apology(self, arrival, state, fault, at_hand[-1] if at_hand else None)
            reply = decision.reply(arrival, seen)
            return reply, decision.commit(arrival, state, reply, self.for_the_trail)

    def _consider(
        self,
        arrival: Arrival,
        state: MemberState,
        at_hand: list[Flow],
        start: str | None,
        run_id: str | None,
        why: str,
    ) -> Effects[Decision]:
        stored = state.flow_data
        if is_held(state):  # before all else: nothing is done to a run while it is not known what came of its effect
            is_silent = start is None and arrival.inbound.kind in SILENT_KINDS
            return Decision((), IGNORED) if is_silent else held(self, arrival, state)
        if start is not None:
            return (yield from self._start(arrival, state, at_hand, start, run_id))
        if state.unreadable:
            return (yield from self._recover(arrival, state))
        if arrival.inbound.kind in SILENT_KINDS:
            if stored is not None and not stored.ended:
                self.known(arrival, state, stored)  # beside a newer release's run nothing is written, not even this
            return Decision((), IGNORED)
        if stored is not None and stored.halt is not None:
            return (yield from self._return(arrival, state, at_hand, stored, why))
        if stored is None or stored.ended:
            if arrival.is_late(state):
                return nothing_open(self, arrival, self.sentences.late)
            return (yield from begins(self, arrival, at_hand))
        return (yield from self._continue(arrival, state, at_hand, stored, why))

    def _start(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], start: str, run_id: str | None
    ) -> Calls[Decision]:
        """Starts what the caller names: what was open is left, and what cannot be read is put aside."""
        before = [put_aside(arrival, state.unreadable)] if state.unreadable else []
        stored = state.flow_data
        if stored is not None and not stored.ended:
            self.known(arrival, state, stored)
            before += [about(arrival, run, audit.CANCEL, "left") for run in (stored, *waiting_beneath(stored))]
        begun = yield from begins(self, arrival, at_hand, start, run_id, before)
        return evolve(begun, unreadable=state.unreadable)

    def _continue(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], stored: FlowData, why: str
    ) -> Effects[Decision]:
        """Goes on with the run that is open, if this worker can and the member was not away too long, and may."""
        registration = self.known(arrival, state, stored)
        if registration is None:
            return (yield from self._recover(arrival, state))
        flow = self.flow_for(arrival, registration, stored)
        if not flow.resume(stored) or isinstance(flow.innermost.current_step, Action):
            return (yield from self._recover(arrival, state))  # at an action nothing is answered: its effect is lost
        at_hand.append(flow)
        flow.previous = state.previous
        if arrival.is_silent_since(state, flow.current_timeout):
            return (yield from expires(self, arrival, state, flow, at_hand, why))
        must_sign_in = self.must_sign_in(arrival, flow)
        if (must_sign_in or flow.unasked) and self.leaves(arrival, state):
            return (yield from obeys(self, arrival, flow, stored, "cancel"))
        if must_sign_in:
            return (yield from self.signs_in(arrival, flow, at_hand, (), why))
        if flow.unasked:
            return (yield from self.asks_at_last(arrival, flow))
        if arrival.is_late(state):
            return (yield from refuses(self, arrival, flow, self.sentences.late, LATE))
        return (yield from listens(self, arrival, flow, stored))

    def _return(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], stored: FlowData, why: str
    ) -> Effects[Decision]:
        """Goes on with a run that a silence has closed, as far as the member wants it, and may."""
        taken = yield from returning(self, arrival, state, stored, at_hand, why)
        if isinstance(taken, Decision):
            return taken
        flow, further = taken.flow, taken.further
        if flow is not None and further is Further.LISTEN:
            decision = yield from listens(self, arrival, flow, flow.snapshot())
            entries = (*taken.entries, *decision.entries)
            return evolve(decision, flow=decision.flow or flow, entries=entries, moved=True)
        if flow is not None and further is not Further.BEGIN:
            return (yield from obeys(self, arrival, flow, stored, further.value))
        if arrival.is_late(state):
            return nothing_open(self, arrival, self.sentences.late)
        if flow is not None and named_by(self.registry, arrival.inbound) is not None:
            turn = Turn()
            closed = leaves_behind(self, arrival, state, flow, turn)
            begun = yield from begins(self, arrival, at_hand, before=turn.entries, waiting=flow.waiting)
            return evolve(begun, messages=(*closed, *begun.messages))
        if stored.waiting is not None:
            beneath = evolve(state, flow_data=stored.waiting)
            return (yield from self._consider(arrival, beneath, at_hand, None, None, why))
        begun = yield from begins(self, arrival, at_hand)
        # where nothing began, the run that was left for good is stored as such
        return begun if begun.flow is not None or flow is None else evolve(begun, flow=flow)

    def _recover(self, arrival: Arrival, state: MemberState) -> Effects[Decision]:
        """Restores what can be restored; who must be signed in for it is asked to sign in."""
        decision: Decision = yield from recover(self, arrival, state)
        flow = decision.flow
        if flow is None or not self.must_sign_in(arrival, flow):
            return decision
        why = (self.sentences.recovered, self.sentences.sign_in_first)
        begun = yield from self.signs_in(arrival, flow, [], decision.entries, *why)
        return evolve(begun, status=decision.status, unreadable=decision.unreadable)


def _with_what_waits(state: MemberState) -> tuple[bool, MemberState]:
    """The state with the run that waits in place of the one that has ended above it, if so; and whether it is so."""
    stored = state.flow_data
    # one that a silence has closed may be gone on with itself
    is_over = stored is not None and stored.ended and stored.halt is None
    if stored is None or not is_over or stored.waiting is None or state.unreadable:
        return False, state
    # The run that came in between has ended: this one is gone on with. `previous` is of the other.
    return True, evolve(state, flow_data=stored.waiting, previous=None)
