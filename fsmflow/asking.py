"""What is asked, said and judged at the question of a run.

Here belong the words of a question and of an end, the offering of its choices, the verdict on an answer, and the firing
of what follows: as generators of calls, since whatever a flow's code does may have to be awaited. What an event changes
belongs to `model`; flows within flows, to `nesting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fsmflow.alphabet import (
    EMPTY,
    EXHAUSTED,
    SUBMIT,
)
from fsmflow.answers import Accepted, Answer, Verdict, empty_words_of, judge, offer_of, words_of
from fsmflow.audit import AuditEntry
from fsmflow.branching import branched
from fsmflow.calls import Call, Calls, run_calls
from fsmflow.choices import Offer
from fsmflow.errors import FlowEnded, NoOptions
from fsmflow.machine import Turn, transitions_from
from fsmflow.messages import Message, Option, Text
from fsmflow.model import FlowModel
from fsmflow.questions import closing, compose
from fsmflow.state import (
    CANCELLED,
    COMPLETED,
    EXPIRED,
    HANDOVER,
    TERMINAL_STATES,
)
from fsmflow.step import Step, StepType
from fsmflow.wording import spoken


class AskingModel(FlowModel):
    """A run that asks its questions."""

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
            accepted = turn.verdict if isinstance(turn.verdict, Accepted) else Accepted(None)
            turn.verdict = yield from branched(self, trigger, accepted)
        return self.fire(trigger, turn)

    def says(self) -> Calls[Message]:
        """What is said now: the question of the current step, or the closing words."""
        step = self.current_step
        name = type(self).__name__
        if step is not None and step.type is StepType.ACTION:
            return (yield from self._says_of_action(step))
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
        return (yield from self._says_at_the_end())

    def _says_at_the_end(self) -> Calls[Message]:
        name = type(self).__name__
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

    def _says_of_action(self, step: Step) -> Calls[Message]:
        """What is said while an effect is open."""
        if self.state != step.id:
            return Text(self.sentences.checking)
        said: Any = step.message
        if type(said) is not str:
            said = yield from words_of(self, step, self._definition.callbacks[step.id], self.channel.type)
        return closing(type(self).__name__, said or self.sentences.working)

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

    def judgement(self, turn: Turn) -> Verdict:
        """The verdict on the turn's answer; judged once, however many conditions ask."""
        if turn.verdict is None:
            turn.verdict = run_calls(self.judges(turn.answer or Answer()))
        return turn.verdict
