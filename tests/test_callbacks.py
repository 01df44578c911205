"""How a step's callables are found and called; what their results mean is in test_answers.py."""

# ruff: noqa: ARG001, ARG002, ARG005 - what a callable takes is what is tested, not what it makes of it

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fsmflow.callbacks import Binding, understand
from fsmflow.calls import Call, Calls, run_calls
from fsmflow.errors import AsyncFlowError, FlowDefinitionError, UnexpectedVerdict
from fsmflow.flow import Flow
from fsmflow.step import Step, StepType


def flow_with(*bases: type[Flow], **attributes: Any) -> type[Flow]:
    """A flow of one TEXT step, made of the callables (and other attributes) that are given."""
    named: dict[str, Any] = {"id": "amount", "type": StepType.TEXT, "message": "How much?"}
    named |= {name: attributes.pop(name) for name in ("message", "validator", "transformer") if name in attributes}
    return type("Sample", bases or (Flow,), {"flow_type": "sample", "steps": (Step(**named),), **attributes})


def keeping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return wrapper


def hiding(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


def accepts(flow: Flow, value: str = "5") -> bool:
    flow.process_input(value)
    return flow.refusal is None


class Base(Flow):
    """Each of its steps' callables is a method, written in another way."""

    flow_type = "base"
    limit = 10

    def ask(self) -> str:
        return f"At most {self.limit}?"

    def valid(self, value: str) -> bool:
        return int(value) <= self.limit

    def parse(self, value: str) -> Decimal:
        return Decimal(value) * self.limit

    steps = (Step(id="amount", type=StepType.TEXT, message=ask, validator=valid, transformer=parse),)


def test_a_method_is_called_with_the_flow() -> None:
    flow = Base()
    assert flow.question.body == "At most 10?"  # type: ignore[union-attr]  # a Text
    assert accepts(flow, "9")
    assert flow.data == {"amount": Decimal(90)}
    assert not accepts(Base(), "11")


def test_an_override_in_a_subclass_is_obeyed() -> None:
    class Generous(Base):
        flow_type = "generous"
        limit = 20

        def ask(self) -> str:
            return "As you like?"

        def valid(self, value: str) -> bool:
            return super().valid(value) or value == "99"

        def parse(self, value: str) -> int:  # type: ignore[override]  # its annotation is what counts
            return int(value)

    flow = Generous()
    assert flow.question.body == "As you like?"  # type: ignore[union-attr]  # a Text
    assert accepts(flow, "99")
    assert flow.data == {"amount": 99}
    assert Base().definition is not flow.definition


def test_a_mixin_before_the_flow_is_an_override() -> None:
    class Lenient:
        def valid(self, value: str) -> bool:
            return value == "anything"

    class Mixed(Lenient, Base):
        flow_type = "mixed"

        def parse(self, value: str) -> str:  # type: ignore[override]  # as above
            return value

    assert accepts(Mixed(), "anything")
    assert not accepts(Mixed(), "5")


def test_a_mixin_may_bring_the_callable_itself() -> None:
    class Brings:
        def valid(self, value: str) -> bool:
            return value == "mixin"

    class Uses(Brings, Flow):
        flow_type = "uses"
        steps = (Step(id="a", type=StepType.TEXT, message="?", validator=Brings.valid),)

    class Overrides(Uses):
        flow_type = "overrides"

        def valid(self, value: str) -> bool:
            return value == "override"

    assert accepts(Uses(), "mixin")
    assert accepts(Overrides(), "override")


@pytest.mark.parametrize("decorator", [keeping, hiding])
def test_a_decorated_method_is_a_method_and_can_be_overridden(decorator: Callable[..., Any]) -> None:
    class Decorated(Flow):
        flow_type = "decorated"
        wanted = "yes"

        @decorator
        def valid(self, value: str) -> bool:
            return value == self.wanted

        steps = (Step(id="a", type=StepType.TEXT, message="?", validator=valid),)

    class Overriding(Decorated):
        flow_type = "overriding"

        def valid(self, value: str) -> bool:
            return value == "override"

    assert accepts(Decorated(), "yes")
    assert not accepts(Decorated(), "no")
    assert accepts(Overriding(), "override")
    assert getattr(Decorated().definition.callbacks["a"].validator, "name", None) == "valid"


def test_a_method_that_a_class_holds_under_two_names_is_overridden_by_its_own() -> None:
    class Overriding(Base):
        flow_type = "overriding"
        strict = Base.valid

        def valid(self, value: str) -> bool:
            return value == "override" or self.strict(value)

        def parse(self, value: str) -> str:  # type: ignore[override]  # its annotation is what counts
            return value

    assert accepts(Overriding(), "override")
    assert accepts(Overriding(), "5")


def test_a_decorator_that_loses_the_name_does_not_lead_to_another_method() -> None:
    class Decorated(Flow):
        flow_type = "decorated"

        def wrapper(self, value: str) -> bool:
            raise AssertionError

        @hiding
        def valid(self, value: str) -> bool:
            return value == "yes"

        steps = (Step(id="a", type=StepType.TEXT, message="?", validator=valid),)

    assert accepts(Decorated(), "yes")


def test_a_function_with_self_is_called_with_the_flow_though_no_class_holds_it() -> None:
    def elsewhere(self: Flow, value: str) -> bool:
        return value == self.member_id

    assert accepts(flow_with(validator=elsewhere)(member_id="m1"), "m1")
    assert accepts(flow_with(validator=lambda self, value: value == self.member_id)(member_id="m1"), "m1")


def test_a_function_that_bears_a_name_of_flow_itself_is_still_that_function() -> None:
    def cancel(self: Flow, value: str) -> bool:
        return value == self.member_id

    flow = flow_with(validator=cancel)(member_id="m1")
    assert accepts(flow, "m1")
    assert flow.state == "completed"


def test_a_function_of_another_class_is_the_attribute_of_its_name() -> None:
    def valid(self: Flow, value: str) -> bool:
        raise AssertionError

    class Named(Flow):
        flow_type = "named"

        def valid(self, value: str) -> bool:
            return value == "mine"

        steps = (Step(id="a", type=StepType.TEXT, message="?", validator=valid),)

    outer = flow_with(validator=valid, valid=Named.valid)
    assert accepts(Named(), "mine")
    assert accepts(outer(), "mine")


class Checker:
    def __init__(self, wanted: str) -> None:
        self.wanted = wanted

    def check(self, value: str) -> bool:
        return value == self.wanted

    def __call__(self, value: str) -> bool:
        return value == self.wanted


def static_check(value: str) -> bool:
    return value == "5"


@pytest.mark.parametrize(
    ("validator", "name"),
    [
        (lambda value: value == "5", "amount_validator"),
        (lambda self, value: value == "5" and self.state == "amount", "amount_validator"),
        (functools.partial(lambda wanted, value: wanted == value, "5"), "amount_validator"),
        (functools.partial(Checker.check, Checker("5")), "amount_validator"),
        (staticmethod(static_check), "static_check"),
        (staticmethod(lambda value: value == "5"), "amount_validator"),
        (Checker("5").check, "check"),
        (Checker("5"), "amount_validator"),
        (keeping(static_check), "static_check"),
        (hiding(static_check), "wrapper"),
        (str.isdigit, "isdigit"),
        ("0123456789".__contains__, "__contains__"),
        (bool, "bool"),
    ],
)
def test_any_callable_can_be_a_validator_and_is_named_in_the_machine(validator: Any, name: str) -> None:
    flow = flow_with(validator=validator)()
    conditions = [each.func.__name__ for each in flow.machine.get_transitions("submit")[0].conditions]  # type: ignore[union-attr]  # ours are functions
    assert conditions == [name]
    assert accepts(flow, "5")
    if validator is not bool:
        assert not accepts(flow_with(validator=validator)(), "x")


def test_a_staticmethod_and_a_classmethod_of_the_class_can_be_overridden() -> None:
    class Statics(Flow):
        flow_type = "statics"
        wanted = "class"

        @staticmethod
        def static(value: str) -> bool:
            return value == "static"

        @classmethod
        def of_class(cls, value: str) -> str:
            return f"{cls.wanted} {value}"

        steps = (Step(id="a", type=StepType.TEXT, message="?", validator=static, transformer=of_class),)

    class Overriding(Statics):
        flow_type = "overriding"
        wanted = "subclass"

        @staticmethod
        def static(value: str) -> bool:
            return value == "override"

    flow, override = Statics(), Overriding()
    assert accepts(flow, "static")
    assert flow.data == {"a": "class static"}
    assert accepts(override, "override")
    assert override.data == {"a": "subclass override"}


@pytest.mark.parametrize(
    ("transformer", "value", "kept"),
    [
        (int, "5", 5),
        (Decimal, "5.10", Decimal("5.10")),
        (float, "0.5", 0.5),
        (str.upper, "abc", "ABC"),
        (datetime.date.fromisoformat, "2024-02-29", None),
        (functools.partial(int, base=16), "ff", 255),
        (re.compile("a").sub, None, None),
    ],
)
def test_builtins_and_classes_transform(transformer: Any, value: str | None, kept: Any) -> None:
    if value is None:
        with pytest.raises(FlowDefinitionError, match=r"the transformer sub must take"):
            flow_with(transformer=transformer)
        return
    flow = flow_with(transformer=transformer)()
    if kept is None:  # it has no return annotation: what it makes could not be loaded again
        with pytest.raises(Exception, match="a date cannot be stored"):
            flow.process_input(value)
        return
    assert accepts(flow, value)
    assert flow.data == {"amount": kept}
    assert type(flow.data["amount"]) is type(kept)


# -- own or not, async or not ------------------------------------------------------------------------------------------


class Owned(Flow):
    def method(self, value: str) -> None: ...

    @staticmethod
    def static(value: str) -> None: ...

    @classmethod
    def of_class(cls, value: str) -> None: ...

    fullmatch = staticmethod(re.compile("a").fullmatch)  # says "no" by None
    number = staticmethod(int)  # it tells no signature
    fold = staticmethod(functools.wraps(re.escape)(lambda value: None))


@pytest.mark.parametrize(
    ("function", "own"),
    [
        (Owned.method, True),
        (vars(Owned)["static"], True),
        (vars(Owned)["of_class"], True),
        (lambda self, value: None, True),
        (lambda value: None, False),
        (vars(Owned)["fullmatch"], False),
        (vars(Owned)["number"], False),
        (vars(Owned)["fold"], False),
        (re.compile("a").match, False),
        (Checker("5").check, False),
        (str.isdigit, False),
    ],
)
def test_only_code_of_the_flow_itself_may_accept_by_saying_nothing(function: Any, own: bool) -> None:
    assert understand(Owned, "a", "validator", function, arguments=1, returns=False).own is own


def test_an_override_by_a_library_function_does_not_accept_by_saying_nothing() -> None:
    class Patterned(Base):
        flow_type = "patterned"
        valid = staticmethod(re.compile("[0-9]+").fullmatch)  # type: ignore[assignment]  # the mistake

    with pytest.raises(UnexpectedVerdict) as caught:
        Patterned().process_input("abc")
    assert (caught.value.validator, caught.value.returned) == ("valid", "NoneType")


async def awaited(value: str) -> bool:
    return bool(value)


class AwaitedCall:
    async def __call__(self, value: str) -> bool:
        return bool(value)


def one(value: str) -> bool:
    return bool(value)


def awaiting(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


@pytest.mark.parametrize(
    "function",
    [
        awaited,
        functools.partial(awaited),
        functools.partial(functools.partial(awaited)),
        keeping(awaited),
        awaiting(one),
        AwaitedCall(),
        AwaitedCall().__call__,
        staticmethod(awaited),
    ],
)
def test_what_must_be_awaited_is_known_however_it_is_wrapped(function: Any) -> None:
    cls = flow_with(validator=function)
    flow = cls()
    assert len(flow.definition.asynchronous) == 1
    with pytest.raises(AsyncFlowError, match="must be awaited: use AsyncFlowRunner"):
        flow.process_input("5")
    assert (flow.state, flow.data, flow.entries) == ("amount", {}, [])


@pytest.mark.parametrize("function", [one, Checker("5"), keeping(one), bool, str.isdigit, functools.partial(one)])
def test_what_need_not_be_awaited_is_not(function: Any) -> None:
    assert flow_with(validator=function)().definition.asynchronous == ()


# -- calls -------------------------------------------------------------------------------------------------------------


def test_each_binding_calls_what_it_says() -> None:
    class Named(Flow):
        def valid(self, value: str) -> bool:
            return bool(value)

    flow: Any = object.__new__(Named)
    method = understand(Named, "a", "validator", Named.valid, arguments=1, returns=False)
    assert (method.binding, method.call(flow, Named.valid, "x")) == (Binding.METHOD, Call(flow.valid, ("x",)))
    bare: Any = lambda self, value: True  # noqa: E731 - it must have no name
    function = understand(Named, "a", "validator", bare, arguments=1, returns=False)
    assert (function.binding, function.call(flow, bare, "x")) == (Binding.FUNCTION, Call(bare, (flow, "x")))
    plain = understand(Named, "a", "validator", one, arguments=1, returns=False)
    assert (plain.binding, plain.call(flow, one, "x")) == (Binding.PLAIN, Call(one, ("x",)))


def test_calls_get_their_results_and_their_exceptions_back() -> None:
    def calls() -> Calls[list[Any]]:
        seen: list[Any] = [(yield Call(int, ("5",)))]
        try:
            yield Call(int, ("x",))
        except ValueError as fault:
            seen.append(type(fault))
        seen.append((yield Call(str.upper, ("a",))))
        return seen

    assert run_calls(calls()) == [5, ValueError, "A"]


def test_an_interrupt_is_not_handed_to_the_calls() -> None:
    seen: list[BaseException] = []

    def interrupted() -> None:
        raise KeyboardInterrupt

    def calls() -> Calls[None]:
        try:
            yield Call(interrupted)
        except BaseException as fault:
            seen.append(fault)
            raise

    with pytest.raises(KeyboardInterrupt):
        run_calls(calls())
    assert [type(fault) for fault in seen] == [GeneratorExit]
