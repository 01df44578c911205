"""A step: one question, what may answer it, and where the answer leads.

Here belong the values that people write in ``steps = (…)`` and the checks that need nothing but those values. How a
step becomes states and transitions belongs to `machine`; how its callables are found and checked, to `callbacks`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from enum import Enum
from itertools import chain
from typing import Any, Final, Union

from attrs import field, frozen

from fsmflow.choices import OPTION_ID_LIMIT, wrong_with_sections
from fsmflow.errors import FlowDefinitionError
from fsmflow.messages import Buttons, ListMenu, Option, Section, Text, options_of
from fsmflow.per_channel import PerChannel
from fsmflow.state import FAILED, HANDOVER, RESERVED_DATA_KEYS, TERMINAL_STATES
from fsmflow.wording import folded

STEP_ID_LIMIT: Final = 64

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


def check_steps(flow: str, steps: Sequence[Step]) -> None:
    """Checks what can be seen from the steps alone.

    Args:
        flow: The name of the flow's class, for the error.
        steps: The steps.

    Raises:
        FlowDefinitionError: There are none, or an id, a type, an option or a target is wrong.
    """
    if not steps:
        raise FlowDefinitionError(flow, None, "a flow needs at least one step")
    seen: set[str] = set()
    for step in steps:
        if not isinstance(step, Step):
            raise FlowDefinitionError(flow, None, f"steps holds Step objects, not {type(step).__name__}")
        _check_id(flow, step.id, seen)
        if not isinstance(step.type, StepType) or (step.type is StepType.FLOW) is not (step.flow is not None):
            raise FlowDefinitionError(flow, step.id, "type must be StepType.TEXT, BUTTON or LIST")
        _check_words(flow, step)
        seen.add(step.id)
    for step in steps:
        _check_options(flow, step, seen)
        _check_ways(flow, step, seen)
    if steps[0].skip_when is not None:
        raise FlowDefinitionError(flow, steps[0].id, "the first step is always asked: skip_when is for later ones")


def _check_id(flow: str, step_id: Any, seen: set[str]) -> None:
    if not isinstance(step_id, str) or not step_id.isascii() or not step_id.isidentifier():
        raise FlowDefinitionError(flow, str(step_id), "a step id is a Python identifier in ASCII")
    if len(step_id) > STEP_ID_LIMIT:
        raise FlowDefinitionError(flow, step_id, f"a step id has at most {STEP_ID_LIMIT} characters")
    if step_id in RESERVED_DATA_KEYS or step_id in TERMINAL_STATES:
        raise FlowDefinitionError(flow, step_id, "this id is reserved: choose another")
    if step_id in seen:
        raise FlowDefinitionError(flow, step_id, "a step id is unique within its flow")


def _check_words(flow: str, step: Step) -> None:
    if step.flow is not None:
        if getattr(step.flow, "_compiled", None) is None:
            raise FlowDefinitionError(flow, step.id, "a SubFlow takes a Flow class that has its steps")
        try:
            inspect.signature(step.flow.__init__).bind(None, member_id="", channel=None)
        except TypeError:
            wanted = "a SubFlow is made with member_id and channel, which its __init__ must take"
            raise FlowDefinitionError(flow, step.id, wanted) from None
        return
    for said in step.message.forms if isinstance(step.message, PerChannel) else (step.message,):
        _check_form(flow, step, said)
    if not isinstance(step.refusal, (str, type(None))):
        raise FlowDefinitionError(flow, step.id, "refusal must be words")
    if not all(isinstance(example, str) for example in (*step.examples, *step.counterexamples)):
        raise FlowDefinitionError(flow, step.id, "examples and counterexamples are what a member would type")


def _check_form(flow: str, step: Step, said: Any) -> None:
    if isinstance(said, (Text, Buttons, ListMenu)):
        if not step.has_choices and not isinstance(said, Text):
            raise FlowDefinitionError(flow, step.id, "a TEXT step is asked with a str or a Text")
        if options_of(said):
            raise FlowDefinitionError(flow, step.id, "the options belong to the step, not to its message")
        said = said.body
    if not callable(said) and not isinstance(said, str):
        raise FlowDefinitionError(flow, step.id, "message must be words, a message, or a callable that gives one")
    if isinstance(said, str) and not said.strip():
        raise FlowDefinitionError(flow, step.id, "message must not be empty")


def check_silences(flow: str, steps: Sequence[Step], timeout: timedelta | None) -> None:
    """Checks how long the steps of a flow wait.

    Args:
        flow: The name of the flow's class, for the error.
        steps: The steps.
        timeout: The flow's own timeout.

    Raises:
        FlowDefinitionError: One is no length of time, or a reminder would not come before the end.
    """
    for step in steps:
        own: Any = step.timeout
        if not (own is AS_THE_FLOW or own is None or (isinstance(own, timedelta) and own > timedelta())):
            raise FlowDefinitionError(flow, step.id, "timeout is a timedelta above zero, or None for never")
        reminder: Any = step.reminder
        if reminder is None:
            continue
        if not isinstance(reminder, timedelta) or reminder <= timedelta():
            raise FlowDefinitionError(flow, step.id, "reminder is a timedelta above zero, or None for never")
        silence = timeout if own is AS_THE_FLOW else own
        if silence is not None and reminder >= silence:
            raise FlowDefinitionError(flow, step.id, "reminder must be shorter than the timeout")


def _check_options(flow: str, step: Step, step_ids: set[str]) -> None:
    if not step.has_choices and step.offered != ():
        raise FlowDefinitionError(flow, step.id, "a TEXT step has no options: use BUTTON or LIST")
    if step.live is not None:
        _check_live(flow, step, step_ids)
        return
    if step.when_empty is not None or step.empty_message is not None:
        wanted = "when_empty and empty_message are for options that a callable gives"
        raise FlowDefinitionError(flow, step.id, wanted)
    if not step.has_choices:
        return
    _check_sections(flow, step)
    if not step.options:
        raise FlowDefinitionError(flow, step.id, f"a {step.type.name} needs options")
    _check_fixed(flow, step, step_ids)


def _check_fixed(flow: str, step: Step, step_ids: set[str]) -> None:
    ids: set[str] = set()
    titles: set[str] = set()
    for option in step.options:
        if not isinstance(option, Option):
            raise FlowDefinitionError(flow, step.id, f"options holds Option objects, not {type(option).__name__}")
        option_id: Any = option.id
        if not isinstance(option_id, str) or not option_id.isprintable():
            raise FlowDefinitionError(flow, step.id, "an option id is a str without control characters")
        if not 1 <= len(option_id.encode()) <= OPTION_ID_LIMIT:
            raise FlowDefinitionError(flow, step.id, f"an option id has 1 to {OPTION_ID_LIMIT} bytes")
        if option.id in ids:
            raise FlowDefinitionError(flow, step.id, f"the option id {option.id!r} is used twice")
        title: Any = option.title
        if not isinstance(title, str) or not title.strip():
            raise FlowDefinitionError(flow, step.id, f"the option {option.id!r} needs a title")
        if folded(option.title) in titles:
            raise FlowDefinitionError(flow, step.id, f"two options have the title {option.title!r}")
        if option.to is not None and str(option.to) not in step_ids | TERMINAL_STATES:
            wanted = f"the option {option.id!r} leads to {option.to!r}, which is no step and no end of this flow"
            raise FlowDefinitionError(flow, step.id, wanted)
        ids.add(option.id)
        titles.add(folded(option.title))


def _check_sections(flow: str, step: Step) -> None:
    sections = [item for item in step.offered if isinstance(item, Section)]
    if not sections:
        return
    wrong = wrong_with_sections(sections)
    if len(sections) < len(step.offered):
        wrong = "options holds Option objects or Section objects, not both"
    elif not all(section.options for section in sections):
        wrong = "a section needs options"
    if wrong is not None:
        raise FlowDefinitionError(flow, step.id, wrong)


def _check_live(flow: str, step: Step, step_ids: set[str]) -> None:
    if inspect.isasyncgenfunction(getattr(step.live, "__func__", step.live)):
        raise FlowDefinitionError(flow, step.id, "options must be given at once: let it return a list, not yield")
    if not isinstance(step.empty_message, (str, type(None))) and not callable(step.empty_message):
        raise FlowDefinitionError(flow, step.id, "empty_message must be words, or a callable that gives them")
    if isinstance(step.empty_message, str) and not step.empty_message.strip():
        raise FlowDefinitionError(flow, step.id, "empty_message must not be empty")
    if step.when_empty is None:
        if step.empty_message is not None:
            raise FlowDefinitionError(flow, step.id, "empty_message needs when_empty: where to go then")
    elif step.when_empty not in step_ids | TERMINAL_STATES:
        wanted = f"when_empty is {step.when_empty!r}, which is no step and no end of this flow"
        raise FlowDefinitionError(flow, step.id, wanted)


def _check_ways(flow: str, step: Step, step_ids: set[str]) -> None:
    for route in step.routes:
        if not isinstance(route, Route):
            raise FlowDefinitionError(flow, step.id, f"routes holds Route objects, not {type(route).__name__}")
        if str(route.to) not in step_ids | TERMINAL_STATES:
            raise FlowDefinitionError(flow, step.id, f"a route leads to {route.to!r}, which is no step and no end")
    if any(route.when is None for route in step.routes[:-1]):
        raise FlowDefinitionError(flow, step.id, "a route without a predicate is the last: none after it is tried")
    if not isinstance(step.optional, bool):
        raise FlowDefinitionError(flow, step.id, "optional is True or False")
    attempts: object = step.max_attempts
    if (attempts is None) is not (step.on_exhausted is None):
        raise FlowDefinitionError(flow, step.id, "max_attempts and on_exhausted belong together")
    if attempts is None:
        return
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        raise FlowDefinitionError(flow, step.id, "max_attempts is a number from 1")
    if str(step.on_exhausted) not in (step_ids - {step.id}) | {FAILED, HANDOVER}:
        wanted = f"on_exhausted is another step, {FAILED!r} or {HANDOVER!r}, not {step.on_exhausted!r}"
        raise FlowDefinitionError(flow, step.id, wanted)
