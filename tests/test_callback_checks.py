"""What is wrong with a step's callables is found when the class is made."""

# ruff: noqa: ARG005 - what a callable takes is what is tested, not what it makes of it

from __future__ import annotations

import datetime
import functools
import re
from decimal import Decimal
from typing import Any, Optional

import pytest

from fsmflow.callbacks import understand
from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.step import Step, StepType


def flow_with(**attributes: Any) -> type[Flow]:
    """A flow of one TEXT step, made of the callables (and other attributes) that are given."""
    named: dict[str, Any] = {"id": "amount", "type": StepType.TEXT, "message": "How much?"}
    named |= {name: attributes.pop(name) for name in ("message", "validator", "transformer") if name in attributes}
    return type("Sample", (Flow,), {"flow_type": "sample", "steps": (Step(**named),), **attributes})


def accepts(flow: Flow, value: str) -> bool:
    flow.process_input(value)
    return flow.refusal is None


class Checker:
    def __init__(self, wanted: str) -> None:
        self.wanted = wanted


class Base(Flow):
    flow_type = "base"

    def valid(self, value: str) -> bool:
        return value == "5"

    steps = (Step(id="amount", type=StepType.TEXT, message="?", validator=valid),)


# -- signatures ------------------------------------------------------------------------------------------------------


def none() -> bool:
    return True


def two(value: str, other: str) -> bool:
    return value == other


def of_self(self: Any) -> str:
    return str(self)


def of_self_and_two(self: Any, value: str, other: str) -> bool:
    return self is value is other


def only_by_name(value: str, *, limit: int) -> bool:
    return len(value) < limit


def one(value: str) -> bool:
    return bool(value)


@pytest.mark.parametrize(
    ("role", "function", "expected"),
    [
        *(
            (role, function, rf"the {role} {function.__name__} must take \(self, value\) as a method, \(value\) otherw")
            for role in ("validator", "transformer")
            for function in (none, two, of_self, of_self_and_two, only_by_name)
        ),
        ("message", one, r"the message one must take \(self\) as a method, \(\) otherwise"),
        ("message", lambda self, value: "?", r"the message amount_message must take"),
        ("validator", "valid", "the validator must be callable, amount_validator is not"),
        ("validator", re.compile("a"), "the validator must be callable"),
        ("transformer", 5, "the transformer must be callable"),
        ("validator", Checker, None),
    ],
)
def test_a_callable_that_cannot_be_called_is_found_when_the_class_is_made(
    role: str, function: Any, expected: str | None
) -> None:
    if expected is None:  # a class that takes one argument is called with one
        assert flow_with(**{role: function}).flow_type == "sample"
        return
    with pytest.raises(FlowDefinitionError, match=expected) as caught:
        flow_with(**{role: function})
    assert (caught.value.flow, caught.value.step) == ("Sample", "amount")


def test_an_override_of_another_signature_is_found_when_the_subclass_is_made() -> None:
    with pytest.raises(FlowDefinitionError, match="the validator valid must take") as caught:
        type("Worse", (Base,), {"flow_type": "worse", "valid": lambda self: True})
    assert (caught.value.flow, caught.value.step) == ("Worse", "amount")


def test_an_override_that_is_not_callable_is_found_when_the_subclass_is_made() -> None:
    with pytest.raises(FlowDefinitionError, match="the validator must be callable, valid is not"):
        type("Worse", (Base,), {"flow_type": "worse", "valid": True})


def test_an_override_that_is_no_function_is_bound_as_python_binds_it() -> None:
    with pytest.raises(FlowDefinitionError, match="the validator valid must take"):
        type("Worse", (Base,), {"flow_type": "worse", "valid": str.isdigit})  # it would be called with the flow
    digits = type("Digits", (Base,), {"flow_type": "digits", "valid": staticmethod(str.isdigit)})
    assert accepts(digits(), "5")

    @functools.lru_cache
    def cached(self: Flow, value: str) -> bool:
        return value == self.flow_type

    assert accepts(type("Cached", (Base,), {"flow_type": "cached", "valid": cached})(), "cached")


def test_optional_arguments_are_left_alone() -> None:
    def valid(value: str, limit: int = 3, *rest: str, strict: bool = True) -> bool:
        return len(value) < limit and strict and not rest

    assert accepts(flow_with(validator=valid)(), "12")


@pytest.mark.parametrize(
    "complete", ["Bye", lambda self, value: "Bye", lambda value: "Bye"], ids=["words", "method", "function"]
)
def test_closing_words_that_cannot_be_asked_for_are_found_when_the_class_is_made(complete: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="the closing") as caught:
        flow_with(complete=complete)
    assert (caught.value.flow, caught.value.step) == ("Sample", None)


# -- annotations -----------------------------------------------------------------------------------------------------


def unresolvable(value: str) -> Nowhere:  # type: ignore[name-defined]  # noqa: F821 - the mistake
    return value


def test_an_annotation_that_cannot_be_resolved_is_found_when_the_class_is_made() -> None:
    with pytest.raises(FlowDefinitionError, match="the return annotation 'Nowhere' of the transformer unres") as caught:
        flow_with(transformer=unresolvable)
    assert (caught.value.flow, caught.value.step) == ("Sample", "amount")
    assert flow_with(validator=unresolvable).flow_type == "sample"  # a validator's is not needed


def quoted(value: str) -> Decimal:
    return Decimal(value)


quoted.__annotations__["return"] = Optional["Decimal"]


class Nested(Flow):
    flow_type = "nested"

    class Colour(str):
        __slots__ = ()

    def date(self) -> str:
        return "When?"

    def parse(self, value: str) -> datetime.date:
        return datetime.date.fromisoformat(value)

    def list(self) -> str:
        return "?"

    def many(self, value: str) -> list[str]:  # type: ignore[valid-type]  # to Python it is the builtin
        return value.split()

    steps = (
        Step(id="day", type=StepType.TEXT, message=date, transformer=parse),
        Step(id="tags", type=StepType.TEXT, message=list, transformer=many),  # noqa: A003 - the method is meant
    )


class Money(Flow):
    class Amount(Decimal):
        pass

    def parse(self, value: str) -> Amount | None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("owner", "transformer", "returns"),
    [
        (Flow, quoted, Decimal | None),
        (Flow, Decimal, Decimal),
        (Flow, functools.partial(Decimal, context=None), Decimal),
        (Flow, lambda value: value, None),
        (Flow, str.upper, None),
        (Nested, Nested.parse, datetime.date),
        (Nested, Nested.many, list[str]),
        (Money, Money.parse, Money.Amount | None),
        (type("Inherits", (Money,), {}), Money.parse, Money.Amount | None),
    ],
)
def test_the_return_annotation_is_what_python_means_by_it(owner: type, transformer: Any, returns: Any) -> None:
    found = understand(owner, "a", "transformer", transformer, arguments=1, returns=True)
    assert found.returns == returns


def test_a_callable_object_is_annotated_by_its_call() -> None:
    class Parser:
        def __call__(self, value: str) -> Decimal:
            return Decimal(value)

    flow = flow_with(transformer=Parser())()
    assert accepts(flow, "1.50")
    assert flow.data == {"amount": Decimal("1.50")}
