"""Validators composed and narrowed, and what they need that is not installed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from typing_extensions import assert_type

from fsmflow.errors import MissingExtra, Refused, Unsuitable
from fsmflow.validators import (
    Date,
    DateTime,
    EmailAddress,
    Integer,
    Length,
    Letters,
    Pattern,
    PhoneNumber,
    Time,
    Validator,
    YesNo,
)
from tests.validators.ready import is_even
from tests.validators.saying import outcome


def test_a_type_checker_knows_what_is_kept() -> None:
    assert_type(Integer(1, 10).parse("3"), int)
    assert_type(Integer(1, 10).transformer("3"), int)
    assert_type(Integer(1, 10).where(is_even, example="4").parse("4"), int)
    assert_type(Letters().parse("Ama"), str)
    assert_type(Date("dmy").transformer("2026-03-24"), date)


def test_both_must_accept_and_the_first_that_does_not_says_so() -> None:
    name = Letters() & Length(2, 5)
    answers = ("Ama", "A", "Amaaaaa", "A1", "1")
    assert [outcome(name, answer) for answer in answers] == ["Ama", "<longer>", "<shorter>", "<letters>", "<letters>"]


def test_the_value_is_that_of_the_one_that_gives_no_text_wherever_it_stands() -> None:
    for code in (Integer(1, 9999) & Length(4, 4, example="0042"), Length(4, 4, example="0042") & Integer(1, 9999)):
        assert outcome(code, "0042") == code.transformer("0042") == 42
        assert code.transformer.__func__ is Integer.parse  # type: ignore[attr-defined] # it is bound
        assert (outcome(code, "42"), outcome(code, "0000")) == ("<longer>", "<larger>")


def test_a_refusal_of_one_names_an_example_that_both_accept() -> None:
    code = Integer(1, 9999) & Length(4, 4, example="0042")
    with pytest.raises(Unsuitable, match=r"Please send a whole number, such as 0042."):
        code("many")


def test_more_than_two_are_composed_like_two() -> None:
    either = (Letters("") & Length(2, 5) & Pattern("A.*", "Ama"), Letters("") & (Length(2, 5) & Pattern("A.*", "Ama")))
    for name in either:
        assert [name.accepts(answer) for answer in ("Ama", "Kofi", "A", "A1")] == [True, False, False, False]


def test_what_cannot_go_together_is_an_error_when_it_is_made() -> None:
    with pytest.raises(ValueError, match=r"only one of the two may give a value that is no text"):
        Integer() & YesNo()
    with pytest.raises(ValueError, match=r"the example '.*' must be accepted itself"):
        Letters() & Pattern("[0-9]+", "5")
    with pytest.raises(TypeError, match=r"unsupported operand"):
        Letters() & str.isalpha  # type: ignore[operator] # that is the mistake


def test_a_narrowed_one_refuses_in_its_own_words_or_in_the_librarys() -> None:
    even = Integer(1, 100).where(is_even, "Please send an even number, such as 4.", example="4")
    assert (outcome(even, "42"), outcome(even, "0")) == (42, "<larger>")
    with pytest.raises(Refused, match=r"an even number"):
        even("41")
    with pytest.raises(Unsuitable, match=r"such as 4"):
        even("many")
    assert outcome(Integer().where(is_even, example="4"), "41") == "<narrowed>"
    with pytest.raises(ValueError, match=r"the example '3' must be accepted"):
        Integer().where(is_even)


def test_a_condition_that_raises_refuses_where_a_validators_would_and_else_is_a_fault() -> None:
    def odd(number: int) -> bool:
        if number > 10:
            raise KeyError(number)
        return 1 // (number - 5) < 9

    checked = Integer().where(odd)
    assert not checked.accepts("5")
    with pytest.raises(ZeroDivisionError):
        checked("5")
    with pytest.raises(KeyError):
        checked.accepts("11")


@pytest.mark.parametrize("verdict", [None, 1, "", re.match("3", "3")])
def test_a_condition_says_true_or_false_and_nothing_that_only_looks_like_it(verdict: Any) -> None:
    with pytest.raises(TypeError, match="its condition returns True or False, not"):
        Integer().where(lambda _: verdict)


@pytest.mark.parametrize(
    ("package", "extra", "make"),
    [
        ("dateutil", "dates", lambda: Date("dmy")),
        ("dateutil", "dates", lambda: DateTime("dmy")),
        ("phonenumbers", "phone", PhoneNumber),
        ("email_validator", "email", EmailAddress),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch, package: str, extra: str, make: Callable[[], Validator[Any]]
) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'fsmflow\[{extra}\]'") as caught:
        make()
    assert caught.value.extra == extra
    assert Time().accepts("15:30"), "a time of day needs none"
