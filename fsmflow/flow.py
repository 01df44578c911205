"""`Flow`: what people subclass.

Here belong the class, the checks that are made when a subclass is made, and what one conversation can do without a
store. How a run changes belongs to `model`; loading, committing and replying, to the turn.

Two ways of writing a flow are one here. A class with ``steps`` is compiled when it is made. A class that builds its
steps in ``__init__``, with bound methods, is compiled by its shape when the first of its instances is made; such an
instance is constructed as ``(flow_type, state)``, of which its call of ``super().__init__`` passes on only the id and
the steps. Who it talks to is therefore read in ``__new__``, which sees the arguments of the subclass.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Generic

from typing_extensions import Self

from fsmflow import audit
from fsmflow.alphabet import BACK, CANCEL, POP, PUSH, RESTART, RESUME, RUN, SKIP, SUBMIT
from fsmflow.answers import Accepted, Answer
from fsmflow.asking import AskingModel
from fsmflow.calls import run_calls
from fsmflow.data_classes import DataT
from fsmflow.definition import Definition, check_attributes, compile_flow
from fsmflow.errors import AsyncFlowError, FlowDefinitionError
from fsmflow.machine import FlowMachine, Turn, transitions_from
from fsmflow.messages import Channel, Message, as_text
from fsmflow.model import FlowModel
from fsmflow.nesting import NestingModel
from fsmflow.questions import with_reason
from fsmflow.run import Run
from fsmflow.shapes import Shapes
from fsmflow.state import TERMINAL_STATES, channel_of, check_member_id
from fsmflow.step import Step
from fsmflow.wording import Sentences

# What a subclass is meant to define or extend; every other name of Flow is its own.
_OPEN_NAMES = frozenset(
    {
        *("flow_type", "keywords", "steps", "timeout", "revision", "requires_auth"),
        *("complete", "handed_over", "_get_channel_identifier"),
    }
)
_ANYBODY = "member"
_ANYWHERE = Channel("memory", _ANYBODY)
_SENTENCES = Sentences()


class Flow(NestingModel, Generic[DataT]):
    """One conversation with one member.

    Subclass it with ``flow_type`` and ``steps``, or build the steps in ``__init__`` and call
    ``super().__init__(f"{flow_type}_{member_id}", steps)``.

    Args:
        id: The id of the flow; ``"<flow_type>_<member_id>"`` by default.
        steps: The steps, for a class that builds them itself.
        member_id: Who it is with.
        channel: The member's address.

    Raises:
        FlowDefinitionError: The flow is written wrongly. For a class with ``steps`` it is raised when the class is
            made.
    """

    flow_type: str = ""
    """Which flow it is; unique among the flows of a runner."""

    keywords: tuple[str, ...] = ()
    """What a member types to start it; its flow type where this is empty."""

    steps: Sequence[Step] = ()
    """The questions, in order."""

    timeout: timedelta | None = timedelta(minutes=5)
    """The silence after which the conversation is over; None for never."""

    revision: int = 0
    """Raise it when a change of this flow must not be met by workers of the release before."""

    requires_auth: bool = False
    """True if only a member who is signed in may go through it; one who is not is taken through the sign-in first."""

    _compiled: ClassVar[Definition | None] = None
    _shapes: ClassVar[Shapes]

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        _check_names(cls)
        check_attributes(cls)
        cls._shapes = Shapes(cls)
        builds_own = cls.__init__ is not Flow.__init__
        if cls.steps:
            cls.steps = tuple(cls.steps)
            if not cls.flow_type:
                raise FlowDefinitionError(cls.__name__, None, "a flow with steps needs a flow_type")
            cls._compiled = compile_flow(cls, cls.flow_type, cls.steps)
        elif "steps" in vars(cls) or (cls.flow_type and not builds_own):
            raise FlowDefinitionError(cls.__name__, None, "a flow needs at least one step")

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        """Makes the flow and reads who it is with, where a subclass is constructed as ``(flow_type, state)``."""
        flow = super().__new__(cls)
        flow.member_id, flow.channel, flow.sentences = _ANYBODY, _ANYWHERE, _SENTENCES
        structure = named.get("state", arguments[1] if len(arguments) > 1 else None)
        if cls._compiled is None and isinstance(structure, Mapping):
            flow.flow_type = str(named.get("flow_type", arguments[0] if arguments else cls.flow_type))
            if "member_id" in structure:
                flow.member_id = check_member_id(structure["member_id"])
            if "channel" in structure:
                flow.channel = channel_of(structure)
        return flow

    def __init__(
        self,
        id: str | None = None,
        steps: Sequence[Step] | None = None,
        *,
        member_id: str | None = None,
        channel: Channel | None = None,
    ) -> None:
        if member_id is not None:
            self.member_id = member_id
        if channel is not None:
            self.channel = channel
        if steps is not None:
            self.steps = tuple(steps)
            definition = self._shapes.definition_of(self.flow_type, self.steps)
        elif self._compiled is not None:
            definition = self._compiled
        else:
            raise FlowDefinitionError(type(self).__name__, None, "a flow needs at least one step")
        super().__init__(definition, id or f"{self.flow_type}_{self.member_id}")

    def _get_channel_identifier(self, state: Mapping[str, Any] | None) -> str:
        """The member's address in a state structure; it works before ``super().__init__``.

        Raises:
            InvalidState: The structure names no channel.
        """
        return channel_of(state or {}).identifier

    # -- what can be asked of it ---------------------------------------------------------------------------------------

    @property
    def data(self) -> DataT:
        """What was collected so far: a dict by step id, or an object of the data class in ``Flow[…]``.

        That object fills as answers come. It cannot be written to; what was not answered yet, and has no default,
        raises `NotYetAnswered` when it is read. Once the flow is completed it is an object like any other.
        """
        typed = self._definition.typed
        seen: Any = self.answers if typed is None else typed.seen(self.answers, self.state)
        found: DataT = seen
        return found

    @data.setter
    def data(self, answers: DataT) -> None:
        if self._definition.typed is not None:
            raise AttributeError("data cannot be set: the data of a typed flow is what was answered")
        replaced: Any = answers
        self.answers = replaced

    @property
    def machine(self) -> FlowMachine:
        """The Machine that all flows of this class (or shape) share. It is bound to none of them."""
        return self._definition.machine

    @property
    def question(self) -> Message:
        """What is asked now, or the closing words once the flow has ended.

        Raises:
            AsyncFlowError: Its words must be awaited.
        """
        self._check_sync()
        self._start()
        self.innermost.choices_known = None
        return run_calls(self.says())

    def is_(self, state: str) -> bool:
        """True if the flow is in a state."""
        return self.state == state

    def may(self, trigger: str, value: str | None = None) -> bool:
        """True if a trigger would be taken now, for ``submit`` with the value; nothing is changed.

        Args:
            trigger: A name of the alphabet.
            value: The answer, for ``submit``. None asks whether any answer is awaited at all.
        """
        if self.state in TERMINAL_STATES and self.halt is None:
            return False
        self._start()
        asked = self.innermost if trigger in _ASKED_WITHIN else self
        found = transitions_from(asked.definition.machine, trigger, asked.state)
        if trigger == RESUME:
            return any(transition.dest == self.stood_at() for transition in found)
        if found and trigger == SUBMIT and value is not None:
            self._check_sync()
            self.innermost.choices_known = None
            return isinstance(asked.judgement(Turn(answer=self._answer(value))), Accepted)
        if trigger == BACK:
            return self._may_go_back
        # which are made by opening: a flow within, by its end too; an action
        return bool(found) and trigger not in (PUSH, POP, RUN)

    def triggers(self) -> tuple[str, ...]:
        """The triggers that may be taken now."""
        return tuple(trigger for trigger in self._known if self.may(trigger))

    @property
    def _known(self) -> dict[str, None]:
        """The triggers of this flow, and of the one within it that asks now; back, though nothing may lead there."""
        return dict.fromkeys((*self._definition.fire, *self.innermost.definition.fire, BACK))

    # -- what can be done with it, without a store ---------------------------------------------------------------------

    def process_input(self, value: str) -> Message:
        """Takes one answer, in memory: no global words, no effects.

        Args:
            value: The text of a TEXT answer; the id or the title of an option.

        Returns:
            The next question or the closing words; or the reason for a refusal, and the question again.

        Raises:
            FlowEnded: No answer is awaited any more.
            AsyncFlowError: The flow has callables that must be awaited.
            Exception: Whatever the flow's code raised; state and data are as they were.
        """
        self._start()
        _, said = self._advance(SUBMIT, value)
        return said if self.refusal is None else with_reason(self.refusal, said)

    def trigger(self, name: str, value: str | None = None) -> bool:
        """Fires a trigger, as transitions would: True if a transition was made that is not a refusal.

        Args:
            name: A name of the alphabet.
            value: The answer, for ``submit``.

        Raises:
            FlowEnded: The flow is in a terminal state.
            FlowDefinitionError: There is no such trigger.
            AsyncFlowError: The flow has callables that must be awaited.
            Exception: Whatever the flow's code raised; state and data are as they were.
        """
        taken, _ = self._advance(name, value)
        return taken

    def back(self) -> Message:
        """Goes to the question before; the question that is asked now is returned."""
        return self._go(BACK)

    def cancel(self) -> Message:
        """Leaves the conversation; the closing words are returned."""
        return self._go(CANCEL)

    def restart(self) -> Message:
        """Starts the same flow over; its first question is returned."""
        return self._go(RESTART)

    def rollback(self) -> Message:
        """Takes the last accepted answer back; the question that is asked then is returned.

        Where there is nothing to take back, nothing changes.
        """
        self._check_sync()
        kept = self._kept()
        try:
            came_from = self.state
            if self.previous is not None and self.resume(self.previous):
                self.previous = self.refusal = None
                self.entries.append(self.entry(audit.ROLLBACK, "success", came_from=came_from))
            return run_calls(self.says())
        except BaseException:
            _put_back(kept)
            raise

    def _start(self) -> None:
        """Opens the flow that answers the first step, where one does."""
        if self.state not in TERMINAL_STATES:
            self.begin(Turn())

    def _go(self, trigger: str) -> Message:
        taken, said = self._advance(trigger, None)
        return said if taken else with_reason(self.sentences.first_question, said)

    def _advance(self, trigger: str, value: str | None) -> tuple[bool, Message]:
        """Fires, and says what is said then; neither, if one of the two fails."""
        self._check_sync()
        self._start()
        if trigger not in self._known:
            known = ", ".join(self._known)
            raise FlowDefinitionError(type(self).__name__, None, f"{trigger!r} is no trigger; there are {known}")
        kept = self._kept()
        try:
            self.refusal = self.innermost.choices_known = None
            turn = Turn(answer=self._answer(as_text(value) or ""), before=self.snapshot())
            run_calls(self.submits(turn) if trigger == SUBMIT else self.goes(trigger, turn))
            taken = turn.taken is not None and not turn.taken.refuses
            told = run_calls(self.leaves_if_empty([])) if self.innermost.may_have_nothing else None
            self.refusal = self.refusal if told is None else None
            said = run_calls(self.says())
            return taken, with_reason("\n\n".join(told), said) if told else said
        except BaseException:
            _put_back(kept)
            raise

    def _kept(self) -> list[_Kept]:
        """What this run and those within it are now. An answer must not reach what is kept."""
        kept: list[_Kept] = []
        run: NestingModel | None = self
        while run is not None:
            kept.append((run, vars(run).copy(), len(run.entries)))
            run.answers = dict(run.answers)
            run = run.inner
        return kept

    def _answer(self, value: str) -> Answer:
        step = self.innermost.current_step
        if step is not None and step.has_choices:
            return run_calls(self.innermost.answers_by(value))
        return Answer(text=value)

    def _check_sync(self) -> None:
        if self._definition.asynchronous:
            names = ", ".join(self._definition.asynchronous)
            raise AsyncFlowError(type(self).__name__, None, f"{names} must be awaited: use AsyncFlowRunner")


# A run, its attributes, and how many entries it had.
_Kept = tuple[NestingModel, dict[str, Any], int]

# What one turn changes of a flow.
_RUN = frozenset(
    {
        *("state", "answers", "path", "visit", "run_id", "previous", "validation", "halt", "refusal", "inner"),
        *("page_shown", "last_words", "interrupted_by", "tried", "shown"),
    }
)

# What is done at the innermost question.
_ASKED_WITHIN = frozenset({SUBMIT, SKIP})


def _put_back(kept: Sequence[_Kept]) -> None:
    """Puts everything back as it was; `transitions` itself does not go back."""
    for run, attributes, recorded in kept:
        run.inner = None  # a run that holds none may not have the attribute
        vars(run).update({name: value for name, value in attributes.items() if name in _RUN})
        del run.entries[recorded:]


_OWN_NAMES = (
    frozenset(
        name
        for base in (Flow, NestingModel, AskingModel, FlowModel, Run)
        for name in (*vars(base), *inspect.get_annotations(base))
        if not name.startswith("__")
    )
    - _OPEN_NAMES
)


def _check_names(cls: type[Flow[Any]]) -> None:
    """A method that hid one of Flow's own would break it where nobody looks."""
    for base in cls.__mro__[: cls.__mro__.index(Flow)]:
        made = {"_compiled", "_shapes"} if base is not cls and issubclass(base, Flow) else set()
        for name in sorted(_OWN_NAMES & set(vars(base)) - made):
            raise FlowDefinitionError(cls.__name__, None, f"{name} is a name of Flow itself: choose another")


Flow._shapes = Shapes(Flow)
