"""How members write a time of day, and an offset from UTC.

A time has hours and minutes, or says which half of the day it is in; by the clock of twelve hours there is no hour 0
and no hour 13. Nothing is filled in: a lone ``10`` is no time, and ``24:00`` is none of that day.
"""

from __future__ import annotations

import re
from datetime import time, timedelta, timezone
from typing import Final

_TIME: Final = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:[:.](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)? ?(?P<half>[ap]\.?m\.?)?",
    re.ASCII | re.IGNORECASE,
)
_OFFSET: Final = re.compile(
    r" ?(?:(?P<utc>Z|UTC|GMT)|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2}))", re.ASCII
)


def read_time(text: str) -> time | None:
    """The time of day that a text writes, or None."""
    found = _TIME.fullmatch(text)
    if found is None or not (found["minute"] or found["half"]):
        return None
    hour, minute, second = int(found["hour"]), int(found["minute"] or 0), int(found["second"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def read_offset(text: str) -> tuple[str, timezone | None]:
    """What stands before an offset from UTC, and the offset."""
    found = next((each for each in _OFFSET.finditer(text) if each.end() == len(text)), None)
    if found is None:
        return text, None
    if found["utc"]:
        return text[: found.start()], timezone.utc
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    if int(found["minutes"]) > 59 or offset > timedelta(hours=14):  # there is none further out
        return text, None
    return text[: found.start()], timezone(-offset if found["sign"] == "-" else offset)
