"""The model: what an event does to a run.

Here belongs what `transitions` calls the model: firing an event, judging for its conditions, taking note of the
transition that was made. It is short-lived, and never bound to its Machine. What people write and call is `Flow`, which
is one of these.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from fsmflow import audit
from fsmflow.alphabet import (
    ANSWERING,
    BACK,
    CANCEL,
    DONE,
    EMPTY,
    EXHAUSTED,
    EXPIRE,
    LEADING_ON,
    NOT_DONE,
    PAGE,
    POP,
    PUSH,
    RESTART,
    RESUME,
    RUN,
    SKIP,
    SUBMIT,
    UNKNOWN,
)
from fsmflow.answers import Accepted, Refusal
from fsmflow.audit import AuditEntry
from fsmflow.errors import FlowEnded
from fsmflow.machine import FlowTransition, Turn, transitions_from
from fsmflow.routes import bounded, route
from fsmflow.run import Run
from fsmflow.state import (
    CANCELLED,
    COMPLETED,
    COUNT_LIMIT,
    EXPIRED,
    FAILED,
    HANDOVER,
    TERMINAL_STATES,
    Halt,
    Validation,
    next_visit,
)

_EVENT_TYPES = {
    SUBMIT: audit.TRANSITION,
    SKIP: audit.SKIP,
    EXHAUSTED: audit.EXHAUSTED,
    PUSH: audit.PUSH,
    POP: audit.POP,
    RUN: audit.EFFECT_RUN,
    DONE: audit.EFFECT_DONE,
    NOT_DONE: audit.EFFECT_REFUSED,
    UNKNOWN: audit.EFFECT_UNKNOWN,
    BACK: audit.BACK,
    CANCEL: audit.CANCEL,
    RESTART: audit.RESTART,
    EXPIRE: audit.EXPIRE,
    RESUME: audit.RESUME,
    EMPTY: audit.TRANSITION,
}
_STATUSES = {RUN: "in_progress", NOT_DONE: "refused", UNKNOWN: "unknown"}  # where a move is no success
_ENDINGS = {
    COMPLETED: audit.COMPLETE,
    CANCELLED: audit.CANCEL,
    FAILED: audit.ERROR,
    EXPIRED: audit.EXPIRE,
    HANDOVER: audit.HANDOVER,
}

NOTHING_OFFERED: Final = "nothing to choose from"
"""Why a question was left without an answer, as the trail says it."""


class FlowModel(Run):
    """A run that a Machine's events change."""

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

    def moved(self, trigger: str, transition: FlowTransition, turn: Turn) -> None:
        """Takes note of a transition that was just made: answers, path, refusals, entries."""
        source = transition.source
        if transition.refuses:
            self._refused(source, turn)
            return
        if trigger == PAGE:
            self.page_shown = turn.page
            return
        effect_id, self.effect_id = self.effect_id or None, ""
        self._count_attempts(source, trigger)
        gave_up = trigger == EXHAUSTED and self.state in (FAILED, HANDOVER)
        if trigger != EXHAUSTED:
            self.refusal = None
        if not gave_up:  # who takes over is told of it
            self.validation = None
        self.choices_known = None
        if trigger != EXPIRE:  # who answers in time after all, answers what was on the screen
            self.interrupted_by = None
        self.page_shown, self.shown = 0, ""
        self.halt = Halt(source, self.visit) if trigger == EXPIRE else None
        self.visit = next_visit(self.visit)
        noted: list[AuditEntry] = []
        if trigger in ANSWERING and turn.ended in (None, COMPLETED):
            self._answered(source if trigger != DONE else self._definition.step_at(source) or source, turn)
            if trigger != DONE:
                noted.append(self.entry(audit.VALIDATION, "accepted", step_id=source))
        elif trigger == EXHAUSTED and not gave_up:
            self._answered(source, turn)
        elif trigger in (BACK, NOT_DONE):
            self.refusal = turn.reason
            self.path = self.path[:-1] if self.state not in TERMINAL_STATES else self.path
        elif trigger == RESTART:
            self.answers, self.path, self.previous, self.tried = {}, (), None, {}  # another run
        elif trigger == EMPTY:
            self.answers.pop(source, None)  # what was chosen once is no answer to what is on offer now
            self._forget_what_was_left()
        if trigger == RUN:
            effect_id = self.effect_id = f"{self.run_id}:{self.state}:{self.visit}"
        self._note_the_move(noted, trigger, source, turn, effect_id)
        turn.entries += noted
        self.entries += noted

    def _note_the_move(
        self, noted: list[AuditEntry], trigger: str, source: str, turn: Turn, effect_id: str | None
    ) -> None:
        """Records that a transition was made and why, and what was come to by it."""
        why = NOTHING_OFFERED if trigger == EMPTY else None
        if trigger == NOT_DONE and turn.reason:
            why = audit.REDACTED if self._quotes_a_secret(source, turn.reason) else turn.reason
        made = self.entry(_EVENT_TYPES[trigger], _STATUSES.get(trigger, "success"), came_from=source, reason=why)
        noted.append(made if effect_id is None else evolve(made, effect_id=effect_id))
        if self.state not in TERMINAL_STATES:
            if trigger not in (RUN, UNKNOWN):  # by which no step is come to
                noted.append(self.entry(audit.STEP_START, "in_progress"))
        elif trigger in LEADING_ON or trigger == NOT_DONE:
            noted.append(self.entry(_ENDINGS[self.state], "success"))

    def _count_attempts(self, step_id: str, trigger: str) -> None:
        """Keeps count of refused answers where there is a limit to them, which nobody gets past by going back."""
        if trigger in ANSWERING or trigger == EXHAUSTED:
            if step_id in self.tried:
                self.tried = {each: times for each, times in self.tried.items() if each != step_id}
            return
        index = self._definition.index.get(step_id)
        if index is not None and self.validation is not None and self.steps[index].max_attempts is not None:
            self.tried = {**self.tried, step_id: self.validation.attempts}

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

    def _refused(self, step_id: str, turn: Turn) -> None:
        verdict = turn.verdict
        assert isinstance(verdict, Refusal)  # noqa: S101 - the conditions before this transition saw to it
        self.refusal = verdict.reason
        before = self.tried.get(step_id, 0) if self.validation is None else self.validation.attempts
        attempts = min(before + 1, COUNT_LIMIT - 1)
        told = audit.REDACTED if self._quotes_a_secret(step_id, verdict.reason) else verdict.reason
        self.validation = Validation(step_id, attempts, told)
        refused = self.entry(audit.VALIDATION, "refused", reason=told)
        turn.entries.append(refused)
        self.entries.append(refused)
