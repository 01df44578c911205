# ruff: noqa: RUF001 - digits and signs of other scripts and widths, as members type them

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import gettz
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.storable import restore_answer, store_answer
from fsmflow.validators import DateTime, Time
from tests.validators.ready import BERLIN
from tests.validators.saying import outcome


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("15:30", "15:30:00"),
        ("15.30", "15:30:00"),
        ("15:30:45", "15:30:45"),
        ("3:30 pm", "15:30:00"),
        ("3.30PM", "15:30:00"),
        ("3pm", "15:00:00"),
        ("3 p.m.", "15:00:00"),
        ("12am", "00:00:00"),
        ("12 pm", "12:00:00"),
        ("0:00", "00:00:00"),
        ("١٥:٣٠", "15:30:00"),
        ("１５：３０", "15:30:00"),
        ("10", "<time>"),
        ("1530", "<time>"),
        ("15:3", "<time>"),
        ("24:00", "<time>"),
        ("12:60", "<time>"),
        ("12:00:60", "<time>"),
        ("13 pm", "<time>"),
        ("0 am", "<time>"),
        ("-1:00", "<time>"),
        ("noon", "<time>"),
        ("12:00Z", "<time>"),
        ("12:00\x00", "<time>"),
        ("", "<time>"),
    ],
    ids=ascii,
)
def test_a_time_has_minutes_or_says_its_half_of_the_day(answer: str, kept: str) -> None:
    assert str(outcome(Time(), answer)) == kept


def test_the_bounds_of_a_time_say_themselves() -> None:
    opening = Time(time(8), time(17, 30))
    assert [outcome(opening, answer) for answer in ("7:59", "17:31")] == ["<later>", "<earlier>"]
    with pytest.raises(Exception, match=r"Please send 08:00 or later, such as 15:30."):
        opening("7:59")


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("2026-03-24 15:30", "2026-03-24 15:30:00"),
        ("2026-03-24T15:30:05", "2026-03-24 15:30:05"),
        ("24/3/2026 3pm", "2026-03-24 15:00:00"),
        ("24 March 2026 at 3:30 pm", "2026-03-24 15:30:00"),
        ("Tuesday, 24 March 2026, 15.30", "2026-03-24 15:30:00"),
        ("24.3.2026 15.30", "2026-03-24 15:30:00"),
        ("2026-03-24", "<moment>"),
        ("15:30", "<moment>"),
        ("2026-03-24 10", "<moment>"),
        ("2026-02-30 15:30", "<moment>"),
        ("2026-03-24 24:00", "<moment>"),
        ("2026-03-24T15:30Z", "<moment>"),
        ("2026-03-24 15:30 +02:00", "<moment>"),
        ("tomorrow 15:30", "<moment>"),
        ("", "<moment>"),
        ("9" * 4000, "<moment>"),
    ],
)
def test_a_moment_without_a_zone_has_a_date_and_a_time_and_no_offset(answer: str, kept: str) -> None:
    assert str(outcome(DateTime("dmy"), answer)) == kept


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("2026-03-24 15:30", "2026-03-24 15:30:00+01:00"),
        ("2026-07-24 15:30", "2026-07-24 15:30:00+02:00"),
        ("2026-03-24T15:30Z", "2026-03-24 16:30:00+01:00"),
        ("2026-03-24 15:30 UTC", "2026-03-24 16:30:00+01:00"),
        ("2026-03-24T15:30+05:30", "2026-03-24 11:00:00+01:00"),
        ("2026-03-24T15:30-0800", "2026-03-25 00:30:00+01:00"),
        ("2026-03-29 02:30", "<skipped>"),
        ("2026-10-25 02:30", "<skipped>"),
        ("2026-10-25 02:30+01:00", "2026-10-25 02:30:00+01:00"),
        ("2026-03-24 15:30+15:00", "<moment>"),
        ("2026-03-24 15:30+01:60", "<moment>"),
        ("2026-03-24 15:30 CET", "<moment>"),
        ("9999-12-31 23:59-12:00", "<moment>"),
    ],
)
def test_a_moment_in_a_zone_is_one_moment_or_none(answer: str, kept: str) -> None:
    assert str(outcome(DateTime("dmy", BERLIN), answer)) == kept


def test_a_zone_of_dateutils_own_skips_and_repeats_the_same_times() -> None:
    moments = DateTime("dmy", gettz("Europe/Berlin"))
    assert [outcome(moments, f"{day} 02:30") for day in ("2026-03-29", "2026-10-25")] == ["<skipped>", "<skipped>"]


def test_what_is_kept_is_before_it_is_stored_what_it_is_afterwards() -> None:
    kept = DateTime("dmy", BERLIN).parse("2026-07-24 15:30")
    assert kept.tzinfo == timezone(timedelta(hours=2))
    assert repr(restore_answer(store_answer(kept), datetime)) == repr(kept)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1), timezones=st.just(timezone.utc)))
def test_every_moment_is_read_back_with_the_offset_of_the_zone(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    kept = DateTime("dmy", ZoneInfo("Africa/Harare")).parse(whole.isoformat())
    assert (kept, kept.utcoffset()) == (whole, timedelta(hours=2))


def test_tomorrow_is_by_the_clock_that_is_given() -> None:
    assert outcome(DateTime("dmy", today=lambda: date(2026, 2, 28)), "tomorrow at 3pm") == datetime(2026, 3, 1, 15)


def test_the_bounds_of_a_moment_are_said_in_its_zone() -> None:
    coming = DateTime("dmy", BERLIN, minimum=datetime(2026, 7, 1, 12, tzinfo=timezone.utc))
    with pytest.raises(Exception, match=r"Please send 2026-07-01 14:00 or later, such as 2026-07-02 14:00."):
        coming("2026-07-01 13:59")
    assert outcome(coming, "2026-07-01 14:00") == datetime(2026, 7, 1, 12, tzinfo=timezone.utc)


def test_what_cannot_be_meant_is_an_error_when_it_is_made() -> None:
    bare, aware = datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone.utc)
    for made in (lambda: Time(time(5), time(4)), lambda: Time(time(1, tzinfo=timezone.utc)), lambda: Time(example="10"),
                 lambda: DateTime("dmy", minimum=aware), lambda: DateTime("dmy", BERLIN, maximum=bare),
                 lambda: DateTime("dmy", minimum=bare, maximum=bare - timedelta(days=1))):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            made()
