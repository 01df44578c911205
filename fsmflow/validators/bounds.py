"""The days between which a date is accepted, of which either may move, as ``date.today`` does.

Here belong a bound as it is now, an example between two, and days on both sides of them for tests. What is said of one
belongs to the validator.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Union

Day = Union[date, Callable[[], date], None]


def day_of(bound: Day) -> date | None:
    """A bound as it is now."""
    return bound() if callable(bound) else bound


def day_within(minimum: Day, maximum: Day) -> date:
    """A day within bounds; of those that move, one that will be within them for most of a year."""
    least, most = day_of(minimum), day_of(maximum)
    if least is not None and most is not None:
        return least + (most - least) // 2
    if least is not None:
        return least + timedelta(days=300) if least < date.max - timedelta(days=300) else least
    if most is not None:
        return most - timedelta(days=300) if most > date.min + timedelta(days=300) else most
    return date(2026, 3, 24)


def days_within(strategies: Any, minimum: Day, maximum: Day) -> Any:
    """Days within bounds; where they move, in their middle."""
    least, most = day_of(minimum), day_of(maximum)
    if callable(minimum) or callable(maximum):
        return strategies.just(day_within(minimum, maximum))
    return strategies.dates(
        least or min(date(1900, 1, 1), most or date.max), most or max(date(2100, 1, 1), least or date.min)
    )


def out_of_bounds(minimum: Day, maximum: Day) -> list[date]:
    """A day beyond each bound."""
    least, most = day_of(minimum), day_of(maximum)
    before = [] if least is None or least - date.min < timedelta(days=400) else [least - timedelta(days=400)]
    return before + ([] if most is None or date.max - most < timedelta(days=400) else [most + timedelta(days=400)])


def named_bounds(minimum: Any, maximum: Any) -> str:
    """Bounds in the name of a validator; those that move by the name of what gives them."""
    return "".join(
        f", {word} {getattr(bound, '__name__', 'then') if callable(bound) else bound}"
        for word, bound in (("from", minimum), ("to", maximum))
        if bound is not None
    )
