"""A member who comes back after a silence: is told that the run was closed, and offered to go on with it.

Here belongs what a message means where a silence has closed the run: too late, in time after all, a choice to go on or
to start over, or something new. What is done then with an answer, a global word or a keyword is what the turn does
anywhere.

The offer is made where something was answered; else there is nothing to keep, and the closing words say what starts the
flow again. It is made so often and no more: a member who says something else each time wants something else.

A worker closes runs by the store's clock, a message says when it was sent. One that was sent in time and came after the
worker is an answer all the same: nobody had told its member anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from attrs import evolve, field, frozen

from fsmflow import audit
from fsmflow.alphabet import RESUME
from fsmflow.answers import Answer, chosen
from fsmflow.audit import AuditEntry
from fsmflow.calls import Calls
from fsmflow.decision import LATE, OVER, STALE, Arrival, Decision
from fsmflow.dialogue import Dialogue
from fsmflow.flow import Flow
from fsmflow.machine import Turn
from fsmflow.messages import Inbound
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


def returning(
    dialogue: Dialogue, arrival: Arrival, state: MemberState, stored: FlowData, at_hand: list[Flow[Any]], *, named: bool
) -> Calls[Decision | Returned]:
    """Says what a message means to a run that a silence has closed.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        state: What was read.
        stored: The run.
        at_hand: Takes the flow that is made of it.
        named: True if the message is a keyword.

    Yields:
        The calls of the flow's message.

    Raises:
        NewerState: A newer release wrote it.
    """
    registration = dialogue.known(arrival, state, stored)
    if registration is None or stored.halt is None:
        return Returned(Further.BEGIN)
    flow = dialogue.flow_for(arrival, registration, stored)
    if not flow.resume(stored):
        return Returned(Further.BEGIN)
    at_hand.append(flow)
    flow.previous = state.previous
    is_told = stored.halt.offers > 0
    if arrival.is_late(state):
        if flow.halt is not None and is_told:
            return (yield from _again(dialogue, arrival, flow, dialogue.sentences.late, LATE))
        return Returned(Further.BEGIN)
    if flow.halt is not None and not is_told and not arrival.is_silent_since(state, flow.current_timeout):
        turn = Turn()
        yield from flow.goes(RESUME, turn)
        flow.visit = stored.halt.visit  # nothing was asked since: the buttons on the screen are the question's
        return Returned(Further.LISTEN, flow, turn.entries)
    if flow.halt is not None and is_told:
        return (yield from _answered(dialogue, arrival, flow, named=named))
    if named:
        return Returned(Further.BEGIN)
    return (yield from told(dialogue, arrival, flow))


def told(dialogue: Dialogue, arrival: Arrival, flow: Flow[Any], entries: Sequence[AuditEntry] = ()) -> Calls[Decision]:
    """Tells a member that a silence has closed the run, with the offer to go on where there is something to keep."""
    is_offer = flow.can_be_resumed
    said = yield from dialogue.ask(arrival, flow)
    flow.halt = evolve(flow.halt, offers=1) if is_offer and flow.halt is not None else None
    noted = entries or (flow.entry(audit.VALIDATION, "refused", reason=OVER),)
    return Decision(said, "expired", flow=flow, entries=noted, moved=True)


def _answered(dialogue: Dialogue, arrival: Arrival, flow: Flow[Any], *, named: bool) -> Calls[Decision | Returned]:
    """Takes a message for an answer to the offer."""
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


def _word(dialogue: Dialogue, inbound: Inbound) -> str | None:
    """The global word that a message is; a button of an approved template may be one."""
    if inbound.option_id is not None:
        return dialogue.words.meaning(inbound.option_id)
    return dialogue.words.meaning(inbound.text or "") if inbound.kind == "text" else None


def _going_on(dialogue: Dialogue, arrival: Arrival, flow: Flow[Any]) -> Calls[Decision]:
    turn = Turn()
    yield from flow.goes(RESUME, turn)
    flow = dialogue.rebuilt(arrival, flow)
    messages = yield from dialogue.ask(arrival, flow, dialogue.earlier(flow))
    return Decision(messages, "in_progress", flow=flow, entries=turn.entries, moved=True)


def _again(dialogue: Dialogue, arrival: Arrival, flow: Flow[Any], said: str, why: str) -> Calls[Decision]:
    """Makes the offer once more, after the reason for it."""
    entry = flow.entry(audit.VALIDATION, "refused", reason=why)
    return Decision((yield from dialogue.ask(arrival, flow, said)), "refused", flow=flow, entries=(entry,))
