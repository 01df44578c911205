"""What every turn needs whatever it decides: a member's flow made ready, and words that fit the channel.

Here belong the making of a flow for an arrival and the composing of what is said to it: options get their wire ids,
a reason and its question become one message where they fit, and each message is checked against its channel's limits.
Which of it is said when belongs to `conversation` and `recovery`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

from attrs import field, frozen

from fsmflow.calls import Calls
from fsmflow.codec import load_reply
from fsmflow.decision import Arrival
from fsmflow.errors import FlowFault, LimitExceeded, NewerState
from fsmflow.flow import Flow
from fsmflow.messages import Message, Reply, Text, options_of
from fsmflow.questions import compose, with_option_ids, with_reason
from fsmflow.registry import Registration, Registry, make_flow, sample_flow
from fsmflow.state import TERMINAL_STATES, FlowData, MemberState
from fsmflow.taps import NONCE_LENGTH, nonce_of, wire_id
from fsmflow.wording import Sentences, Words

# How long a flow that this worker does not know is taken for one of a newer release. After that much silence it is
# taken for one that was removed: a rolling deploy is over sooner, and its member must not be turned away for ever.
UNKNOWN_FLOW_PATIENCE: Final = timedelta(minutes=5)


# A longer answer is not said again: it would push its question off the screen, or over the channel's limit.
EARLIER_LENGTH: Final = 200


class ChannelRules(Protocol):
    """What a turn needs to know of a channel."""

    @property
    def numbers_choices(self) -> bool:
        """True if options are shown as a numbered menu, so that a number chooses one."""

    def check(self, message: Message) -> None:
        """Raises `LimitExceeded` for a message that is over a limit."""


@frozen
class Dialogue:
    """The flows of a runner and how it speaks.

    Args:
        registry: The flows.
        words: What a member may type at any question.
        sentences: What is said by the library itself.
        rules: What each channel type allows; a type that is not among them has no limits.
    """

    registry: Registry
    words: Words = field(factory=Words)
    sentences: Sentences = field(factory=Sentences)
    rules: Mapping[str, ChannelRules] = field(factory=dict)

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
        flow.sentences = self.sentences
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
            nonce = nonce_of(flow.run_id, flow.visit)
            ended = flow.state in TERMINAL_STATES  # an option then answers nothing; its id may be a keyword
            question = with_option_ids(said, str if ended else partial(wire_id, nonce))
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
            for step in flow.steps:
                if callable(step.message) or step.flow is not None:
                    continue
                question = with_option_ids(compose(flow_type, step, step.message), partial(wire_id, "0" * NONCE_LENGTH))
                for rules in self.rules.values():
                    try:
                        rules.check(question)
                    except FlowFault as fault:
                        yield f"{type(flow).__name__}, step {step.id!r}: {fault}"

    def numbers_choices(self, arrival: Arrival) -> bool:
        """True if a number that was typed may mean an option."""
        rules = self.rules.get(arrival.inbound.channel.type)
        return rules is not None and rules.numbers_choices
