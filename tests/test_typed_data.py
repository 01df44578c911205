"""A data class is held against the steps when a flow's class is made: what does not agree names class, step, field."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NewType, TypedDict, TypeVar

import attr
import pytest
from attrs import define, field, frozen, make_class

from fsmflow import Flow, FlowDefinitionError, NotYetAnswered, Option, Step, StepType, SubFlow, UnstorableAnswer
from tests.paying import PAID, Payment, PaymentFlow, until

if TYPE_CHECKING:
    from tests.talking import Talk

ValueT = TypeVar("ValueT")
Handle = NewType("Handle", str)
YES_NO = (Option("yes", "Yes"), Option("no", "No"))
YES_OR_LEAVE = (Option("yes", "Yes"), Option("no", "No", to="cancelled"))


class Colour(Enum):
    RED = "yes"
    BLUE = "no"


class Money(Decimal):
    pass


def text(step_id: str, transformer: Any = None, **named: Any) -> Step:
    return Step(id=step_id, type=StepType.TEXT, message="?", transformer=transformer, **named)


def choice(step_id: str, options: Sequence[Option], transformer: Any = None) -> Step:
    return Step(id=step_id, type=StepType.BUTTON, message="?", options=tuple(options), transformer=transformer)


def flow_of(data: Any, *asked: Step) -> Any:
    """A flow class of a data class and steps that are known when the test runs."""

    class Asking(Flow[data]):
        flow_type = "asking"
        steps = asked

    return Asking


def holding(kind: Any, **named: Any) -> Any:
    """A data class with one field, `a`, of a type."""
    return make_class("Held", {"a": field(type=kind, **named)})


def returning(kind: Any, value: Any = None) -> Any:
    """A transformer that says what it returns."""

    def made(_: str) -> Any:
        return value

    made.__annotations__["return"] = kind
    return made


# -- what is right -----------------------------------------------------------------------------------------------------


def through(flow: Any, *said: str) -> Any:
    for each in said:
        flow.process_input(each)
    return flow


def test_a_subclass_of_a_typed_flow_is_typed() -> None:
    class Later(PaymentFlow):
        flow_type = "later"

        def complete(self) -> str:
            return f"Later: {self.data.payer}"

    flow = Later(member_id="ann")
    with pytest.raises(NotYetAnswered, match=r"^Later: "):
        flow.data.payer  # noqa: B018 - reading it is the test
    assert isinstance(flow.data, Payment)


def test_a_base_that_says_nothing_leaves_a_typed_flow_typed() -> None:
    class Polite(Flow):
        def thanks(self) -> str:
            return "Thank you."

    class Before(Polite, PaymentFlow):
        flow_type = "before"

    class After(PaymentFlow, Polite):
        flow_type = "after"

    assert [isinstance(flow(member_id="ann").data, Payment) for flow in (Before, After)] == [True, True]


def test_a_subclass_may_ask_for_more_with_a_data_class_that_holds_more() -> None:
    @frozen
    class One:
        a: int

    @frozen
    class Two(One):
        b: str

    class Asking(Flow[ValueT], Generic[ValueT]):
        def twice(self) -> int:
            return 2 * self.data.a  # type: ignore[attr-defined, no-any-return] # what it is given has it

    class AskingOne(Asking[One]):
        flow_type = "one"
        steps = (text("a", int),)

    class AskingTwo(Asking[Two]):
        flow_type = "two"
        steps = (*AskingOne.steps, text("b"))

    one, two = through(AskingOne(), "7"), through(AskingTwo(), "8", "x")
    assert (one.data, one.twice(), two.data, two.twice()) == (One(7), 14, Two(8, "x"), 16)


def test_a_generic_data_class_is_filled_with_what_it_was_given() -> None:
    @frozen
    class Pair(Generic[ValueT]):
        a: ValueT
        b: list[ValueT]

    @frozen
    class Triple(Pair[int], Generic[ValueT]):
        c: ValueT

    steps = (text("a", int), text("b", lambda value: [Decimal(value)]))
    assert flow_of(Pair[Any], *steps)().data is not None
    wanted = r"field 'b' of .*Pair is list\[int\], and the transformer numbers returns list\[decimal.Decimal\]"

    def numbers(value: str) -> list[Decimal]:
        return [Decimal(value)]

    with pytest.raises(FlowDefinitionError, match=wanted):
        flow_of(Pair[int], text("a", int), text("b", numbers))
    flow = flow_of(Triple[Colour], text("a", int), text("b", lambda value: [int(value)]), choice("c", YES_NO, Colour))
    assert through(flow(), "1", "2", "Yes").data == Triple(1, [2], Colour.RED)


class LaterNamed(Flow["NamedLater"]):
    """What its data is stands further down, and its own steps come with its first instance."""

    def __init__(self, id: str = "later") -> None:
        super().__init__(id, [text("a", int)])


@frozen
class NamedLater:
    a: int


def test_a_class_that_builds_its_steps_itself_may_be_typed_by_a_name() -> None:
    first, second = LaterNamed(), LaterNamed()
    assert (through(first, "7").data, repr(second.data)) == (NamedLater(7), "NamedLater(a=…)")
    second.process_input("8")
    assert (first.data.a, second.data.a) == (7, 8)


def test_attributes_of_the_older_attrs_are_fields_as_well() -> None:
    Old: Any = attr.s(type("Old", (), {"a": attr.ib(type=int), "b": attr.ib()}))  # noqa: N806 - a class

    assert through(flow_of(Old, text("a", int), text("b"))(), "7", "x").data == Old(7, "x")


def test_a_private_field_is_given_by_the_name_of_its_argument() -> None:
    @frozen
    class Private:
        _a: int

    assert through(flow_of(Private, text("_a", int))(), "7").data == Private(a=7)


@pytest.mark.parametrize("data", [dict[str, Any], Mapping[str, int], Any])
def test_data_that_is_a_dict_anyway_is_the_untyped_form(data: Any) -> None:
    assert through(flow_of(data, text("a", int))(), "7").data == {"a": 7}


def test_a_choice_of_which_one_option_goes_on_needs_no_field() -> None:
    flow = flow_of(holding(int), text("a", int), choice("confirm", YES_OR_LEAVE))
    assert through(flow(), "7", "Yes").data.a == 7


def test_what_can_be_left_out_has_its_default() -> None:
    options = (Option("yes", "Yes"), Option("no", "No", to="completed"))
    data = make_class("Held", {"more": field(type=str), "a": field(type=int, default=0)})
    flow = flow_of(data, choice("more", options), text("a", int))
    assert through(flow(), "No").data == data("no", 0)
    assert through(flow(), "Yes", "7").data == data("yes", 7)


@pytest.mark.parametrize(
    ("kind", "step", "said", "kept"),
    [
        (str, text("a"), "x", "x"),
        (Handle, text("a"), "x", "x"),
        (str | None, text("a"), "x", "x"),
        (Any, text("a"), "x", "x"),
        (Literal["yes", "no", "maybe"], choice("a", YES_NO), "Yes", "yes"),
        (str, choice("a", YES_NO), "Yes", "yes"),
        (Colour, choice("a", YES_NO, Colour), "Yes", Colour.RED),
        (Annotated[int, "small"], text("a", int), "7", 7),
        (int, text("a", returning(bool, True)), "7", True),
        (float, text("a", int), "7", 7),
        (Decimal | None, text("a", returning(Decimal, Decimal(7))), "7", Decimal(7)),
        (list[Colour], text("a", returning(list, [Colour.BLUE])), "7", [Colour.BLUE]),
        (Sequence[int], text("a", returning(list[int], [7])), "7", [7]),
        (tuple[Colour, ...], text("a", lambda _: (Colour.BLUE,)), "7", (Colour.BLUE,)),
        (Any, text("a", returning(Decimal, Decimal(7))), "7", Decimal(7)),
    ],
)
def test_an_answer_is_kept_and_comes_back_as_the_narrower_of_field_and_transformer(
    kind: Any, step: Step, said: str, kept: Any
) -> None:
    flow, again = _asked(kind, step, said)
    assert (flow.data.a, type(flow.data.a)) == (kept, type(kept))
    assert (again.data.a, type(again.data.a)) == (kept, type(kept))


def _asked(kind: Any, step: Step, said: str) -> tuple[Any, Any]:
    data = make_class("Held", {"a": field(type=kind), "b": field(type=str, default="")})
    flow = flow_of(data, step, text("b"))
    first, second = through(flow(), said), flow()
    assert second.resume(first.snapshot())
    return first, second


def test_what_does_not_fit_the_field_is_a_fault_where_nothing_else_says_its_type() -> None:
    flow = flow_of(holding(int), text("a", lambda value: value))()
    with pytest.raises(UnstorableAnswer):
        flow.process_input("7")
    assert (flow.state, flow.answers) == ("a", {})


# -- ways, and flows within flows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "named", "left_out"),
    [(int | None, {}, None), (int, {"default": 3}, 3), (int | None, {"default": 3}, None)],
)
def test_a_question_that_is_left_out_is_none_or_has_its_default(
    kind: Any, named: dict[str, Any], left_out: int | None
) -> None:
    data = make_class("Held", {"b": field(type=str), "a": field(type=kind, **named)})
    flow = flow_of(data, text("a", int, optional=True), text("b"))()
    flow.trigger("skip")
    assert flow.data.a == left_out
    flow.process_input("x")
    assert flow.data == data(b="x", a=left_out)
    again = flow_of(data, text("a", int, optional=True), text("b"))()
    again.trigger("skip")
    resumed = type(again)()
    assert resumed.resume(again.snapshot())
    assert (resumed.data.a, through(type(again)(), "7").data.a) == (left_out, 7)


def test_where_predicates_decide_they_see_the_data() -> None:
    data = make_class("Held", {"a": field(type=int), "b": field(type=str, default="none")})

    def is_small(self: Any) -> bool:
        return bool(self.data.a < 10)

    flow = flow_of(data, text("a", int), text("b", skip_when=is_small))
    assert through(flow(), "7").data == data(7, "none")
    assert through(flow(), "70", "x").data == data(70, "x")


@frozen
class Address:
    street: str
    number: int
    code: str = field(repr=False)

    def __attrs_post_init__(self) -> None:
        if self.number < 1:
            raise ValueError("no such house")


class AddressFlow(Flow[Address]):
    flow_type = "address"
    steps = (text("street"), text("number", int), text("code", sensitive=True))


class PlainAddressFlow(Flow):
    flow_type = "plain"
    steps = AddressFlow.steps


@frozen
class Parcel:
    weight: int
    address: Address
    note: str


class ParcelFlow(Flow[Parcel]):
    flow_type = "parcel"

    def note_prompt(self) -> str:
        return f"Anything about {self.data.address.street} {self.data.address.number}?"

    steps = (
        text("weight", int),
        SubFlow("address", AddressFlow),
        Step(id="note", type=StepType.TEXT, message=note_prompt),
    )


def test_what_a_typed_flow_within_collects_is_an_object_of_its_data_class() -> None:
    flow = through(ParcelFlow(), "3", "Main")
    assert repr(flow.data) == "Parcel(weight=3, address=…, note=…)"
    asked = through(flow, "7").process_input("4711")
    assert asked.body == "Anything about Main 7?"
    assert "4711" not in repr(flow.data)
    again = ParcelFlow()
    assert again.resume(flow.snapshot())
    assert again.data == flow.data
    assert through(again, "none").data == Parcel(3, Address("Main", 7, "4711"), "none")


def test_what_its_data_class_has_against_the_whole_comes_up_with_its_last_answer() -> None:
    data = make_class("Held", {"address": field(type=Address), "note": field(type=str)})
    flow = through(flow_of(data, SubFlow("address", AddressFlow), text("note"))(), "Main", "0")
    before = flow.snapshot()
    with pytest.raises(ValueError, match="no such house"):
        flow.process_input("4711")
    assert flow.snapshot() == before
    flow.back()
    assert through(flow, "7", "4711").state == "note"


def test_an_untyped_flow_within_collects_a_dict() -> None:
    data = make_class("Held", {"a": field(type=dict[str, Any], repr=False), "b": field(type=str)})
    assert through(flow_of(data, SubFlow("a", PlainAddressFlow), text("b"))(), "Main", "7", "4711", "x").data == data(
        {"street": "Main", "number": 7, "code": "4711"}, "x"
    )


def test_a_flow_of_nothing_but_a_flow_within_is_answered_too() -> None:
    data = make_class("Held", {"a": field(type=Address)})
    flow = through(flow_of(data, SubFlow("a", AddressFlow))(), "Main", "7", "4711")
    assert (flow.state, flow.data) == ("completed", data(Address("Main", 7, "4711")))


# -- what is wrong -----------------------------------------------------------------------------------------------------


@frozen
class Abstract:
    a: int

    @abstractmethod
    def said(self) -> str: ...


class NoData:
    pass


@define(init=False)
class Odd:
    a: int

    def __init__(self, *, other: int) -> None:
        self.a = other


@dataclasses.dataclass
class Initial:
    a: int
    seed: dataclasses.InitVar[int]


class AsDict(TypedDict):
    a: int


@frozen
class Unseen:
    a: Talk


@frozen
class Computed:
    a: int = field(init=False)


WRONG: dict[str, tuple[Any, tuple[Step, ...], str]] = {
    "no class": (int, (text("a", int),), "Asking: what stands in Flow[…] is an attrs class or a dataclass, int is"),
    "another class": (NoData, (text("a"),), "Asking: what stands in Flow[…] is an attrs class or a dataclass"),
    "a typed dict": (AsDict, (text("a", int),), "Asking: what stands in Flow[…] is an attrs class or a dataclass"),
    "no such name": ("Missing", (text("a"),), "Asking: the data class 'Missing' must exist when the flow's class"),
    "no such type": (Unseen, (text("a"),), "Asking: the type 'Talk' of the field 'a' of Unseen must exist at run time"),
    "another constructor": (Odd, (text("a", int),), "Asking: Odd must be constructible from its fields"),
    "more in the constructor": (Initial, (text("a", int),), "Asking: Initial must be constructible from its fields"),
    "a field without a step": (
        make_class("Held", {"a": field(type=str), "b": field(type=str)}),
        (text("a"),),
        "Asking: the field 'b' of Held is the id of no step: it needs a step, or a default",
    ),
    "a step without a field": (
        holding(str),
        (text("a"), text("b")),
        "Asking, step 'b': Held has no field 'b': what is answered would be lost",
    ),
    "a choice without a field": (
        holding(str),
        (text("a"), choice("b", YES_NO)),
        "Asking, step 'b': Held has no field 'b': what is answered would be lost",
    ),
    "a field that cannot be given": (
        Computed,
        (text("a", int),),
        "Asking, step 'a': the field 'a' of Computed must be one that the constructor takes",
    ),
    "a secret that is shown": (
        holding(str),
        (text("a", sensitive=True),),
        "Asking, step 'a': the field 'a' of Held needs repr=False: the answer is sensitive",
    ),
    "what can be left out": (
        make_class("Held", {"b": field(type=str), "a": field(type=str)}),
        (choice("b", (Option("yes", "Yes"), Option("no", "No", to="completed"))), text("a")),
        "Asking, step 'a': the field 'a' of Held needs a default: the flow can be completed without it",
    ),
    "a text that is no number": (
        holding(int),
        (text("a"),),
        "Asking, step 'a': the field 'a' of Held is int, and without a transformer the text is kept, a str",
    ),
    "an option that is none of the values": (
        holding(Literal["yes"]),
        (choice("a", YES_NO),),
        "and without a transformer the id of the option is kept, a str",
    ),
    "another type": (
        holding(Decimal),
        (text("a", int),),
        "Asking, step 'a': the field 'a' of Held is Decimal, and the transformer int returns int",
    ),
    "a wider type": (
        holding(Money),
        (text("a", Decimal),),
        "Asking, step 'a': the field 'a' of Held is Money, and the transformer Decimal returns Decimal",
    ),
    "perhaps nothing": (
        holding(int),
        (text("a", returning(int | None)),),
        "Asking, step 'a': the field 'a' of Held is int, and the transformer made returns int | None",
    ),
    "what may be left out": (
        holding(int),
        (text("a", int, optional=True),),
        "Asking, step 'a': the field 'a' of Held takes None, or has a default: it is optional",
    ),
    "a choice that may be left out": (
        holding(int),
        (text("a", int), Step("b", StepType.BUTTON, "?", options=YES_OR_LEAVE, optional=True)),
        "Asking, step 'b': Held has no field 'b': what is answered would be lost",
    ),
    "what may be gone past": (
        holding(int),
        (choice("a", YES_NO, Colour), text("b", skip_when=lambda: True)),
        "Asking, step 'b': Held has no field 'b': what is answered would be lost",
    ),
    "what is skipped": (
        make_class("Held", {"b": field(type=str), "a": field(type=str)}),
        (text("b"), text("a", skip_when=lambda: True)),
        "Asking, step 'a': the field 'a' of Held needs a default: the flow can be completed without it",
    ),
    "another flow's data": (
        holding(Parcel),
        (SubFlow("a", AddressFlow),),
        "Asking, step 'a': the field 'a' of Held is Parcel, and what its flow collects is Address",
    ),
    "an untyped flow's data": (
        holding(Address, repr=False),
        (SubFlow("a", PlainAddressFlow),),
        "Asking, step 'a': the field 'a' of Held is Address, and what its flow collects is dict[str, Any]",
    ),
    "a secret of a flow within": (
        holding(dict[str, Any]),
        (SubFlow("a", PlainAddressFlow),),
        "Asking, step 'a': the field 'a' of Held needs repr=False: the answer is sensitive",
    ),
    "what cattrs does not know": (
        holding(list[NoData]),
        (text("a", lambda value: value),),
        "of the field 'a' of Held cannot be structured",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_agree_is_found_when_the_class_is_made(case: str) -> None:
    data, steps, told = WRONG[case]
    with pytest.raises(FlowDefinitionError) as caught:
        flow_of(data, *steps)
    assert told in str(caught.value)


def test_an_abstract_data_class_is_found_when_the_class_is_made() -> None:
    from abc import ABC

    @frozen
    class Unfinished(ABC):
        a: str

        @abstractmethod
        def said(self) -> str: ...

    with pytest.raises(FlowDefinitionError, match="Unfinished must be a class that can be subclassed"):
        flow_of(Unfinished, text("a"))


def test_a_class_that_builds_its_steps_itself_is_held_against_them_when_it_is_first_made() -> None:
    class Asking(Flow[NamedLater]):
        def __init__(self) -> None:
            super().__init__("asking", [text("a", int), text("b")])

    with pytest.raises(FlowDefinitionError, match="step 'b': NamedLater has no field 'b'"):
        Asking()


def test_who_is_typed_is_asked_as_before() -> None:
    flow = until("confirm")
    assert [flow.state, flow.current_index, flow.path] == ["confirm", 6, tuple(flow.answers)]
    flow.rollback()
    assert (flow.state, "pin" in flow.answers) == ("pin", False)
    assert through(flow, PAID.pin, "Yes").data == PAID
