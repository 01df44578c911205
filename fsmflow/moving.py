"""What is said of a run that has moved, or that stays where it is.

Here belong the question that comes next, after what was answered to it before and what the member must know first; the
run that is gone on with after an end; and why a message is no answer. Which of it a message leads to belongs to
`listening`, `returning` and the turn.
"""

from __future__ import annotations

from fsmflow import audit
from fsmflow.calls import Call, Calls
from fsmflow.decision import Arrival, Decision
from fsmflow.flow import Flow
from fsmflow.machine import Turn
from fsmflow.messages import Message, Text
from fsmflow.sign_in import SigningIn
from fsmflow.state import COMPLETED, TERMINAL_STATES, FlowData


def says_next(
    dialogue: SigningIn, arrival: Arrival, flow: Flow, turn: Turn, reason: str | None = None
) -> Calls[tuple[Message, ...]]:
    """What is said where a run has moved: what was answered here before; after an end, the question that waits.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message at hand.
        flow: The run.
        turn: Takes up what is recorded of it.
        reason: What stands before it.

    Yields:
        The calls of what is said.
    """
    left: tuple[str, ...] | None = None
    if flow.innermost.may_have_nothing:
        left = yield from flow.leaves_if_empty(turn.entries)
    step = flow.innermost.current_step
    if step is not None and step.live is not None:
        yield from flow.innermost.choices_now()  # an earlier answer is shown by its title
    earlier = dialogue.earlier(flow) if reason is None else ""  # who was refused something knows what they answered
    told = [each for each in (reason, *(left or ()), earlier) if each]
    messages = yield from dialogue.ask(arrival, flow, *told)
    if flow.state not in TERMINAL_STATES or flow.waiting is None:
        return messages
    closed = dialogue.closes_what_needed_it(arrival, flow, turn)
    return (*messages, *closed, *(yield from dialogue.goes_on(arrival, flow, turn)))


def says_at_last(
    dialogue: SigningIn, arrival: Arrival, ended: FlowData
) -> Calls[tuple[tuple[Message, ...], Flow | None]]:
    """The closing words of a run that ended when nobody was there to hear them.

    Words that fail are given up: whoever did not hear them is told what the library knows, and kept from nothing.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message at hand.
        ended: The run.

    Yields:
        The calls of its words.

    Returns:
        The words, and the run as it is kept once they are said; nothing, and None, where they stay unsaid.

    Raises:
        Exception: What the application's own ``on_fault`` raised.
    """
    flow = dialogue.taken_up(arrival, ended)
    if flow is None or dialogue.must_sign_in(arrival, flow):
        return (), None
    flow.unasked = False
    try:
        return (yield from dialogue.ask(arrival, flow)), flow
    except Exception as raised:  # noqa: BLE001 - whatever the flow's words raise, their member goes on
        fault = raised
    if dialogue.on_fault is not None:
        yield Call(dialogue.on_fault, (fault, arrival.inbound))
    known = dialogue.sentences.done if flow.state == COMPLETED else dialogue.sentences.not_done
    return (Text(known),), flow


def refuses(dialogue: SigningIn, arrival: Arrival, flow: Flow, told: str, why: str) -> Calls[Decision]:
    """Says why a message is no answer, and the current question; the run stays as it is.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        flow: The run.
        told: Why, for the member.
        why: Why, for the trail.

    Yields:
        The calls of the question.
    """
    entries = [flow.entry(audit.VALIDATION, "refused", reason=why)]
    left = yield from flow.leaves_if_empty(entries)
    messages = yield from dialogue.ask(arrival, flow, told, *(left or ()))
    if left is None:
        return Decision(messages, "refused", flow=asked_again(flow), entries=entries, heard=flow)
    ended = flow.state in TERMINAL_STATES
    return Decision(messages, flow.state if ended else "refused", flow=flow, entries=entries, moved=True)


def because_it_was_left(
    dialogue: SigningIn, flow: Flow, told: tuple[str, ...] | None, *otherwise: str
) -> tuple[str, ...]:
    """What stands before a question that was come to because the one before had nothing to choose from any more."""
    if told is None:
        return otherwise
    return told if told or flow.last_words else (dialogue.sentences.gone,)


def asked_again(flow: Flow) -> Flow | None:
    """What is stored where a step's own question is shown again: the run, if it was another that it answered last.

    A number, or a title, means what it says beside the question that was shown last.
    """
    asked = flow.innermost
    if flow.interrupted_by is None and asked.shown == asked.shown_before:
        return None
    flow.interrupted_by = None
    return flow
