"""The data class of a flow beside its steps: whether the two agree, and the data as the flow's code sees it.

Here belong the rules by which ``class OfferFlow(Flow[OfferData])`` is right, all found when the class is made:

- a step has a field of its name, so that no answer is lost between the steps and who gets the data. The one exception
  is a choice of which at most one option goes on: that it was taken is said by the flow's having gone on;
- a field has a step of its name, or a default; and a default too where the flow may be completed without its step;
- what is kept of an answer (what the transformer says that it returns; else the text, or the id of the option) may
  stand in the field. What is kept is structured by the field's type, or by the transformer's where that says more;
- the field of a sensitive step is left out of the class's ``repr``.

While the flow is under way its data is a view (`partial_data`). When it is completed, and only then, an object of the
data class itself is constructed, with all that the class does then: converters, validators, ``__attrs_post_init__``.
They may be run more than once, as ``complete`` may; what they raise is a fault of the flow, and the last answer does
not count. A validator of one answer belongs to its step, where the member can still be asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from attrs import frozen

from fsmflow.answers import StepCallbacks
from fsmflow.data_classes import DataClass, DataField, data_class_of
from fsmflow.errors import FlowDefinitionError, NotYetAnswered
from fsmflow.kinds import may_stand_for, name_of
from fsmflow.machine import Edge, ways_on
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
    """

    flow: str
    data_class: DataClass
    view: type
    kinds: Mapping[str, Any]
    arguments: Mapping[str, str]
    required: frozenset[str]

    def seen(self, answers: Mapping[str, Any], state: str) -> Any:
        """What the flow's code sees in a state: the whole once it is completed, before that a view.

        A run that an earlier release completed may lack what is required now: it is seen as far as it is known.
        """
        if state == COMPLETED and self.required <= answers.keys():
            return self.whole(answers)
        return view_of(self.view, answers)

    def whole(self, answers: Mapping[str, Any]) -> Any:
        """An object of the data class.

        Raises:
            NotYetAnswered: Something is missing.
            Exception: Whatever the data class has against it.
        """
        for name in self.data_class.fields:  # in their order, so that it is always the same one that is named
            if name in self.required and name not in answers:
                raise NotYetAnswered(self.flow, name)
        given = {said: loose(answers[name]) for name, said in self.arguments.items() if name in answers}
        return self.data_class.type(**given)


def typed_data(owner: type, steps: Sequence[Step], callbacks: Mapping[str, StepCallbacks]) -> TypedData | None:
    """Holds the steps of a flow against its data class.

    Args:
        owner: The flow's class.
        steps: Its steps, already checked.
        callbacks: Their callables, understood.

    Returns:
        Its data; None for a flow that says no data class.

    Raises:
        FlowDefinitionError: Steps and data class do not agree, or the data class cannot be used.
    """
    data_class = data_class_of(owner)
    if data_class is None:
        return None
    for step, wanted in _disagreements(steps, data_class):
        raise FlowDefinitionError(owner.__name__, step, wanted)
    fields = data_class.fields
    own_steps = bool(getattr(owner, "steps", ()))  # else each instance has options of its own
    kinds = {
        step.id: _kept_as(owner, step, callbacks[step.id], data_class, own_steps=own_steps)
        for step in steps
        if step.id in fields
    }
    return TypedData(
        flow=owner.__name__,
        data_class=data_class,
        view=view_class(owner.__name__, data_class, frozenset(kinds)),
        kinds=kinds,
        arguments={step_id: str(fields[step_id].argument) for step_id in kinds},
        required=frozenset(name for name, each in fields.items() if each.default is None and each.argument is not None),
    )


def _disagreements(steps: Sequence[Step], data_class: DataClass) -> Iterator[tuple[str | None, str]]:
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
        elif step.sensitive and held.shown:
            yield step.id, f"the field {step.id!r} of {data_class.name} needs repr=False: the answer is sensitive"
        elif held.default is None and _can_be_left_out(step.id, steps[0].id, edges):
            wanted = f"the field {step.id!r} of {data_class.name} needs a default: the flow can be completed without it"
            yield step.id, wanted


def _says_nothing(step: Step) -> bool:
    """True if at most one answer leads on, so that whoever has gone on has given it."""
    if not step.has_choices or not step.options:
        return False
    return sum(option.to not in _GIVEN_UP for option in step.options) <= 1


def _can_be_left_out(step_id: str, first: str, edges: Sequence[Edge]) -> bool:
    """True if a way leads from the first step to the completed flow that does not answer a step."""
    reached, grown = {first}, True
    while grown:
        further = {edge.dest for edge in edges if edge.source in reached and edge.source != step_id} - reached
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


def _check_structured(owner: type, held: DataField, kind: Any, data_class: DataClass) -> None:
    if kind is None:
        return
    try:
        converter.get_structure_hook(kind)
    except Exception as fault:
        wanted = f"the type {name_of(kind)} of the field {held.name!r} of {data_class.name} cannot be structured"
        raise FlowDefinitionError(owner.__name__, held.name, wanted) from fault
