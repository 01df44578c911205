"""One turn: what is done with one message, from loading the state to the reply.

Here belongs the order in which a message is looked at, written once for every runner, as a generator of effects. It
reads no clock, does no I/O and logs nothing.

The order: who is it of, is it known (a duplicate), can the state be read, is anything open, is the flow known here, was
the member away too long, may they go through it, is the message older than the last one, does it tap an earlier
question, is it a global word; else it is an answer.
What comes earlier protects what comes later: an answer is only looked at once nothing else can be meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from fsmflow import audit
from fsmflow.alphabet import BACK, CANCEL, EXPIRE, RESTART, SKIP
from fsmflow.answers import Answer, chosen
from fsmflow.audit import AuditEntry
from fsmflow.calls import Call, Calls
from fsmflow.codec import CODEC, codec_of, digest
from fsmflow.decision import IGNORED, Arrival, Decision
from fsmflow.effects import Backoff, Both, Commit, Effects, Load, LoadBoth, Outcome, Write
from fsmflow.errors import NewerState, StoreUnavailable
from fsmflow.faults import about, apology
from fsmflow.flow import Flow
from fsmflow.interruption import LATER, STAY, WAITING_LIMIT, asks_what_to_do, waiting_runs, what_to_do
from fsmflow.machine import Turn
from fsmflow.messages import Inbound, Message, Reply
from fsmflow.recovery import put_aside, recover
from fsmflow.repetition import repeated
from fsmflow.sign_in import SigningIn
from fsmflow.state import TERMINAL_STATES, FlowData, MemberState
from fsmflow.takeover import as_seen, id_by_channel, releasing, run_to_take, taking
from fsmflow.taps import is_wire_id, nonce_of, tapped

# What a member does beside the conversation: a heart on a message, a new phone number. It answers nothing, so it gets
# no answer, which would have to be paid for.
SILENT_KINDS: Final = frozenset({"reaction", "system"})

# Why a message is no answer, as the trail says it.
LATE: Final = "older than the last message"
STALE: Final = "a choice of an earlier question"
FIRST: Final = "nothing to go back to"


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
                return repeated(self, arrival, state)
            reply, commit = yield from self._decide(arrival, state, other, start, run_id)
            committed = yield commit
            if committed.outcome is Outcome.APPLIED:
                released = None if other is None else releasing(self, arrival, state, commit, other)
                if released is not None:
                    with suppress(StoreUnavailable):  # the message is decided; a later one releases it as well
                        yield released
                return reply
            state = committed.state
            if committed.outcome is Outcome.DUPLICATE:
                return repeated(self, arrival, state)
            attempt += 1
            yield Backoff(attempt)

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
        seen = as_seen(state, other, run)
        try:
            decision = yield from self._consider(arrival, seen, at_hand, start, run_id)
            if run is not None and other is not None:
                return taking(arrival, state, other, run, decision, at_hand)
            reply = decision.reply(arrival, state)
            return reply, decision.commit(arrival, state, reply)
        except StoreUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever a flow's code raises, its member gets an apology, not a traceback
            if self.on_fault is not None:
                yield Call(self.on_fault, (fault, arrival.inbound))
            decision = apology(self, arrival, state, fault, at_hand[-1] if at_hand else None)
            reply = decision.reply(arrival, seen)
            return reply, decision.commit(arrival, state, reply)

    def _consider(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], start: str | None, run_id: str | None
    ) -> Effects[Decision]:
        stored = last = state.flow_data
        if stored is not None and stored.ended and stored.waiting is not None and not state.unreadable:
            stored = stored.waiting  # the run that came in between has ended: this one is gone on with
            state = evolve(state, flow_data=stored)
        if start is not None:
            return (yield from self._start(arrival, state, at_hand, start, run_id))
        if state.unreadable:
            return (yield from self._recover(arrival, state))
        if arrival.inbound.kind in SILENT_KINDS:
            if stored is not None and not stored.ended:
                self.known(arrival, state, stored)  # beside a newer release's run nothing is written, not even this
            return Decision((), IGNORED)
        if stored is None or stored.ended:
            if arrival.is_late(state):
                return self._nothing_open(arrival, self.sentences.late)
            return (yield from self._begin(arrival, at_hand))
        return (yield from self._continue(arrival, state, at_hand, stored, self.why_sign_in(last)))

    def _start(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], start: str, run_id: str | None
    ) -> Calls[Decision]:
        """Starts what the caller names: what was open is left, and what cannot be read is put aside."""
        before = [put_aside(arrival, state.unreadable)] if state.unreadable else []
        stored = state.flow_data
        if stored is not None and not stored.ended:
            self.known(arrival, state, stored)
            before.append(about(arrival, stored, audit.CANCEL, "left"))
        begun = yield from self._begin(arrival, at_hand, start, run_id, before)
        return evolve(begun, unreadable=state.unreadable)

    def _continue(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], stored: FlowData, why: str
    ) -> Effects[Decision]:
        """Goes on with the run that is open, if this worker can and the member was not away too long, and may."""
        registration = self.known(arrival, state, stored)
        if registration is None:
            return (yield from self._recover(arrival, state))
        flow = self.flow_for(arrival, registration, stored)
        if not flow.resume(stored):
            return (yield from self._recover(arrival, state))
        at_hand.append(flow)
        flow.previous = state.previous
        if arrival.is_silent_since(state, flow.timeout):
            return (yield from self._expire(arrival, flow, at_hand))
        must_sign_in = self.must_sign_in(arrival, flow)
        if (must_sign_in or flow.unasked) and self.leaves(arrival.inbound):
            return (yield from self._obey(arrival, flow, stored, "cancel"))
        if must_sign_in:
            return (yield from self.signs_in(arrival, flow, at_hand, (), why))
        if flow.unasked:
            return (yield from self.asks_at_last(arrival, flow))
        if arrival.is_late(state):
            return (yield from self._refuse(arrival, flow, self.sentences.late, LATE))
        return (yield from self._listen(arrival, flow, stored))

    def _recover(self, arrival: Arrival, state: MemberState) -> Effects[Decision]:
        """Restores what can be restored; who must be signed in for it is asked to sign in."""
        decision: Decision = yield from recover(self, arrival, state)
        flow = decision.flow
        if flow is None or not self.must_sign_in(arrival, flow):
            return decision
        why = (self.sentences.recovered, self.sentences.sign_in_first)
        begun = yield from self.signs_in(arrival, flow, [], decision.entries, *why)
        return evolve(begun, status=decision.status, unreadable=decision.unreadable)

    def _named(self, inbound: Inbound) -> str | None:
        """The flow type that a message names by a keyword. A question's own button starts nothing, whatever it says."""
        if inbound.option_id is not None and is_wire_id(inbound.option_id):
            return None
        return self.registry.started_by(inbound.option_id) or self.registry.started_by(inbound.text)

    def _begin(
        self,
        arrival: Arrival,
        at_hand: list[Flow],
        start: str | None = None,
        run_id: str | None = None,
        before: Sequence[AuditEntry] = (),
        waiting: FlowData | None = None,
    ) -> Calls[Decision]:
        """Starts what the message (or the caller) names, else the default flow; or says what can be started."""
        inbound = arrival.inbound
        if start is None and inbound.option_id is not None and is_wire_id(inbound.option_id):
            return self._nothing_open(arrival, self.sentences.stale)
        flow_type = start or self._named(inbound)
        typed = (inbound.option_id, inbound.text)  # a button of an approved template may be a word, as it may a keyword
        if flow_type is None and not any(self.words.meaning(each or "") for each in typed):
            flow_type = self.registry.default
        if flow_type is None:
            return Decision((self.checked(arrival, self.idle()),), "idle")
        flow = self.flow_for(arrival, self.registry.registrations[flow_type])
        at_hand.append(flow)
        flow.waiting = waiting
        flow.run_id = run_id or self._run_id(arrival)
        if run_id is not None:
            flow.visit = arrival.received  # an id that was given before must not bring its old buttons back
        turn = Turn()
        turn.entries += [*before, flow.entry(audit.FLOW_START, "success"), flow.entry(audit.STEP_START, "in_progress")]
        flow.begin(turn)
        if self.must_sign_in(arrival, flow):
            return (yield from self.signs_in(arrival, flow, at_hand, turn.entries, self.sentences.sign_in_first))
        messages = yield from self.ask(arrival, flow)
        return Decision(messages, "in_progress", flow=flow, entries=turn.entries, forget=True, moved=True)

    def _nothing_open(self, arrival: Arrival, why: str) -> Decision:
        """Says why a message starts nothing, and what can be started."""
        return Decision((self.checked(arrival, f"{why}\n\n{self.idle()}"),), "refused")

    def _listen(self, arrival: Arrival, flow: Flow, stored: FlowData) -> Calls[Decision]:
        """Takes the message for what it means at this question: a tap, a global word, or an answer."""
        inbound, step = arrival.inbound, flow.innermost.current_step
        option_id = word = None
        if flow.interrupted_by is not None:
            decided = yield from self._decide_interruption(arrival, flow, stored, flow.interrupted_by)
            if decided is not None:
                return decided
        if inbound.option_id is not None:
            option_id = tapped(nonce_of(flow.run_id, flow.visit), inbound.option_id)
            if option_id is None and not is_wire_id(inbound.option_id):
                word = self.words.meaning(inbound.option_id)  # a button of an approved template
            if option_id is None and word is None:
                return (yield from self._refuse(arrival, flow, self.sentences.stale, STALE))
        answer = Answer(inbound.text, option_id, inbound.kind, numbered=self.numbers_choices(arrival))
        if option_id is None and inbound.kind == "text" and (step is None or chosen(step, answer) is None):
            word = self.words.meaning(inbound.text or "")
        if word is option_id is None and step is not None and step.has_choices and chosen(step, answer) is None:
            elsewhere = self._named(inbound)
            if elsewhere is not None and elsewhere != flow.flow_type:
                return self._interrupt(arrival, flow, elsewhere)
        if word is not None and not (word == "skip" and (step is None or not step.optional)):
            return (yield from self._obey(arrival, flow, stored, word))
        return (yield from self._submit(arrival, flow, Turn(answer=answer, before=stored)))

    def _submit(self, arrival: Arrival, flow: Flow, turn: Turn) -> Calls[Decision]:
        """Fires the answer at the machine, and says what follows."""
        asked = flow.innermost
        # a refusal may quote the answer, and of a sensitive one nothing is stored but the answer itself
        is_sensitive = asked.state in asked.definition.sensitive
        yield from flow.submits(turn)
        flow = self.rebuilt(arrival, flow)
        if turn.taken is not None and turn.taken.refuses:
            messages = yield from self.ask(arrival, flow, flow.refusal or "")
            kept = (yield from self.ask(arrival, flow)) if is_sensitive else None
            return Decision(messages, "refused", flow=flow, entries=turn.entries, kept=kept)
        messages = yield from self._say(arrival, flow, turn, None if is_sensitive else flow.refusal)
        status = flow.state if flow.state in TERMINAL_STATES else "in_progress"
        return Decision(messages, status, flow=flow, entries=turn.entries, write=Write.ADVANCE, moved=True)

    def _say(self, arrival: Arrival, flow: Flow, turn: Turn, reason: str | None = None) -> Calls[tuple[Message, ...]]:
        """What is said where a run has moved: what was answered here before; after an end, the question that waits."""
        told = [each for each in (reason, self.earlier(flow)) if each]
        messages = yield from self.ask(arrival, flow, *told)
        if flow.state not in TERMINAL_STATES or flow.waiting is None:
            return messages
        closed = self.closes_what_needed_it(arrival, flow, turn)
        return (*messages, *closed, *(yield from self.goes_on(arrival, flow, turn)))

    def _interrupt(self, arrival: Arrival, flow: Flow, wanted: str) -> Decision:
        """Asks what to do about the flow that was named in the middle of this one."""
        flow.interrupted_by = wanted
        keyword = self.registry.registrations[wanted].shown
        question = asks_what_to_do(self.sentences, keyword, flow.run_id, flow.visit, wanted)
        self.check(arrival, question)
        entry = flow.entry(audit.INTERRUPTED, "in_progress")
        return Decision((question,), "in_progress", flow=flow, entries=(entry,))

    def _decide_interruption(
        self, arrival: Arrival, flow: Flow, stored: FlowData, wanted: str
    ) -> Calls[Decision | None]:
        """Does what a member chose to do about it; None where the message says nothing of that."""
        flow.interrupted_by = None
        numbered = self.numbers_choices(arrival)
        choice = what_to_do(self.sentences, arrival.inbound, flow.run_id, flow.visit, wanted, numbered=numbered)
        if choice is None:
            return None
        if choice == STAY or wanted not in self.registry.registrations:
            return Decision((yield from self.ask(arrival, flow)), "in_progress", flow=flow)
        if choice == LATER:
            if waiting_runs(stored) >= WAITING_LIMIT:
                said = yield from self.ask(arrival, flow, self.sentences.too_many)
                return Decision(said, "refused", flow=flow)
            left = flow.entry(audit.SUSPEND, "success")
            return (yield from self._begin(arrival, [], wanted, before=(left,), waiting=flow.snapshot()))
        turn = Turn(before=stored)
        yield from flow.goes(CANCEL, turn)
        closed = self.closes_what_needed_it(arrival, flow, turn)
        begun = yield from self._begin(arrival, [], wanted, before=turn.entries, waiting=flow.waiting)
        return evolve(begun, messages=(*closed, *begun.messages)) if closed else begun

    def _obey(self, arrival: Arrival, flow: Flow, stored: FlowData, word: str) -> Calls[Decision]:
        """Does what a global word says."""
        if word in ("help", "menu"):
            told = self.idle() if word == "menu" else self.sentences.help.format(words=self.words.shown())
            return Decision((yield from self.ask(arrival, flow, told)), "in_progress")
        turn = Turn(before=stored)
        if word == "restart":
            flow.run_id = self._run_id(arrival)
        if not (yield from flow.goes({"back": BACK, "cancel": CANCEL, "restart": RESTART, "skip": SKIP}[word], turn)):
            return (yield from self._refuse(arrival, flow, self.sentences.first_question, FIRST))
        flow = self.rebuilt(arrival, flow)
        messages = yield from self._say(arrival, flow, turn)
        status = flow.state if flow.state in TERMINAL_STATES else "in_progress"
        write = Write.ADVANCE if word == "skip" else Write.UPDATE
        return Decision(
            messages, status, flow=flow, entries=turn.entries, write=write, forget=word == "restart", moved=True
        )

    def _expire(self, arrival: Arrival, flow: Flow, at_hand: list[Flow]) -> Calls[Decision]:
        """Closes a run that was silent for too long; a keyword starts the next one at once."""
        turn = Turn()
        flow.fire(EXPIRE, turn)
        if self._named(arrival.inbound) is not None:
            return (yield from self._begin(arrival, at_hand, before=turn.entries))
        said = yield from self.ask(arrival, flow)
        said = (*said, *self.closes_what_needed_it(arrival, flow, turn))
        return Decision(said, "expired", flow=flow, entries=turn.entries, moved=True)

    def _refuse(self, arrival: Arrival, flow: Flow, told: str, why: str) -> Calls[Decision]:
        """Says why a message is no answer, and the current question; the run stays as it is."""
        entry = flow.entry(audit.VALIDATION, "refused", reason=why)
        return Decision((yield from self.ask(arrival, flow, told)), "refused", entries=(entry,))

    def _run_id(self, arrival: Arrival) -> str:
        """The id of a run that this message starts.

        The member and the moment are part of it because ids of messages may come again: on a channel that counts each
        member's own, or after the retention. Two runs must never share the key of a payment.
        """
        return digest(arrival.member_id, arrival.inbound.channel.type, arrival.inbound.message_id, str(arrival.at))
