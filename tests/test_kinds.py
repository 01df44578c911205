"""What can be told of types: which may stand for which, and what generic classes were given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NewType, Protocol, TypeVar, Union

import pytest

from fsmflow.kinds import arguments_of, filled, may_stand_for, name_of

OneT = TypeVar("OneT")
OtherT = TypeVar("OtherT")
Handle = NewType("Handle", str)


EitherOrNone = Union[int, str, None]


class Way(Enum):
    CASH = "cash"


class Money(Decimal):
    pass


class Spoken(Protocol):
    def said(self) -> str: ...


MAY = [
    (Decimal, Decimal),
    (Money, Decimal),
    (bool, int),
    (int, float),
    (str, object),
    (Any, Decimal),
    (None, Decimal),
    (str, None),
    (str, str | None),
    (int | None, EitherOrNone),
    (type(None), str | None),
    (str, Handle),
    (Handle, str),
    (Annotated[int, "small"], int),
    (int, Annotated[int, "small"]),
    (list[int], list[int]),
    (list[int], list),
    (list, list[int]),
    (list[bool], Sequence[int]),
    (list[int], Iterable),
    (tuple[int, int], tuple[int, ...]),
    (tuple[int, ...], tuple[int, int]),
    (dict[str, int], dict[str, Any]),
    (str, Literal["a", "b"]),
    (Literal["a"], Literal["a", "b"]),
    (Literal["a"], str),
    (Literal["a", None], str | None),
    (Way, Way),
    (Money, Spoken),
    (OneT, int),
]
MAY_NOT = [
    (str, Decimal),
    (str, int),
    (Decimal, Money),
    (int, bool),
    (float, int),
    (str | None, str),
    (str | int, str),
    (str, int | None),
    (list[str], list[int]),
    (list[int], tuple[int, ...]),
    (tuple[int, str], tuple[int, ...]),
    (tuple[int, int, int], tuple[int, int]),
    (dict[str, int], dict[int, int]),
    (int, Literal["a", "b"]),
    (Literal["c"], Literal["a", "b"]),
    (Literal["c"], Literal["a", "b"] | None),
    (Literal["a", 1], str),
    (Literal[True], Literal[1]),
    (str, Way),
    (Annotated[str, "short"], int),
    (Handle, int),
]


@pytest.mark.parametrize(("given", "wanted"), MAY)
def test_it_may_stand(given: Any, wanted: Any) -> None:
    assert may_stand_for(given, wanted)


@pytest.mark.parametrize(("given", "wanted"), MAY_NOT)
def test_it_surely_may_not(given: Any, wanted: Any) -> None:
    assert not may_stand_for(given, wanted)


WITH_BOTH: Any = dict[OtherT, list[OneT]]  # type: ignore[valid-type] # as it is found in a generic class
OR_NONE: Any = OneT | None


class One(Generic[OneT]):
    pass


class Two(One[list[OtherT]], Generic[OneT, OtherT]):
    """Its OneT is not that of One."""


class Both(Two[int, str]):
    pass


class Unsaid(Two):  # type: ignore[type-arg] # that it says nothing is the point
    pass


def test_a_type_variable_is_told_apart_by_the_class_that_it_is_of() -> None:
    given = arguments_of(Both)
    assert (given[One], given[Two]) == ({OneT: list[str]}, {OneT: int, OtherT: str})


def test_what_was_not_said_is_anything() -> None:
    given = arguments_of(Unsaid)
    assert (given[One], given[Two]) == ({OneT: list[Any]}, {})


def test_type_variables_are_filled_wherever_they_stand() -> None:
    known = {OneT: int}
    assert filled(OneT, known) is int
    assert filled(WITH_BOTH, known) == dict[Any, list[int]]
    assert filled(OR_NONE, known) == int | None
    assert filled(One, known) is One


@pytest.mark.parametrize(("kind", "name"), [(Decimal, "Decimal"), (list[int], "list[int]"), (int | None, "int | None")])
def test_it_is_named_as_it_is_written(kind: Any, name: str) -> None:
    assert name_of(kind) == name
