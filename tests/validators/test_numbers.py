# ruff: noqa: RUF001 - digits and signs of other scripts and widths, as members type them

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.validators import DecimalNumber, Integer
from fsmflow.validators.numerals import DIGITS_LIMIT
from tests.validators.saying import outcome


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("5", 5),
        ("  5 ", 5),
        ("+5", 5),
        ("-5", -5),
        ("\u22125", -5),
        ("005", 5),
        ("-0", 0),
        ("５", 5),
        ("٥", 5),
        ("\u200f٥\u200f", 5),
        ("१०", 10),
        ("1 000", 1000),
        ("1\u00a0000", 1000),
        ("1\u202f000\u202f000", 1_000_000),
        ("1'000", 1000),
        ("1’000", 1000),
        ("1,000,000", 1_000_000),
        ("1.000.000", 1_000_000),
        ("1,00,000", 100_000),
        ("١٬٠٠٠", 1000),
        ("1,500", "<unclear>"),
        ("1.500", "<unclear>"),
        ("1,5", "<whole>"),
        ("2.0", "<whole>"),
        ("1 0", "<whole>"),
        ("1 0000", "<whole>"),
        ("1,000 000", "<whole>"),
        ("1,0000,000", "<whole>"),
        ("1_000", "<whole>"),
        ("1e5", "<whole>"),
        ("0x10", "<whole>"),
        ("NaN", "<whole>"),
        ("Infinity", "<whole>"),
        ("²", "<whole>"),
        ("½", "<whole>"),
        ("--1", "<whole>"),
        ("5\x00", "<whole>"),
        ("five", "<whole>"),
        ("", "<whole>"),
        ("9" * (DIGITS_LIMIT + 1), "<digits>"),
        ("9" * 4000, "<digits>"),
        ("9" * 5000, "<digits>"),
        ("9" * DIGITS_LIMIT, int("9" * DIGITS_LIMIT)),
    ],
    ids=ascii,
)
def test_a_whole_number_is_read_where_it_is_clear(answer: str, kept: Any) -> None:
    assert outcome(Integer(), answer) == kept


@pytest.mark.parametrize(
    ("answer", "either", "point", "comma"),
    [
        ("1.5", "1.5", "1.5", "<number>"),
        ("1,5", "1.5", "<number>", "1.5"),
        ("1.50", "1.50", "1.50", "<number>"),
        ("1,500", "<unclear>", "1500", "1.500"),
        ("1.500", "<unclear>", "1.500", "1500"),
        ("0,500", "0.500", "<number>", "0.500"),
        ("0.500", "0.500", "0.500", "<number>"),
        ("1500,500", "1500.500", "<number>", "1500.500"),
        ("1,500.50", "1500.50", "1500.50", "<number>"),
        ("1.500,50", "1500.50", "<number>", "1500.50"),
        ("1 500,5", "1500.5", "<number>", "1500.5"),
        ("１．５", "1.5", "1.5", "<number>"),
        ("١٬٥٠٠٫٥", "1500.5", "1500.5", "1500.5"),
        ("١،٥", "1.5", "<number>", "1.5"),
        ("-0.0", "0.0", "0.0", "<number>"),
        (".5", "<number>", "<number>", "<number>"),
        ("5.", "<number>", "<number>", "<number>"),
        ("1..5", "<number>", "<number>", "<number>"),
        ("1.2,3.4", "<number>", "<number>", "<number>"),
        ("1.0001", "<decimals>", "<decimals>", "<number>"),
        ("5 %", "<number>", "<number>", "<number>"),
        ("1e5", "<number>", "<number>", "<number>"),
        ("sNaN", "<number>", "<number>", "<number>"),
    ],
    ids=ascii,
)
def test_a_mark_that_could_be_of_thousands_is_read_only_where_it_is_said(
    answer: str, either: str, point: str, comma: str
) -> None:
    found = [outcome(DecimalNumber(decimals=3, decimal_mark=mark), answer) for mark in (None, ".", ",")]
    assert [str(each) for each in found] == [either, point, comma]


@given(st.integers(-(10**29), 10**29))
def test_every_whole_number_is_read_as_it_is_written(number: int) -> None:
    assert Integer().parse(str(number)) == number
    assert Integer(decimal_mark=".").parse(f"{number:,}") == number
    assert Integer(decimal_mark=",").parse(f"{number:,}".replace(",", ".")) == number


@given(st.decimals(-(10**9), 10**9, places=4, allow_nan=False))
def test_every_decimal_number_is_read_digit_by_digit(number: Decimal) -> None:
    read = DecimalNumber(decimals=4, decimal_mark=".").parse(f"{number:f}")
    assert (read, read.as_tuple().exponent) == (number, number.as_tuple().exponent)
    assert not (read.is_zero() and read.is_signed())


def test_bounds_are_within_and_say_themselves() -> None:
    seats = Integer(1, 10)
    assert [outcome(seats, answer) for answer in ("0", "1", "10", "11")] == ["<larger>", 1, 10, "<smaller>"]
    with pytest.raises(Exception, match=r"Please send 10 or less, such as 3."):
        seats("11")
    with pytest.raises(Exception, match=r"Please send 0.5 or more, such as 2.5."):
        DecimalNumber("0.5")("0.4")


def test_a_bound_of_many_noughts_is_said_in_digits() -> None:
    most = DecimalNumber(maximum=Decimal("1E+3"))
    assert most.__name__ == "number, up to 1000"
    with pytest.raises(Exception, match=r"Please send 1000 or less"):
        most("2000")


def test_what_cannot_be_meant_is_an_error_when_it_is_made() -> None:
    for made in (lambda: Integer(5, 4), lambda: DecimalNumber("NaN"), lambda: DecimalNumber(decimals=0),
                 lambda: Integer(example="many"), lambda: Integer(1, 3, example="4"), lambda: Integer(10**40),
                 lambda: Integer(decimal_mark=";")):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            made()
    wrong: Any = 0.1
    with pytest.raises(TypeError, match=r"a float is seldom the number that it looks like"):
        DecimalNumber(wrong)
