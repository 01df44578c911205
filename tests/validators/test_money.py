# ruff: noqa: RUF001 - digits and signs of other scripts and widths, as members type them

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.validators import Amount, Denomination, Money
from tests.validators.ready import CAD, USD, XAU
from tests.validators.saying import outcome


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("USD 100", "USD 100"),
        ("100 usd", "USD 100"),
        ("100USD", "USD 100"),
        ("usd100.50", "USD 100.50"),
        ("US$ 100", "USD 100"),
        ("us$100", "USD 100"),
        ("100 C$", "CAD 100"),
        ("0.0001 xau", "XAU 0.0001"),
        ("ＵＳＤ　１００", "USD 100"),
        ("USD ١٠٠", "USD 100"),
        ("USD 1,500.50", "USD 1500.50"),
        ("USD 1.500,50", "USD 1500.50"),
        ("USD 1 500", "USD 1500"),
        ("USD 1,500", "<unclear>"),
        ("USD 1.500", "<unclear>"),
        ("USD 1.2345", "<decimals>"),
        ("$100", "<denomination>"),
        ("100", "<denomination>"),
        ("100 EUR", "<denomination>"),
        ("100 u\u017fd", "<denomination>"),
        ("USD 0", "<nothing>"),
        ("USD -5", "<nothing>"),
        ("-5 USD", "<nothing>"),
        ("-5", "<nothing>"),
        ("USD 1e5", "<amount>"),
        ("1 USD 2", "<amount>"),
        ("USD 5 USD", "<amount>"),
        ("NaN USD", "<amount>"),
        ("USD", "<amount>"),
        ("", "<amount>"),
        ("5 US\x00D", "<denomination>"),
        ("USD " + "9" * 13, "<digits>"),
        ("9" * 4000, "<amount>"),
    ],
    ids=ascii,
)
def test_an_amount_is_read_where_it_is_clear_how_much_of_what(answer: str, kept: str) -> None:
    assert str(outcome(Amount((USD, CAD, XAU)), answer)) == kept


def test_a_sign_counts_where_it_is_one_denominations_alone() -> None:
    assert outcome(Amount(USD), "$100") == outcome(Amount((USD, XAU)), "100$") == Money(Decimal(100), "USD")
    assert outcome(Amount((USD, CAD), "USD"), "$100") == "<denomination>"


def test_without_a_denomination_an_amount_is_in_the_only_one_or_in_the_default() -> None:
    assert outcome(Amount(XAU), "1.5") == Money(Decimal("1.5"), "XAU")
    assert outcome(Amount((USD, CAD), "CAD"), "5") == Money(Decimal(5), "CAD")
    assert outcome(Amount((USD, CAD)), "5") == "<denomination>"


@given(st.decimals("0.01", "999999999", places=2, allow_nan=False), st.sampled_from((USD, CAD)))
def test_every_amount_is_read_back_as_it_is_said(amount: Decimal, denomination: Denomination) -> None:
    money = Money(amount, denomination.code)
    assert Amount((USD, CAD), decimal_mark=".").parse(str(money)) == money


def test_the_bounds_of_an_amount_say_themselves() -> None:
    fee = Amount(USD, minimum=5, maximum=Decimal("500.50"))
    assert [outcome(fee, answer) for answer in ("4.99", "500.51")] == ["<larger>", "<smaller>"]
    assert outcome(fee, "5") == Money(Decimal(5), "USD")
    with pytest.raises(Exception, match=r"Please send 500\.50 or less, such as USD 100\."):
        fee("501")
    assert outcome(Amount(Denomination("JPY", 0)), "5.5") == "<decimals>"


def test_what_cannot_be_meant_is_an_error_when_it_is_made() -> None:
    for made in (lambda: Amount(()), lambda: Amount((USD, USD)), lambda: Amount(USD, "EUR"),
                 lambda: Denomination("usd"),
                 lambda: Denomination("U"), lambda: Denomination("USD", -1), lambda: Denomination("USD", signs="5"),
                 lambda: Denomination("USD", signs=""), lambda: Amount(USD, minimum=0, maximum=0)):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            made()
    wrong: Any = 0.5
    with pytest.raises(TypeError, match=r"float"):
        Amount(USD, minimum=wrong)
