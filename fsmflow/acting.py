"""The rest of a turn that has come to an action: it is run, and what came of it is committed.

Here belongs the protocol by which an effect happens once, or is known not to be known: as a generator of effects, like
every turn. The commit that came before this has said that it is under way, and that it is this worker's. What comes of
it counts only as long as that is so, and then on whatever state is stored by now: other messages may have been
answered meanwhile, and the effect is not run again for that.

Whoever takes over an effect that another worker left does not know how far that one came. So it is asked first, where
the action can be (``reconcile``); run again under the same id only where the action says that this does nothing twice
(``idempotent``); and else left to an operator.

Rejected: keeping the outcome in memory and trying for ever to commit it. Who dies with it takes it along; who finds the
effect open afterwards asks what came of it, which must be right anyway.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from attrs import evolve, frozen

from fsmflow import audit
from fsmflow.action import Action
from fsmflow.alphabet import DONE, NOT_DONE, UNKNOWN
from fsmflow.answers import Accepted as AcceptedAnswer
from fsmflow.audit import AuditEntry
from fsmflow.callbacks import callable_of
from fsmflow.calls import Call, Calls
from fsmflow.codec import CODEC, codec_of
from fsmflow.decision import Arrival, Decision
from fsmflow.effects import Backoff, Commit, Committed, Effects, Load, Perform
from fsmflow.effects import Outcome as Committing
from fsmflow.errors import EffectRefused, FlowFault, NewerState
from fsmflow.faults import fault_entry
from fsmflow.flow import Flow
from fsmflow.holding import WORKING, is_held, status_of, taking
from fsmflow.machine import Turn
from fsmflow.messages import Channel, Inbound, Message, Reply
from fsmflow.moving import says_next
from fsmflow.outcomes import Accepted, Done, NotDone, Outcome, StillUnknown, Unsure
from fsmflow.pending import CHECK_AGAIN, Claim, Park, Pending, Settled, Status, held_by
from fsmflow.sign_in import SigningIn
from fsmflow.state import TERMINAL_STATES, MemberState
from fsmflow.storable import check_storable
from fsmflow.timers import EFFECT, Due


@frozen
class Acting:
    """How effects are run and their outcomes committed.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message that has led to it, or was at hand when it was taken over.
        is_there: False where somebody else is at the member's address now, or nobody knows who.
    """

    dialogue: SigningIn
    arrival: Arrival
    is_there: bool = True

    def act(self, reply: Reply, state: MemberState, *, taken_over: bool) -> Effects[Reply]:
        """Runs what this worker has taken up, and whatever it leads to, until a member is asked something.

        Args:
            reply: What is said if the effect is somebody else's by the time that its outcome is known.
            state: What is stored since it was taken up.
            taken_over: True if somebody else had it before.

        Returns:
            What the member is told in the end.
        """
        while True:
            pending = Pending.of(state.raw.get("pending"))
            flow = self._flow(state)
            action = None if flow is None else flow.innermost.current_step
            if pending is None or flow is None or not isinstance(action, Action):
                return reply  # this release has no such action: it stays open, for one that has, or for an operator
            outcome = yield from self._outcome(flow, action, pending, taken_over=taken_over)
            settled = yield from self.settle(state, pending, outcome, why=None)
            if settled is None:
                return reply
            reply, state, goes_on = settled
            if not goes_on:
                return reply
            taken_over = False

    def take(self, reply: Reply, state: MemberState) -> Effects[Reply | None]:
        """Takes over an effect that is open, if it is to be had, and runs it; None where nothing was done."""
        commit = taking(self.dialogue, self.arrival, state) if is_held(state) else None
        if commit is None:
            return None
        committed: Committed = yield commit
        if committed.outcome is not Committing.TAKEN or committed.state is None:
            return None
        return (yield from self.act(reply, committed.state, taken_over=True))

    def _outcome(self, flow: Flow, action: Action, pending: Pending, *, taken_over: bool) -> Effects[Outcome]:
        """What comes of an effect: asked, where somebody may have run it before; else run."""
        asking = flow.innermost
        asking.effect_id = pending.effect_id
        callbacks = asking.definition.actions[action.id]
        if taken_over and callbacks.reconcile is not None:
            call = callbacks.reconcile.call(asking, callable_of(action.reconcile))
            asked = yield Perform(call, action.limit, action.lease, None, callbacks.reconcile.is_async)
            found = yield from self._understood(asked, (Done, NotDone, StillUnknown))
            if not isinstance(found, NotDone):
                return found
        elif taken_over and not action.idempotent:
            return StillUnknown()
        call = callbacks.run.call(asking, callable_of(action.run))
        lease = action.lease_taken_over if taken_over else action.lease
        came = yield Perform(call, action.limit, lease, action.retry, callbacks.run.is_async)
        return (yield from self._understood(came, (Done, Accepted, EffectRefused)))

    def _understood(self, came: Any, meant: tuple[type, ...]) -> Effects[Outcome]:
        """What a call gave, as an outcome: what it is not meant to give says nothing of the effect."""
        if isinstance(came, meant):
            outcome: Any = came
            return outcome  # type: ignore[no-any-return]  # one of those that are meant
        unsure = came if isinstance(came, Unsure) else Unsure(type(came).__name__)
        if unsure.fault is not None and self.dialogue.on_fault is not None:
            yield Call(self.dialogue.on_fault, (unsure.fault, self.arrival.inbound))
        return unsure

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
            longer open, or somebody else's.
        """
        attempt = 0
        while True:
            decision = yield from self._decided(state, pending, outcome)
            if decision is None:
                return None
            if why is not None:
                resolved = self._resolved(state, outcome, why, is_open=isinstance(decision.pending, Park))
                decision = evolve(decision, entries=(resolved, *decision.entries))
            decision = evolve(decision, held_by=held_by(pending, anybody=why is not None))
            reply, commit = self._written(decision, state)
            committed: Committed = yield commit
            if committed.outcome is Committing.APPLIED:
                return reply, committed.state or state, isinstance(commit.pending, Claim)
            if committed.outcome is Committing.LOST or committed.state is None:
                return None
            state = committed.state
            attempt += 1
            yield Backoff(attempt)

    def _resolved(self, state: MemberState, outcome: Outcome, why: str, *, is_open: bool) -> AuditEntry:
        """That the outcome is the word of somebody else than who has the effect.

        Where it is open still, the flow failed at that outcome.
        """
        flow = self._flow(state)
        assert flow is not None  # noqa: S101 - seen to by `_decided`
        asking = flow.innermost
        status = "unknown" if is_open else "success" if isinstance(outcome, Done) else "refused"
        quotes = any(each in why for each in asking.known_secrets())
        return asking.entry(audit.EFFECT_RESOLVED, status, reason=audit.REDACTED if quotes else why)

    def _written(self, decision: Decision, state: MemberState) -> tuple[Reply, Commit]:
        """The reply of an outcome, and its commit, which decides no message.

        Where no message is at hand, the silence of the member is counted from now on: they had to wait.
        """
        arrival = self.arrival
        reply = decision.reply(arrival, state)
        commit = decision.commit(arrival, state, reply, self.dialogue.for_the_trail)
        fields = {name: value for name, value in commit.fields.items() if name not in _OF_A_MESSAGE}
        if arrival.inbound.kind == EFFECT:
            fields["sent_at"] = str(max(arrival.last(state), arrival.received)).encode()
        return reply, evolve(commit, message_key="", fields=fields)

    def _decided(self, state: MemberState, pending: Pending, outcome: Outcome) -> Effects[Decision | None]:
        """What an outcome leads to; None where the run cannot be read any more: it stays open, for an operator.

        A flow that fails at an outcome must not have it forgotten: then it is unknown.
        """
        if self._flow(state) is None:
            return None
        try:
            decision = yield from self._applied(state, pending, outcome)
            self._written(decision, state)  # what has no JSON fails here
            return decision
        except FlowFault as fault:
            found: Exception = fault
        except Exception as fault:  # noqa: BLE001 - whatever a flow's code raises, the outcome is not forgotten for it
            found = fault
        if self.dialogue.on_fault is not None:
            yield Call(self.dialogue.on_fault, (found, self.arrival.inbound))
        return self._left(state, pending, Unsure(type(found).__name__, found))

    def _applied(self, state: MemberState, pending: Pending, outcome: Outcome) -> Effects[Decision]:
        if not isinstance(outcome, (Done, EffectRefused)):
            return self._left(state, pending, outcome)
        flow = self._flow(state)
        assert flow is not None  # noqa: S101 - seen to by `_decided`
        turn, secrets = Turn(), flow.innermost.known_secrets()
        if isinstance(outcome, Done):
            asking = flow.innermost
            step = asking.current_step
            if isinstance(step, Action):
                check_storable(type(asking).__name__, step.id, outcome.value, step.returns)
            turn.verdict = AcceptedAnswer(outcome.value)
        else:
            turn.reason = outcome.reason.strip() or self.dialogue.sentences.not_done
        gone = yield from flow.goes(DONE if isinstance(outcome, Done) else NOT_DONE, turn)
        if not gone:
            raise FlowFault  # the way that came here is none of the flow's: nobody can say where to go on
        flow = self.dialogue.rebuilt(self.arrival, flow)
        messages = yield from self._says(flow, turn)
        taken = None if flow.action is not None else Settled()
        kept = None
        if isinstance(outcome, EffectRefused) and any(each in outcome.reason for each in secrets):
            kept = yield from self.dialogue.ask(self.arrival, flow)
        status = status_of(flow)
        return Decision(
            messages, status, flow=flow, entries=turn.entries, forget=True, moved=True, pending=taken, kept=kept
        )

    def _says(self, flow: Flow, turn: Turn) -> Calls[tuple[Message, ...]]:
        """What is said of a run that an outcome has moved: to nobody but its member, and who may go through it.

        Who is not heard of is asked at last when they are. What is said at an end is lost to them then; the trail
        and whoever the application tells have it.
        """
        flow.unasked = False
        if self.is_there and not self.dialogue.must_sign_in(self.arrival, flow):
            return (yield from says_next(self.dialogue, self.arrival, flow, turn, flow.refusal))
        flow.unasked = flow.action is None and flow.state not in TERMINAL_STATES
        if not self.is_there:
            return ()
        return (self.dialogue.checked(self.arrival, self.dialogue.sentences.settled),)

    def _left(self, state: MemberState, pending: Pending, outcome: Outcome) -> Decision:
        """An effect that stays open: the service will say more, or nobody can say anything."""
        flow = self._flow(state)
        assert flow is not None  # noqa: S101 - as above
        turn = Turn()
        action = flow.innermost.current_step
        assert isinstance(action, Action)  # noqa: S101 - seen to by who has the effect
        if isinstance(outcome, Accepted):
            entry = flow.innermost.entry(audit.EFFECT_ACCEPTED, "in_progress")
            parked = Park(pending.effect_id, Status.ACCEPTED, pending.attempt, None)
            said = (self.dialogue.checked(self.arrival, self.dialogue.sentences.working),)
            return Decision(said, "working", flow=flow, entries=(entry,), pending=parked)
        if flow.action is not None:
            for _ in flow.goes(UNKNOWN, turn):
                raise AssertionError("no predicate decides where this leads")
        if isinstance(outcome, Unsure):
            at = flow.innermost.entry(audit.ERROR, "error", error=outcome.error)
            turn.entries.append(at if outcome.fault is None else fault_entry(flow, outcome.fault))
        again = CHECK_AGAIN if action.can_be_asked else None
        parked = Park(pending.effect_id, Status.UNKNOWN, pending.attempt, again)
        said = (self.dialogue.checked(self.arrival, self.dialogue.sentences.checking),)
        return Decision(said, "unknown", flow=flow, entries=turn.entries, moved=True, pending=parked)

    def _flow(self, state: MemberState) -> Flow | None:
        """The run that waits for an effect; None where what is stored is none that this release knows."""
        try:
            flow = None if state.flow_data is None else self.dialogue.taken_up(self.arrival, state.flow_data)
        except Exception:  # noqa: BLE001 - a flow that cannot be made cannot act; its effect stays open
            return None
        return flow if flow is not None and isinstance(flow.innermost.current_step, Action) else None


# What a commit says of the message that it decides; an outcome decides none.
_OF_A_MESSAGE: Final = frozenset({"recent", "sent_at", "channel", "account"})

NOWHERE: Final = Channel("unknown", "unknown")  # of a member of whom nothing is stored: nothing is sent there


FROM_OUTSIDE: Final = "said from outside"
"""Why an outcome is believed that nobody gave a reason for, as the trail says it."""


def resolving(
    dialogue: SigningIn, member_id: str, effect_id: str, outcome: Outcome, moment: datetime, reason: str | None = None
) -> Effects[Due | None]:
    """Closes an open effect by the word of a service or an operator; None where it is not open any more.

    Raises:
        NewerState: A newer release runs it.
    """
    state: MemberState = yield Load(member_id, NOWHERE)
    if codec_of(state) > CODEC:
        raise NewerState("the state was written by a newer release of fsmflow")
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
    state: MemberState = yield Load(member_id, NOWHERE)
    if codec_of(state) > CODEC:
        raise NewerState("the state was written by a newer release of fsmflow")
    return (yield from taken_up(dialogue, state, moment))


def taken_up(dialogue: SigningIn, state: MemberState, moment: datetime) -> Effects[Due | None]:
    """Takes up the effect that is open in a state, if it is to be had; None where nothing was done."""
    told = Reply((), state.member_id, None, None, WORKING)
    acting = yield from at_hand(dialogue, state, moment)
    reply = yield from acting.take(told, state)
    return None if reply is None or reply is told else due_of(state, reply)


def due_of(state: MemberState, reply: Reply) -> Due:
    """What came of an effect, and where to say it."""
    account = state.raw.get("account", b"").decode("utf-8", "replace") or None
    return Due(EFFECT, reply, state.channel, account)


def at_hand(dialogue: SigningIn, state: MemberState, moment: datetime) -> Calls[Acting]:
    """How an effect is run where there is no message."""
    inbound = Inbound(state.channel, EFFECT, kind=EFFECT, member_id=state.member_id)
    return Acting(dialogue, *(yield from dialogue.who_is_there(inbound, moment)))
