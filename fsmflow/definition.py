"""A flow class, compiled: its Machine, its callables, its fingerprint.

Here belong the compiling, which happens once for a class (or once for a shape, for classes that build their steps in
``__init__``), and the questions that only the compiled form answers. Nothing here knows a member.

A shape is the class, the flow type, the steps' ids, types, options and targets, and the code of their callables. Two
instances of one shape share a Machine although each has bound methods of its own: the Machine's callbacks look the
callable up on the model at hand. Rejected: a Machine for each instance, at ten times the cost of the event that it is
built for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from fsmflow.answers import StepCallbacks
from fsmflow.callbacks import Callback, understand
from fsmflow.codec import digest, restore_answer
from fsmflow.errors import FlowDefinitionError
from fsmflow.machine import FlowMachine, build_machine, triggers_of, ways_on
from fsmflow.state import TERMINAL_STATES, FlowData
from fsmflow.step import Step, StepType, check_steps

SHAPE_LIMIT: Final = 256
"""How many shapes of one class are kept. A class whose steps differ at each message would otherwise fill memory."""


@frozen(eq=False)
class Definition:
    """A compiled flow.

    Args:
        name: The name of the flow's class.
        flow_type: Which flow it is.
        index: The position of each step, by its id, in order.
        callbacks: The callables of each step, understood.
        machine: The shared Machine.
        fire: For each trigger what fires it.
        sensitive: The ids of the steps whose answers are redacted.
        asynchronous: The names of callables that must be awaited.
        fingerprint: Changes when the structure does: steps, types, options, targets. Not when only words do.
    """

    name: str
    flow_type: str
    index: Mapping[str, int]
    callbacks: Mapping[str, StepCallbacks]
    machine: FlowMachine
    fire: Mapping[str, Callable[..., bool]]
    sensitive: frozenset[str]
    asynchronous: tuple[str, ...]
    fingerprint: str

    @property
    def first(self) -> str:
        """The id of the first step."""
        return next(iter(self.index))

    def position(self, state: str) -> int:
        """The index of a state: the number of steps for a terminal one."""
        return self.index.get(state, len(self.index))

    def restore(self, flow_data: FlowData) -> tuple[str, dict[str, Any]] | None:
        """Where a stored run stands, and its answers as the flow knows them.

        Args:
            flow_data: The stored run. Its step's id wins over its index.

        Returns:
            The state and the structured answers; None where the step is gone or an answer does not fit.
        """
        state = flow_data.step_id
        if state is None:
            state = next((step_id for step_id, index in self.index.items() if index == flow_data.step), None)
        if state is None or (state not in self.index and state not in TERMINAL_STATES):
            return None
        if not flow_data.data.keys() >= set(flow_data.path):
            return None  # an answer was left out, as the audit trail does with sensitive ones
        try:
            return state, {step_id: self._answer(step_id, raw) for step_id, raw in flow_data.data.items()}
        except Exception:  # noqa: BLE001 - whatever cattrs has against a stored answer, it does not fit
            return None

    def rewound(self, flow_data: FlowData) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        """The furthest point of a run that still fits this flow, for one that does not fit as it is.

        The member's path is followed as long as each step exists and its answer can be read; where it breaks off, the
        question is asked again.

        Args:
            flow_data: The stored run.

        Returns:
            The step to ask, the answers kept, and the path to it.
        """
        answers: dict[str, Any] = {}
        path: list[str] = []
        for step_id in flow_data.path:
            if step_id not in self.index:
                break
            try:
                answers[step_id] = self._answer(step_id, flow_data.data[step_id])
            except Exception:  # noqa: BLE001 - as above
                return step_id, answers, tuple(path)
            path.append(step_id)
        whole = len(path) == len(flow_data.path)
        if whole and flow_data.step_id in self.index:
            return str(flow_data.step_id), answers, tuple(path)
        if not path:
            return self.first, {}, ()
        last = path.pop()
        del answers[last]
        return last, answers, tuple(path)

    def _answer(self, step_id: str, raw: Any) -> Any:
        callbacks = self.callbacks.get(step_id)
        if callbacks is None or callbacks.transformer is None:
            return raw
        return restore_answer(raw, callbacks.transformer.returns)


def compile_flow(owner: type, flow_type: str, steps: Sequence[Step]) -> Definition:
    """Compiles a flow class.

    Args:
        owner: The class.
        flow_type: Which flow it is.
        steps: Its steps.

    Returns:
        The definition.

    Raises:
        FlowDefinitionError: The flow is written wrongly; the error names class, step and what is expected.
    """
    check_steps(owner.__name__, steps)
    check_reachable(owner.__name__, steps)
    callbacks = {step.id: _callbacks(owner, step) for step in steps}
    conditions = {step.id: _condition(step, callbacks[step.id]) for step in steps}
    machine = build_machine(flow_type or owner.__name__, steps, conditions)
    ending = getattr(owner, "complete", None)
    closing = None if ending is None else understand(owner, "complete", "closing", ending, arguments=0, returns=False)
    return Definition(
        name=owner.__name__,
        flow_type=flow_type,
        index={step.id: index for index, step in enumerate(steps)},
        callbacks=callbacks,
        machine=machine,
        fire=triggers_of(machine),
        sensitive=frozenset(step.id for step in steps if step.sensitive),
        asynchronous=tuple(
            callback.name
            for found in callbacks.values()
            for callback in (found.message, found.validator, found.transformer)
            if callback is not None and callback.is_async
        )
        + (("complete",) if closing is not None and closing.is_async else ()),
        fingerprint=_fingerprint(steps),
    )


def shape_of(flow_type: str, steps: Sequence[Step]) -> Hashable:
    """What two instances of a class must have in common to share a definition."""
    return (
        flow_type,
        tuple(
            (
                step.id,
                step.type,
                step.sensitive,
                step.options,
                _code(step.message) if callable(step.message) else None,
                _code(step.validator),
                _code(step.transformer),
            )
            for step in steps
        ),
    )


def check_reachable(flow: str, steps: Sequence[Step]) -> None:
    """Checks that each step can be reached and that each leads to an end.

    Raises:
        FlowDefinitionError: A step cannot be reached from the first one, or never leads to an end.
    """
    edges = ways_on(steps)
    reached = {steps[0].id}
    ending = set(TERMINAL_STATES)
    grown = True
    while grown:
        before = len(reached) + len(ending)
        for edge in edges:  # ways on mostly run downward: one pass in each direction usually does
            if edge.source in reached:
                reached.add(edge.dest)
        for edge in reversed(edges):
            if edge.dest in ending:
                ending.add(edge.source)
        grown = len(reached) + len(ending) > before
    for step in steps:
        if step.id not in reached:
            raise FlowDefinitionError(flow, step.id, "no answer leads to this step")
        if step.id not in ending:
            raise FlowDefinitionError(flow, step.id, "no answer leads from this step to an end")


def _callbacks(owner: type, step: Step) -> StepCallbacks:
    def found(role: str, function: Any, arguments: int, *, returns: bool) -> Callback | None:
        if function is None:
            return None
        return understand(owner, step.id, role, function, arguments=arguments, returns=returns)

    asked = step.message if callable(step.message) else None
    return StepCallbacks(
        message=found("message", asked, 0, returns=False),
        validator=found("validator", step.validator, 1, returns=False),
        transformer=found("transformer", step.transformer, 1, returns=True),
    )


def _condition(step: Step, callbacks: StepCallbacks) -> str:
    """What the condition of a step is called: its validator, else what the library itself asks of an answer."""
    if callbacks.validator is not None:
        return callbacks.validator.name
    if callbacks.transformer is not None:
        return callbacks.transformer.name
    return "answered" if step.type is StepType.TEXT else "chosen"


def _fingerprint(steps: Sequence[Step]) -> str:
    parts: list[str] = []
    for step in steps:
        parts += [step.id, step.type.value]
        for option in step.options:
            parts += [option.id, option.to or ""]
        parts.append("")
    return digest(*parts, size=6)


def _code(function: Any) -> object:
    """What tells one callable from another, whoever it is bound to."""
    if isinstance(function, functools.partial):
        return (functools.partial, _code(function.func), len(function.args), tuple(sorted(function.keywords)))
    if isinstance(function, (staticmethod, classmethod)):
        return (type(function), _code(function.__func__))
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is not None:
        return (type(function).__name__, code)
    return str(getattr(function, "__qualname__", "")) or type(function)
