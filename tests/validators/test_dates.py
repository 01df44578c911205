# ruff: noqa: RUF001 - digits and signs of other scripts and widths, as members type them

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from dateutil.parser import parserinfo
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.validators import Date
from tests.validators.saying import outcome


@pytest.mark.parametrize(
    ("answer", "day_first", "month_first"),
    [
        ("03/04/2026", "2026-04-03", "2026-03-04"),
        ("3.4.2026", "2026-04-03", "2026-03-04"),
        ("3-4-2026", "2026-04-03", "2026-03-04"),
        ("3 4 2026", "2026-04-03", "2026-03-04"),
        ("٠٣/٠٤/٢٠٢٦", "2026-04-03", "2026-03-04"),
        ("０３／０４／２０２６", "2026-04-03", "2026-03-04"),
        ("13/04/2026", "2026-04-13", "<date>"),
        ("04/13/2026", "<date>", "2026-04-13"),
        *[
            (answer, kept, kept)
            for answer, kept in (
                ("2026-04-03", "2026-04-03"),
                ("2026/4/3", "2026-04-03"),
                ("3 April 2026", "2026-04-03"),
                ("3rd Apr. 2026", "2026-04-03"),
                ("April 3, 2026", "2026-04-03"),
                ("APRIL 3RD 2026", "2026-04-03"),
                ("Friday, 3 April 2026", "2026-04-03"),
                ("29 February 2024", "2024-02-29"),
                ("2024-02-29", "2024-02-29"),
                ("Saturday, 3 April 2026", "<date>"),
                ("29 February 2026", "<date>"),
                ("2026-02-29", "<date>"),
                ("31/04/2026", "<date>"),
                ("3/4/26", "<date>"),
                ("3 April 26", "<date>"),
                ("3 April", "<date>"),
                ("April 2026", "<date>"),
                ("April", "<date>"),
                ("Friday", "<date>"),
                ("10", "<date>"),
                ("2026", "<date>"),
                ("20260403", "<date>"),
                ("3/4-2026", "<date>"),
                ("3/4/2026 10:00", "<date>"),
                ("99999-01-01", "<date>"),
                ("0000-01-01", "<date>"),
                ("1/1/10000", "<date>"),
                ("today", "<date>"),
                ("3 April 2026 AD", "<date>"),
                ("3\x00April 2026", "<date>"),
                ("", "<date>"),
                ("1e5", "<date>"),
                ("9" * 4000, "<date>"),
            )
        ],
    ],
    ids=ascii,
)
def test_a_date_is_read_in_the_order_that_is_said_and_never_turned(
    answer: str, day_first: str, month_first: str
) -> None:
    assert str(outcome(Date("dmy"), answer)) == day_first
    assert str(outcome(Date("mdy"), answer)) == month_first


@given(st.dates())
def test_every_date_is_read_back_as_it_is_written(day: date) -> None:
    for order in ("dmy", "mdy"):
        every = Date(order)
        assert every.parse(every.written(day)) == every.parse(day.isoformat()) == day


def test_the_bounds_of_a_date_say_themselves() -> None:
    spring = Date("dmy", date(2026, 3, 20), date(2026, 6, 21))
    assert [outcome(spring, answer) for answer in ("19/03/2026", "22/06/2026")] == ["<later>", "<earlier>"]
    with pytest.raises(Exception, match=r"Please send 20/03/2026 or later, such as \S+\d\."):
        spring("19/03/2026")


def test_words_for_days_and_bounds_that_move_are_by_the_clock_that_is_given() -> None:
    now = [date(2026, 2, 28)]
    ahead = Date("dmy", minimum=lambda: now[0], today=lambda: now[0])
    assert outcome(ahead, "tomorrow") == date(2026, 3, 1)
    assert outcome(ahead, "TODAY") == date(2026, 2, 28)
    assert outcome(ahead, "yesterday") == "<later>"
    example = ahead.example
    now[0] += timedelta(days=200)
    assert outcome(ahead, "2026-03-01") == "<later>"
    assert ahead.accepts(example)
    now[0] = date.max
    assert outcome(ahead, "tomorrow") == "<date>"


def test_the_words_for_months_may_be_those_of_another_language() -> None:
    months = [*parserinfo.MONTHS[:2], ("Mär", "März"), *parserinfo.MONTHS[3:]]
    german: Any = type("German", (parserinfo,), {"MONTHS": months})
    assert outcome(Date("dmy", words=german()), "24. März 2026") == date(2026, 3, 24)
    assert outcome(Date("dmy"), "24. März 2026") == "<date>"


def test_what_cannot_be_meant_is_an_error_when_it_is_made() -> None:
    wrong: Any = "ymd"
    mistakes: list[Callable[[], Date]] = [
        lambda: Date(wrong),
        lambda: Date("dmy", date(2026, 1, 2), date(2026, 1, 1)),
        lambda: Date("dmy", example="10"),
    ]
    for made in mistakes:
        with pytest.raises(ValueError, match=r"."):
            made()
