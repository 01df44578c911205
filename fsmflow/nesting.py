"""A run whose current step is a flow of its own.

Here belongs what a flow does with the flow that answers one of its steps: opening it, handing on what the member does,
taking what it collected for the answer, and going back through it. Both are runs of their own kind; the outer one holds
the inner one, to any depth up to a limit, and they are stored as one value. To a turn the outermost is the flow: it
speaks with the voice of the innermost.

Rejected: building the inner steps into the outer machine. Their callables are written for the inner flow and its data,
and its picture, its tests and its deploys are its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from attrs import evolve

from fsmflow.action import Action
from fsmflow.alphabet import BACK, CANCEL, DONE, EMPTY, NOT_DONE, POP, PUSH, RESTART, RUN, SKIP, UNKNOWN
from fsmflow.answers import Accepted
from fsmflow.asking import AskingModel
from fsmflow.audit import AuditEntry
from fsmflow.branching import branched
from fsmflow.calls import Calls
from fsmflow.codec import digest
from fsmflow.errors import FlowDefinitionError, NoOptions
from fsmflow.machine import Turn, transitions_from
from fsmflow.messages import Message
from fsmflow.routes import completed_by
from fsmflow.state import COMPLETED, EXPIRED, HANDOVER, TERMINAL_STATES, FlowData, Halt, next_visit
from fsmflow.step import Step

# What is fired at the innermost run; all else concerns the whole.
_WITHIN: Final = frozenset({BACK, SKIP, EMPTY, RUN, DONE, NOT_DONE, UNKNOWN})


class NestingModel(AskingModel):
    """A run that may hold the run of the flow that answers its step."""

    inner: NestingModel | None = None

    @property
    def innermost(self) -> NestingModel:
        """The run that asks now: this one, where no other answers its step."""
        return self if self.inner is None or self.state in TERMINAL_STATES else self.inner.innermost

    @property
    def action(self) -> Action | None:
        """The action that is under way; None at a question, and where nobody can say what came of it."""
        if not self._definition.acts:
            return None
        asking = self.innermost
        step = asking.current_step
        return step if isinstance(step, Action) and asking.state == step.id else None

    @property
    def place(self) -> str:
        """The step that is asked now, in the flow that asks it: ``address.street``."""
        if self.inner is None or self.state in TERMINAL_STATES:
            return self.state
        return f"{self.state}.{self.inner.place}"

    @property
    def _so_far(self) -> dict[str, Any]:
        """What was answered so far, also in the run that this one holds."""
        if self.inner is None or not self.inner._so_far:
            return dict(self.answers)
        return {**self.answers, self.state: self.inner._so_far}

    @property
    def _may_go_back(self) -> bool:
        """True if there is a question before the one that is asked now, in this run or in one that it holds."""
        if self.inner is not None and (self.inner._may_go_back or self.inner._has_acted):
            return self.inner._may_go_back
        ways = transitions_from(self._definition.machine, BACK, self.state)
        return any(way.dest == self.came_from() for way in ways)

    def says(self) -> Calls[Message]:
        """What is said now, by the innermost run."""
        return super().says() if self.inner is None or self.state in TERMINAL_STATES else self.inner.says()

    def silences_at(self, state: str, otherwise: timedelta | None) -> tuple[timedelta | None, timedelta | None]:
        """As of any run; where another answers the step, that one's step says, if it says so itself."""
        own = super().silences_at(state, otherwise)
        return own if self.inner is None else self.inner.silences_at(self.inner.state, own[0])

    @property
    def has_answers(self) -> bool:
        """True if something was answered, here or in the run that it holds."""
        return super().has_answers or (self.inner is not None and self.inner.has_answers)

    def begin(self, turn: Turn) -> None:
        """Opens what the first step needs; a run that is taken up has it open already."""
        self._open(turn)

    def submits(self, turn: Turn) -> Calls[None]:
        """Takes the turn's answer, at the innermost question."""
        return super().submits(turn) if self.inner is None else self._submits_within(self.inner, turn)

    def _submits_within(self, inner: NestingModel, turn: Turn) -> Calls[None]:
        within = Turn(answer=turn.answer, verdict=turn.verdict)
        yield from inner.submits(within)
        yield from self._follow(within, turn)
        if within.taken is not None and not within.taken.refuses:
            self.previous = turn.before
        self._open(turn)

    def goes(self, trigger: str, turn: Turn) -> Calls[bool]:
        """Fires what is no answer, at the innermost question where it belongs there."""
        inner = self.inner
        if inner is None or trigger not in _WITHIN:
            gone = yield from super().goes(trigger, turn)
            if gone and trigger in (CANCEL, RESTART):
                self.inner = None
        else:
            within = Turn(before=turn.before, verdict=turn.verdict, reason=turn.reason)
            gone = yield from inner.goes(trigger, within)
            if gone:
                yield from self._follow(within, turn)
                self.previous = self.previous if trigger == BACK else turn.before
            elif trigger == BACK and not inner._has_acted:  # there is no way back over an effect
                left, collected = self.state, inner._so_far
                self.inner = None
                gone = yield from super().goes(trigger, turn)
                if not gone:
                    self.inner = inner
                elif collected:
                    self.answers[left] = collected  # what was answered there is shown when it is asked again
        if gone:
            self._open(turn, backward=trigger in (BACK, NOT_DONE))
        return gone

    def leaves_if_empty(self, entries: list[AuditEntry]) -> Calls[tuple[str, ...] | None]:
        """Leaves the innermost question where it has nothing to choose from, and the step that it ends with that."""
        told: tuple[str, ...] | None = None
        left: set[str] = set()
        while self.innermost.may_have_nothing:
            if self.place in left:  # ways on from one empty set to another lead in a circle, through a flow within
                raise NoOptions(type(self.innermost).__name__, self.innermost.state)
            left.add(self.place)
            if self.inner is None:
                said = yield from super().leaves_if_empty(entries)
            else:
                said = yield from self._leaves_within(self.inner, entries)
            if said is None:
                break
            told = (*(told or ()), *said)
        return told

    def _leaves_within(self, inner: NestingModel, entries: list[AuditEntry]) -> Calls[tuple[str, ...] | None]:
        within: list[AuditEntry] = []
        told = yield from inner.leaves_if_empty(within)
        if told is None:
            return None
        self.entries += within
        self.visit, self.refusal = next_visit(self.visit), None
        turn = Turn(before=self.previous)
        if inner.state in TERMINAL_STATES:
            self.inner, turn.ended = None, inner.state
            if inner.state == COMPLETED:
                inner.check_collected()
                turn.verdict = yield from branched(self, POP, Accepted(dict(inner.answers)))
            self.fire(POP, turn)
            turn.ended = None
            if self.state == inner.state != COMPLETED:  # it has ended as that one did, and for that reason
                self.last_words = inner.last_words
            elif inner.last_words:
                told = (*told, inner.last_words)
        self._open(turn)
        entries += (*within, *turn.entries)
        return told

    def _follow(self, within: Turn, turn: Turn) -> Calls[None]:
        """Takes note of what the inner run did, and takes its end for the answer, where it ended."""
        inner = self.inner
        assert inner is not None  # noqa: S101 - it was asked just now
        turn.entries += within.entries
        self.entries += within.entries
        turn.taken, turn.verdict, self.refusal = within.taken, within.verdict, inner.refusal
        if within.taken is None or within.taken.refuses:
            return
        self.visit = next_visit(self.visit)
        self.interrupted_by = None
        if inner.state in TERMINAL_STATES:
            place, refusal, stood = self.state, inner.refusal, inner.validation
            self.inner, turn.ended = None, inner.state
            if inner.state == COMPLETED:
                inner.check_collected()
                turn.verdict = yield from branched(self, POP, Accepted(dict(inner.answers)))
            self.fire(POP, turn)
            self.refusal, turn.ended = refusal, None
            if stood is not None:
                self.validation = evolve(stood, step=f"{place}.{stood.step}")
            if self.state == HANDOVER:  # who takes over is told what was answered within, too
                self.answers[place] = {each: inner.answers.get(each) for each in inner.path}
                self.path = (*self.path, place)

    def _open(self, turn: Turn, *, backward: bool = False) -> None:
        """Opens the flow that answers the current step, where one does and is not open; takes up an action."""
        if self.state in self._definition.actions:
            if not self.effect_id:
                self.takes_up_action(turn)
            return
        if self.state not in self._definition.flows or self.inner is not None:
            return
        step = self.current_step
        if step is None:
            return
        taken, refusal = turn.taken, self.refusal
        self.fire(PUSH, turn)
        turn.taken, self.refusal = taken or turn.taken, refusal  # of the step from which this one was fallen back to
        inner = self._made(step.flow)
        inner.run_id = digest(self.run_id, step.id, str(self.visit))
        earlier = self.answers.get(step.id)
        if earlier is not None:
            inner.answers = dict(earlier)
            path = completed_by(inner.definition.machine, earlier) if backward else ()
            if path:
                inner.state, inner.path = path[-1], path[:-1]
        self.inner = inner
        inner._open(turn, backward=backward)

    def takes_up_action(self, turn: Turn) -> None:
        """Has the action begin to which the run has come; its effect has a name of its own each time."""
        taken, refusal = turn.taken, self.refusal
        self.fire(RUN, turn)
        turn.taken, self.refusal = taken or turn.taken, refusal

    @property
    def _has_acted(self) -> bool:
        """True if an effect was done on the way here, in this run or in one that it holds."""
        definition = self._definition
        if any(each in definition.actions or each in definition.acting_flows for each in self.path):
            return True
        return self.inner is not None and self.inner._has_acted

    def forgets_an_effect(self, flow_data: FlowData) -> bool:
        """True if an effect that was done in a stored run, or may have been, lies ahead in this one."""
        definition = self._definition
        acting = definition.actions.keys() | definition.acting_flows
        if not acting.isdisjoint(set(flow_data.path) - set(self.path)):
            return True
        if definition.step_at(flow_data.step_id or "") in definition.actions:
            return self.state != flow_data.step_id
        within = definition.flows.get(flow_data.step_id or "")
        if within is None or flow_data.inner is None or not within.acted(flow_data.inner):
            return False
        return self.inner is None or self.state != flow_data.step_id or self.inner.forgets_an_effect(flow_data.inner)

    def _made(self, flow: Any) -> NestingModel:
        made = flow(member_id=self.member_id, channel=self.channel)
        if not isinstance(made, NestingModel):
            raise FlowDefinitionError(type(self).__name__, self.state, "a SubFlow takes a Flow class")
        made.id = f"{self.id}.{self.state}"
        made.sentences, made.message_id, made.member = self.sentences, self.message_id, self.member
        made.services = self.services
        made.guarded = (*self.guarded, *self.secrets())
        return made

    # -- as it is stored -----------------------------------------------------------------------------------------------

    def snapshot(self) -> FlowData:
        """This run as a value, with the one that it holds."""
        found = super().snapshot()
        return found if self.inner is None else evolve(found, inner=self.inner.snapshot())

    def resume(self, flow_data: FlowData) -> bool:
        """Takes up a stored run; False, and nothing is changed, where it or the one that it holds does not fit."""
        if flow_data.halt is not None:
            return self._resume_halted(flow_data, flow_data.halt)
        kept, self.state = self.state, flow_data.step_id or self.state
        step = self.current_step
        self.state = kept
        inner = None
        if step is not None and step.flow is not None:
            if flow_data.inner is None or flow_data.step_id is None or not _continues(step, flow_data.inner):
                return False
            self.state = flow_data.step_id
            inner = self._made(step.flow)
            self.state = kept
            if not inner.resume(flow_data.inner):
                return False
        elif flow_data.inner is not None and flow_data.step_id not in TERMINAL_STATES:
            return False
        if not super().resume(flow_data):
            return False
        self.inner = inner
        self._guard()
        return True

    def _resume_halted(self, flow_data: FlowData, halt: Halt) -> bool:
        """Takes up a run that a silence has closed; where it stood it must fit, else it cannot be gone on with."""
        if self.resume(evolve(flow_data, step_id=halt.step, halt=None)):
            self.state, self.halt = EXPIRED, halt
            return True
        return self.resume(evolve(flow_data, halt=None, inner=None))

    def _guard(self) -> None:
        """Tells each run within this one what was answered around it that no reason may quote."""
        if self.inner is not None:
            self.inner.guarded = (*self.guarded, *self.secrets())
            self.inner._guard()

    def rewind(self, flow_data: FlowData) -> None:
        """Takes up a stored run that does not fit, and the one that it holds, as far as they do."""
        super().rewind(flow_data)
        self.inner = None
        self._open(Turn())
        opened: NestingModel | None = self.inner
        step = self.current_step
        if opened is None or step is None or flow_data.inner is None or flow_data.step_id != self.state:
            return
        if _continues(step, flow_data.inner):
            opened.rewind(flow_data.inner)


def _continues(step: Step, inner: FlowData) -> bool:
    """True if a stored run is an open one of the flow that answers a step."""
    flow: Any = step.flow
    return inner.flow_type == flow.flow_type and not inner.ended
