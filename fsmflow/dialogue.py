"""What every turn needs whatever it decides: a member's flow made ready, and words that fit the channel.

Here belong the making of a flow for an arrival and the composing of what is said to it: options get the form that the
channel has room for and their wire ids,
a reason and its question become one message where they fit, and each message is checked against its channel's limits.
Which of it is said when belongs to `conversation` and `recovery`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, Protocol

from attrs import evolve, field, frozen

from fsmflow.answers import ANSWER_LIMIT, Answer
from fsmflow.calls import Calls
from fsmflow.codec import load_reply
from fsmflow.decision import Arrival
from fsmflow.errors import FlowFault, LimitExceeded, NewerState
from fsmflow.flow import Flow
from fsmflow.menus import ALL_ROOM, Room, menu_of, with_room
from fsmflow.messages import Buttons, ListMenu, Message, Option, Reply, Text, options_of
from fsmflow.per_channel import PerChannel
from fsmflow.questions import compose, with_option_ids, with_reason
from fsmflow.registry import Registration, Registry, make_flow, sample_flow
from fsmflow.silence import offer
from fsmflow.state import TERMINAL_STATES, FlowData, MemberState
from fsmflow.step import Step, StepType
from fsmflow.taps import NONCE_LENGTH, nonce_of, turn_id, wire_id
from fsmflow.wording import Sentences, Words, folded, spoken

# How long a flow that this worker does not know is taken for one of a newer release. After that much silence it is
# taken for one that was removed: a rolling deploy is over sooner, and its member must not be turned away for ever.
UNKNOWN_FLOW_PATIENCE: Final = timedelta(minutes=5)


# A longer answer is not said again: it would push its question off the screen, or over the channel's limit.
EARLIER_LENGTH: Final = 200


class ChannelRules(Room, Protocol):
    """What a turn needs to know of a channel: how much it has room for, and what it refuses."""

    @property
    def window(self) -> timedelta | None:
        """How long after a member's last message the channel takes one that was not asked for; None is for ever."""

    def check(self, message: Message) -> None:
        """Raises `LimitExceeded` for a message that is over a limit."""


@frozen
class Dialogue:
    """The flows of a runner and how it speaks.

    Args:
        registry: The flows.
        words: What a member may type at any question.
        sentences: What is said by the library itself.
        services: What the actions of flows are given to work with.
        rules: What each channel type allows; a type that is not among them has no limits.
    """

    registry: Registry
    words: Words = field(factory=Words)
    sentences: Sentences = field(factory=Sentences)
    rules: Mapping[str, ChannelRules] = field(factory=dict)
    services: Any = field(default=None, repr=False)

    def known(self, arrival: Arrival, state: MemberState, flow_data: FlowData) -> Registration | None:
        """The registration of a stored run's flow, or None where it was removed from the code.

        Raises:
            NewerState: A newer release wrote it, or may have: this worker must leave it alone.
        """
        registration = self.registry.registrations.get(flow_data.flow_type)
        if registration is None:
            if arrival.received - state.sent_at <= UNKNOWN_FLOW_PATIENCE / timedelta(milliseconds=1):
                raise NewerState("the open flow is not known here: it may belong to a newer release")
            return None
        if flow_data.revision > registration.flow.revision:
            raise NewerState("the open flow was written by a newer revision of it")
        if flow_data.inner is not None and _is_newer_within(registration.flow.steps, flow_data):
            raise NewerState("a flow within the open one was written by a newer revision of it")
        return registration

    def flow_for(self, arrival: Arrival, registration: Registration, stored: FlowData | None = None) -> Flow:
        """A new flow for a member, at its first step.

        Args:
            arrival: The message at hand.
            registration: Which flow.
            stored: The run that it is going to take up, which a class that builds its own steps is constructed with;
                None for a new run, which is not to see the answers of the one before.
        """
        channel = arrival.inbound.channel
        structure = None
        if not registration.has_steps and stored is not None:
            structure = MemberState(arrival.member_id, channel, stored).to_dict()
        flow = make_flow(registration.flow, registration.flow_type, arrival.member_id, channel, structure)
        flow.sentences, flow.services = self.sentences, self.services
        flow.message_id = arrival.inbound.message_id
        flow.member = arrival.member
        return flow

    def must_sign_in(self, arrival: Arrival, flow: Flow) -> bool:
        """True if a flow is not for a member who is not signed in, as this one is not."""
        return flow.definition.requires_auth and not arrival.is_signed_in

    def rebuilt(self, arrival: Arrival, flow: Flow) -> Flow:
        """The same run with its steps as they are now: of a class that builds them, by the answers of this moment.

        Its next load builds them by these answers too, and what is shown must be what is judged then.
        """
        registration = self.registry.registrations[flow.flow_type]
        if registration.has_steps:
            return flow
        run = flow.snapshot()
        again = self.flow_for(arrival, registration, run)
        if not again.resume(run):
            return flow
        again.previous, again.refusal, again.entries = flow.previous, flow.refusal, flow.entries
        again.innermost.effect_id = flow.innermost.effect_id
        return again

    def ask(self, arrival: Arrival, flow: Flow, *reasons: str) -> Calls[tuple[Message, ...]]:
        """What a flow says now, after the reasons for it; in one message where that fits the channel.

        Yields:
            The calls of the flow's message or closing words.

        Raises:
            LimitExceeded: The question, or a reason, is too long for the channel.
            Exception: Whatever the flow's code raised.
        """
        said = yield from flow.says()
        question = said
        if options_of(said):
            # once it has ended an option answers nothing, and its id may be a keyword
            if flow.state in TERMINAL_STATES and not flow.can_be_resumed:
                question = with_option_ids(said, str)
            else:
                nonce = nonce_of(flow.run_id, flow.visit)
                shown = self._with_room(arrival, flow, said)
                question = with_option_ids(shown, partial(wire_id, nonce), partial(turn_id, nonce))
        self.check(arrival, question)
        reason = "\n\n".join(each for each in reasons if each.strip()) if reasons else ""
        if not reason:
            return (question,)
        together = with_reason(reason, question)
        if together is not question:
            try:
                self.check(arrival, together)
            except LimitExceeded:
                pass  # two messages, then
            else:
                return (together,)
        return (self.checked(arrival, reason), question)

    def earlier(self, flow: Flow) -> str:
        """What was answered before to the question that is asked now, in words; empty where nothing can be shown."""
        answer = flow.innermost.earlier()
        if not answer or len(answer) > EARLIER_LENGTH:
            return ""
        return self.sentences.earlier.format(answer=answer)

    def taken_up(self, arrival: Arrival, stored: FlowData) -> Flow | None:
        """The flow of a run that waits; None where it cannot be gone on with as it is."""
        registration = self.registry.registrations.get(stored.flow_type)
        if registration is None or stored.revision > registration.flow.revision:
            return None
        flow = self.flow_for(arrival, registration, stored)
        return flow if flow.resume(stored) else None

    def for_the_trail(self, arrival: Arrival, flow: Flow, run: FlowData) -> FlowData:
        """A flow's run, and those that wait beneath it, without what is sensitive: the same object where nothing is."""
        kept = flow.definition.redacted(run)
        return kept if run.waiting is None else evolve(kept, waiting=self._waiting_for_the_trail(arrival, run.waiting))

    def _waiting_for_the_trail(self, arrival: Arrival, run: FlowData) -> FlowData:
        registration = self.registry.registrations.get(run.flow_type)
        beneath = None if run.waiting is None else self._waiting_for_the_trail(arrival, run.waiting)
        try:
            is_known = registration is not None and run.revision <= registration.flow.revision
            made = self.flow_for(arrival, registration, run) if is_known and registration is not None else None
            kept = None if made is None else made.definition.redacted(run)
        except Exception:  # noqa: BLE001 - a flow that cannot be made does not say which of its answers are sensitive
            kept = None
        return evolve(kept or evolve(run, data={}, inner=None), waiting=beneath)

    def _with_room(self, arrival: Arrival, flow: Flow, said: Message) -> Message:
        """A question with options as the channel has room for them: its page, or a list in place of buttons."""
        room = self.room(arrival)
        asked = flow.innermost
        is_its_own = flow.state not in TERMINAL_STATES  # else it is whether to go on
        if is_its_own and asked.choices_known is not None and isinstance(said, (Buttons, ListMenu)):
            asked.shown = asked.choices_known.mark
            menu = menu_of(asked.choices_known, room, self.sentences, as_buttons=isinstance(said, Buttons))
            return menu.message(said, asked.page_shown)
        return with_room(said, room, self.sentences)

    def room(self, arrival: Arrival) -> Room:
        """How much the channel has room for."""
        return self.rules.get(arrival.inbound.channel.type, ALL_ROOM)

    def named(self, arrival: Arrival, flow: Flow, answer: Answer) -> Calls[tuple[Option, ...] | int]:
        """What a typed text names where options live: some of them (several, if it is ambiguous), or a page of them.

        Yields:
            The call of the step's options.
        """
        asked = flow.innermost
        step = asked.current_step
        if step is None or answer.text is None or len(answer.text) > ANSWER_LIMIT:
            return ()
        offer = yield from asked.choices_now()
        as_buttons = step.type is StepType.BUTTON
        menu = menu_of(offer, self.room(arrival), self.sentences, as_buttons=as_buttons)
        if asked.shown not in ("", offer.mark):  # a number means a place of what was shown, which is not this any more
            return () if offer.at(folded(answer.text)) is not None else menu.named(answer.text, 0, by_number=False)
        return menu.named(answer.text, asked.page_shown, by_number=answer.numbered)

    def idle(self) -> str:
        """What can be started, in words."""
        keywords = self.registry.keywords()
        return self.sentences.idle.format(keywords=", ".join(keywords)) if keywords else self.sentences.nothing

    def checked(self, arrival: Arrival, words: str) -> Text:
        """A text that the channel takes.

        Raises:
            LimitExceeded: It is too long.
        """
        text = Text(words)
        self.check(arrival, text)
        return text

    def check(self, arrival: Arrival, message: Message) -> None:
        """Raises what the channel has against a message."""
        rules = self.rules.get(arrival.inbound.channel.type)
        if rules is not None:
            rules.check(message)

    def said_before(self, arrival: Arrival, state: MemberState) -> Reply | None:
        """The stored reply, to be said again; None where it cannot be read, or the channel would not take it.

        What was stored is not trusted: it may be damaged, or of a release that knew of other limits. Rendering it would
        raise after the turn, each time that the message comes again.
        """
        reply = load_reply(state.raw.get("reply", b""), arrival.member_id)
        try:
            for message in () if reply is None else reply.messages:
                self.check(arrival, message)
        except Exception:  # noqa: BLE001 - the parts of a template are whatever JSON they were
            return None
        return reply

    def misfits(self) -> Iterator[str]:
        """What can be said beforehand of questions that a channel will refuse, a sentence each.

        Only questions whose words are fixed are looked at: to say the others takes a member.
        """
        for flow_type, registration in self.registry.registrations.items():
            flow = sample_flow(registration.flow, flow_type)
            if self.services is None:
                yield from (f"{flow_type}: {each}" for each in flow.definition.wants_services(flow.steps))
            for step in flow.steps:
                for misfit in self._misfits_of(flow_type, step):
                    yield f"{type(flow).__name__}, step {step.id!r}: {misfit}"
            for step in flow.steps:
                for channel, rules in self.rules.items():
                    if step.reminder is not None and rules.window is not None and step.reminder >= rules.window:
                        told = f"the reminder comes after {channel} has stopped taking messages that were not asked for"
                        yield f"{type(flow).__name__}, step {step.id!r}: {told}"
        asked = offer(self.sentences, spoken(timedelta(days=1)))
        for rules in self.rules.values():
            question = with_room(compose("", asked, asked.message), rules, self.sentences)
            try:
                rules.check(with_option_ids(question, partial(wire_id, "0" * NONCE_LENGTH)))
            except FlowFault as fault:
                yield f"the offer to go on after a silence: {fault}"

    def _misfits_of(self, flow_type: str, step: Step) -> Iterator[str]:
        for channel in step.message.channels if isinstance(step.message, PerChannel) and self.rules else ():
            if channel not in self.rules:
                yield f"message says words for the channel {channel!r}, which this runner does not know"
        for channel, rules in self.rules.items():
            said = step.message.on(channel) if isinstance(step.message, PerChannel) else step.message
            if callable(said) or step.live is not None or not step.asks:
                continue
            question = with_room(compose(flow_type, step, said), rules, self.sentences)
            try:
                rules.check(with_option_ids(question, partial(wire_id, "0" * NONCE_LENGTH)))
            except FlowFault as fault:
                yield str(fault)

    def window_of(self, arrival: Arrival) -> timedelta | None:
        """How long after a member's last message their channel takes one that was not asked for."""
        rules = self.rules.get(arrival.inbound.channel.type)
        return None if rules is None else rules.window

    def numbers_choices(self, arrival: Arrival) -> bool:
        """True if a number that was typed may mean an option."""
        rules = self.rules.get(arrival.inbound.channel.type)
        return rules is not None and rules.numbers_choices


def _is_newer_within(steps: Sequence[Step], run: FlowData) -> bool:
    """True if a run that another holds, to whatever depth, was written by a newer revision of its flow."""
    stood = run.step_id if run.halt is None else run.halt.step
    flow = next((step.flow for step in steps if step.id == stood), None)
    if run.inner is None or flow is None:
        return False
    return run.inner.revision > flow.revision or _is_newer_within(flow.steps, run.inner)
