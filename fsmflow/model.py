"""The model: one run of a flow, as the Machine, the turn and the store see it.

Here belongs what changes a run: firing an event, taking note of the transition that was made, taking up a stored run
and giving it back. It is the object that `transitions` calls the model: short-lived, and never bound to its Machine.
What people write and call is `Flow`, which is one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from fsmflow import audit
from fsmflow.answers import Accepted, Answer, Refusal, Verdict, empty_words_of, judge, offer_of, words_of
from fsmflow.audit import AuditEntry
from fsmflow.calls import Call, Calls, run_calls
from fsmflow.choices import Offer
from fsmflow.codec import digest
from fsmflow.definition import Definition
from fsmflow.errors import FlowEnded, NoOptions
from fsmflow.machine import BACK, CANCEL, EMPTY, EXPIRE, PAGE, RESTART, SUBMIT, FlowTransition, Turn, transitions_from
from fsmflow.messages import Channel, Message, Option, Text
from fsmflow.questions import closing, compose
from fsmflow.routes import route
from fsmflow.state import (
    CANCELLED,
    COMPLETED,
    COUNT_LIMIT,
    EXPIRED,
    FAILED,
    TERMINAL_STATES,
    FlowData,
    Validation,
    next_visit,
)
from fsmflow.step import Step
from fsmflow.storable import store_answer
from fsmflow.wording import Sentences, spoken, starters

_EVENT_TYPES = {
    SUBMIT: audit.TRANSITION,
    BACK: audit.BACK,
    CANCEL: audit.CANCEL,
    RESTART: audit.RESTART,
    EXPIRE: audit.EXPIRE,
    EMPTY: audit.TRANSITION,
}
_ENDINGS = {COMPLETED: audit.COMPLETE, CANCELLED: audit.CANCEL, FAILED: audit.ERROR, EXPIRED: audit.EXPIRE}

NOTHING_OFFERED: Final = "nothing to choose from"
"""Why a question was left without an answer, as the trail says it."""

# How many answers back a member can go in a flow that leads in circles; its path would else grow with each message.
PATH_LIMIT: Final = 64


class FlowModel:
    """One run of a flow.

    Args:
        definition: The compiled flow.
        id: The id of the flow.
    """

    flow_type: str = ""
    keywords: tuple[str, ...] = ()
    timeout: timedelta | None = None
    revision: int = 0
    steps: Sequence[Step] = ()

    id: str
    run_id: str
    message_id: str | None
    member_id: str
    channel: Channel
    sentences: Sentences
    state: str
    data: dict[str, Any]
    path: tuple[str, ...]
    visit: int
    previous: FlowData | None
    validation: Validation | None
    refusal: str | None
    page_shown: int
    last_words: str | None
    choices_known: Offer | None
    entries: list[AuditEntry]
    _definition: Definition

    def __init__(self, definition: Definition, id: str) -> None:
        self._definition = definition
        self.id, self.run_id, self.message_id = id, "memory", None
        self.state, self.data, self.path, self.visit = definition.first, {}, (), 0
        self.previous = self.validation = self.refusal = None
        self.page_shown, self.last_words, self.choices_known = 0, None, None
        self.entries = []

    def complete(self) -> Any:
        """The closing words: a str or a message. It is pure, and may be asked twice."""
        return self.sentences.completed

    @property
    def definition(self) -> Definition:
        """The compiled form of this flow."""
        return self._definition

    @property
    def current_index(self) -> int:
        """The index of the current step; the number of steps once the flow has ended."""
        return self._definition.position(self.state)

    @property
    def current_step(self) -> Step | None:
        """The step that is asked now, or None once the flow has ended."""
        index = self._definition.index.get(self.state)
        return None if index is None else self.steps[index]

    @property
    def starter(self) -> str:
        """What a member is told to send to start this flow."""
        return starters(self.keywords, self.flow_type)[0]

    def fire(self, trigger: str, turn: Turn) -> bool:
        """Fires one event of the Machine.

        Args:
            trigger: A name of the alphabet.
            turn: What the event carries, and what its callbacks leave.

        Returns:
            False if no transition could be made.

        Raises:
            FlowEnded: The flow is in a terminal state.
        """
        if self.state in TERMINAL_STATES:
            raise FlowEnded(self.id, self.state)
        if not transitions_from(self._definition.machine, trigger, self.state):
            return False
        return self._definition.fire[trigger](self, turn)

    def says(self) -> Calls[Message]:
        """What is said now: the question of the current step, or the closing words."""
        step = self.current_step
        name = type(self).__name__
        if step is not None:
            callbacks = self._definition.callbacks[self.state]
            said: Any = step.message
            if type(said) is not str:
                said = yield from words_of(self, step, callbacks, self.channel.type)
            if step.live is None:
                return compose(name, step, said)
            offer = yield from self.choices_now()
            if not offer.options:
                raise NoOptions(name, step.id)
            return compose(name, step, said, offer)
        if self.last_words:
            return Text(self.last_words)
        if self.state == COMPLETED:
            return closing(name, (yield Call(self.complete)))
        if self.state == EXPIRED:
            silence = spoken(self.timeout or timedelta())
            return Text(self.sentences.expired.format(silence=silence, keyword=self.starter))
        return Text(self.sentences.cancelled if self.state == CANCELLED else self.sentences.failed)

    @property
    def judges_async(self) -> bool:
        """True if judging an answer to the current step must await something."""
        return self.state not in TERMINAL_STATES and self._definition.callbacks[self.state].judged_async

    def judges(self, answer: Answer) -> Calls[Verdict]:
        """The verdict on an answer to the current step."""
        step = self.current_step
        if step is None:
            raise FlowEnded(self.id, self.state)
        callbacks = self._definition.callbacks[self.state]
        if step.live is None:
            return judge(self, step, callbacks, answer, self.sentences)
        return self._judges_live(step, answer)

    def _judges_live(self, step: Step, answer: Answer) -> Calls[Verdict]:
        offer = yield from self.choices_now()
        return (yield from judge(self, step, self._definition.callbacks[step.id], answer, self.sentences, offer))

    def choices_now(self) -> Calls[Offer]:
        """What the current step offers, whose options live: asked for once, so that one turn judges and shows the same.

        Raises:
            BadOptions: What its callable gave cannot be offered.
        """
        step = self.current_step
        assert step is not None  # noqa: S101 - the caller has seen that its options live
        if self.choices_known is None:
            self.choices_known = yield from offer_of(self, step, self._definition.callbacks[step.id])
        return self.choices_known

    def answers_by(self, value: str) -> Calls[Answer]:
        """The answer that a value is where there are no taps: an option's id chooses it."""
        step = self.current_step
        options: Sequence[Option] = () if step is None else step.options
        if step is not None and step.live is not None:
            options = (yield from self.choices_now()).options
        is_id = any(option.id == value for option in options)
        return Answer(text=value, option_id=value, kind="option") if is_id else Answer(text=value)

    @property
    def may_have_nothing(self) -> bool:
        """True at a step that names a way on for having nothing to choose from."""
        return self.state in self._definition.when_empty

    def leaves_if_empty(self, entries: list[AuditEntry]) -> Calls[tuple[str, ...] | None]:
        """Leaves a question that has nothing to choose from, by the way that its step names for that.

        Args:
            entries: Takes up what is recorded of it.

        Returns:
            None where the question stands. Else what is to be said before what comes next; at an end that is left by
            its step's own words these are the flow's `last_words`.
        """
        told: list[str] | None = None
        while self.may_have_nothing and (step := self.current_step) is not None:
            if (yield from self.choices_now()).options:
                break
            words = yield from empty_words_of(self, step, self._definition.callbacks[step.id])
            turn = Turn()
            self.fire(EMPTY, turn)
            entries.extend(turn.entries)
            told = told or []
            if self.state in TERMINAL_STATES:
                self.last_words = words or None
            elif words:
                told.append(words)
        return None if told is None else tuple(told)

    def snapshot(self) -> FlowData:
        """This run as a value, its answers ready for JSON."""
        return FlowData(
            id=self.id,
            flow_type=self.flow_type,
            step_id=self.state,
            step=self._definition.position(self.state),
            data={step_id: store_answer(value) for step_id, value in self.data.items()},
            run_id=self.run_id,
            visit=self.visit,
            path=self.path,
            revision=self.revision,
            definition=self._definition.fingerprint,
            validation=self.validation,
            page=self.page_shown,
        )

    def resume(self, flow_data: FlowData) -> bool:
        """Takes up a stored run.

        Returns:
            False, and nothing is changed, where the run does not fit this flow: its step is gone, or an answer is of
            another type.
        """
        restored = self._definition.restore(flow_data)
        if restored is None:
            return False
        self.state, self.data, self.path = restored
        self.visit = flow_data.visit
        # a structure names no run; two members' (or two flows') must not share the key of a payment all the same
        self.run_id = flow_data.run_id or digest(self.member_id, self.id, self.state)
        self.validation = flow_data.validation
        self.page_shown, self.last_words, self.choices_known = flow_data.page, None, None
        return True

    def rewind(self, flow_data: FlowData) -> None:
        """Takes up a stored run that does not fit this flow, as far as it does."""
        self.state, self.data, self.path = self._definition.rewound(flow_data)
        self.visit, self.run_id, self.validation = next_visit(flow_data.visit), flow_data.run_id, None
        self.page_shown, self.last_words, self.choices_known = 0, None, None

    def entry(
        self,
        event_type: str,
        status: str,
        *,
        step_id: str | None = None,
        came_from: str | None = None,
        error: str | None = None,
        place: str | None = None,
        reason: str | None = None,
    ) -> AuditEntry:
        """An audit entry about this flow, at its current state or at another step."""
        return AuditEntry(
            event_type,
            status,
            step_id or self.state,
            came_from,
            None if came_from is None else self.state,
            error,
            place,
            reason,
            self.id,
            self.run_id,
            self.channel,
            self.message_id,
            self.member_id,
        )

    # -- what the Machine's callbacks do with it -----------------------------------------------------------------------

    def judgement(self, turn: Turn) -> Verdict:
        """The verdict on the turn's answer; judged once, however many conditions ask."""
        if turn.verdict is None:
            turn.verdict = run_calls(self.judges(turn.answer or Answer()))
        return turn.verdict

    def came_from(self) -> str | None:
        """The step that was answered before this one, on the member's own path."""
        return self.path[-1] if self.path else None

    def moved(self, trigger: str, transition: FlowTransition, turn: Turn) -> None:
        """Takes note of a transition that was just made: answers, path, refusals, entries."""
        source = transition.source
        if transition.refuses:
            self._refused(source, turn)
            return
        if trigger == PAGE:
            self.page_shown = turn.page
            return
        self.refusal = self.validation = self.choices_known = None
        self.page_shown = 0
        self.visit = next_visit(self.visit)
        note = turn.entries.append
        if trigger == SUBMIT:
            verdict = turn.verdict
            assert isinstance(verdict, Accepted)  # noqa: S101 - the transition's condition saw to it
            self.data[source] = verdict.value
            self.path = _bounded((*self.path, source))
            self.previous = turn.before
            self._forget_what_was_left()
            note(self.entry(audit.VALIDATION, "accepted", step_id=source))
        elif trigger == BACK:
            self.path = self.path[:-1]
        elif trigger == RESTART:
            self.data, self.path, self.previous = {}, (), None
        why = NOTHING_OFFERED if trigger == EMPTY else None
        note(self.entry(_EVENT_TYPES[trigger], "success", came_from=source, reason=why))
        if self.state not in TERMINAL_STATES:
            note(self.entry(audit.STEP_START, "in_progress"))
        elif trigger in (SUBMIT, EMPTY):
            note(self.entry(_ENDINGS[self.state], "success"))
        self.entries.extend(turn.entries)

    def _forget_what_was_left(self) -> None:
        """Drops the answers of a way that was left again by going back and answering otherwise.

        The answers that still lie ahead are kept: they are asked again, and may be shown.
        """
        if self.data.keys() <= set(self.path):
            return
        known = self._definition.index
        kept = {*self.path, *route(self._definition.machine, self.data, self.state)}
        self.data = {key: value for key, value in self.data.items() if key in kept or key not in known}

    def _quotes_a_secret(self, step_id: str, reason: str) -> bool:
        """True if a reason may hold a sensitive answer: that of its own step, or one that was given before."""
        sensitive = self._definition.sensitive
        given = (str(self.data[each]) for each in sensitive if each in self.data)
        return step_id in sensitive or any(answer and answer in reason for answer in given)

    def _refused(self, step_id: str, turn: Turn) -> None:
        verdict = turn.verdict
        assert isinstance(verdict, Refusal)  # noqa: S101 - the conditions before this transition saw to it
        self.refusal = verdict.reason
        attempts = 1 if self.validation is None else min(self.validation.attempts + 1, COUNT_LIMIT - 1)
        told = audit.REDACTED if self._quotes_a_secret(step_id, verdict.reason) else verdict.reason
        self.validation = Validation(step_id, attempts, told)
        turn.entries.append(self.entry(audit.VALIDATION, "refused", reason=told))
        self.entries.extend(turn.entries)


def _bounded(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path that is too long, without its earliest round trip of which every step stands in the rest as well.

    What is left is a way through the flow again, by which ``back`` can be gone, and names the same answers. Rejected:
    keeping only the latest place of each step, which leaves neighbours that no way on connects.
    """
    if len(path) <= PATH_LIMIT or len(set(path)) == len(path):
        return path
    for start, step_id in enumerate(path):
        end = path.index(step_id, start + 1) if step_id in path[start + 1 :] else start
        rest = path[:start] + path[end:]
        if end > start and set(path[start:end]) <= set(rest):
            return rest
    return path
