"""Dates, by `python-dateutil` (the extra ``dates``), whose words for months and weekdays are read, and no more of it.

Its own parser takes ``10`` for a day of this month, ``2026`` for a day of that year, and turns 13/04 round where the
order forbids it: what a member did not mean would be kept as if they had. Here a date has a day, a month and a year of
four digits: ``2026-04-13``, ``13/04/2026``, ``13.4.2026``, ``13 April 2026``, ``Monday, April 13th, 2026``.

Which of 03/04/2026 is the month, the parameter `order` says; a date that does not fit it is refused, not turned. One
that begins with the year, or names the month, is read the same everywhere. A weekday must be that day's. ``today``,
``tomorrow`` and ``yesterday`` are known where a clock is given: nothing here asks one by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final, Literal

from attrs import field, frozen
from attrs.validators import in_

from fsmflow.errors import MissingExtra
from fsmflow.validators.base import Validator, check_example
from fsmflow.validators.bounds import Day, day_of, day_within, days_within, named_bounds, out_of_bounds
from fsmflow.validators.typed import plain

Order = Literal["dmy", "mdy"]

WRITTEN_UP_TO: Final = 60
"""How long a written date may be, in characters."""

_YEAR_FIRST: Final = re.compile(r"([0-9]{4})([-/. ])([0-9]{1,2})\2([0-9]{1,2})", re.ASCII)
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4})", re.ASCII)
_IN_WORDS: Final = re.compile(r"[^\W_]+")
_BETWEEN: Final = re.compile(r"[-/., ]*", re.ASCII)
_ORDINAL: Final = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?", re.ASCII | re.IGNORECASE)
_RELATIVE: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}


def parser_info() -> Any:
    """The words of English.

    Raises:
        MissingExtra: python-dateutil is not installed.
    """
    try:
        from dateutil.parser import parserinfo
    except ImportError as missing:
        raise MissingExtra("dates", "a date") from missing
    return parserinfo()


class Undated(Exception):
    """A text is no date that is clear."""


def read_date(text: str, order: str, info: Any, today: Callable[[], date] | None) -> date:
    """The date that a text writes.

    Args:
        text: The text, made plain.
        order: Which comes first where the year is last: ``"dmy"`` or ``"mdy"``.
        info: A ``dateutil.parser.parserinfo``: the words for months and weekdays.
        today: The clock for "today", or None.

    Raises:
        Undated: It writes none.
    """
    if len(text) > WRITTEN_UP_TO:
        raise Undated
    if today is not None and text.casefold() in _RELATIVE:
        return today() + timedelta(days=_RELATIVE[text.casefold()])
    first, last = _YEAR_FIRST.fullmatch(text), _YEAR_LAST.fullmatch(text)
    if first is not None:
        return _date(first[1], first[3], first[4])
    if last is not None:
        day, month = (last[1], last[3]) if order == "dmy" else (last[3], last[1])
        return _date(last[4], month, day)
    return _worded(text, info)


def _date(year: str | int, month: str | int, day: str | int) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:  # the 30th of February, the year 0
        raise Undated from None


def _worded(text: str, info: Any) -> date:
    """A date whose month is a word: of each part exactly one, and nothing else."""
    if not all(_BETWEEN.fullmatch(between) for between in _IN_WORDS.split(text)):
        raise Undated
    years, months, days, weekdays = [], [], [], []
    for word in _IN_WORDS.findall(text):
        ordinal = _ORDINAL.fullmatch(word)
        if ordinal is not None:
            days.append(ordinal[1])
        elif re.fullmatch(r"[0-9]{4}", word, re.ASCII):
            years.append(word)
        elif info.month(word) is not None:
            months.append(info.month(word))
        elif info.weekday(word) is not None:
            weekdays.append(info.weekday(word))
        else:
            raise Undated
    if (len(years), len(months), len(days)) != (1, 1, 1) or len(weekdays) > 1:
        raise Undated
    found = _date(years[0], months[0], days[0])
    if weekdays and found.weekday() != weekdays[0]:
        raise Undated
    return found


@frozen
class Date(Validator[date]):
    """A date; what is kept is a `datetime.date`.

    Args:
        order: Which comes first where the year is last: the day (``"dmy"``) or the month (``"mdy"``). It must be said:
            no choice of the library's would be right for half of the members.
        minimum: The first day that is accepted: a date, or a callable that gives it, such as ``date.today``.
        maximum: The last one.
        today: The clock by which "today", "tomorrow" and "yesterday" are known; None refuses them.
        words: A ``dateutil.parser.parserinfo`` with the words for months and weekdays in another language.
        given: An answer that is accepted, for the refusals.

    Raises:
        MissingExtra: python-dateutil is not installed.
        ValueError: The bounds leave nothing, or the example is not within them.
    """

    order: Order = field(validator=in_(("dmy", "mdy")))
    minimum: Day = None
    maximum: Day = None
    today: Callable[[], date] | None = field(default=None, kw_only=True)
    words: Any = field(factory=parser_info, kw_only=True, eq=False)
    given: str | None = field(default=None, alias="example", kw_only=True)

    def __attrs_post_init__(self) -> None:
        least, most = day_of(self.minimum), day_of(self.maximum)
        if least is not None and most is not None and most < least:
            raise ValueError("the maximum must not be before the minimum")
        check_example(self)

    def parse(self, value: str) -> date:
        """The date."""
        try:
            found = read_date(
                plain(value) if len(value) <= 2 * WRITTEN_UP_TO else value, self.order, self.words, self.today
            )
        except (Undated, OverflowError):  # the day after the last one
            raise self.refused("date") from None
        least, most = day_of(self.minimum), day_of(self.maximum)
        if least is not None and found < least:
            raise self.refused("later", earliest=self.written(least))
        if most is not None and found > most:
            raise self.refused("earlier", latest=self.written(most))
        return found

    def written(self, day: date) -> str:
        """A day as members write it: in the order, or by its year where the order could be mistaken."""
        if day.day <= 12:
            return day.isoformat()
        first, second = (day.day, day.month) if self.order == "dmy" else (day.month, day.day)
        return f"{first:02}/{second:02}/{day.year:04}"

    @property
    def example(self) -> str:
        """One within the bounds, if none is given; of bounds that move, far within them."""
        return self.written(day_within(self.minimum, self.maximum)) if self.given is None else self.given

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """No date, part of one, and a day that is not there."""
        return "some day", "10", "30/02/2026", "1/2/26"

    @property
    def __name__(self) -> str:
        return f"date, {self.order}{named_bounds(self.minimum, self.maximum)}"

    def good_answers(self, strategies: Any) -> Any:
        """Days within the bounds, in every way to write one."""
        shapes = ["%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%d %b %Y"]
        shapes += ["%d/%m/%Y", "%d.%m.%Y"] if self.order == "dmy" else ["%m/%d/%Y", "%m-%d-%Y"]
        days = days_within(strategies, self.minimum, self.maximum)
        written = strategies.builds(lambda day, shape: day.strftime(shape), days, strategies.sampled_from(shapes))
        return strategies.one_of(strategies.just(self.example), written.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """What is no date, not a whole one, or not there."""
        badly = (
            "some day",
            "10",
            "2026",
            "April",
            "30/02/2026",
            "2026-02-30",
            "29 February 2026",
            "1/2/26",
            "2026-13-13",
        )
        more = (
            "99999-01-01",
            "2026-04-13T10:00",
            "0000-01-01",
            "13/13/2026",
            "1e5",
            "9" * 4000,
            "Sunday 13 April 2026",
        )
        days = [day.isoformat() for day in out_of_bounds(self.minimum, self.maximum)]
        return strategies.sampled_from([each for each in (*badly, *more, *days) if not self.accepts(each)])
