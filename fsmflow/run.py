"""One run of a flow: what it is made of, how it is taken up and given back, what can be asked of it.

Here belongs what a run holds between two messages and what is read off it. How an event changes it belongs to `model`;
what is said and judged at its question, to `asking`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from fsmflow.audit import AuditEntry
from fsmflow.choices import Offer
from fsmflow.codec import digest
from fsmflow.definition import Definition
from fsmflow.identity import Member
from fsmflow.messages import Channel
from fsmflow.silence import offer
from fsmflow.state import (
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


class Run:
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
    tried: dict[str, int]
    refusal: str | None
    page_shown: int
    shown: str
    shown_before: str
    last_words: str | None
    choices_known: Offer | None
    entries: list[AuditEntry]
    guarded: tuple[str, ...] = ()
    waiting: FlowData | None = None
    interrupted_by: str | None = None
    unasked: bool = False
    member: Member | None = None
    services: Any = None
    effect_id: str = ""
    effect_attempt: int = 1
    _definition: Definition

    def __init__(self, definition: Definition, id: str) -> None:
        self._definition = definition
        self.id, self.run_id, self.message_id = id, "memory", None
        self.state, self.answers, self.path, self.visit = definition.first, {}, (), 0
        self.previous = self.validation = self.halt = self.refusal = None
        self.tried, self.shown, self.shown_before = {}, "", ""
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
        definition = self._definition
        index = definition.index.get(self.state)
        if index is None and self.state in definition.unknowns:
            index = definition.index[definition.unknowns[self.state]]
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
            tried=dict(self.tried),
            waiting=self.waiting,
            interrupted_by=self.interrupted_by,
            unasked=self.unasked,
            halt=self.halt,
            page=self.page_shown,
            shown=self.shown,
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
        self.validation, self.tried = flow_data.validation, dict(flow_data.tried)
        self.waiting, self.interrupted_by = flow_data.waiting, flow_data.interrupted_by
        self.unasked = flow_data.unasked
        self.halt = flow_data.halt
        self.page_shown, self.last_words, self.choices_known = flow_data.page, None, None
        self.shown = self.shown_before = flow_data.shown
        return True

    def rewind(self, flow_data: FlowData) -> None:
        """Takes up a stored run that does not fit this flow, as far as it does."""
        self.state, self.answers, self.path = self._definition.rewound(flow_data)
        self.visit, self.run_id, self.validation = next_visit(flow_data.visit), flow_data.run_id, None
        self.waiting, self.halt = flow_data.waiting, None
        self.page_shown, self.last_words, self.choices_known = 0, None, None
        self.shown = self.shown_before = ""
        held = flow_data.validation  # no deploy gives anybody more attempts
        self.tried = dict(flow_data.tried) if held is None else {**flow_data.tried, held.step: held.attempts}

    def earlier(self) -> str | None:
        """What was answered before to the question that is asked now, in words; None where nothing can be shown.

        A sensitive answer is not; nor is one that has no words of its own.
        """
        value = self.answers.get(self.state)
        step = None if value is None else self.current_step
        if step is None or step.sensitive or not step.asks:
            return None
        if step.live is not None:  # an id is the application's own: a member is shown a title, or nothing
            known = None if self.choices_known is None else self.choices_known.by_id(str(value))
            return None if known is None else known.title
        if step.options:  # whatever else is kept of a choice, the member has never seen
            return next((option.title for option in step.options if option.id == value), None)
        kind: Any = type(value)
        # what a transformer of the flow's own makes of an answer may be an id, which nobody has typed
        is_brought = getattr(type(step.validator), "transformer", None) is not None
        reads_numbers = step.transformer is None or isinstance(step.transformer, type) or is_brought
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and reads_numbers
        has_words = is_number or kind.__str__ is not object.__str__
        return str(value) if has_words and not isinstance(value, (Enum, UUID)) else None  # else it would show its names

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

    def secrets(self) -> Iterator[str]:
        """The sensitive answers that were given, as a reason might quote them."""
        return (answer for answer in self._definition.secrets(self.answers) if answer)

    def _quotes_a_secret(self, step_id: str, reason: str) -> bool:
        """True if a reason may hold a sensitive answer: that of its own step, or one that was given before."""
        if step_id in self._definition.sensitive:
            return True
        return any(answer in reason for answer in self.known_secrets())

    def known_secrets(self) -> tuple[str, ...]:
        """The sensitive answers that were given here and around this run."""
        return (*self.guarded, *self.secrets())

    def came_from(self) -> str | None:
        """The step that was answered before this one, on the member's own path."""
        return self.path[-1] if self.path else None

    def stood_at(self) -> str | None:
        """The step at which a silence closed this run."""
        return None if self.halt is None else self.halt.step
