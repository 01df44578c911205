"""Times of day, and moments: a date and a time of day, in a time zone where one is given.

A time has hours and minutes (``15:30``, ``3.30 pm``) or says which half of the day it is in (``3pm``): a lone ``10`` is
none. A moment is a date, as `dates` reads it, and a time. Where a time zone is given, what is kept is in it, as an
offset from UTC, which says the same for ever; a time that its clocks skip, or show twice, is refused (python-dateutil
knows which). Where none is given, an offset in the answer is refused: dropped, it would be another moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Final

from attrs import field, frozen
from attrs.validators import in_

from fsmflow.errors import MissingExtra
from fsmflow.validators.base import READ_UP_TO, Validator, check_example
from fsmflow.validators.bounds import named_bounds
from fsmflow.validators.clocks import read_offset, read_time
from fsmflow.validators.dates import Order, Undated, parser_info, read_date
from fsmflow.validators.typed import plain

_BETWEEN: Final = re.compile(
    r"(?P<date>.+?)(?:T|,? (?:at )?)(?P<time>[0-9]{1,2}(?:[:.][0-9]{2}| ?[apAP]\.?[mM]).*)", re.ASCII
)


@frozen
class Time(Validator[time]):
    """A time of day; what is kept is a `datetime.time`.

    Args:
        minimum: The first that is accepted.
        maximum: The last.
        given: An answer that is accepted, for the refusals.

    Raises:
        ValueError: The bounds leave nothing, or the example is not within them.
    """

    minimum: time = time.min
    maximum: time = time(23, 59, 59)
    given: str | None = field(default=None, alias="example", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.minimum.tzinfo or self.maximum.tzinfo or self.maximum < self.minimum:
            raise ValueError("bounds are times of one day, without a zone; the maximum is not before the minimum")
        check_example(self)

    def parse(self, value: str) -> time:
        """The time."""
        found = read_time(plain(value)) if len(value) <= READ_UP_TO else None
        if found is None:
            raise self.refused("time")
        if found < self.minimum:
            raise self.refused("later", earliest=_written(self.minimum))
        if found > self.maximum:
            raise self.refused("earlier", latest=_written(self.maximum))
        return found

    @property
    def example(self) -> str:
        """One within the bounds, if none is given."""
        return _written(min(max(time(15, 30), self.minimum), self.maximum)) if self.given is None else self.given

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """No time, half of one, and one that no day has."""
        return "later", "10", "25:00"

    @property
    def __name__(self) -> str:
        first = None if self.minimum == time.min else self.minimum
        return f"time{named_bounds(first, None if self.maximum >= time(23, 59, 59) else self.maximum)}"

    def good_answers(self, strategies: Any) -> Any:
        """Times within the bounds, by both clocks."""
        shapes = strategies.sampled_from(("%H:%M", "%H.%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p"))
        times = strategies.times(self.minimum, self.maximum).map(lambda each: each.replace(microsecond=0))
        written = strategies.builds(lambda each, shape: each.strftime(shape), times, shapes)
        return strategies.one_of(strategies.just(self.example), written.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """What is no time, and what is not within the bounds."""
        badly = (
            "later",
            "10",
            "24:00",
            "25:00",
            "12:60",
            "13 pm",
            "0 am",
            "1530",
            "15:3",
            "-1:00",
            "9" * 4000,
            "12:00Z",
        )
        every = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 59)]
        return strategies.sampled_from([each for each in (*badly, *every) if not self.accepts(each)])


def _written(moment: time) -> str:
    return moment.isoformat("seconds" if moment.second else "minutes")


@frozen
class DateTime(Validator[datetime]):
    """A date and a time of day; what is kept is a `datetime.datetime`, aware where a time zone is given.

    Args:
        order: Which comes first where the year is last: ``"dmy"`` or ``"mdy"``, as for `Date`.
        zone: Where a time without an offset is meant: a ``zoneinfo.ZoneInfo``; None keeps times of no zone.
        minimum: The first moment that is accepted; aware where a zone is given.
        maximum: The last.
        today: The clock by which "tomorrow 15:30" is known, in that zone; None refuses it.
        words: A ``dateutil.parser.parserinfo`` with the words for months and weekdays in another language.
        given: An answer that is accepted, for the refusals.

    Raises:
        MissingExtra: python-dateutil is not installed.
        ValueError: The bounds leave nothing or do not fit the zone, or the example is not within them.
    """

    order: Order = field(validator=in_(("dmy", "mdy")))
    zone: tzinfo | None = None
    minimum: datetime | None = field(default=None, kw_only=True)
    maximum: datetime | None = field(default=None, kw_only=True)
    today: Callable[[], date] | None = field(default=None, kw_only=True)
    words: Any = field(factory=parser_info, kw_only=True, eq=False)
    given: str | None = field(default=None, alias="example", kw_only=True)

    def __attrs_post_init__(self) -> None:
        for bound in (self.minimum, self.maximum):
            if bound is not None and (bound.tzinfo is None) != (self.zone is None):
                raise ValueError("a bound has a time zone where the answers have one, and only there")
        if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
            raise ValueError("the maximum must not be before the minimum")
        check_example(self)

    def parse(self, value: str) -> datetime:
        """The moment."""
        found = self._read(plain(value)) if len(value) <= READ_UP_TO else None
        if found is None:
            raise self.refused("moment")
        if self.minimum is not None and found < self.minimum:
            raise self.refused("later", earliest=self._written(self.minimum))
        if self.maximum is not None and found > self.maximum:
            raise self.refused("earlier", latest=self._written(self.maximum))
        return found

    def _read(self, text: str) -> datetime | None:
        parts = _BETWEEN.fullmatch(text)
        if parts is None:
            return None
        clock, offset = read_offset(parts["time"])
        found = read_time(clock)
        if found is None or (offset is not None and self.zone is None):
            return None
        try:
            moment = datetime.combine(read_date(parts["date"], self.order, self.words, self.today), found)
            if self.zone is None:
                return moment
            return (
                self._placed(moment) if offset is None else _fixed(moment.replace(tzinfo=offset).astimezone(self.zone))
            )
        except (Undated, OverflowError):
            return None

    def _placed(self, moment: datetime) -> datetime:
        """A time of the zone's own clocks, where they show it once."""
        tz = _dateutil_tz()
        if not tz.datetime_exists(moment, self.zone) or tz.datetime_ambiguous(moment, self.zone):
            raise self.refused("skipped")
        return _fixed(moment.replace(tzinfo=self.zone))

    def _written(self, moment: datetime) -> str:
        local = moment if self.zone is None else moment.astimezone(self.zone)
        return f"{local.date().isoformat()} {_written(local.time().replace(microsecond=0))}"

    @property
    def example(self) -> str:
        """One within the bounds, if none is given."""
        if self.given is not None:
            return self.given
        if self.minimum is not None and self.maximum is not None:
            return self._written(self.minimum + (self.maximum - self.minimum) / 2)
        if self.minimum is not None:
            return self._written(self.minimum + timedelta(days=1))
        return "2026-03-24 15:30" if self.maximum is None else self._written(self.maximum - timedelta(days=1))

    @property
    def counterexamples(self) -> tuple[str, ...]:
        """Neither, and either alone."""
        return "soon", "2026-03-24", "15:30", "2026-02-30 15:30"

    @property
    def __name__(self) -> str:
        return f"date and time, {self.order}{named_bounds(self.minimum, self.maximum)}"

    def good_answers(self, strategies: Any) -> Any:
        """Moments within the bounds, in several ways to write one."""
        days = "%d/%m/%Y" if self.order == "dmy" else "%m/%d/%Y"
        shapes = strategies.sampled_from(
            ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", f"{days} %H:%M:%S", "%d %B %Y at %H:%M:%S")
        )
        least, most = (
            None
            if bound is None
            else (bound if self.zone is None else bound.astimezone(self.zone)).replace(tzinfo=None)
            for bound in (self.minimum, self.maximum)
        )
        least = least or min(datetime(1971, 1, 1), most or datetime.max)
        moments = strategies.datetimes(least, most or max(datetime(2037, 1, 1), least))
        written = strategies.builds(lambda moment, shape: moment.strftime(shape), moments, shapes)
        return strategies.one_of(strategies.just(self.example), written.filter(self.accepts))

    def bad_answers(self, strategies: Any) -> Any:
        """What is no moment, or not a whole one."""
        badly = ("soon", "2026-03-24", "15:30", "2026-02-30 15:30", "2026-03-24 25:00", "2026-03-24 10", "9" * 4000)
        more = ("2026-03-24 15:30 CET", "2026-03-24 15:30+99:00", "2026-03-24T15:30+01:00", "99999-01-01 00:00")
        return strategies.sampled_from([each for each in (*badly, *more) if not self.accepts(each)])


def _fixed(moment: datetime) -> datetime:
    """The same moment with an offset in place of a zone: what comes back from JSON."""
    return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta()), fold=0)


def _dateutil_tz() -> Any:
    try:
        from dateutil import tz
    except ImportError as missing:
        raise MissingExtra("dates", "a date") from missing
    return tz
