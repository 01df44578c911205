"""Who a member is, and the way in for who is not signed in.

Here belong the asking of the application's authenticator, the sign-in that comes before a flow which requires it, and
what becomes of that flow when the sign-in ends. Moving what was begun before it was known who the member is belongs to
`takeover`.

The flow that was wanted waits beneath the sign-in, as one waits that a member comes back to later. It is asked when the
sign-in is completed, and only the authenticator's word at the next message lets an answer through to it. An application
may take note of a sign-in while its last answer is judged, or when it has got the reply: so the authenticator is asked
once more when a sign-in was completed, and a question that cannot be said without a member is said at the next message.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from fsmflow import audit
from fsmflow.audit import AuditEntry, place_of
from fsmflow.calls import Call, Calls
from fsmflow.codec import digest
from fsmflow.decision import Arrival, Decision, member_id_of
from fsmflow.dialogue import Dialogue
from fsmflow.errors import AsyncFlowError, AuthenticatorFailed, FlowDefinitionError, NoOptions
from fsmflow.faults import about, fault_entry
from fsmflow.flow import Flow
from fsmflow.holding import status_of
from fsmflow.identity import Member
from fsmflow.machine import Turn
from fsmflow.messages import Channel, Inbound, Message
from fsmflow.registry import Registry, sample_flow
from fsmflow.state import COMPLETED, TERMINAL_STATES, FlowData, MemberState

ACTS_UNASKED: Final = (
    "it is for who is signed in, and begins with an action: whatever is sent after the sign-in would run it"
)

Authenticator = Callable[[Channel], object]
"""Gives the `Member` at an address, or None; on an event loop it may have to be awaited."""


@frozen
class SigningIn(Dialogue):
    """A dialogue with members of whom some are signed in.

    Args:
        on_fault: Is called with what a flow's code (or the authenticator) raised, and the message; what it raises comes
            out of the turn.
        authenticator: Says who is at an address; None where nobody is known by more than that.
    """

    on_fault: Callable[[Exception, Inbound], object] | None = None
    authenticator: Authenticator | None = field(default=None, repr=False)  # a partial would show what it holds

    def authenticates(self, inbound: Inbound) -> Calls[Member | None]:
        """Asks who a message is of.

        Raises:
            AuthenticatorFailed: It raised, or gave something else.
        """
        if self.authenticator is None or not inbound.channel.identifier:
            return None
        fault: Exception | None = None
        member: object = None
        try:
            member = yield Call(self.authenticator, (inbound.channel,))
        except Exception as raised:  # noqa: BLE001 - whatever it raises, nobody is let in
            fault = raised
        if fault is None and (member is None or isinstance(member, Member)):
            return member
        if fault is None:
            failed = AuthenticatorFailed(f"the authenticator gave a {type(member).__name__}, not a Member or None")
        else:
            failed = AuthenticatorFailed(f"the authenticator raised {type(fault).__name__} at {place_of(fault)}")
            if self.on_fault is not None:
                yield Call(self.on_fault, (fault, inbound))
        # Both may hold a token. What is raised while a caller still handles the fault has it for a context, and who
        # shows a traceback may show the variables on the way.
        fault = member = None
        yield Call(_leave)
        raise failed

    def who_is_there(self, inbound: Inbound, moment: datetime) -> Calls[tuple[Arrival, bool]]:
        """The arrival of what no member has sent, and whether the member of whom it is is at the address.

        Args:
            inbound: What stands for a message, with the member's id.
            moment: The moment.
        """
        arrival = Arrival.of(inbound, moment)
        if self.authenticator is None:
            return arrival, True
        try:
            member = yield from self.authenticates(inbound)
        except AuthenticatorFailed:  # which it has told: that nobody hears of it then is all that is lost
            return arrival, False
        gone = member is not None and member.id != arrival.member_id  # somebody else is there now
        return Arrival.of(inbound, moment, member), not gone

    def signs_in(
        self, arrival: Arrival, wanted: Flow, at_hand: list[Flow], before: Sequence[AuditEntry], *why: str
    ) -> Calls[Decision]:
        """Begins the sign-in, with the flow that it is for beneath it.

        Args:
            arrival: The message at hand.
            wanted: The flow that requires it, at the point where it is gone on with.
            at_hand: Takes the flow that is at it.
            before: What happened before.
            why: What the member is told.
        """
        name = self.registry.sign_in
        assert name is not None  # noqa: S101 - no runner is made without, where a flow requires it
        flow = self.flow_for(arrival, self.registry.registrations[name])
        at_hand.append(flow)
        wanted.interrupted_by = None
        if wanted.halt is not None:  # what comes after the sign-in answers the offer to go on, and nothing else
            wanted.halt = evolve(wanted.halt, offers=max(1, wanted.halt.offers))
        waits = wanted.snapshot()
        flow.waiting = evolve(waits, unasked=True, waiting=self._without_sign_ins(waits.waiting))
        flow.run_id = digest(wanted.run_id, "sign in", arrival.key, str(arrival.at))
        turn = Turn()
        turn.entries += [*before, wanted.entry(audit.SIGN_IN, "in_progress")]
        turn.entries += [flow.entry(audit.FLOW_START, "success"), flow.entry(audit.STEP_START, "in_progress")]
        flow.begin(turn)
        messages = yield from self.ask(arrival, flow, *why)
        return Decision(messages, "in_progress", flow=flow, entries=turn.entries, forget=True, moved=True)

    def asks_at_last(self, arrival: Arrival, flow: Flow) -> Calls[Decision]:
        """Asks what could not be asked before."""
        told, flow.unasked = self._back_to(flow), False
        entries = [flow.entry(audit.TAKEN_UP, "success")]
        left = yield from flow.leaves_if_empty(entries)
        messages = yield from self.ask(arrival, flow, *told, *(left or ()))
        return Decision(messages, status_of(flow), flow=flow, entries=entries, moved=True)

    def goes_on(self, arrival: Arrival, ended: Flow, turn: Turn) -> Calls[tuple[Message, ...]]:
        """What is said, after a run has ended, of the one that waits beneath it: its question, as a rule."""
        run = ended.waiting
        registration = None if run is None else self.registry.registrations.get(run.flow_type)
        if run is None or registration is None:
            return ()
        is_signing_in = ended.flow_type == self.registry.sign_in and registration.requires_auth
        asking = arrival  # as the sign-in has left it
        if is_signing_in:
            asking = evolve(arrival, member=(yield from self._authenticates_again(arrival)))
        waits = self.taken_up(asking, run)
        if waits is None:
            return ()
        if not is_signing_in and self.must_sign_in(asking, waits):
            ended.waiting = evolve(run, unasked=True)
            return (self.checked(arrival, self.sentences.sign_in_awaits),)
        is_anothers = is_signing_in and self._is_anothers(arrival, asking.member)
        is_late = self.must_sign_in(asking, waits) and _asks_for_options(waits)
        if is_anothers or is_late:
            return (self.checked(arrival, self.sentences.signed_in),)
        try:
            said = yield from self.ask(asking, waits, *self._back_to(waits))
        except NoOptions:
            # it has nothing to choose from just now: the next message finds out where it goes on
            return (self.checked(arrival, self.sentences.signed_in),) if is_signing_in else ()
        except Exception as fault:  # noqa: BLE001 - whatever the code of the one raises, the other has ended
            if asking.is_signed_in or not is_signing_in:
                turn.entries.append(fault_entry(waits, fault))
                if self.on_fault is not None:
                    yield Call(self.on_fault, (fault, arrival.inbound))
            if is_signing_in:
                return (self.checked(arrival, self.sentences.signed_in),)
            ended.waiting = evolve(run, unasked=True)
            return (self.checked(arrival, self.sentences.apology),)
        ended.waiting = evolve(run, unasked=False)
        turn.entries.append(waits.entry(audit.TAKEN_UP, "success"))
        return said

    def closes_what_needed_it(self, arrival: Arrival, ended: Flow, turn: Turn) -> tuple[Message, ...]:
        """Drops what waited for a sign-in that was not gone through, and says so.

        At the next message it would only ask to sign in again, and again after that.
        """
        if ended.flow_type != self.registry.sign_in or ended.state == COMPLETED or arrival.is_signed_in:
            return ()
        said: list[Message] = []
        while ended.waiting is not None:
            registration = self.registry.registrations.get(ended.waiting.flow_type)
            if registration is None or not registration.requires_auth:
                break
            said.append(self.checked(arrival, self.sentences.sign_in_left.format(keyword=registration.shown)))
            turn.entries.append(about(arrival, ended.waiting, audit.CANCEL, "left"))
            ended.waiting = ended.waiting.waiting
        return tuple(said)

    def why_sign_in(self, came_after: FlowData | None) -> str:
        """What a member is told whose message came to a flow that they are not signed in for.

        Args:
            came_after: The run that is stored.
        """
        ended = came_after is not None and came_after.ended
        if ended and came_after is not None and came_after.flow_type == self.registry.sign_in:
            return self.sentences.sign_in_again
        return self.sentences.sign_in_expired

    def leaves(self, arrival: Arrival, state: MemberState) -> bool:
        """True if a message asks to leave, and is none of an earlier question: for that nobody has to sign in."""
        if arrival.inbound.kind != "text" or arrival.is_late(state):
            return False
        return self.words.meaning(arrival.inbound.text or "") == "cancel"

    def _back_to(self, flow: Flow) -> tuple[str, ...]:
        if flow.halt is not None:
            return ()  # it is asked whether it is gone on with
        was_asked = not flow.unasked or flow.path or (flow.inner is not None and flow.inner.path)
        return (self.sentences.resumed,) if was_asked else ()

    def _authenticates_again(self, arrival: Arrival) -> Calls[Member | None]:
        try:
            member = yield from self.authenticates(arrival.inbound)
        except AuthenticatorFailed:
            return None
        given = arrival.inbound.member_id
        return member if member is None or given in (None, member.id) else None

    def _is_anothers(self, arrival: Arrival, member: Member | None) -> bool:
        """True if somebody has signed in at an address whose state is another member's."""
        known = arrival.member_id
        return member is not None and member.id != known and known != member_id_of(arrival.inbound.channel)

    def _without_sign_ins(self, run: FlowData | None) -> FlowData | None:
        if run is None:
            return None
        below = self._without_sign_ins(run.waiting)
        return below if run.flow_type == self.registry.sign_in else evolve(run, waiting=below)


def _asks_for_options(flow: Flow) -> bool:
    """True if the options of what is asked now live: a flow's code gives them, for a member who may see them."""
    step = None if flow.state in TERMINAL_STATES else flow.innermost.current_step
    return step is not None and step.live is not None


def _leave() -> None:
    """Nothing: when it was called, nobody on the way has the fault at hand any more, nor what was given before."""


def check_sign_in(registry: Registry, authenticator: object, *, asynchronous: bool) -> None:
    """Checks what a runner is given for signing in.

    Raises:
        FlowDefinitionError: A flow requires it and there is no way to it, or no way to know; the authenticator is none.
        AsyncFlowError: The authenticator must be awaited, and the runner is synchronous.
    """
    if authenticator is not None and not callable(authenticator):
        raise FlowDefinitionError("FlowRunner", None, "authenticator takes a Channel and gives a Member or None")
    called = getattr(authenticator, "__call__", None)  # noqa: B004 - looked at, for an object whose call is asynchronous
    if not asynchronous and (inspect.iscoroutinefunction(authenticator) or inspect.iscoroutinefunction(called)):
        raise AsyncFlowError("FlowRunner", None, "authenticator must be awaited: use AsyncFlowRunner")
    if registry.sign_in is not None and authenticator is None:
        raise FlowDefinitionError("FlowRunner", None, "with sign_in it needs an authenticator: who else knows of it?")
    for registration in registry.registrations.values():
        if registration.requires_auth and (registry.sign_in is None or authenticator is None):
            wanted = "it is for who is signed in: its runner needs an authenticator and a sign_in"
            raise FlowDefinitionError(registration.flow.__name__, None, wanted)
        if registration.requires_auth and sample_flow(registration.flow, registration.flow_type).definition.acts_first:
            raise FlowDefinitionError(registration.flow.__name__, None, ACTS_UNASKED)
