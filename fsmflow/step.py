"""A step: one question, what may answer it, and where the answer leads.

Here belong the values that people write in ``steps = (…)``. What each must be like is checked by `step_checks`; how a
step becomes states and transitions belongs to `machine`; how its callables are found and checked, to `callbacks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import Enum
from itertools import chain
from typing import Any, Final, Union

from attrs import field, frozen

from fsmflow.messages import Buttons, ListMenu, Option, Section, Text
from fsmflow.per_channel import PerChannel
from fsmflow.state import TERMINAL_STATES

StepMessage = Union[str, Text, Buttons, ListMenu]

FlowClass = type[Any]
"""A subclass of `Flow`, which is made of steps and so comes later."""


class StepType(str, Enum):
    """How a step is answered."""

    TEXT = "text"
    """Free text."""

    BUTTON = "button"
    """One of a few buttons."""

    LIST = "list"
    """One row of a list."""

    FLOW = "flow"
    """By a flow of its own: a `SubFlow`."""

    ACTION = "action"
    """By nobody: an `Action` changes the world."""


class Silence(Enum):
    """How long a step waits, where it does not say so itself."""

    AS_THE_FLOW = "as the flow"


AS_THE_FLOW: Final = Silence.AS_THE_FLOW


def _as_tuple(items: Any) -> tuple[Any, ...]:
    # a lone string is an iterable of its letters, and "(Option(…))" is no tuple: each was surely meant as one item
    return tuple(items) if isinstance(items, Iterable) and not isinstance(items, str) else (items,)


def _as_offered(items: Any) -> Any:
    return items if callable(items) or isinstance(items, (staticmethod, classmethod)) else _as_tuple(items)


def _brought(validator: Any, name: str, otherwise: Any) -> Any:
    """What a validator brings along for its step. Its type is asked: a proxy has an answer to every attribute."""
    return getattr(validator, name) if hasattr(type(validator), name) else otherwise


@frozen
class Route:
    """A way on from a step.

    Args:
        to: The step that it leads to, or an end of the flow.
        when: ``(self, value)`` or ``(value)``: True if this way is taken. The value is what is kept of the answer,
            which is in the flow's data already. It looks and changes nothing. None is a way that is always taken.
    """

    to: str
    when: Callable[..., Any] | None = None


@frozen
class Step:
    """One question of a flow.

    Args:
        id: Its name in data, diagrams and the audit trail: a Python identifier in ASCII, at most 64 characters.
        type: How it is answered.
        message: What is asked: the words, or a callable ``(self)`` or ``()`` that gives them. A BUTTON or LIST may
            use a `Buttons` or `ListMenu` without options, for its header and footer. A `PerChannel` says each of these
            for the channels that it names.
        validator: ``(self, value)`` or ``(value)``: True accepts, False refuses, `Refused` refuses in its own words.
            The value is the stripped text of a TEXT answer, or the id of the option chosen.
        transformer: ``(self, value)`` or ``(value)``: what is kept of an accepted answer. Its return annotation is
            what the answer is structured to when the state is loaded.
        options: The choices of a BUTTON or LIST: options, or `Section`s of them; or a callable ``(self)`` or ``()``
            that gives such at the moment when they are shown, and again when the answer is judged. Its ids must be
            stable: the application's own ids of what is offered.
        refusal: What is said when the validator refuses without a reason of its own.
        sensitive: True keeps the answer out of the audit trail, the logs and the stored refusals. It stays in the
            data, because the flow needs it there.
        examples: Answers that are accepted: documentation, and the input of transition tests.
        counterexamples: Answers that are refused.
        when_empty: Where to go when a callable gives no options: a step, or an end. Without it that is a fault.
        empty_message: What is said then: words, or a callable ``(self)`` or ``()``. At an end they are the last words.
        routes: Where an accepted answer leads: to the first whose predicate holds, else to the next step. An option
            with a target of its own leads there.
        skip_when: ``(self)`` or ``()``: True if the question is not asked; tried when a way would lead to it, with the
            answer that leads there in the flow's data.
        optional: True if a member may leave the question out, by a word; its answer is None then, and it leads where
            an answer for which no predicate holds does.
        max_attempts: How many answers may be refused before `on_exhausted` is gone to; None for any number.
        on_exhausted: A step, or an end: ``"failed"`` or ``"handover"``.
        timeout: The silence at this step after which the conversation is over; None for never; by default the flow's.
        reminder: The silence after which the question is asked once more, by who runs `FlowRunner.due`; shorter than
            the timeout. None for never.

    Attributes:
        offered: What `options` was given.
        live: The callable that gives the options of the moment; None where they are fixed.
        options: The fixed options, in order; none where a callable gives them.

    A validator whose type has a ``transformer``, as each of `fsmflow.validators` has, brings it along: it is the
    step's, unless that names one, or None. So do its ``examples`` and ``counterexamples``, where the answer is typed.
    """

    id: str
    type: StepType
    message: StepMessage | PerChannel | Callable[..., Any]
    validator: Callable[..., Any] | None = None
    transformer: Callable[..., Any] | None = field()
    offered: Any = field(default=(), converter=_as_offered, alias="options")
    refusal: str | None = None
    sensitive: bool = False
    examples: tuple[str, ...] = field(converter=_as_tuple)
    counterexamples: tuple[str, ...] = field(converter=_as_tuple)
    routes: tuple[Route, ...] = field(default=(), converter=_as_tuple)
    skip_when: Callable[..., Any] | None = None
    optional: bool = False
    max_attempts: int | None = None
    on_exhausted: str | None = None
    timeout: timedelta | Silence | None = AS_THE_FLOW
    reminder: timedelta | None = None
    when_empty: str | None = None
    empty_message: str | Callable[..., Any] | None = None
    live: Callable[..., Any] | None = field(init=False, repr=False, eq=False)
    options: tuple[Option, ...] = field(init=False, repr=False, eq=False)

    @transformer.default
    def _transformer(self) -> Callable[..., Any] | None:
        brought: Callable[..., Any] | None = _brought(self.validator, "transformer", None)
        return brought

    @examples.default
    def _examples(self) -> tuple[str, ...]:
        brought: tuple[str, ...] = () if self.has_choices else _brought(self.validator, "examples", ())
        return brought

    @counterexamples.default
    def _counterexamples(self) -> tuple[str, ...]:
        brought: tuple[str, ...] = () if self.has_choices else _brought(self.validator, "counterexamples", ())
        return brought

    @live.default
    def _living(self) -> Callable[..., Any] | None:
        return None if isinstance(self.offered, tuple) else self.offered

    @options.default
    def _fixed(self) -> tuple[Option, ...]:
        return () if self.live is not None else tuple(chain(*[_options_in(item) for item in self.offered]))

    @property
    def sections(self) -> tuple[Section, ...]:
        """The fixed options in their groups; one group without a title where there are none."""
        if isinstance(self.offered, tuple) and self.offered and isinstance(self.offered[0], Section):
            return self.offered
        return (Section("", self.options),)

    @property
    def has_choices(self) -> bool:
        """True if it is answered by choosing, not by typing."""
        return self.type in (StepType.BUTTON, StepType.LIST)

    @property
    def flow(self) -> FlowClass | None:
        """The class of the flow that answers it; None where a member does."""
        return None

    @property
    def asks(self) -> bool:
        """True if a member answers it: it is no action, and no flow of its own."""
        return self.type not in (StepType.FLOW, StepType.ACTION)

    @property
    def may_be_unanswered(self) -> bool:
        """True if it may be left without an answer, which is None then."""
        return self.optional or (self.on_exhausted is not None and self.on_exhausted not in TERMINAL_STATES)


@frozen(init=False)
class SubFlow(Step):
    """A step that is a flow of its own: what that collects is the answer.

    Its closing words are not said: the flow goes on. ``back`` at its first question leads to the step before, and back
    again into its last question. Where it ends without being completed, the flow ends so too.

    Args:
        id: The step's id; what the sub-flow collected is kept under it.
        flow: The flow's class, with ``steps``; it need not be one of the runner's.
        routes: As of a `Step`; the value is what the sub-flow collected.
        skip_when: As of a `Step`.
    """

    _flow: FlowClass | None = None

    def __init__(
        self,
        id: str,
        flow: FlowClass,
        *,
        routes: Iterable[Route] = (),
        skip_when: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(id, StepType.FLOW, "", routes=routes, skip_when=skip_when)
        object.__setattr__(self, "_flow", flow)  # frozen, as its base is

    @property
    def flow(self) -> FlowClass | None:
        """The class of the flow that answers it."""
        return self._flow


def _options_in(item: Any) -> tuple[Any, ...]:
    return item.options if isinstance(item, Section) else (item,)


def unknown_at(step_id: str) -> str:
    """The state in which nobody can say what came of an action; no step's id has a dot."""
    return f"{step_id}.unknown"
