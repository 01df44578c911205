"""Typed data that is not all there yet: what is known can be read, what is not says so, and nothing can be changed."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

import attrs
import pytest
from attrs import Factory, define, field, frozen

from fsmflow import Flow, FlowFault, NotYetAnswered, Step, StepType
from tests.paying import ANSWERS, PAID, Payment, PaymentFlow, Way, until
from tests.talking import SECRET

ValueT = TypeVar("ValueT")


# -- classes of every make ---------------------------------------------------------------------------------------------


@frozen
class Frozen:
    count: int
    name: str = "nobody"

    def twice(self) -> int:
        return 2 * self.count


@define
class Defined:
    count: int
    name: str = "nobody"

    def twice(self) -> int:
        return 2 * self.count


@define(slots=False, order=True)
class WithoutSlots:
    count: int
    name: str = "nobody"

    def twice(self) -> int:
        return 2 * self.count


@dataclasses.dataclass
class Plain:
    count: int
    name: str = "nobody"

    def twice(self) -> int:
        return 2 * self.count


@dataclasses.dataclass(frozen=True, slots=True)
class PlainFrozen:
    count: int
    name: str = "nobody"

    def twice(self) -> int:
        return 2 * self.count


@frozen
class Generous(Generic[ValueT]):
    count: ValueT
    name: str = "nobody"

    def twice(self) -> int:
        return 2 * int(str(self.count))


@frozen
class Inherited(Generous[int]):
    pass


WATCHED: list[str] = []


@frozen
class Watched:
    """Tells what is done with it."""

    count: int = field(validator=lambda *_: WATCHED.append("validated"))
    name: str = "nobody"

    def __init_subclass__(cls, **named: Any) -> None:
        WATCHED.append("subclassed")

    def __attrs_post_init__(self) -> None:
        WATCHED.append("made")

    def twice(self) -> int:
        return 2 * self.count


MAKES = [Frozen, Defined, WithoutSlots, Plain, PlainFrozen, Generous[int], Inherited, Watched]


def counting(data: Any) -> Any:
    """A flow of a data class that asks for its count, and then for its name."""

    class Counting(Flow[data]):
        flow_type = "counting"

        def number(self, value: str) -> int:
            return int(value)

        steps = (
            Step(id="count", type=StepType.TEXT, message="How many?", transformer=number),
            Step(id="name", type=StepType.TEXT, message="Whose?"),
        )

    return Counting(member_id="ann")


@pytest.mark.parametrize("make", MAKES)
def test_a_data_class_of_any_make_fills_as_answers_come(make: Any) -> None:
    flow = counting(make)
    kind = getattr(make, "__origin__", make)
    assert isinstance(flow.data, kind)
    assert (repr(flow.data), flow.data.name) == (f"{kind.__qualname__}(count=…, name='nobody')", "nobody")
    for read in (lambda: flow.data.count, flow.data.twice):
        with pytest.raises(NotYetAnswered):
            read()
    flow.process_input("7")
    assert (flow.data.count, flow.data.twice(), flow.data.name) == (7, 14, "nobody")
    flow.process_input("ann")
    assert (flow.state, type(flow.data)) == ("completed", kind)
    assert flow.data == make(7, "ann")


def test_nothing_of_a_data_class_is_run_before_it_is_whole() -> None:
    WATCHED.clear()
    flow = counting(Watched)
    flow.process_input("7")
    assert (flow.data.count, WATCHED) == (7, [])
    flow.process_input("ann")
    assert WATCHED[:2] == ["validated", "made"]


# -- what is not there -------------------------------------------------------------------------------------------------


def test_what_is_not_answered_is_a_fault_that_names_flow_and_field_and_no_answer() -> None:
    flow = until("confirm")
    flow.back()
    flow.restart()
    with pytest.raises(NotYetAnswered) as caught:
        flow.data.pin  # noqa: B018 - reading it is the test
    assert isinstance(caught.value, FlowFault)
    assert (caught.value.flow, caught.value.field) == ("PaymentFlow", "pin")
    assert SECRET not in str(caught.value)


def test_it_is_not_taken_for_an_attribute_that_does_not_exist() -> None:
    with pytest.raises(NotYetAnswered):
        getattr(until("payer").data, "payer", None)


def test_a_default_stands_for_what_is_not_answered() -> None:
    @frozen
    class Defaults:
        count: int = 1
        name: str = Factory(lambda self: f"{self.count} of us", takes_self=True)
        seen: list[int] = Factory(list)

    flow = counting(Defaults)
    assert (flow.data.count, flow.data.name, flow.data.seen) == (1, "1 of us", [])
    flow.process_input("7")
    assert (flow.data.name, flow.data == flow.data) == ("7 of us", True)


# -- repr and == -------------------------------------------------------------------------------------------------------


def test_its_repr_shows_what_is_known_and_no_sensitive_answer() -> None:
    shown = [repr(until(step_id).data) for step_id in ANSWERS]
    assert shown[0] == "Payment(total=…, parts=…, payer=…, way=…, due=…, share=0.5, reference='none')"
    assert "payer='ann'" in shown[3]
    assert "due=…" in shown[3]
    assert SECRET not in "".join(shown)
    flow = until("confirm")
    flow.process_input("Yes")
    assert SECRET not in repr(flow.data)


def test_it_is_equal_to_what_holds_the_same() -> None:
    for step_id in ANSWERS:
        assert until(step_id).data == until(step_id).data
    views = [until(step_id).data for step_id in list(ANSWERS)[:-1]]
    assert all((one == other) is (one is other) for one in views for other in views)
    whole = until("confirm").data
    assert (whole == PAID, whole == PAID, views[-1] == PAID) == (True, True, False)
    assert whole != attrs.evolve(PAID, payer="bob")
    other: Any = "something else"
    assert whole != other


def test_it_has_a_hash_where_its_class_has() -> None:
    one, other = counting(Frozen), counting(Frozen)
    assert hash(one.data) == hash(other.data)
    one.process_input("7")
    assert hash(one.data) == hash(Frozen(7))
    assert {one.data, other.data, Frozen(7)} == {Frozen(7), other.data}
    with pytest.raises(TypeError, match="unhashable"):
        hash(counting(Defined).data)


def test_objects_that_are_told_apart_by_what_they_are_stay_so() -> None:
    @frozen(eq=False)
    class Each:
        count: int
        name: str

    data = counting(Each).data
    assert data == data  # noqa: PLR0124 - what it is equal to is the test
    assert data != counting(Each).data


def test_a_field_that_is_not_compared_is_not_compared_here_either() -> None:
    @frozen
    class Loose:
        count: int
        name: str = field(default="nobody", eq=False)

    flow = counting(Loose)
    flow.process_input("7")
    assert flow.data == Loose(7, "somebody")


# -- it cannot be changed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKES)
def test_nothing_can_be_written_to_it(make: Any) -> None:
    flow = counting(make)
    flow.process_input("7")

    def write() -> None:
        flow.data.count = 8

    def write_anew() -> None:
        flow.data.other = 8

    def delete() -> None:
        del flow.data.count

    def replace() -> None:
        flow.data = {"count": 8}

    for change in (write, write_anew, delete, replace):
        with pytest.raises(AttributeError, match=r"(count|other|data) cannot be"):
            change()
    assert (flow.data.count, flow.answers) == (7, {"count": 7})


def test_what_is_changed_in_it_is_a_copy() -> None:
    flow = until("payer")
    flow.data.parts.append(9)
    assert (flow.data.parts, flow.answers["parts"]) == ([1, 2], [1, 2])
    flow = until("confirm")
    flow.process_input("Yes")
    flow.data.parts.append(9)
    assert (flow.data.parts, flow.answers["parts"]) == ([1, 2], [1, 2])


def test_a_view_stays_as_it_was_when_it_was_looked_at() -> None:
    flow = until("payer")
    before = flow.data
    flow.process_input("ann")
    with pytest.raises(NotYetAnswered):
        before.payer  # noqa: B018 - reading it is the test
    assert flow.data.payer == "ann"


@pytest.mark.parametrize("make", [Frozen, WithoutSlots])
def test_what_evolves_from_it_is_an_object_of_the_data_class(make: Any) -> None:
    flow = counting(make)
    with pytest.raises(NotYetAnswered):
        attrs.evolve(flow.data, name="ann")
    assert attrs.evolve(flow.data, count=8) == make(8)
    flow.process_input("7")
    evolved = attrs.evolve(flow.data, name="ann")
    assert (type(evolved), evolved) == (make, make(7, "ann"))


def test_a_view_of_a_dataclass_can_be_replaced_and_spelled_out() -> None:
    flow = counting(Plain)
    flow.process_input("7")
    replaced = dataclasses.replace(flow.data, name="ann")
    assert (type(replaced), replaced, dataclasses.asdict(flow.data)) == (
        Plain,
        Plain(7, "ann"),
        {"count": 7, "name": "nobody"},
    )


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_it_is_itself(copied: Callable[[Any], Any]) -> None:
    data = until("payer").data
    assert copied(data) is data


def test_it_cannot_be_pickled() -> None:
    with pytest.raises(TypeError, match="not all there"):
        pickle.dumps(until("payer").data)


@frozen
class Cached:
    count: int
    name: str

    @cached_property
    def many(self) -> int:
        return self.count * 10


@frozen(slots=False)
class CachedWithoutSlots:
    count: int
    name: str

    @cached_property
    def many(self) -> int:
        return self.count * 10


@pytest.mark.parametrize("make", [Cached, CachedWithoutSlots])
def test_a_cached_property_of_the_data_class_works(make: Any) -> None:
    flow = counting(make)
    with pytest.raises(NotYetAnswered):
        flow.data.many  # noqa: B018 - reading it is the test
    flow.process_input("7")
    data = flow.data
    assert (data.many, data.many, flow.data.many) == (70, 70, 70)


# -- the untyped form --------------------------------------------------------------------------------------------------


def test_the_data_of_an_untyped_flow_is_the_dict_that_it_was() -> None:
    class Untyped(Flow):
        flow_type = "untyped"
        steps = PaymentFlow.steps[2:3]

        def payer_prompt(self) -> str:
            return f"Who? {sorted(self.data)}"

    flow = Untyped(member_id="ann")
    assert (flow.data, flow.data is flow.answers) == ({}, True)
    flow.data["seen"] = 1
    flow.data = {**flow.data, "way": Way.CASH}
    flow.process_input("ann")
    assert flow.data == {"seen": 1, "way": Way.CASH, "payer": "ann"}


def test_what_is_completed_is_an_object_like_any_other() -> None:
    flow = until("confirm")
    flow.process_input("Yes")
    assert (type(flow.data), flow.data, pickle.loads(pickle.dumps(flow.data))) == (Payment, PAID, PAID)
