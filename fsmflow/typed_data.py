"""The data class of a flow beside its steps: whether the two agree, and the data as the flow's code sees it.

Here belong the rules by which ``class OfferFlow(Flow[OfferData])`` is right, all found when the class is made:

- a step has a field of its name, so that no answer is lost between the steps and who gets the data. The one exception
  is a choice of which at most one option goes on: that it was taken is said by the flow's having gone on;
- a field has a step of its name, or a default; and a default too where the flow may be completed without its step;
- a question that may be left out (``optional``, ``on_exhausted``) has a field that may be None, or a default;
- what is kept of an answer (what the transformer says that it returns; else the text, or the id of the option) may
  stand in the field. What is kept is structured by the field's type, or by the transformer's where that says more;
- the field of a sensitive step is left out of the class's ``repr``;
- the field of a `SubFlow` holds what that collects: an object of its data class; a dict, where it has none.

While the flow is under way its data is a view (`partial_data`). When it is completed, and only then, an object of the
data class itself is constructed, with all that the class does then: converters, validators, ``__attrs_post_init__``.
They may be run more than once, as ``complete`` may; what they raise is a fault of the flow, and the last answer does
not count. A validator of one answer belongs to its step, where the member can still be asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from attrs import frozen

from fsmflow.alphabet import EMPTY
from fsmflow.answers import StepCallbacks
from fsmflow.data_classes import DataClass, DataField, data_class_of
from fsmflow.edges import Edge, ways_on
from fsmflow.errors import FlowDefinitionError, NotYetAnswered
from fsmflow.kinds import may_stand_for, name_of
from fsmflow.partial_data import loose, view_class, view_of
from fsmflow.state import COMPLETED, TERMINAL_STATES
from fsmflow.step import Step
from fsmflow.storable import converter

_GIVEN_UP: Final = frozenset(TERMINAL_STATES) - {COMPLETED}


@frozen(eq=False)
class TypedData:
    """The data of a typed flow, as its code sees it.

    Args:
        flow: The flow's name.
        data_class: Its data class.
        view: The class of what is seen while the flow is under way.
        kinds: For each step that has a field the type that its answer is kept as; None where nothing says.
        arguments: For each step that has a field what the constructor of the data class calls it.
        required: The fields that the data class cannot be constructed without.
        left_out: The fields that have no None: an answer that was left out is as if it had not been given.
        within: For each step that is a typed flow of its own the data of that.
    """

    flow: str
    data_class: DataClass
    view: type
    kinds: Mapping[str, Any]
    arguments: Mapping[str, str]
    required: frozenset[str]
    left_out: frozenset[str]
    within: Mapping[str, TypedData]

    def seen(self, answers: Mapping[str, Any], state: str) -> Any:
        """What the flow's code sees in a state: the whole once it is completed, before that a view.

        A run that an earlier release completed may lack what is required now: it is seen as far as it is known.
        """
        given = self._given(answers)
        return self._made(given) if state == COMPLETED and self.required <= given.keys() else view_of(self.view, given)

    def whole(self, answers: Mapping[str, Any]) -> Any:
        """An object of the data class.

        Raises:
            NotYetAnswered: Something is missing.
            Exception: Whatever the data class has against it.
        """
        given = self._given(answers)
        for name in self.data_class.fields:  # in their order, so that it is always the same one that is named
            if name in self.required and name not in given:
                raise NotYetAnswered(self.flow, name)
        return self._made(given)

    def _given(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """What was answered, as the fields hold it."""
        given = {
            name: answers[name]
            for name in self.arguments
            if name in answers and not (answers[name] is None and name in self.left_out)
        }
        for name, typed in self.within.items():
            if name in given:
                given[name] = typed.seen(given[name], COMPLETED)
        return given

    def _made(self, given: Mapping[str, Any]) -> Any:
        return self.data_class.type(**{self.arguments[name]: loose(value) for name, value in given.items()})


class Within(Protocol):
    """What is known of a flow that answers a step: its definition."""

    @property
    def typed(self) -> TypedData | None:
        """Its data, where it has a data class."""

    @property
    def sensitive(self) -> frozenset[str]:
        """The ids of its steps whose answers are sensitive."""

    @property
    def flows(self) -> Mapping[str, Within]:
        """The flows that answer its own steps."""


def typed_data(
    owner: type, steps: Sequence[Step], callbacks: Mapping[str, StepCallbacks], flows: Mapping[str, Within]
) -> TypedData | None:
    """Holds the steps of a flow against its data class.

    Args:
        owner: The flow's class.
        steps: Its steps, already checked.
        callbacks: Their callables, understood.
        flows: For each step that is a flow of its own what is known of it.

    Returns:
        Its data; None for a flow that says no data class.

    Raises:
        FlowDefinitionError: Steps and data class do not agree, or the data class cannot be used.
    """
    data_class = data_class_of(owner)
    if data_class is None:
        return None
    for step, wanted in _disagreements(steps, data_class, flows):
        raise FlowDefinitionError(owner.__name__, step, wanted)
    fields = data_class.fields
    own_steps = bool(getattr(owner, "steps", ()))  # else each instance has options of its own
    kinds = {
        step.id: _kept_as(owner, step, callbacks[step.id], data_class, own_steps=own_steps)
        if step.id not in flows
        else _collected_by(owner, step, flows[step.id], data_class)
        for step in steps
        if step.id in fields
    }
    without = {step.id for step in steps if step.may_be_unanswered and not _may_be_none(fields.get(step.id))}
    return TypedData(
        flow=owner.__name__,
        data_class=data_class,
        view=view_class(owner.__name__, data_class),
        kinds=kinds,
        arguments={step_id: str(fields[step_id].argument) for step_id in kinds},
        required=frozenset(name for name, each in fields.items() if each.default is None and each.argument is not None),
        left_out=frozenset(without),
        within={name: each.typed for name, each in flows.items() if each.typed is not None},
    )


def _disagreements(
    steps: Sequence[Step], data_class: DataClass, flows: Mapping[str, Within]
) -> Iterator[tuple[str | None, str]]:
    """What is wrong, each with its step."""
    fields, named = data_class.fields, {step.id for step in steps}
    for name, each in fields.items():
        if name not in named and each.default is None and each.argument is not None:
            yield None, f"the field {name!r} of {data_class.name} is the id of no step: it needs a step, or a default"
    edges = ways_on(steps)
    for step in steps:
        held = fields.get(step.id)
        if held is None:
            if not _says_nothing(step):
                yield step.id, f"{data_class.name} has no field {step.id!r}: what is answered would be lost"
        elif held.argument is None:
            yield step.id, f"the field {step.id!r} of {data_class.name} must be one that the constructor takes"
        elif held.shown and (step.sensitive or (step.id in flows and _shows_a_secret(flows[step.id]))):
            yield step.id, f"the field {step.id!r} of {data_class.name} needs repr=False: the answer is sensitive"
        elif held.default is None and _can_be_left_out(step.id, steps[0].id, edges):
            wanted = f"the field {step.id!r} of {data_class.name} needs a default: the flow can be completed without it"
            yield step.id, wanted
        elif held.default is None and step.may_be_unanswered and not _may_be_none(held):
            yield (
                step.id,
                f"the field {step.id!r} of {data_class.name} takes None, or has a default: it is optional",
            )


def _may_be_none(held: DataField | None) -> bool:
    return held is None or may_stand_for(type(None), held.kind)


def _shows_a_secret(within: Within) -> bool:
    """True if what a flow collects is a dict with a sensitive answer in it. A data class has seen to it itself."""
    return within.typed is None and (bool(within.sensitive) or any(map(_shows_a_secret, within.flows.values())))


def _says_nothing(step: Step) -> bool:
    """True if at most one answer leads on, so that whoever has gone on has given it."""
    if not step.has_choices or not step.options or step.may_be_unanswered:
        return False
    return sum(option.to not in _GIVEN_UP for option in step.options) <= 1


def _can_be_left_out(step_id: str, first: str, edges: Sequence[Edge]) -> bool:
    """True if a way leads from the first step to the completed flow that does not answer a step."""
    reached, grown = {first}, True
    while grown:
        leaving = (edge for edge in edges if edge.source in reached)
        further = {edge.dest for edge in leaving if edge.source != step_id or edge.trigger == EMPTY} - reached
        reached |= further
        grown = bool(further)
    return COMPLETED in reached


def _kept_as(owner: type, step: Step, callbacks: StepCallbacks, data_class: DataClass, *, own_steps: bool) -> Any:
    """The type that an answer is kept as: the field's, or the transformer's where that is the narrower one."""
    held, transformer = data_class.fields[step.id], callbacks.transformer
    told = f"the field {step.id!r} of {data_class.name} is {name_of(held.kind)}"
    if transformer is None:
        given: Any = Literal[tuple(option.id for option in step.options)] if own_steps and step.options else str
        if not may_stand_for(given, held.kind):
            what = "the id of the option" if step.has_choices else "the text"
            wanted = f"{told}, and without a transformer {what} is kept, a str"
            raise FlowDefinitionError(owner.__name__, step.id, wanted)
        kind = held.kind
    else:
        if not may_stand_for(transformer.returns, held.kind):
            wanted = f"{told}, and the transformer {transformer.name} returns {name_of(transformer.returns)}"
            raise FlowDefinitionError(owner.__name__, step.id, wanted)
        kind = held.kind if may_stand_for(held.kind, transformer.returns) else transformer.returns
        if kind is None:
            kind = transformer.returns
    _check_structured(owner, held, kind, data_class)
    return kind


def _collected_by(owner: type, step: Step, within: Within, data_class: DataClass) -> Any:
    """Checks that what a flow of its own collects may stand in the field. What it is kept as, that flow says itself."""
    held = data_class.fields[step.id]
    given = dict[str, Any] if within.typed is None else within.typed.data_class.type
    if not may_stand_for(given, held.kind):
        told = f"the field {step.id!r} of {data_class.name} is {name_of(held.kind)}"
        wanted = f"{told}, and what its flow collects is {name_of(given)}"
        raise FlowDefinitionError(owner.__name__, step.id, wanted)
    return None


def _check_structured(owner: type, held: DataField, kind: Any, data_class: DataClass) -> None:
    if kind is None:
        return
    try:
        converter.get_structure_hook(kind)
    except Exception as fault:
        wanted = f"the type {name_of(kind)} of the field {held.name!r} of {data_class.name} cannot be structured"
        raise FlowDefinitionError(owner.__name__, held.name, wanted) from fault
