"""What becomes of a run by the outcome of its effect, and the commit that says so.

Here belongs the protocol by which an outcome is applied once: to whatever state is stored by now, as other messages may
have been answered meanwhile, and only as long as the effect is open and is still whose outcome it is. The effect is not
run again for that; running it belongs to `acting`.

Rejected: keeping the outcome in memory and trying for ever to commit it. Who dies with it takes it along; who finds the
effect open afterwards asks what came of it, which must be right anyway.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve, field, frozen

from fsmflow import audit
from fsmflow.action import Action
from fsmflow.alphabet import DONE, NOT_DONE, UNKNOWN
from fsmflow.answers import Accepted as AcceptedAnswer
from fsmflow.audit import AuditEntry, place_of
from fsmflow.calls import Call, Calls
from fsmflow.decision import CLOCK_TOLERANCE, Arrival, Decision
from fsmflow.effects import Backoff, Commit, Committed, Effects
from fsmflow.effects import Outcome as Committing
from fsmflow.errors import EffectRefused, FlowFault, LimitExceeded, OutcomeNotTaken
from fsmflow.faults import fault_entry
from fsmflow.flow import Flow
from fsmflow.holding import UNKNOWN as UNKNOWN_STATUS
from fsmflow.holding import WORKING, status_of
from fsmflow.machine import Turn
from fsmflow.messages import Message, Reply, Text
from fsmflow.moving import says_next
from fsmflow.outcomes import Accepted, Done, Outcome, Unsure
from fsmflow.pending import NOBODY, Claim, Park, Pending, Settled, Status, again_after, held_by
from fsmflow.sign_in import SigningIn
from fsmflow.state import TERMINAL_STATES, MemberState
from fsmflow.storable import check_storable
from fsmflow.timers import EFFECT


@frozen
class Settling:
    """How outcomes of effects are committed.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message that has led to it, or was at hand when it was taken over.
        is_there: False where somebody else is at the member's address now, or nobody knows who.
        faults: What was raised on the way; it is told once all is committed, as who hears of it may raise in turn.
    """

    dialogue: SigningIn
    arrival: Arrival
    is_there: bool = True
    faults: list[Exception] = field(factory=list, init=False, repr=False)

    def settle(
        self, state: MemberState, pending: Pending, outcome: Outcome, *, why: str | None
    ) -> Effects[tuple[Reply, MemberState, bool] | None]:
        """Commits an outcome, on whatever is stored by now.

        Args:
            state: What was read last.
            pending: The effect.
            outcome: What came of it.
            why: Of the word of a service or an operator, which counts whoever has the effect: why it is believed, for
                the trail. None where it is the outcome of who has it.

        Returns:
            The reply, what is stored then, and whether another effect was taken up by it; None if the effect is no
            longer open, or somebody else's. A reply without messages, if somebody else has said what came of it.

        Raises:
            OutcomeNotTaken: It was somebody else's word, and cannot be taken: it is to be said again.
        """
        attempt = 0
        while True:
            decision = yield from self._decided(state, pending, outcome, anybody=why is not None)
            if decision is None:
                return None
            if why is not None:
                decision = evolve(decision, entries=(self._resolved(state, outcome, why), *decision.entries))
            decision = evolve(decision, held_by=held_by(pending, anybody=why is not None))
            reply, commit = self._written(decision, state)
            committed: Committed = yield commit
            if committed.outcome is Committing.APPLIED:
                yield from self._tell()
                return reply, committed.state or state, isinstance(commit.pending, Claim)
            state = committed.state or state
            if committed.outcome is Committing.LOST:
                found = Pending.of(state.raw.get("pending"))
                if why is not None:
                    return None
                if found is None or found.effect_id != pending.effect_id:
                    return self._overtaken(state), state, False
                if found.owner != NOBODY or not isinstance(outcome, Done):
                    return None
                pending = found  # late, and of an effect that nobody has: that it was done, nobody else can say
            attempt += 1
            yield Backoff(attempt)

    def _tell(self) -> Calls[None]:
        """Tells the application what was raised."""
        while self.faults:
            fault = self.faults.pop(0)
            if self.dialogue.on_fault is not None:
                yield Call(self.dialogue.on_fault, (fault, self.arrival.inbound))

    def _overtaken(self, state: MemberState) -> Reply:
        """The reply where somebody else has said what came of the effect: they have told the member as well."""
        stored = state.flow_data
        if stored is None:
            return Reply((), self.arrival.member_id, None, None, WORKING)
        return Reply((), self.arrival.member_id, stored.id, stored.place, WORKING, run_id=stored.run_id)

    def _resolved(self, state: MemberState, outcome: Outcome, why: str) -> AuditEntry:
        """That the outcome is the word of somebody else than who has the effect."""
        flow = self.flow_at(state)
        assert flow is not None  # noqa: S101 - seen to by `_decided`
        asking = flow.innermost
        quotes = any(each in why for each in asking.known_secrets())
        status = "success" if isinstance(outcome, Done) else "refused"
        entry = asking.entry(audit.EFFECT_RESOLVED, status, reason=audit.REDACTED if quotes else why)
        return evolve(entry, effect_id=asking.effect_id)

    def _written(self, decision: Decision, state: MemberState) -> tuple[Reply, Commit]:
        """The reply of an outcome, and its commit, which decides no message.

        Where no message is at hand, the silence of the member is counted from now on: they had to wait.
        """
        arrival = self.arrival
        reply = decision.reply(arrival, state)
        commit = decision.commit(arrival, state, reply, self.dialogue.for_the_trail)
        fields = {name: value for name, value in commit.fields.items() if name not in _OF_A_MESSAGE}
        if arrival.inbound.kind == EFFECT:
            # as far as this worker's clock is to be believed: what the member sends next must not look late by it
            moment = arrival.received - CLOCK_TOLERANCE // _MILLISECOND
            fields["sent_at"] = str(max(arrival.last(state), moment)).encode()
        return reply, evolve(commit, message_key="", fields=fields)

    def _decided(
        self, state: MemberState, pending: Pending, outcome: Outcome, *, anybody: bool
    ) -> Effects[Decision | None]:
        """What an outcome leads to; None where the run cannot be read any more: it stays open, for an operator.

        A flow that fails at an outcome must not have it forgotten: then it is unknown, or who said it hears of that.

        Raises:
            OutcomeNotTaken: It was somebody else's word.
        """
        if self.flow_at(state) is None:
            if anybody:
                raise OutcomeNotTaken(pending.effect_id, "InvalidState", "the stored run, of another release")
            return None
        try:
            decision = yield from self._applied(state, pending, outcome)
            self._written(decision, state)  # what has no JSON fails here
            return decision
        except Exception as raised:  # noqa: BLE001 - whatever a flow's code raises, the outcome is not forgotten for it
            fault = raised
        self.faults.append(fault)
        if anybody:
            yield from self._tell()
            raise OutcomeNotTaken(pending.effect_id, type(fault).__name__, place_of(fault))
        known = "it was done" if isinstance(outcome, Done) else "it was not done"
        return self._left(state, pending, Unsure(type(fault).__name__, fault, known))

    def _applied(self, state: MemberState, pending: Pending, outcome: Outcome) -> Effects[Decision]:
        if isinstance(outcome, Unsure) and outcome.fault is not None:
            self.faults.append(outcome.fault)
        if not isinstance(outcome, (Done, EffectRefused)):
            return self._left(state, pending, outcome)
        flow = self.flow_at(state)
        assert flow is not None  # noqa: S101 - seen to by `_decided`
        turn, secrets = Turn(), flow.innermost.known_secrets()
        if isinstance(outcome, Done):
            asking = flow.innermost
            step = asking.current_step
            if isinstance(step, Action):
                check_storable(type(asking).__name__, step.id, outcome.value, step.returns, "Action(returns=…)")
            turn.verdict = AcceptedAnswer(outcome.value)
        else:
            turn.reason = outcome.reason.strip() or self.dialogue.sentences.not_done
        gone = yield from flow.goes(DONE if isinstance(outcome, Done) else NOT_DONE, turn)
        if not gone:
            raise FlowFault  # the way that came here is none of the flow's: nobody can say where to go on
        flow = self.dialogue.rebuilt(self.arrival, flow)
        quotes = isinstance(outcome, EffectRefused) and any(each in outcome.reason for each in secrets)
        messages, kept = yield from self._says(state, flow, turn, quotes=quotes)
        taken = None if flow.action is not None else Settled()
        status = status_of(flow)
        return Decision(
            messages, status, flow=flow, entries=turn.entries, forget=True, moved=True, pending=taken, kept=kept
        )

    def _says(
        self, state: MemberState, flow: Flow, turn: Turn, *, quotes: bool
    ) -> Calls[tuple[tuple[Message, ...], tuple[Message, ...] | None]]:
        """What is said of a run that an outcome has moved, and what is kept of it.

        It is said to nobody but its member, if they may go through it. Who does not hear it is told with the next
        message, and so is who hears no more than that it is done because the flow's words failed: for them no outcome
        is forgotten.
        """
        dialogue, sentences = self.dialogue, self.dialogue.sentences
        flow.unasked = False
        if not self.is_there or self._is_out_of_window(state):
            said: tuple[Message, ...] = ()
        elif dialogue.must_sign_in(self.arrival, flow):
            said = (dialogue.checked(self.arrival, sentences.settled),)
        else:
            try:
                said = yield from says_next(dialogue, self.arrival, flow, turn, flow.refusal)
                return said, ((yield from dialogue.ask(self.arrival, flow)) if quotes else None)
            except Exception as raised:  # noqa: BLE001 - whatever a flow's words raise, its outcome is kept
                fault = raised
            self.faults.append(fault)
            turn.entries.append(fault_entry(flow, fault))
            # no apology, which asks to try again: who reads that after a payment may pay twice
            said = (self._fitting(flow.refusal, sentences.not_done) if flow.refusal else Text(sentences.done),)
            flow.unasked = flow.action is None and flow.state not in TERMINAL_STATES  # at an end, that is all there is
            return said, None
        flow.unasked = flow.action is None
        return said, None

    def _is_out_of_window(self, state: MemberState) -> bool:
        """True if nobody has sent anything, and the channel takes no message that was not asked for."""
        window = self.dialogue.window_of(self.arrival) if self.arrival.inbound.kind == EFFECT else None
        return window is not None and timedelta(milliseconds=self.arrival.received - state.sent_at) >= window

    def _fitting(self, words: str, otherwise: str) -> Message:
        try:
            return self.dialogue.checked(self.arrival, words)
        except LimitExceeded:
            return Text(otherwise)

    def _left(self, state: MemberState, pending: Pending, outcome: Outcome) -> Decision:
        """An effect that stays open: the service will say more, or nobody can say anything.

        Who has sent nothing hears of it when it becomes unknown, and not again each time that it still is.
        """
        flow = self.flow_at(state)
        assert flow is not None  # noqa: S101 - as above
        turn, sentences = Turn(), self.dialogue.sentences
        action = flow.innermost.current_step
        assert isinstance(action, Action)  # noqa: S101 - seen to by who has the effect
        is_asked = self.arrival.inbound.kind != EFFECT
        if isinstance(outcome, Accepted):
            entry = evolve(flow.innermost.entry(audit.EFFECT_ACCEPTED, "in_progress"), effect_id=pending.effect_id)
            again = None if action.reconcile is None else again_after(pending.attempt)  # if nobody ever says
            parked = Park(pending.effect_id, Status.ACCEPTED, pending.attempt, again)
            said = (self.dialogue.checked(self.arrival, sentences.working),) if is_asked else ()
            return Decision(said, WORKING, flow=flow, entries=(entry,), pending=parked)
        is_news = flow.action is not None and self.is_there and not self._is_out_of_window(state)
        if flow.action is not None:
            for _ in flow.goes(UNKNOWN, turn):
                raise AssertionError("no predicate decides where this leads")
        if isinstance(outcome, Unsure):
            turn.entries.append(evolve(self._unsure(flow, outcome), effect_id=pending.effect_id))
        again = again_after(pending.attempt) if action.can_be_asked else None
        parked = Park(pending.effect_id, Status.UNKNOWN, pending.attempt, again)
        said = (self.dialogue.checked(self.arrival, sentences.checking),) if is_asked or is_news else ()
        return Decision(said, UNKNOWN_STATUS, flow=flow, entries=turn.entries, moved=True, pending=parked)

    def _unsure(self, flow: Flow, outcome: Unsure) -> AuditEntry:
        if outcome.fault is None:
            return flow.innermost.entry(audit.ERROR, "error", error=outcome.error)
        entry = fault_entry(flow, outcome.fault)
        reason = "; ".join(filter(None, (outcome.known, entry.reason)))
        return evolve(entry, reason=reason or None)

    def flow_at(self, state: MemberState) -> Flow | None:
        """The run that waits for an effect; None where what is stored is none that this release knows."""
        try:
            flow = None if state.flow_data is None else self.dialogue.taken_up(self.arrival, state.flow_data)
        except Exception:  # noqa: BLE001 - a flow that cannot be made cannot act; its effect stays open
            return None
        if flow is None or not isinstance(flow.innermost.current_step, Action):
            return None
        pending = Pending.of(state.raw.get("pending"))
        flow.innermost.effect_id = "" if pending is None else pending.effect_id
        return flow


_MILLISECOND: Final = timedelta(milliseconds=1)

# What a commit says of the message that it decides; an outcome decides none.
_OF_A_MESSAGE: Final = frozenset({"recent", "sent_at", "channel", "account"})
