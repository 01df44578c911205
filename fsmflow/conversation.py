"""One turn: what is done with one message, from loading the state to the reply.

Here belongs the order in which a message is looked at, written once for every runner, as a generator of effects. It
reads no clock, does no I/O and logs nothing.

The order: is it known (a duplicate), can the state be read, is anything open, is the flow known here, is it older than
the last one, was the member away too long, does it tap an earlier question, is it a global word; else it is an answer.
What comes earlier protects what comes later: an answer is only looked at once nothing else can be meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen

from fsmflow import audit
from fsmflow.answers import Answer, chosen
from fsmflow.audit import AuditEntry, place_of
from fsmflow.calls import Calls
from fsmflow.codec import CODEC, codec_of, digest, load_reply
from fsmflow.decision import Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.effects import Backoff, Commit, Effects, Load, Outcome, Write
from fsmflow.errors import NewerState, StoreUnavailable
from fsmflow.flow import Flow
from fsmflow.machine import BACK, CANCEL, EXPIRE, RESTART, SUBMIT, Turn
from fsmflow.messages import Inbound, Reply
from fsmflow.recovery import recover
from fsmflow.state import TERMINAL_STATES, FlowData, MemberState
from fsmflow.taps import is_wire_id, nonce_of, tapped


@frozen
class Conversation(Dialogue):
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
        arrival = Arrival.of(inbound, received_at)
        state: MemberState = yield Load(arrival.member_id, inbound.channel)
        attempt = 0
        while True:
            if codec_of(state) > CODEC:
                raise NewerState("the state was written by a newer release of fsmflow")
            if arrival.key in state.recent:
                return repeated(arrival, state)
            reply, commit = yield from self._decide(arrival, state, start, run_id)
            committed = yield commit
            if committed.outcome is Outcome.APPLIED:
                return reply
            state = committed.state
            if committed.outcome is Outcome.DUPLICATE:
                return repeated(arrival, state)
            attempt += 1
            yield Backoff(attempt)

    def _decide(
        self, arrival: Arrival, state: MemberState, start: str | None, run_id: str | None
    ) -> Effects[tuple[Reply, Commit]]:
        """The reply, and the commit that stores it. A flow that fails is dropped: of it nothing is saved.

        The fields are written out in here too: what a flow put into its data or its words may have no JSON.
        """
        try:
            decision = yield from self._consider(arrival, state, start, run_id)
            reply = decision.reply(arrival, state)
            return reply, decision.commit(arrival, state, reply)
        except StoreUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever a flow's code raises, its member gets an apology, not a traceback
            decision = self._apology(arrival, state, fault)
            reply = decision.reply(arrival, state)
            return reply, decision.commit(arrival, state, reply)

    def _consider(
        self, arrival: Arrival, state: MemberState, start: str | None, run_id: str | None
    ) -> Effects[Decision]:
        if state.unreadable:
            return (yield from recover(self, arrival, state))
        stored = state.flow_data
        if stored is None or stored.ended:
            return (yield from self._begin(arrival, start, run_id))
        registration = self.known(arrival, state, stored)
        if start is not None:
            return (yield from self._begin(arrival, start, run_id))
        if registration is None:
            return (yield from recover(self, arrival, state))
        flow = self.flow_for(arrival, registration, stored)
        if not flow.resume(stored):
            return (yield from recover(self, arrival, state))
        flow.previous = state.previous
        if arrival.is_late(state):
            return (yield from self._refuse(arrival, flow, self.sentences.late))
        if flow.timeout is not None and arrival.at - state.sent_at > flow.timeout / timedelta(milliseconds=1):
            return (yield from self._expire(arrival, flow))
        return (yield from self._listen(arrival, flow, stored))

    def _named(self, inbound: Inbound) -> str | None:
        """The flow type that a message names by a keyword. A question's own button starts nothing, whatever it says."""
        if inbound.option_id is not None and is_wire_id(inbound.option_id):
            return None
        return self.registry.started_by(inbound.option_id) or self.registry.started_by(inbound.text)

    def _begin(
        self, arrival: Arrival, start: str | None, run_id: str | None = None, before: Sequence[AuditEntry] = ()
    ) -> Calls[Decision]:
        """Starts what the message (or the caller) names, else the default flow; or says what can be started."""
        inbound = arrival.inbound
        if start is None and inbound.option_id is not None and is_wire_id(inbound.option_id):
            words = f"{self.sentences.stale}\n\n{self.idle()}"
            return Decision((self.checked(arrival, words),), "refused")
        flow_type = start or self._named(inbound)
        if flow_type is None and self.words.meaning(inbound.text or "") is None:
            flow_type = self.registry.default
        if flow_type is None:
            return Decision((self.checked(arrival, self.idle()),), "idle")
        flow = self.flow_for(arrival, self.registry.registrations[flow_type])
        flow.run_id = run_id or self._run_id(arrival)
        entries = [*before, flow.entry(audit.FLOW_START, "success"), flow.entry(audit.STEP_START, "in_progress")]
        messages = yield from self.ask(arrival, flow)
        return Decision(messages, "in_progress", flow=flow, entries=entries, forget=True, moved=True)

    def _listen(self, arrival: Arrival, flow: Flow, stored: FlowData) -> Calls[Decision]:
        """Takes the message for what it means at this question: a tap, a global word, or an answer."""
        inbound, step = arrival.inbound, flow.current_step
        option_id = None
        if inbound.option_id is not None:
            option_id = tapped(nonce_of(flow.run_id, flow.visit), inbound.option_id)
            if option_id is None:
                return (yield from self._refuse(arrival, flow, self.sentences.stale))
        answer = Answer(inbound.text, option_id, inbound.kind, numbered=self.numbers_choices(arrival))
        if option_id is None and inbound.kind == "text" and (step is None or chosen(step, answer) is None):
            word = self.words.meaning(inbound.text or "")
            if word is not None:
                return (yield from self._obey(arrival, flow, word))
        return (yield from self._submit(arrival, flow, Turn(answer=answer, before=stored)))

    def _submit(self, arrival: Arrival, flow: Flow, turn: Turn) -> Calls[Decision]:
        """Fires the answer at the machine, and says what follows."""
        if flow.judges_async and turn.answer is not None:
            turn.verdict = yield from flow.judges(turn.answer)
        flow.fire(SUBMIT, turn)
        if flow.refusal is not None:
            messages = yield from self.ask(arrival, flow, flow.refusal)
            return Decision(messages, "refused", flow=flow, entries=turn.entries)
        messages = yield from self.ask(arrival, flow)
        status = flow.state if flow.state in TERMINAL_STATES else "in_progress"
        return Decision(messages, status, flow=flow, entries=turn.entries, write=Write.ADVANCE, moved=True)

    def _obey(self, arrival: Arrival, flow: Flow, word: str) -> Calls[Decision]:
        """Does what a global word says."""
        if word == "help":
            told = self.sentences.help.format(words=self.words.shown())
            return Decision((yield from self.ask(arrival, flow, told)), "in_progress")
        turn = Turn()
        if word == "restart":
            flow.run_id = self._run_id(arrival)
        if not flow.fire({"back": BACK, "cancel": CANCEL, "restart": RESTART}[word], turn):
            return (yield from self._refuse(arrival, flow, self.sentences.first_question))
        messages = yield from self.ask(arrival, flow)
        status = "cancelled" if word == "cancel" else "in_progress"
        return Decision(messages, status, flow=flow, entries=turn.entries, forget=word == "restart", moved=True)

    def _expire(self, arrival: Arrival, flow: Flow) -> Calls[Decision]:
        """Closes a run that was silent for too long; a keyword starts the next one at once."""
        turn = Turn()
        flow.fire(EXPIRE, turn)
        if self._named(arrival.inbound) is not None:
            return (yield from self._begin(arrival, None, before=turn.entries))
        said = yield from self.ask(arrival, flow)
        return Decision(said, "expired", flow=flow, entries=turn.entries, moved=True)

    def _refuse(self, arrival: Arrival, flow: Flow, reason: str) -> Calls[Decision]:
        """Says why a message is no answer, and the current question; the run stays as it is."""
        return Decision((yield from self.ask(arrival, flow, reason)), "refused")

    def _apology(self, arrival: Arrival, state: MemberState, fault: Exception) -> Decision:
        """What a member gets for a fault of the flow, and what the trail keeps of it: its type and its place."""
        stored = None if state.flow_data is None or state.flow_data.ended else state.flow_data
        entry = AuditEntry(
            audit.ERROR,
            "error",
            step_id=None if stored is None else stored.step_id,
            error=type(fault).__name__,
            place=place_of(fault),
            flow_id=None if stored is None else stored.id,
            run_id=None if stored is None else stored.run_id,
            channel=arrival.inbound.channel,
            message_id=arrival.inbound.message_id,
            member_id=arrival.member_id,
        )
        # what cannot be read, and could not be recovered from either, is put aside all the same
        lost = bool(state.unreadable)
        said = (self.checked(arrival, self.sentences.apology),)
        return Decision(said, "error", entries=(entry,), forget=lost, unreadable=state.unreadable, ended=lost)

    def _run_id(self, arrival: Arrival) -> str:
        """The id of a run that this message starts.

        The member and the moment are part of it because ids of messages may come again: on a channel that counts each
        member's own, or after the retention. Two runs must never share the key of a payment.
        """
        return digest(arrival.member_id, arrival.inbound.channel.type, arrival.inbound.message_id, str(arrival.at))


def repeated(arrival: Arrival, state: MemberState) -> Reply:
    """The reply to a message that was decided before: the stored one if it was the latest, else nothing to send."""
    if state.recent and state.recent[-1] == arrival.key:
        stored = load_reply(state.raw.get("reply", b""), arrival.member_id)
        if stored is not None:
            return stored
    flow_data = state.flow_data
    flow_id, step_id = (None, None) if flow_data is None else (flow_data.id, flow_data.step_id)
    return Reply((), arrival.member_id, flow_id, step_id, "duplicate", duplicate=True)
