"""A member who names another flow in the middle of one: what they are asked, and what they chose.

Here belong the question whether to leave, to come back later or to stay, the taking of its answer, and what follows
from it: leaving is the machine's ``cancel``; coming back later puts the whole run aside, to be gone on with once the
other has ended.

It is asked only where a choice is awaited: at a question for text, a keyword may be the answer. The step's own question
stands meanwhile; a button of it, or its title, answers it.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import evolve

from fsmflow import audit
from fsmflow.alphabet import CANCEL
from fsmflow.answers import Answer, chosen
from fsmflow.audit import AuditEntry
from fsmflow.calls import Calls
from fsmflow.decision import Arrival, Decision
from fsmflow.flow import Flow
from fsmflow.holding import status_of
from fsmflow.machine import Turn
from fsmflow.messages import Inbound, Message, Option
from fsmflow.moving import because_it_was_left
from fsmflow.opening import begins, named_by
from fsmflow.questions import compose, with_option_ids, with_reason
from fsmflow.sign_in import SigningIn
from fsmflow.state import FlowData
from fsmflow.step import Step, StepType
from fsmflow.taps import nonce_of, tapped, wire_id
from fsmflow.wording import Sentences

LEAVE: Final = "leave"
LATER: Final = "later"
STAY: Final = "stay"

WAITING_LIMIT: Final = 4
"""How many runs may wait for a member to come back to them; each makes the state longer."""


def waiting_beneath(run: FlowData) -> list[FlowData]:
    """The runs that wait beneath one, the next to be gone on with first."""
    found = []
    while run.waiting is not None:
        run = run.waiting
        found.append(run)
    return found


def interrupts(dialogue: SigningIn, arrival: Arrival, flow: Flow, wanted: str) -> Decision:
    """Asks what to do about the flow that was named in the middle of this one; once more, if that is asked already.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message that names it.
        flow: The run that is in the way.
        wanted: The type of the flow that was named.
    """
    is_slip = flow.interrupted_by == wanted and named_by(dialogue.registry, arrival.inbound) != wanted
    flow.interrupted_by = wanted
    keyword = dialogue.registry.registrations[wanted].shown
    question = asks_what_to_do(dialogue.sentences, keyword, flow.run_id, flow.visit, wanted)
    if is_slip:
        question = with_reason(dialogue.sentences.choose, question)
    dialogue.check(arrival, question)
    entry = flow.entry(audit.INTERRUPTED, "refused" if is_slip else "in_progress")
    return Decision((question,), entry.status, flow=flow, entries=(entry,))


def decides(dialogue: SigningIn, arrival: Arrival, flow: Flow, stored: FlowData, wanted: str) -> Calls[Decision | None]:
    """Does what a member chose to do about it; None where the message says nothing of that.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        flow: The run that is in the way.
        stored: The same, as it is stored.
        wanted: The type of the flow that was named.

    Yields:
        The calls of what is asked next.
    """
    numbered = dialogue.numbers_choices(arrival)
    choice = what_to_do(dialogue.sentences, arrival.inbound, flow.run_id, flow.visit, wanted, numbered=numbered)
    if choice is None:
        return None
    flow.interrupted_by = None
    if choice == STAY or wanted not in dialogue.registry.registrations:
        entries: list[AuditEntry] = []
        told = yield from flow.leaves_if_empty(entries)
        messages = yield from dialogue.ask(arrival, flow, *because_it_was_left(dialogue, flow, told))
        return Decision(messages, status_of(flow), flow=flow, entries=entries, moved=told is not None)
    if choice == LATER:
        if len(waiting_beneath(stored)) >= WAITING_LIMIT:
            said = yield from dialogue.ask(arrival, flow, dialogue.sentences.too_many)
            return Decision(said, "refused", flow=flow)
        left = flow.entry(audit.SUSPEND, "success")
        return (yield from begins(dialogue, arrival, [], wanted, before=(left,), waiting=flow.snapshot()))
    turn = Turn(before=stored)
    yield from flow.goes(CANCEL, turn)
    closed = dialogue.closes_what_needed_it(arrival, flow, turn)
    begun = yield from begins(dialogue, arrival, [], wanted, before=turn.entries, waiting=flow.waiting)
    return evolve(begun, messages=(*closed, *begun.messages)) if closed else begun


def asks_what_to_do(sentences: Sentences, keyword: str, run_id: str, visit: int, wanted: str) -> Message:
    """The question.

    Args:
        sentences: The library's own words.
        keyword: What the member sent, as members are told it.
        run_id: The run that is in the way.
        visit: Its current question.
        wanted: The type of the flow that was named.
    """
    step = _step(sentences)
    said = compose("interruption", step, sentences.interrupted.format(keyword=keyword))
    return with_option_ids(said, partial(wire_id, _nonce(run_id, visit, wanted)))


def what_to_do(
    sentences: Sentences, inbound: Inbound, run_id: str, visit: int, wanted: str, *, numbered: bool
) -> str | None:
    """What a message answers to the question: `LEAVE`, `LATER` or `STAY`; None where it answers something else."""
    option_id = None
    if inbound.option_id is not None:
        option_id = tapped(_nonce(run_id, visit, wanted), inbound.option_id)
        if option_id is None:
            return None
    option = chosen(_step(sentences), Answer(inbound.text, option_id, inbound.kind, numbered=numbered))
    return None if option is None else option.id


def _nonce(run_id: str, visit: int, wanted: str) -> str:
    # another than the step's own question has, whose options may have the same ids
    return nonce_of(f"{run_id}?{wanted}", visit)


def _step(sentences: Sentences) -> Step:
    titles = ((LEAVE, sentences.leave), (LATER, sentences.later), (STAY, sentences.stay))
    return Step("interruption", StepType.BUTTON, "-", options=[Option(*each) for each in titles])
