"""One turn: what is done with one message, from loading the state to the reply.

Here belongs the order in which a message is looked at, written once for every runner, as a generator of effects. It
reads no clock, does no I/O and logs nothing.

The order: is it known (a duplicate), can the state be read, is anything open, is the flow known here, is it older than
the last one, was the member away too long, does it tap an earlier question, is it a global word; else it is an answer.
What comes earlier protects what comes later: an answer is only looked at once nothing else can be meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from fsmflow import audit
from fsmflow.acting import Acting
from fsmflow.action import Action
from fsmflow.alphabet import BACK, CANCEL, EXPIRE, PAGE, RESTART, SKIP
from fsmflow.answers import Answer, chosen
from fsmflow.audit import AuditEntry
from fsmflow.calls import Call, Calls
from fsmflow.codec import CODEC, codec_of, digest
from fsmflow.decision import IGNORED, LATE, STALE, Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.effects import Backoff, Commit, Effects, Load, Outcome, Write
from fsmflow.errors import NewerState, NoOptions, StoreUnavailable
from fsmflow.faults import about, apology
from fsmflow.flow import Flow
from fsmflow.holding import WORKING, held, is_held
from fsmflow.interruption import LATER, STAY, WAITING_LIMIT, asks_what_to_do, waiting_beneath, what_to_do
from fsmflow.machine import Turn
from fsmflow.messages import Inbound, Message, Option, Reply
from fsmflow.pending import Claim
from fsmflow.recovery import put_aside, recover
from fsmflow.repetition import repeated
from fsmflow.returning import Further, returning, told
from fsmflow.state import TERMINAL_STATES, FlowData, MemberState
from fsmflow.taps import is_wire_id, nonce_of, tapped, turned

# What a member does beside the conversation: a heart on a message, a new phone number. It answers nothing, so it gets
# no answer, which would have to be paid for.
SILENT_KINDS: Final = frozenset({"reaction", "system"})

# Why a message is no answer, as the trail says it.
FIRST: Final = "nothing to go back to"


@frozen
class Conversation(Dialogue):
    """How messages are answered.

    Args:
        on_fault: Is called with what a flow's code raised, and the message; what it raises comes out of the turn.
    """

    on_fault: Callable[[Exception, Inbound], object] | None = None

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
            is_repeated = arrival.key in state.recent
            if is_repeated and not is_held(state):
                return repeated(self, arrival, state)
            if is_repeated:
                return (yield from self._taken_over(arrival, state))
            reply, commit = yield from self._decide(arrival, state, start, run_id)
            committed = yield commit
            is_taken = committed.outcome is Outcome.TAKEN
            if is_taken or (committed.outcome is Outcome.APPLIED and isinstance(commit.pending, Claim)):
                acting = Acting(self, arrival, self.on_fault)
                return (yield from acting.act(reply, committed.state, taken_over=is_taken))
            if committed.outcome is Outcome.APPLIED:
                return reply
            state = committed.state
            if committed.outcome is Outcome.DUPLICATE:
                return (yield from self._taken_over(arrival, state))
            attempt += 1
            yield Backoff(attempt)

    def _taken_over(self, arrival: Arrival, state: MemberState) -> Effects[Reply]:
        """The reply to a message that was decided before; an effect that was left open is taken over, if it can be."""
        reply = repeated(self, arrival, state)
        taken = yield from Acting(self, arrival, self.on_fault).take(reply, state)
        return reply if taken is None else taken

    def _decide(
        self, arrival: Arrival, state: MemberState, start: str | None, run_id: str | None
    ) -> Effects[tuple[Reply, Commit]]:
        """The reply, and the commit that stores it. A flow that fails is dropped: of it nothing is saved.

        The fields are written out in here too: what a flow put into its data or its words may have no JSON.
        """
        at_hand: list[Flow] = []
        try:
            stored = state.flow_data
            # one that a silence has closed may be gone on with itself
            is_over = stored is not None and stored.ended and stored.halt is None
            comes_back = is_over and stored is not None and stored.waiting is not None and not state.unreadable
            if stored is not None and comes_back:
                # The run that came in between has ended: this one is gone on with. `previous` is of the other.
                state = evolve(state, flow_data=stored.waiting, previous=None)
            decision = yield from self._consider(arrival, state, at_hand, start, run_id)
            if comes_back and decision.flow is not None and decision.write is Write.UPDATE:
                decision = evolve(decision, forget=True)
            reply = decision.reply(arrival, state)
            return reply, decision.commit(arrival, state, reply, self.for_the_trail)
        except StoreUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever a flow's code raises, its member gets an apology, not a traceback
            if self.on_fault is not None:
                yield Call(self.on_fault, (fault, arrival.inbound))
            decision = apology(self, arrival, state, fault, at_hand[-1] if at_hand else None)
            reply = decision.reply(arrival, state)
            return reply, decision.commit(arrival, state, reply, self.for_the_trail)

    def _consider(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], start: str | None, run_id: str | None
    ) -> Effects[Decision]:
        stored = state.flow_data
        if is_held(state) and arrival.inbound.kind not in SILENT_KINDS:
            return held(self, arrival, state)  # before all else: nothing is done to a run whose outcome is not known
        if start is not None:
            return (yield from self._start(arrival, state, at_hand, start, run_id))
        if state.unreadable:
            return (yield from recover(self, arrival, state))
        if arrival.inbound.kind in SILENT_KINDS:
            if stored is not None and not stored.ended:
                self.known(arrival, state, stored)  # beside a newer release's run nothing is written, not even this
            return Decision((), IGNORED)
        if stored is not None and stored.halt is not None:
            return (yield from self._return(arrival, state, at_hand, stored))
        if stored is None or stored.ended:
            if arrival.is_late(state):
                return self._nothing_open(arrival, self.sentences.late)
            return (yield from self._begin(arrival, at_hand))
        return (yield from self._continue(arrival, state, at_hand, stored))

    def _start(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], start: str, run_id: str | None
    ) -> Calls[Decision]:
        """Starts what the caller names: what was open is left, and what cannot be read is put aside."""
        before = [put_aside(arrival, state.unreadable)] if state.unreadable else []
        stored = state.flow_data
        if stored is not None and not stored.ended:
            self.known(arrival, state, stored)
            before += [about(arrival, run, audit.CANCEL, "left") for run in (stored, *waiting_beneath(stored))]
        begun = yield from self._begin(arrival, at_hand, start, run_id, before)
        return evolve(begun, unreadable=state.unreadable)

    def _continue(
        self, arrival: Arrival, state: MemberState, at_hand: list[Flow], stored: FlowData
    ) -> Effects[Decision]:
        """Goes on with the run that is open, if this worker can and the member was not away too long."""
        registration = self.known(arrival, state, stored)
        if registration is None:
            return (yield from recover(self, arrival, state))
        flow = self.flow_for(arrival, registration, stored)
        if not flow.resume(stored) or isinstance(flow.innermost.current_step, Action):
            return (yield from recover(self, arrival, state))  # at an action nothing is answered: its effect is lost
        at_hand.append(flow)
        flow.previous = state.previous
        if arrival.is_late(state):
            return (yield from self._refuse(arrival, flow, self.sentences.late, LATE))
        if arrival.is_silent_since(state, flow.current_timeout):
            return (yield from self._expire(arrival, state, flow, at_hand))
        return (yield from self._listen(arrival, flow, stored))

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
        told = (yield from flow.leaves_if_empty(turn.entries)) if flow.innermost.may_have_nothing else None
        messages = yield from self.ask(arrival, flow, *(told or ()))
        return Decision(messages, _status(flow), flow=flow, entries=turn.entries, forget=True, moved=True)

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
            nonce = nonce_of(flow.run_id, flow.visit)
            page = turned(nonce, inbound.option_id)
            if page is not None:
                return (yield from self._turn_to(arrival, flow, page))
            option_id = tapped(nonce, inbound.option_id)
            if option_id is None and not is_wire_id(inbound.option_id):
                word = self.words.meaning(inbound.option_id)  # a button of an approved template
            if option_id is None and word is None:
                return (yield from self._refuse(arrival, flow, self.sentences.stale, STALE))
        answer = Answer(inbound.text, option_id, inbound.kind, numbered=self.numbers_choices(arrival))
        named: tuple[Option, ...] | int | str = ()
        if option_id is None and word is None:
            named = yield from self._named_or_word(arrival, flow, answer)
        if isinstance(named, int):
            return (yield from self._turn_to(arrival, flow, named))
        if isinstance(named, str):
            word = named
        elif len(named) == 1 and step is not None and step.live is not None:
            answer = evolve(answer, option_id=named[0].id)
        elsewhere = self._named(inbound) if word is option_id is None and named == () else None
        if elsewhere is not None and elsewhere != flow.flow_type and step is not None and step.has_choices:
            return self._interrupt(arrival, flow, elsewhere)
        if word is not None and not (word == "skip" and (step is None or not step.optional)):
            return (yield from self._obey(arrival, flow, stored, word))
        return (yield from self._submit(arrival, flow, Turn(answer=answer, before=stored)))

    def _named_or_word(self, arrival: Arrival, flow: Flow, answer: Answer) -> Calls[tuple[Option, ...] | int | str]:
        """What a typed text names: what is on the screen means what it says there, then come the global words."""
        if answer.kind != "text":
            return ()
        word = self.words.meaning(answer.text or "")
        step = flow.innermost.current_step
        if step is None or step.live is None:
            found = None if step is None else chosen(step, answer)
            return (found,) if found is not None else word or ()
        try:
            named = yield from self.named(arrival, flow, answer)
        except StoreUnavailable:
            raise
        except Exception:
            if word is None:
                raise
            return word  # where the flow cannot say what is on offer, a member can leave all the same
        return word if word is not None and named == () else named

    def _turn_to(self, arrival: Arrival, flow: Flow, page: int) -> Calls[Decision]:
        """Shows another page of a long list. That is no answer: nothing is judged, and nothing goes to the trail."""
        entries: list[AuditEntry] = []
        told = None
        if flow.innermost.fire(PAGE, Turn(page=page)):
            told = yield from flow.leaves_if_empty(entries)
        else:
            return (yield from self._refuse(arrival, flow, self.sentences.stale, STALE))
        messages = yield from self.ask(arrival, flow, *self._left(flow, told))
        return Decision(messages, _status(flow), flow=flow, entries=entries, moved=told is not None)

    def _left(self, flow: Flow, told: tuple[str, ...] | None, *otherwise: str) -> tuple[str, ...]:
        """What stands before a question that was come to because the one before had nothing to choose from any more."""
        if told is None:
            return otherwise
        return told if told or flow.last_words else (self.sentences.gone,)

    def _submit(self, arrival: Arrival, flow: Flow, turn: Turn) -> Calls[Decision]:
        """Fires the answer at the machine, and says what follows."""
        asked = flow.innermost
        # a refusal may quote the answer, and of a sensitive one nothing is stored but the answer itself
        is_sensitive = asked.state in asked.definition.sensitive
        yield from flow.submits(turn)
        flow.interrupted_by = None
        flow = self.rebuilt(arrival, flow)
        refused = turn.taken is not None and turn.taken.refuses
        if refused and flow.innermost.may_have_nothing:
            left = yield from flow.leaves_if_empty(turn.entries)
            if left is not None:
                messages = yield from self.ask(arrival, flow, *self._left(flow, left))
                return Decision(messages, _status(flow), flow=flow, entries=turn.entries, moved=True)
        if refused:
            messages = yield from self.ask(arrival, flow, flow.refusal or "")
            kept = (yield from self.ask(arrival, flow)) if is_sensitive else None
            return Decision(messages, "refused", flow=flow, entries=turn.entries, kept=kept)
        messages = yield from self._say(arrival, flow, turn, None if is_sensitive else flow.refusal)
        return Decision(messages, _status(flow), flow=flow, entries=turn.entries, write=Write.ADVANCE, moved=True)

    def _say(self, arrival: Arrival, flow: Flow, turn: Turn, reason: str | None = None) -> Calls[tuple[Message, ...]]:
        """What is said where a run has moved: what was answered here before; after an end, the question that waits."""
        left: tuple[str, ...] | None = None
        if flow.innermost.may_have_nothing:
            left = yield from flow.leaves_if_empty(turn.entries)
        step = flow.innermost.current_step
        if step is not None and step.live is not None:
            yield from flow.innermost.choices_now()  # an earlier answer is shown by its title
        told = [each for each in (reason, *(left or ()), self.earlier(flow)) if each]
        messages = yield from self.ask(arrival, flow, *told)
        if flow.state not in TERMINAL_STATES or flow.waiting is None:
            return messages
        waits = self.taken_up(arrival, flow.waiting)
        if waits is None:
            return messages
        turn.entries.append(waits.entry(audit.TAKEN_UP, "success"))
        try:
            return (*messages, *(yield from self.ask(arrival, waits, self.sentences.resumed)))
        except NoOptions:
            return messages  # it has nothing to choose from just now: the next message finds out where it goes on

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
        numbered = self.numbers_choices(arrival)
        choice = what_to_do(self.sentences, arrival.inbound, flow.run_id, flow.visit, wanted, numbered=numbered)
        if choice is None:
            return None
        flow.interrupted_by = None
        if choice == STAY or wanted not in self.registry.registrations:
            entries: list[AuditEntry] = []
            told = yield from flow.leaves_if_empty(entries)
            messages = yield from self.ask(arrival, flow, *self._left(flow, told))
            return Decision(messages, _status(flow), flow=flow, entries=entries, moved=told is not None)
        if choice == LATER:
            if len(waiting_beneath(stored)) >= WAITING_LIMIT:
                said = yield from self.ask(arrival, flow, self.sentences.too_many)
                return Decision(said, "refused", flow=flow)
            left = flow.entry(audit.SUSPEND, "success")
            return (yield from self._begin(arrival, [], wanted, before=(left,), waiting=flow.snapshot()))
        turn = Turn(before=stored)
        yield from flow.goes(CANCEL, turn)
        return (yield from self._begin(arrival, [], wanted, before=turn.entries, waiting=flow.waiting))

    def _obey(self, arrival: Arrival, flow: Flow, stored: FlowData, word: str) -> Calls[Decision]:
        """Does what a global word says."""
        if word in ("help", "menu"):
            said = self.idle() if word == "menu" else self.sentences.help.format(words=self.words.shown())
            entries: list[AuditEntry] = []
            left = yield from flow.leaves_if_empty(entries)
            if left is None:
                messages = yield from self.ask(arrival, flow, said)
                return Decision(messages, "in_progress", flow=_asked_again(flow), heard=flow)
            messages = yield from self.ask(arrival, flow, *self._left(flow, left))
            return Decision(messages, _status(flow), flow=flow, entries=entries, moved=True)
        turn = Turn(before=stored)
        if word == "restart":
            flow.run_id = self._run_id(arrival)
        if not (yield from flow.goes({"back": BACK, "cancel": CANCEL, "restart": RESTART, "skip": SKIP}[word], turn)):
            return (yield from self._refuse(arrival, flow, self.sentences.first_question, FIRST))
        flow = self.rebuilt(arrival, flow)
        messages = yield from self._say(arrival, flow, turn)
        write = Write.ADVANCE if word == "skip" else Write.UPDATE
        return Decision(
            messages, _status(flow), flow=flow, entries=turn.entries, write=write, forget=word == "restart", moved=True
        )

    def _expire(self, arrival: Arrival, state: MemberState, flow: Flow, at_hand: list[Flow]) -> Calls[Decision]:
        """Closes a run that was silent for too long; a keyword starts the next one at once.

        A run that waits beneath it is gone on with, unless the silence was too long for that one, too.
        """
        turn = Turn()
        yield from flow.goes(EXPIRE, turn)
        while flow.waiting is not None and self._is_over(arrival, state, flow.waiting):
            turn.entries.append(about(arrival, flow.waiting, audit.EXPIRE, "success"))
            flow.waiting = flow.waiting.waiting
        if self._named(arrival.inbound) is not None:
            return (yield from self._begin(arrival, at_hand, before=turn.entries, waiting=flow.waiting))
        if flow.waiting is None:
            return (yield from told(self, arrival, flow, turn.entries))
        flow.halt = None  # what waits is gone on with, not this
        said = yield from self._say(arrival, flow, turn)
        return Decision(said, "expired", flow=flow, entries=turn.entries, moved=True)

    def _return(self, arrival: Arrival, state: MemberState, at_hand: list[Flow], stored: FlowData) -> Effects[Decision]:
        """Goes on with a run that a silence has closed, as far as the member wants it."""
        named = self._named(arrival.inbound) is not None
        taken = yield from returning(self, arrival, state, stored, at_hand, named=named)
        if isinstance(taken, Decision):
            return taken
        flow, further = taken.flow, taken.further
        if flow is not None and further is Further.LISTEN:
            decision = yield from self._listen(arrival, flow, flow.snapshot())
            entries = (*taken.entries, *decision.entries)
            return evolve(decision, flow=decision.flow or flow, entries=entries, moved=True)
        if flow is not None and further is not Further.BEGIN:
            return (yield from self._obey(arrival, flow, stored, further.value))
        if arrival.is_late(state):
            return self._nothing_open(arrival, self.sentences.late)
        if stored.waiting is not None and not named:
            return (
                yield from self._continue(arrival, evolve(state, flow_data=stored.waiting), at_hand, stored.waiting)
            )
        begun = yield from self._begin(arrival, at_hand)
        # where nothing began, the run that was left for good is stored as such
        return begun if begun.flow is not None or flow is None else evolve(begun, flow=flow)

    def _is_over(self, arrival: Arrival, state: MemberState, run: FlowData) -> bool:
        """True if the silence was too long for a run that waits."""
        registration = self.registry.registrations.get(run.flow_type)
        return registration is not None and arrival.is_silent_since(state, registration.flow.timeout)

    def _refuse(self, arrival: Arrival, flow: Flow, told: str, why: str) -> Calls[Decision]:
        """Says why a message is no answer, and the current question; the run stays as it is."""
        entries = [flow.entry(audit.VALIDATION, "refused", reason=why)]
        left = yield from flow.leaves_if_empty(entries)
        messages = yield from self.ask(arrival, flow, told, *(left or ()))
        if left is None:
            return Decision(messages, "refused", flow=_asked_again(flow), entries=entries, heard=flow)
        ended = flow.state in TERMINAL_STATES
        return Decision(messages, flow.state if ended else "refused", flow=flow, entries=entries, moved=True)

    def _run_id(self, arrival: Arrival) -> str:
        """The id of a run that this message starts.

        The member and the moment are part of it because ids of messages may come again: on a channel that counts each
        member's own, or after the retention. Two runs must never share the key of a payment.
        """
        return digest(arrival.member_id, arrival.inbound.channel.type, arrival.inbound.message_id, str(arrival.at))


def _asked_again(flow: Flow) -> Flow | None:
    """What is stored where a step's own question is shown again: the run, if it was another that it answered last.

    A number, or a title, means what it says beside the question that was shown last.
    """
    if flow.interrupted_by is None:
        return None
    flow.interrupted_by = None
    return flow


def _status(flow: Flow) -> str:
    """What a reply says of a flow: that an effect is under way, or how it ended, if it did."""
    if flow.action is not None:
        return WORKING
    return flow.state if flow.state in TERMINAL_STATES else "in_progress"
