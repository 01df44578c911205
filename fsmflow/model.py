"""The model: one run of a flow, as the Machine, the turn and the store see it.

Here belongs what changes a run: firing an event, taking note of the transition that was made, taking up a stored run
and giving it back. It is the object that `transitions` calls the model: short-lived, and never bound to its Machine.
What people write and call is `Flow`, which is one of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from fsmflow import audit
from fsmflow.alphabet import (
    ANSWERING,
    BACK,
    CANCEL,
    EMPTY,
    EXHAUSTED,
    EXPIRE,
    LEADING_ON,
    PAGE,
    POP,
    PUSH,
    RESTART,
    RESUME,
    SKIP,
    SUBMIT,
)
from fsmflow.answers import Accepted, Answer, Refusal, Verdict, empty_words_of, judge, offer_of, words_of
from fsmflow.audit import AuditEntry
from fsmflow.branching import branched
from fsmflow.calls import Call, Calls, run_calls
from fsmflow.choices import Offer
from fsmflow.codec import digest
from fsmflow.definition import Definition
from fsmflow.errors import FlowEnded, NoOptions
from fsmflow.identity import Member
from fsmflow.machine import FlowTransition, Turn, transitions_from
from fsmflow.messages import Channel, Message, Option, Text
from fsmflow.questions import closing, compose
from fsmflow.routes import bounded, route
from fsmflow.silence import offer
from fsmflow.state import (
    CANCELLED,
    COMPLETED,
    COUNT_LIMIT,
    EXPIRED,
    FAILED,
    HANDOVER,
    TERMINAL_STATES,
    FlowData,
    Halt,
    Validation,
    next_visit,
)
from fsmflow.step import Silence, Step
from fsmflow.storable import store_answer
from fsmflow.transcript import Transcript
from fsmflow.wording import Sentences, spoken, starters

_EVENT_TYPES = {
    SUBMIT: audit.TRANSITION,
    SKIP: audit.SKIP,
    EXHAUSTED: audit.EXHAUSTED,
    PUSH: audit.PUSH,
    POP: audit.POP,
    BACK: audit.BACK,
    CANCEL: audit.CANCEL,
    RESTART: audit.RESTART,
    EXPIRE: audit.EXPIRE,
    RESUME: audit.RESUME,
    EMPTY: audit.TRANSITION,
}
_ENDINGS = {
    COMPLETED: audit.COMPLETE,
    CANCELLED: audit.CANCEL,
    FAILED: audit.ERROR,
    EXPIRED: audit.EXPIRE,
    HANDOVER: audit.HANDOVER,
}

NOTHING_OFFERED: Final = "nothing to choose from"
"""Why a question was left without an answer, as the trail says it."""


class FlowModel:
    """One run of a flow.

    What was answered is in `answers`, by step id: all of the library reads it there. `data` is its face, for the code
    of a flow and for who looks at one.

    Args:
        definition: The compiled flow.
        id: The id of the flow.

    `member` is who the member is, as far as the application knows: of this message alone, and never stored.
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
    answers: dict[str, Any]
    path: tuple[str, ...]
    visit: int
    previous: FlowData | None
    validation: Validation | None
    halt: Halt | None
    refusal: str | None
    page_shown: int
    last_words: str | None
    choices_known: Offer | None
    entries: list[AuditEntry]
    guarded: tuple[str, ...] = ()
    waiting: FlowData | None = None
    interrupted_by: str | None = None
    unasked: bool = False
    member: Member | None = None
    _definition: Definition

    def __init__(self, definition: Definition, id: str) -> None:
        self._definition = definition
        self.id, self.run_id, self.message_id = id, "memory", None
        self.state, self.answers, self.path, self.visit = definition.first, {}, (), 0
        self.previous = self.validation = self.halt = self.refusal = None
        self.page_shown, self.last_words, self.choices_known = 0, None, None
        self.entries = []

    def complete(self) -> Any:
        """The closing words: a str or a message. It is pure, and may be asked twice."""
        return self.sentences.completed

    def handed_over(self, transcript: Transcript) -> Any:  # noqa: ARG002 - for those that override it
        """The closing words where a person takes over: a str or a message. It is pure, and may be asked twice.

        Args:
            transcript: What the member has answered so far, and what was refused.
        """
        return self.sentences.handover

    @property
    def transcript(self) -> Transcript:
        """What was answered on the way here, and where it came to a stand; sensitive answers are redacted."""
        told = self._definition.without_secrets({each: self.answers.get(each) for each in self.path})
        return Transcript(told, self.validation)

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

    def silences_at(self, state: str, otherwise: timedelta | None) -> tuple[timedelta | None, timedelta | None]:
        """The silence after which the run is over at a state, and that after which its member is reminded.

        Args:
            state: The state; of one that is no step both are None.
            otherwise: The first of the two, where the step does not say.
        """
        index = self._definition.index.get(state)
        if index is None:
            return None, None
        step = self.steps[index]
        return otherwise if isinstance(step.timeout, Silence) else step.timeout, step.reminder

    @property
    def current_timeout(self) -> timedelta | None:
        """The silence after which the run is over, at the step that is asked or was asked last; None for never."""
        if self.halt is not None:
            return self.silences_at(self.halt.step, self.timeout)[0]
        return self.timeout if self.state in TERMINAL_STATES else self.silences_at(self.state, self.timeout)[0]

    @property
    def has_answers(self) -> bool:
        """True if something was answered."""
        return bool(self.answers)

    @property
    def can_be_resumed(self) -> bool:
        """True if a silence has closed the run and it can be gone on with: something was answered in it."""
        return self.halt is not None and self.has_answers

    @property
    def offer_to_resume(self) -> Step:
        """The question whether to go on, as a step; it is asked where `can_be_resumed`."""
        return offer(self.sentences, spoken(self.current_timeout or timedelta()))

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
            FlowEnded: The flow is in a terminal state; one that a silence has closed can be taken up again.
        """
        if self.state in TERMINAL_STATES and self.halt is None:
            raise FlowEnded(self.id, self.state)
        if not transitions_from(self._definition.machine, trigger, self.state):
            return False
        return self._definition.fire[trigger](self, turn)

    def submits(self, turn: Turn) -> Calls[None]:
        """Takes the turn's answer: judges it, fires it, and leaves the step if there were attempts enough.

        Yields:
            The calls of the validator, the transformer and the predicates.

        Raises:
            FlowEnded: No answer is awaited any more.
            Exception: Whatever the flow's code raised; nothing was fired then.
        """
        turn.verdict = yield from self.judges(turn.answer or Answer())
        self.fire(SUBMIT, turn)
        if self.refusal is not None and self._is_exhausted:
            yield from self.goes(EXHAUSTED, turn)
        else:
            self._open(turn)

    @property
    def _is_exhausted(self) -> bool:
        """True if as many answers were refused as may be."""
        step = self.current_step
        limit = None if step is None or self.validation is None else step.max_attempts
        return limit is not None and self.validation is not None and self.validation.attempts >= limit

    def _open(self, turn: Turn, *, backward: bool = False) -> None:
        """Opens what answers the current step, where that is a flow; see `NestingModel`."""

    def goes(self, trigger: str, turn: Turn) -> Calls[bool]:
        """Fires what is no answer: ``back``, ``cancel``, ``skip``, ….

        Yields:
            The calls of predicates, where they decide where it leads.

        Returns:
            False if no transition could be made.
        """
        if self.state not in TERMINAL_STATES and transitions_from(self._definition.machine, trigger, self.state):
            turn.verdict = yield from branched(self, trigger, Accepted(None))
        return self.fire(trigger, turn)

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
        if self.state == COMPLETED:
            self.check_collected()
        if self.last_words:
            return Text(self.last_words)
        if self.state == COMPLETED:
            return closing(name, (yield Call(self.complete)))
        if self.state == HANDOVER:
            return closing(name, (yield Call(self.handed_over, (self.transcript,))), by="handed_over")
        if self.state == EXPIRED:
            if self.can_be_resumed:
                asked = self.offer_to_resume
                return compose(name, asked, asked.message)
            silence = spoken(self.current_timeout or timedelta())
            return Text(self.sentences.expired.format(silence=silence, keyword=self.starter))
        return Text(self.sentences.cancelled if self.state == CANCELLED else self.sentences.failed)

    def judges(self, answer: Answer) -> Calls[Verdict]:
        """The verdict on an answer to the current step."""
        step = self.current_step
        if step is None:
            raise FlowEnded(self.id, self.state)
        if step.live is None and (SUBMIT, self.state) not in self._definition.deciding:
            return judge(self, step, self._definition.callbacks[self.state], answer, self.sentences)
        return self._judges_with_care(step, answer)

    def _judges_with_care(self, step: Step, answer: Answer) -> Calls[Verdict]:
        """The verdict where options live, or a predicate decides between the ways."""
        offer = None if step.live is None else (yield from self.choices_now())
        verdict = yield from judge(self, step, self._definition.callbacks[self.state], answer, self.sentences, offer)
        return (yield from branched(self, SUBMIT, verdict)) if isinstance(verdict, Accepted) else verdict

    def check_collected(self) -> None:
        """Has a completed flow's data class say what it has against the answers, before they are committed.

        Raises:
            Exception: Whatever it has against them.
        """
        if self._definition.typed is not None:
            self._definition.typed.seen(self.answers, self.state)

    def collected(self) -> Any:
        """What was collected, for who acts on it: a dict that is its own, or an object of the flow's data class.

        Raises:
            Exception: Whatever the data class has against the answers.
        """
        typed = self._definition.typed
        return dict(self.answers) if typed is None else typed.whole(self.answers)

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
            yield from self.goes(EMPTY, turn)
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
            data={step_id: store_answer(value) for step_id, value in self.answers.items()},
            run_id=self.run_id,
            visit=self.visit,
            path=self.path,
            revision=self.revision,
            definition=self._definition.fingerprint,
            validation=self.validation,
            waiting=self.waiting,
            interrupted_by=self.interrupted_by,
            unasked=self.unasked,
            halt=self.halt,
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
        self.state, self.answers, self.path = restored
        self.visit = flow_data.visit
        # a structure names no run; two members' (or two flows') must not share the key of a payment all the same
        self.run_id = flow_data.run_id or digest(self.member_id, self.id, self.state)
        self.validation = flow_data.validation
        self.waiting, self.interrupted_by = flow_data.waiting, flow_data.interrupted_by
        self.unasked = flow_data.unasked
        self.halt = flow_data.halt
        self.page_shown, self.last_words, self.choices_known = flow_data.page, None, None
        return True

    def rewind(self, flow_data: FlowData) -> None:
        """Takes up a stored run that does not fit this flow, as far as it does."""
        self.state, self.answers, self.path = self._definition.rewound(flow_data)
        self.visit, self.run_id, self.validation = next_visit(flow_data.visit), flow_data.run_id, None
        self.waiting, self.halt = flow_data.waiting, None
        self.page_shown, self.last_words, self.choices_known = 0, None, None

    def earlier(self) -> str | None:
        """What was answered before to the question that is asked now, in words; None where nothing can be shown.

        A sensitive answer is not; nor is one that has no words of its own.
        """
        value = self.answers.get(self.state)
        step = None if value is None else self.current_step
        if step is None or step.sensitive:
            return None
        if step.live is not None:  # an id is the application's own: a member is shown a title, or nothing
            known = None if self.choices_known is None else self.choices_known.by_id(str(value))
            return None if known is None else known.title
        if step.options:  # whatever else is kept of a choice, the member has never seen
            return next((option.title for option in step.options if option.id == value), None)
        kind: Any = type(value)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        has_words = is_number or kind.__str__ is not object.__str__
        return str(value) if has_words and not isinstance(value, Enum) else None  # else it would show its names

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

    def stood_at(self) -> str | None:
        """The step at which a silence closed this run."""
        return None if self.halt is None else self.halt.step

    def moved(self, trigger: str, transition: FlowTransition, turn: Turn) -> None:
        """Takes note of a transition that was just made: answers, path, refusals, entries."""
        source = transition.source
        if transition.refuses:
            self._refused(source, turn)
            return
        if trigger == PAGE:
            self.page_shown = turn.page
            return
        gave_up = trigger == EXHAUSTED and self.state in (FAILED, HANDOVER)
        if trigger != EXHAUSTED:
            self.refusal = None
        if not gave_up:  # who takes over is told of it
            self.validation = None
        self.interrupted_by = self.choices_known = None
        self.page_shown = 0
        self.halt = Halt(source, self.visit) if trigger == EXPIRE else None
        self.visit = next_visit(self.visit)
        noted: list[AuditEntry] = []
        note = noted.append
        if trigger in ANSWERING and turn.ended in (None, COMPLETED):
            self._answered(source, turn)
            note(self.entry(audit.VALIDATION, "accepted", step_id=source))
        elif trigger == EXHAUSTED and not gave_up:
            self._answered(source, turn)
        elif trigger == BACK:
            self.path = self.path[:-1]
        elif trigger == RESTART:
            self.answers, self.path, self.previous = {}, (), None
        elif trigger == EMPTY:
            self.answers.pop(source, None)  # what was chosen once is no answer to what is on offer now
            self._forget_what_was_left()
        why = NOTHING_OFFERED if trigger == EMPTY else None
        note(self.entry(_EVENT_TYPES[trigger], "success", came_from=source, reason=why))
        if self.state not in TERMINAL_STATES:
            note(self.entry(audit.STEP_START, "in_progress"))
        elif trigger in LEADING_ON:
            note(self.entry(_ENDINGS[self.state], "success"))
        turn.entries += noted
        self.entries += noted

    def _answered(self, step_id: str, turn: Turn) -> None:
        verdict = turn.verdict
        self.answers[step_id] = verdict.value if isinstance(verdict, Accepted) else None
        self.path = bounded((*self.path, step_id))
        self.previous = turn.before
        self._forget_what_was_left()

    def _forget_what_was_left(self) -> None:
        """Drops the answers of a way that was left again by going back and answering otherwise.

        The answers that still lie ahead are kept: they are asked again, and may be shown.
        """
        if self.answers.keys() <= set(self.path):
            return
        known = self._definition.index
        kept = {*self.path, *route(self._definition.machine, self.answers, self.state)}
        self.answers = {key: value for key, value in self.answers.items() if key in kept or key not in known}

    def _quotes_a_secret(self, step_id: str, reason: str) -> bool:
        """True if a reason may hold a sensitive answer: that of its own step, or one that was given before."""
        if step_id in self._definition.sensitive:
            return True
        return any(answer in reason for answer in (*self.guarded, *self.secrets()))

    def secrets(self) -> Iterator[str]:
        """The sensitive answers that were given, as a reason might quote them."""
        return (answer for answer in self._definition.secrets(self.answers) if answer)

    def _refused(self, step_id: str, turn: Turn) -> None:
        verdict = turn.verdict
        assert isinstance(verdict, Refusal)  # noqa: S101 - the conditions before this transition saw to it
        self.refusal = verdict.reason
        attempts = 1 if self.validation is None else min(self.validation.attempts + 1, COUNT_LIMIT - 1)
        told = audit.REDACTED if self._quotes_a_secret(step_id, verdict.reason) else verdict.reason
        self.validation = Validation(step_id, attempts, told)
        refused = self.entry(audit.VALIDATION, "refused", reason=told)
        turn.entries.append(refused)
        self.entries.append(refused)
