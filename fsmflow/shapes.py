"""The definitions of a class that builds its steps in ``__init__``: one for each shape.

A shape is the class, the flow type, the steps' ids and types, the ways on, and the code of their callables. Two
instances of one shape share a Machine although each has bound methods and options of its own (a list of the member's
accounts): the Machine's callbacks look them up on the model at hand. Rejected: a Machine for each instance, at ten
times the cost of the event that it is built for.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Final

from fsmflow.definition import Definition, compile_flow
from fsmflow.edges import ways_on
from fsmflow.per_channel import PerChannel
from fsmflow.step import Step
from fsmflow.step_checks import check_steps

SHAPE_LIMIT: Final = 256
"""How many shapes of one class are kept. A class whose steps differ at each message would otherwise fill memory."""


class Shapes:
    """The definitions of one class that builds its steps in ``__init__``, by shape.

    Args:
        owner: The class.
    """

    def __init__(self, owner: type) -> None:
        self.owner = owner
        self.definitions: dict[Hashable, Definition] = {}
        self._compiling = threading.Lock()

    def definition_of(self, flow_type: str, steps: Sequence[Step]) -> Definition:
        """The definition of an instance's steps; compiled if they are the first of their shape.

        Raises:
            FlowDefinitionError: The steps are wrong.
        """
        # each instance is checked: what its steps say beside their shape, the options above all, is its own
        check_steps(self.owner.__name__, steps)
        shape = shape_of(flow_type, steps)
        found = self.definitions.get(shape)
        if found is not None:
            return found
        with self._compiling:
            if shape not in self.definitions:
                compiled = compile_flow(self.owner, flow_type, steps)
                while len(self.definitions) >= SHAPE_LIMIT:
                    del self.definitions[next(iter(self.definitions))]
                self.definitions[shape] = compiled
            return self.definitions[shape]


def shape_of(flow_type: str, steps: Sequence[Step]) -> Hashable:
    """What two instances of a class must have in common to share a definition."""
    return (
        flow_type,
        tuple((step.id, step.type, step.sensitive, step.flow) for step in steps),
        ways_on(steps),
        tuple(
            (_words(step), *map(_code, (step.validator, step.transformer, step.live)), *map(_code, _predicates(step)))
            for step in steps
        ),
    )


def _words(step: Step) -> Hashable:
    """The code of what a step says, where it is code."""
    empty = _code(step.empty_message) if callable(step.empty_message) else None
    if isinstance(step.message, PerChannel):
        forms = {"": step.message.default, **step.message.channels}
        said: Hashable = tuple((name, _code(form) if callable(form) else None) for name, form in forms.items())
    else:
        said = _code(step.message) if callable(step.message) else None
    return (said, empty)


def _predicates(step: Step) -> Iterator[Any]:
    yield step.skip_when
    yield from (route.when for route in step.routes)


def _code(function: Any) -> Hashable:
    """What tells one callable from another, whoever it is bound to: all that `understand` looks at."""
    if function is None or isinstance(function, type):
        return function
    if isinstance(function, functools.partial):
        return (functools.partial, _code(function.func), len(function.args), tuple(sorted(function.keywords)))
    if isinstance(function, (staticmethod, classmethod)):
        return (type(function), _code(function.__func__))
    inner = getattr(function, "__func__", function)
    return (
        type(function),
        type(getattr(function, "__self__", None)),
        getattr(inner, "__qualname__", None),
        getattr(inner, "__code__", None),
        repr(getattr(inner, "__annotations__", {}).get("return")),
        _code(getattr(inner, "__dict__", {}).get("__wrapped__")),
    )
