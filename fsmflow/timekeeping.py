"""The turn that no message begins: what is due at a member, done.

Here belongs what becomes of one entry of a due set, from loading the state to the commit, as a generator of effects
like every turn. Whether anything is due is decided by what is stored, never by the entry: a deadline that was moved on,
a run that has ended or was left, another question, a hash that cannot be read or that is gone make it do nothing, and
the entry is put right. The commit is made for the version that was read; if somebody has committed meanwhile (the
member answered, another worker was quicker), nothing is done either. So of all workers that look, one gets through.

A reminder is committed before it is sent, so it is sent at most once: a worker that dies between the two has reminded
nobody. Nothing else is lost by it, since the end of the run was set by the same commit. Rejected: sending first, which
reminds twice, or of a question that was answered meanwhile; the member may do without a reminder, and pays for each.

A reminder says a question, so the authenticator is asked who is there: that of a flow for those who are signed in goes
to nobody else, and none goes to an address whose member is known by another id now, where the conversation goes on. A
run is closed without asking.

Nor is anybody reminded of a question while another one stands over it, that of leaving it for another flow.

The end of a run is said to nobody: a message that nobody asked for costs money, and what it says is said when the
member comes back. Whoever wants to say something has the `Due`, with an empty reply and the channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import frozen

from fsmflow import audit
from fsmflow.alphabet import EXPIRE
from fsmflow.audit import AuditEntry
from fsmflow.calls import Call, Calls
from fsmflow.codec import CODEC, codec_of, dump_flow_data
from fsmflow.decision import Arrival
from fsmflow.effects import Commit, Effects, Load, Outcome, Reschedule
from fsmflow.errors import NewerState
from fsmflow.faults import fault_entry
from fsmflow.flow import Flow
from fsmflow.holding import is_held
from fsmflow.machine import Turn
from fsmflow.messages import Channel, Inbound, Message, Reply
from fsmflow.resolving import taken_up
from fsmflow.sign_in import SigningIn
from fsmflow.state import MemberState
from fsmflow.taps import nonce_of
from fsmflow.timers import CLOSE, EFFECT, LOOK, REMIND, Deadline, Due, Overdue, Timer, milliseconds, next_timer
from fsmflow.trail import dump_entries

POSTPONED: Final = 60_000
"""For how many milliseconds a member is left alone whose state is for a newer release's workers."""

_NOWHERE: Final = Channel("unknown", "unknown")  # of a member of whom nothing is stored: nothing is sent there


@frozen
class Timekeeping:
    """How members are looked after who say nothing.

    Args:
        dialogue: The flows and how the runner speaks.
        moment: The moment by this worker's clock, which the times of messages are compared with.
        on_fault: Is called with what a flow's code raised.
    """

    dialogue: SigningIn
    moment: datetime
    on_fault: Callable[[Exception, Inbound], object] | None = None

    def look(self, entry: Overdue) -> Effects[Due | None]:
        """Does what is due at a member, if anything is.

        Args:
            entry: The entry of the due set.

        Yields:
            What is to be done.

        Returns:
            What was done and is to be sent; None where nothing was.

        Raises:
            StoreUnavailable: Redis did not answer; what was not done is done the next time.
        """
        state: MemberState = yield Load(entry.member_id, _NOWHERE)
        deadline = _deadline_of(state, entry)
        if isinstance(deadline, Reschedule):
            yield deadline
            return None
        if deadline.kind == EFFECT:
            return (yield from self._acted(state, entry))
        inbound, is_there = Inbound(state.channel, "due", kind="due", member_id=state.member_id), True
        arrival = Arrival.of(inbound, self.moment)
        if deadline.kind == REMIND:
            arrival, is_there = yield from self.dialogue.who_is_there(inbound, self.moment)
        try:
            flow = self._taken_up(arrival, state)
        except NewerState:
            yield Reschedule(entry, entry.now + POSTPONED)
            return None
        except Exception as fault:  # noqa: BLE001 - a flow that cannot be made is the next message's affair as well
            yield from self._tell(arrival, fault)
            flow = None
        if flow is None:
            yield Reschedule(entry)  # the member's next message recovers what can be recovered
            return None
        is_there = is_there and not self.dialogue.must_sign_in(arrival, flow)
        return (yield from self._done(arrival, state, flow, deadline, entry.now, is_there=is_there))

    def _acted(self, state: MemberState, entry: Overdue) -> Effects[Due | None]:
        """Takes up what was left of an effect; where this worker cannot, another may."""
        due = yield from taken_up(self.dialogue, state, self.moment)
        if due is None:
            yield Reschedule(entry, entry.now + POSTPONED)
        return due

    def _taken_up(self, arrival: Arrival, state: MemberState) -> Flow[Any] | None:
        """The stored run; None where it does not fit the code.

        Raises:
            NewerState: A newer release wrote it, or may have.
            Exception: Whatever the flow's code raised.
        """
        stored = state.flow_data
        registration = None if stored is None else self.dialogue.known(arrival, state, stored)
        if registration is None or stored is None:
            return None
        flow = self.dialogue.flow_for(arrival, registration, stored)
        flow.previous, flow.message_id = state.previous, None
        return flow if flow.resume(stored) else None

    def _done(
        self, arrival: Arrival, state: MemberState, flow: Flow[Any], deadline: Deadline, now: int, *, is_there: bool
    ) -> Effects[Due | None]:
        """Reminds, or closes; or sets what is due anew, where what was set is of no use."""
        if deadline.kind == LOOK or deadline.question != nonce_of(flow.run_id, flow.visit):
            # set by who did not know the flow; or an older release's worker went on without setting another
            return (yield from self._committed(arrival, state, flow, None, next_timer(flow, None)))
        silence, patience = flow.silences_at(flow.state, flow.timeout)
        if deadline.kind == REMIND and patience is not None:
            rest = None if silence is None else deadline.at + milliseconds(silence) - milliseconds(patience) - now
            if rest is None or rest > 0:  # else nobody looked for so long that the run is over
                timer = None if rest is None else Timer(CLOSE, rest, deadline.question)
                return (yield from self._remind(arrival, state, flow, timer, is_there=is_there))
        if silence is None:  # by now the step waits for ever
            return (yield from self._committed(arrival, state, flow, None, None))
        turn = Turn()
        yield from flow.goes(EXPIRE, turn)
        return (yield from self._committed(arrival, state, flow, CLOSE, None, entries=turn.entries))

    def _remind(
        self, arrival: Arrival, state: MemberState, flow: Flow[Any], timer: Timer | None, *, is_there: bool
    ) -> Effects[Due | None]:
        """Asks the question once more, unless that cannot be said or sent."""
        # over the question about another flow none is given: a number would be an answer to what is on the screen
        if flow.interrupted_by is not None:
            return (yield from self._committed(arrival, state, flow, None, timer))
        if not is_there:
            note = flow.entry(audit.REMINDER, "refused", reason="nobody is there who is signed in for it")
            return (yield from self._committed(arrival, state, flow, None, timer, entries=(note,)))
        window = self.dialogue.window_of(arrival)
        if window is not None and timedelta(milliseconds=arrival.received - state.sent_at) >= window:
            note = flow.entry(audit.REMINDER, "refused", reason="the channel takes no message that was not asked for")
            return (yield from self._committed(arrival, state, flow, None, timer, entries=(note,)))
        try:
            messages = yield from self.dialogue.ask(arrival, flow, self.dialogue.sentences.reminder)
        except Exception as fault:  # noqa: BLE001 - whatever a flow's code raises, its member is not reminded, and no more
            yield from self._tell(arrival, fault)
            return (yield from self._committed(arrival, state, flow, None, timer, entries=(fault_entry(flow, fault),)))
        note = flow.entry(audit.REMINDER, "success")
        return (yield from self._committed(arrival, state, flow, REMIND, timer, messages=messages, entries=(note,)))

    def _tell(self, arrival: Arrival, fault: Exception) -> Calls[None]:
        if self.on_fault is not None:
            yield Call(self.on_fault, (fault, arrival.inbound))

    def _committed(
        self,
        arrival: Arrival,
        state: MemberState,
        flow: Flow[Any],
        kind: str | None,
        timer: Timer | None,
        *,
        messages: Sequence[Message] = (),
        entries: Sequence[AuditEntry] = (),
    ) -> Effects[Due | None]:
        """Commits on what was read, or not at all; gives what was done, if it is of interest to anybody."""
        fields, snapshot = {}, b""
        asked = flow.innermost
        if kind == REMIND and asked.shown != asked.shown_before:
            fields["flow_data"] = dump_flow_data(flow.snapshot())  # a number means a place of what is shown now
        if kind == CLOSE:
            run = flow.snapshot()
            kept = self.dialogue.for_the_trail(arrival, flow, run)
            fields["flow_data"] = dump_flow_data(run)
            snapshot = b"=" if kept is run else dump_flow_data(kept)
        committed = yield Commit(
            member_id=state.member_id,
            channel=state.channel,
            expected=state.raw.get("version", b""),
            fields=fields,
            entries=tuple(entries),
            record=dump_entries(entries),
            snapshot=snapshot,
            timer=timer,
        )
        if committed.outcome is not Outcome.APPLIED or kind is None:
            return None
        status = "expired" if kind == CLOSE else "in_progress"
        reply = Reply(tuple(messages), state.member_id, flow.id, flow.state, status, run_id=flow.run_id)
        return Due(kind, reply, state.channel, state.raw.get("account", b"").decode("utf-8", "replace") or None)


def _deadline_of(state: MemberState, entry: Overdue) -> Deadline | Reschedule:
    """What is due by what is stored; or how the entry is put right, where nothing is."""
    if codec_of(state) > CODEC:
        return Reschedule(entry, entry.now + POSTPONED)
    deadline = Deadline.of(state.raw.get("due"))
    if deadline is not None and deadline.kind == EFFECT and not is_held(state):
        return Reschedule(entry)
    if is_held(state) and (deadline is None or deadline.kind != EFFECT):
        deadline = Deadline(0, EFFECT, "0")  # damaged, or an older release's: an effect that is open is not forgotten
    elif not state.raw or state.unreadable or deadline is None or state.flow_data is None or state.flow_data.ended:
        return Reschedule(entry)
    if deadline.at > entry.now:
        return Reschedule(entry, deadline.at)
    return deadline if deadline.kind in (REMIND, CLOSE, LOOK, EFFECT) else Reschedule(entry, entry.now + POSTPONED)
