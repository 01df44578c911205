"""A member who comes back after a silence: is told that the run was closed, and offered to go on with it.

Here belongs the closing of a run that was silent for too long, and what a message means where one was closed: too late,
in time after all, a choice to go on or to start over, or something new. What is done then with an answer, a global word
or a keyword is what the turn does anywhere.

The offer is made where something was answered; else there is nothing to keep, and the closing words say what starts the
flow again. It is made so often and no more: a member who says something else each time wants something else.

A run that is for those who are signed in is offered and gone on with for nobody else: the sign-in comes first, and the
offer after it. A sign-in itself is not offered: who was silent proves anew who they are.

A worker closes runs by the store's clock, a message says when it was sent. One that was sent in time and came after the
worker is an answer all the same: nobody had told its member anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from attrs import evolve, field, frozen

from fsmflow import audit
from fsmflow.alphabet import EXPIRE, RESUME
from fsmflow.answers import Answer, chosen
from fsmflow.audit import AuditEntry
from fsmflow.calls import Calls
from fsmflow.decision import LATE, OVER, STALE, Arrival, Decision
from fsmflow.faults import about
from fsmflow.flow import Flow
from fsmflow.holding import status_of
from fsmflow.machine import Turn
from fsmflow.messages import Inbound, Message
from fsmflow.moving import says_next
from fsmflow.opening import begins, named_by
from fsmflow.sign_in import SigningIn
from fsmflow.silence import GO_ON, OFFERS, START_OVER
from fsmflow.state import FlowData, MemberState
from fsmflow.taps import is_wire_id, nonce_of, tapped


class Further(Enum):
    """What the turn is to do with a message, as it does anywhere."""

    LISTEN = "listen"
    """Take it for what it means at the question."""

    BEGIN = "begin"
    """Take it as where nothing is open."""

    RESTART = "restart"
    CANCEL = "cancel"


@frozen
class Returned:
    """What is left to do with a message.

    Args:
        further: What.
        flow: The run; None where it is not known here any more.
        entries: What happened already.
    """

    further: Further
    flow: Flow[Any] | None = None
    entries: Sequence[AuditEntry] = field(default=())


def expires(
    dialogue: SigningIn, arrival: Arrival, state: MemberState, flow: Flow[Any], at_hand: list[Flow[Any]], why: str
) -> Calls[Decision]:
    """Closes a run that was silent for too long; a keyword starts the next one at once.

    A run that waits beneath it is gone on with, unless the silence was too long for that one, too.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        state: What was read.
        flow: The run.
        at_hand: Takes the flow that is at it.
        why: What is told to who must sign in.

    Yields:
        The calls of what is said.
    """
    turn = Turn()
    yield from flow.goes(EXPIRE, turn)
    closed = leaves_behind(dialogue, arrival, state, flow, turn)
    if named_by(dialogue.registry, arrival.inbound) is not None:
        begun = yield from begins(dialogue, arrival, at_hand, before=turn.entries, waiting=flow.waiting)
        return evolve(begun, messages=(*closed, *begun.messages))
    if flow.waiting is None and flow.can_be_resumed and dialogue.must_sign_in(arrival, flow):
        if not dialogue.leaves(arrival, state):
            return (yield from dialogue.signs_in(arrival, flow, at_hand, turn.entries, why))
        flow.halt = None
    if flow.waiting is None:
        return (yield from _told(dialogue, arrival, flow, turn.entries, closed))
    flow.halt = None  # what waits is gone on with, not this
    said = yield from dialogue.ask(arrival, flow)
    said = (*said, *closed, *(yield from dialogue.goes_on(arrival, flow, turn)))
    return Decision(said, "expired", flow=flow, entries=turn.entries, moved=True)


def leaves_behind(
    dialogue: SigningIn, arrival: Arrival, state: MemberState, flow: Flow[Any], turn: Turn
) -> tuple[Message, ...]:
    """Drops what waits in vain beneath a run that a silence has closed; gives what is to be said of it.

    That is what waited for this sign-in, and what the silence was too long for, too.
    """
    closed = dialogue.closes_what_needed_it(arrival, flow, turn)
    while flow.waiting is not None and _is_over(dialogue, arrival, state, flow.waiting):
        turn.entries.append(about(arrival, flow.waiting, audit.EXPIRE, "success"))
        flow.waiting = flow.waiting.waiting
    return closed


def _is_over(dialogue: SigningIn, arrival: Arrival, state: MemberState, run: FlowData) -> bool:
    """True if the silence was too long for a run that waits."""
    registration = dialogue.registry.registrations.get(run.flow_type)
    return registration is not None and arrival.is_silent_since(state, registration.flow.timeout)


def returning(
    dialogue: SigningIn,
    arrival: Arrival,
    state: MemberState,
    stored: FlowData,
    at_hand: list[Flow[Any]],
    why: str,
) -> Calls[Decision | Returned]:
    """Says what a message means to a run that a silence has closed.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        state: What was read.
        stored: The run.
        at_hand: Takes the flow that is made of it.
        why: What is told to who must sign in.

    Yields:
        The calls of the flow's message.

    Raises:
        NewerState: A newer release wrote it.
    """
    registration = dialogue.known(arrival, state, stored)
    flow = None if registration is None else dialogue.flow_for(arrival, registration, stored)
    if stored.halt is None or flow is None or not flow.resume(stored):
        return Returned(Further.BEGIN)
    at_hand.append(flow)
    flow.previous = state.previous
    is_told, is_late = stored.halt.offers > 0, arrival.is_late(state)
    is_in_time = not is_told and not is_late and not arrival.is_silent_since(state, flow.current_timeout)
    named = named_by(dialogue.registry, arrival.inbound) is not None
    if is_late and not (flow.halt is not None and is_told):
        return Returned(Further.BEGIN)
    if flow.halt is None or not (flow.unasked or is_told or is_in_time):
        if dialogue.must_sign_in(arrival, flow) and flow.can_be_resumed:
            return (yield from _kept_out(dialogue, arrival, state, flow, at_hand, why))
        return Returned(Further.BEGIN, flow) if named else (yield from _closed(dialogue, arrival, state, flow))
    if dialogue.must_sign_in(arrival, flow):
        return (yield from _kept_out(dialogue, arrival, state, flow, at_hand, why, is_in_time=is_in_time))
    if flow.unasked:
        flow.unasked = False
        return (yield from _told(dialogue, arrival, flow))
    if is_in_time:
        return Returned(Further.LISTEN, flow, (yield from _taken_up_again(flow)))
    return (yield from _answered(dialogue, arrival, flow, named=named, is_late=is_late))


def _kept_out(
    dialogue: SigningIn,
    arrival: Arrival,
    state: MemberState,
    flow: Flow[Any],
    at_hand: list[Flow[Any]],
    why: str,
    *,
    is_in_time: bool = False,
) -> Calls[Decision | Returned]:
    """Has a member sign in before the offer to go on is made, or taken up; nobody has to for leaving it."""
    if dialogue.leaves(arrival, state):
        return Returned(Further.CANCEL, flow)
    if named_by(dialogue.registry, arrival.inbound) is not None and not is_in_time:
        flow.halt = None
        return Returned(Further.BEGIN, flow)
    entries = (yield from _taken_up_again(flow)) if is_in_time else ()
    return (yield from dialogue.signs_in(arrival, flow, at_hand, entries, why))


def _taken_up_again(flow: Flow[Any]) -> Calls[Sequence[AuditEntry]]:
    """Takes up a run whose member answered in time, as if no silence had closed it."""
    turn, halt, interrupted_by = Turn(), flow.halt, flow.interrupted_by
    yield from flow.goes(RESUME, turn)
    flow.interrupted_by = interrupted_by
    if halt is not None:
        flow.visit = halt.visit  # nothing was asked since: the buttons on the screen are the question's
    return turn.entries


def _closed(dialogue: SigningIn, arrival: Arrival, state: MemberState, flow: Flow[Any]) -> Calls[Decision]:
    """Tells a member of a run that a worker has closed."""
    turn = Turn()
    is_sign_in = flow.flow_type == dialogue.registry.sign_in
    closed = leaves_behind(dialogue, arrival, state, flow, turn) if is_sign_in else ()
    return (yield from _told(dialogue, arrival, flow, turn.entries, closed))


def _told(
    dialogue: SigningIn,
    arrival: Arrival,
    flow: Flow[Any],
    entries: Sequence[AuditEntry] = (),
    closed: Sequence[Message] = (),
) -> Calls[Decision]:
    """Tells a member that a silence has closed the run, with the offer to go on where there is something to keep."""
    noted = entries or (flow.entry(audit.VALIDATION, "refused", reason=OVER),)
    if flow.flow_type == dialogue.registry.sign_in:
        flow.answers, flow.path, flow.inner = {}, (), None
    is_offer = flow.can_be_resumed
    said = yield from dialogue.ask(arrival, flow)
    flow.halt = evolve(flow.halt, offers=1) if is_offer and flow.halt is not None else None
    return Decision((*said, *closed), "expired", flow=flow, entries=noted, moved=True)


def _answered(
    dialogue: SigningIn, arrival: Arrival, flow: Flow[Any], *, named: bool, is_late: bool
) -> Calls[Decision | Returned]:
    """Takes a message for an answer to the offer."""
    if is_late:
        return (yield from _again(dialogue, arrival, flow, dialogue.sentences.late, LATE))
    inbound = arrival.inbound
    option_id = None
    if inbound.option_id is not None and is_wire_id(inbound.option_id):
        option_id = tapped(nonce_of(flow.run_id, flow.visit), inbound.option_id)
        if option_id is None:
            return (yield from _again(dialogue, arrival, flow, dialogue.sentences.stale, STALE))
    answer = Answer(inbound.text, option_id, inbound.kind, numbered=dialogue.numbers_choices(arrival))
    option = chosen(flow.offer_to_resume, answer)
    word = None if option_id is not None else _word(dialogue, inbound)
    if option is not None and option.id == GO_ON:
        return (yield from _going_on(dialogue, arrival, flow))
    if option is not None and option.id == START_OVER:
        return Returned(Further.RESTART, flow)
    if word in (Further.RESTART.value, Further.CANCEL.value):
        return Returned(Further(word), flow)
    if word == "help":
        told_so = dialogue.sentences.help.format(words=dialogue.words.shown())
        return Decision((yield from dialogue.ask(arrival, flow, told_so)), "in_progress")
    halt = flow.halt
    if named or halt is None or halt.offers >= OFFERS:
        flow.halt = None
        return Returned(Further.BEGIN, flow)
    flow.halt = evolve(halt, offers=halt.offers + 1)
    return (yield from _again(dialogue, arrival, flow, dialogue.sentences.choose, dialogue.sentences.choose))


def _word(dialogue: SigningIn, inbound: Inbound) -> str | None:
    """The global word that a message is; a button of an approved template may be one."""
    if inbound.option_id is not None:
        return dialogue.words.meaning(inbound.option_id)
    return dialogue.words.meaning(inbound.text or "") if inbound.kind == "text" else None


def _going_on(dialogue: SigningIn, arrival: Arrival, flow: Flow[Any]) -> Calls[Decision]:
    turn = Turn()
    yield from flow.goes(RESUME, turn)
    flow = dialogue.rebuilt(arrival, flow)
    messages = yield from says_next(dialogue, arrival, flow, turn)
    return Decision(messages, status_of(flow), flow=flow, entries=turn.entries, moved=True)


def _again(dialogue: SigningIn, arrival: Arrival, flow: Flow[Any], said: str, why: str) -> Calls[Decision]:
    """Makes the offer once more, after the reason for it."""
    entry = flow.entry(audit.VALIDATION, "refused", reason=why)
    return Decision((yield from dialogue.ask(arrival, flow, said)), "refused", flow=flow, entries=(entry,))
