"""What a message means at the question that is asked: a tap, a page, a global word, another flow, or an answer.

Here belong the telling of them apart and what each does to the run. Whether a message is listened to at all belongs to
the turn: it may be known, late, too late, or of somebody who must sign in first.
"""

from __future__ import annotations

from attrs import evolve

from fsmflow.alphabet import BACK, CANCEL, PAGE, RESTART, SKIP
from fsmflow.answers import Answer, chosen
from fsmflow.audit import AuditEntry
from fsmflow.calls import Calls
from fsmflow.decision import DONE_BEFORE, FIRST, STALE, Arrival, Decision
from fsmflow.effects import Write
from fsmflow.errors import StoreUnavailable
from fsmflow.flow import Flow
from fsmflow.holding import status_of
from fsmflow.interruption import decides, interrupts
from fsmflow.machine import Turn
from fsmflow.messages import Option
from fsmflow.moving import asked_again, because_it_was_left, refuses, says_next
from fsmflow.opening import named_by, run_id_of
from fsmflow.sign_in import SigningIn
from fsmflow.state import FlowData
from fsmflow.taps import is_wire_id, nonce_of, tapped, turned


def listens(dialogue: SigningIn, arrival: Arrival, flow: Flow, stored: FlowData) -> Calls[Decision]:
    """Takes the message for what it means at this question.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        flow: The run.
        stored: The same, as it is stored.

    Yields:
        The calls of the flow's code.
    """
    inbound, step = arrival.inbound, flow.innermost.current_step
    option_id = word = None
    if flow.interrupted_by is not None:
        decided = yield from decides(dialogue, arrival, flow, stored, flow.interrupted_by)
        if decided is not None:
            return decided
    if inbound.option_id is not None:
        nonce = nonce_of(flow.run_id, flow.visit)
        page = turned(nonce, inbound.option_id)
        if page is not None:
            return (yield from _turns_to(dialogue, arrival, flow, page))
        option_id = tapped(nonce, inbound.option_id)
        if option_id is None and not is_wire_id(inbound.option_id):
            word = dialogue.words.meaning(inbound.option_id)  # a button of an approved template
        if option_id is None and word is None:
            return (yield from refuses(dialogue, arrival, flow, dialogue.sentences.stale, STALE))
    answer = Answer(inbound.text, option_id, inbound.kind, numbered=dialogue.numbers_choices(arrival))
    named: tuple[Option, ...] | int | str = ()
    if option_id is None and word is None:
        named = yield from _named_or_word(dialogue, arrival, flow, answer)
    if isinstance(named, int):
        return (yield from _turns_to(dialogue, arrival, flow, named))
    if isinstance(named, str):
        word = named
    elif step is not None and step.live is not None:
        # what names nothing here is judged without its number: that was a place in a list which has changed
        answer = evolve(answer, option_id=named[0].id if len(named) == 1 else answer.option_id, numbered=False)
    is_open = word is option_id is None and named == () and step is not None and step.has_choices
    elsewhere = _elsewhere(dialogue, arrival, flow) if is_open else None
    if elsewhere is not None:
        return interrupts(dialogue, arrival, flow, elsewhere)
    if word is not None and not (word == "skip" and (step is None or not step.optional)):
        return (yield from obeys(dialogue, arrival, flow, stored, word))
    return (yield from _submits(dialogue, arrival, flow, Turn(answer=answer, before=stored)))


def obeys(dialogue: SigningIn, arrival: Arrival, flow: Flow, stored: FlowData, word: str) -> Calls[Decision]:
    """Does what a global word says.

    Args:
        dialogue: The flows and how the runner speaks.
        arrival: The message.
        flow: The run.
        stored: The same, as it is stored.
        word: What the word means.

    Yields:
        The calls of what is asked next.
    """
    if word in ("help", "menu"):
        said = dialogue.idle() if word == "menu" else dialogue.sentences.help.format(words=dialogue.words.shown())
        entries: list[AuditEntry] = []
        left = yield from flow.leaves_if_empty(entries)
        if left is None:
            messages = yield from dialogue.ask(arrival, flow, said)
            return Decision(messages, "in_progress", flow=asked_again(flow), heard=flow)
        messages = yield from dialogue.ask(arrival, flow, *because_it_was_left(dialogue, flow, left))
        return Decision(messages, status_of(flow), flow=flow, entries=entries, moved=True)
    turn = Turn(before=stored)
    if word == "restart":
        flow.run_id = run_id_of(arrival)
    if not (yield from flow.goes({"back": BACK, "cancel": CANCEL, "restart": RESTART, "skip": SKIP}[word], turn)):
        acted = flow.has_acted and word == "back"
        told = dialogue.sentences.no_way_back if acted else dialogue.sentences.first_question
        return (yield from refuses(dialogue, arrival, flow, told, DONE_BEFORE if acted else FIRST))
    flow = dialogue.rebuilt(arrival, flow)
    messages = yield from says_next(dialogue, arrival, flow, turn)
    write, forget = Write.ADVANCE if word == "skip" else Write.UPDATE, word == "restart"
    status = status_of(flow)
    return Decision(messages, status, flow=flow, entries=turn.entries, write=write, forget=forget, moved=True)


def _elsewhere(dialogue: SigningIn, arrival: Arrival, flow: Flow) -> str | None:
    """The type of another flow, if the message names one; else the one that is asked about: that question is answered.

    What is on the screen then is that question, and not the step's own.
    """
    named = named_by(dialogue.registry, arrival.inbound)
    if named is not None and named != flow.flow_type:
        return named
    return flow.interrupted_by if flow.interrupted_by in dialogue.registry.registrations else None


def _named_or_word(
    dialogue: SigningIn, arrival: Arrival, flow: Flow, answer: Answer
) -> Calls[tuple[Option, ...] | int | str]:
    """What a typed text names: what is on the screen means what it says there, then come the global words."""
    if answer.kind != "text":
        return ()
    word = dialogue.words.meaning(answer.text or "")
    step = flow.innermost.current_step
    if step is None or step.live is None:
        found = None if step is None else chosen(step, answer)
        return (found,) if found is not None else word or ()
    try:
        named = yield from dialogue.named(arrival, flow, answer)
    except StoreUnavailable:
        raise
    except Exception:
        if word is None:
            raise
        return word  # where the flow cannot say what is on offer, a member can leave all the same
    return word if word is not None and named == () else named


def _turns_to(dialogue: SigningIn, arrival: Arrival, flow: Flow, page: int) -> Calls[Decision]:
    """Shows another page of a long list. That is no answer: nothing is judged, and nothing goes to the trail."""
    entries: list[AuditEntry] = []
    if not flow.innermost.fire(PAGE, Turn(page=page)):
        return (yield from refuses(dialogue, arrival, flow, dialogue.sentences.stale, STALE))
    told = yield from flow.leaves_if_empty(entries)
    messages = yield from dialogue.ask(arrival, flow, *because_it_was_left(dialogue, flow, told))
    return Decision(messages, status_of(flow), flow=flow, entries=entries, moved=told is not None)


def _submits(dialogue: SigningIn, arrival: Arrival, flow: Flow, turn: Turn) -> Calls[Decision]:
    """Fires the answer at the machine, and says what follows."""
    asked = flow.innermost
    # a refusal may quote the answer, and of a sensitive one nothing is stored but the answer itself
    is_sensitive = asked.state in asked.definition.sensitive
    yield from flow.submits(turn)
    flow.interrupted_by = None
    flow = dialogue.rebuilt(arrival, flow)
    refused = turn.taken is not None and turn.taken.refuses
    if refused and flow.innermost.may_have_nothing:
        left = yield from flow.leaves_if_empty(turn.entries)
        if left is not None:
            messages = yield from dialogue.ask(arrival, flow, *because_it_was_left(dialogue, flow, left))
            return Decision(messages, status_of(flow), flow=flow, entries=turn.entries, moved=True)
    if refused:
        messages = yield from dialogue.ask(arrival, flow, flow.refusal or "")
        kept = (yield from dialogue.ask(arrival, flow)) if is_sensitive else None
        return Decision(messages, "refused", flow=flow, entries=turn.entries, kept=kept)
    messages = yield from says_next(dialogue, arrival, flow, turn, None if is_sensitive else flow.refusal)
    return Decision(messages, status_of(flow), flow=flow, entries=turn.entries, write=Write.ADVANCE, moved=True)
