"""A run whose current step is a flow of its own.

Here belongs what a flow does with the flow that answers one of its steps: opening it, handing on what the member does,
taking what it collected for the answer, and going back through it. Both are runs of their own kind; the outer one holds
the inner one, to any depth up to a limit, and they are stored as one value. To a turn the outermost is the flow: it
speaks with the voice of the innermost.

Rejected: building the inner steps into the outer machine. Their callables are written for the inner flow and its data,
and its picture, its tests and its deploys are its own.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from fsmflow.alphabet import BACK, CANCEL, POP, PUSH, RESTART, SKIP
from fsmflow.answers import Accepted
from fsmflow.branching import branched
from fsmflow.calls import Calls
from fsmflow.codec import digest
from fsmflow.errors import FlowDefinitionError
from fsmflow.machine import Turn
from fsmflow.messages import Message
from fsmflow.model import FlowModel
from fsmflow.routes import completed_by
from fsmflow.state import COMPLETED, TERMINAL_STATES, FlowData, next_visit


class NestingModel(FlowModel):
    """A run that may hold the run of the flow that answers its step."""

    inner: NestingModel | None = None

    @property
    def innermost(self) -> NestingModel:
        """The run that asks now: this one, where no other answers its step."""
        return self if self.inner is None else self.inner.innermost

    @property
    def place(self) -> str:
        """The step that is asked now, in the flow that asks it: ``address.street``."""
        return self.state if self.inner is None else f"{self.state}.{self.inner.place}"

    def says(self) -> Calls[Message]:
        """What is said now, by the innermost run."""
        return super().says() if self.inner is None else self.inner.says()

    def begin(self, turn: Turn) -> None:
        """Opens what the first step needs; a run that is taken up has it open already."""
        self._open(turn)

    def submits(self, turn: Turn) -> Calls[None]:
        """Takes the turn's answer, at the innermost question."""
        if self.inner is None:
            yield from super().submits(turn)
        else:
            within = Turn(answer=turn.answer, verdict=turn.verdict)
            yield from self.inner.submits(within)
            yield from self._follow(within, turn)
        self._open(turn)

    def goes(self, trigger: str, turn: Turn) -> Calls[bool]:
        """Fires what is no answer, at the innermost question where it belongs there."""
        inner = self.inner
        if inner is None or trigger not in (BACK, SKIP):
            gone = yield from super().goes(trigger, turn)
            if gone and trigger in (CANCEL, RESTART):
                self.inner = None
        else:
            within = Turn(before=turn.before)
            gone = yield from inner.goes(trigger, within)
            if gone:
                yield from self._follow(within, turn)
            elif trigger == BACK:
                self.inner = None
                gone = yield from super().goes(trigger, turn)
                if not gone:
                    self.inner = inner
        self._open(turn, backward=trigger == BACK)
        return gone

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
        self.previous = turn.before
        if inner.state in TERMINAL_STATES:
            refusal = inner.refusal
            self.inner, turn.ended = None, inner.state
            if inner.state == COMPLETED:
                inner.check_collected()
                turn.verdict = yield from branched(self, POP, Accepted(dict(inner.answers)))
            self.fire(POP, turn)
            self.refusal, turn.ended = refusal, None

    def _open(self, turn: Turn, *, backward: bool = False) -> None:
        """Opens the flow that answers the current step, where one does and is not open."""
        step = self.current_step
        if step is None or step.flow is None or self.inner is not None:
            return
        taken = turn.taken
        self.fire(PUSH, turn)
        turn.taken = taken or turn.taken
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

    def _made(self, flow: Any) -> NestingModel:
        made = flow(member_id=self.member_id, channel=self.channel)
        if not isinstance(made, NestingModel):
            raise FlowDefinitionError(type(self).__name__, self.state, "a SubFlow takes a Flow class")
        made.id = f"{self.id}.{self.state}"
        made.sentences, made.message_id, made.member = self.sentences, self.message_id, self.member
        made.guarded = (*self.guarded, *self.secrets())
        return made

    # -- as it is stored -----------------------------------------------------------------------------------------------

    def snapshot(self) -> FlowData:
        """This run as a value, with the one that it holds."""
        found = super().snapshot()
        return found if self.inner is None else evolve(found, inner=self.inner.snapshot())

    def resume(self, flow_data: FlowData) -> bool:
        """Takes up a stored run; False, and nothing is changed, where it or the one that it holds does not fit."""
        kept, self.state = self.state, flow_data.step_id or self.state
        step = self.current_step
        self.state = kept
        inner = None
        if step is not None and step.flow is not None:
            if flow_data.inner is None or flow_data.step_id is None:
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
        return True

    def rewind(self, flow_data: FlowData) -> None:
        """Takes up a stored run that does not fit, and the one that it holds, as far as they do."""
        super().rewind(flow_data)
        self.inner = None
        self._open(Turn())
        opened: NestingModel | None = self.inner
        if opened is not None and flow_data.inner is not None and flow_data.step_id == self.state:
            opened.rewind(flow_data.inner)
