"""One field of a JSON body, read without ever raising: the value if it is usable, else None.

A webhook's body is written by somebody else, so any field may be missing, of another type, or absurd. What a missing
field means for the message as a whole is decided by the channel, not here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECONDS_ABOVE = 100_000_000_000  # as seconds it would be the year 5138, as milliseconds 1973
_EARLIEST = datetime(2009, 1, 1, tzinfo=timezone.utc)  # before there was a chat channel of this kind
_LATEST = datetime(2100, 1, 1, tzinfo=timezone.utc)
_DIGITS = re.compile(r"[0-9]{1,19}")  # int() of an unbounded string is slow, and raises above 4,300 digits
_LARGEST_CODE = 999_999_999


def as_object(value: object) -> Mapping[str, Any] | None:
    """A JSON object, or None."""
    return value if isinstance(value, Mapping) else None


def as_array(value: object) -> Sequence[Any] | None:
    """A JSON array, or None."""
    return value if isinstance(value, (list, tuple)) else None


def as_words(value: object) -> str | None:
    """What somebody wrote, or None.

    Half of a surrogate pair (``json.loads`` lets an escaped one through) becomes U+FFFD: no UTF-8 encoder takes it, so
    it would fail far from here, in the store.
    """
    if not isinstance(value, str):
        return None
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_identifier(value: object) -> str | None:
    """An id: a string that is not empty and holds only printable characters and no space; or None."""
    if not isinstance(value, str) or not value or " " in value or not value.isprintable():
        return None
    return value


def as_code(value: object) -> int | None:
    """An error code: an integer of at most nine digits, or a string of one; or None."""
    number = _as_whole_number(value)
    return number if number is not None and 0 <= number <= _LARGEST_CODE else None


def as_moment(value: object) -> datetime | None:
    """When something happened: an aware datetime, or None where that is not told or is absurd.

    Args:
        value: Seconds since the epoch as a string or a number (milliseconds too: nyaruka/courier has seen them from
            WhatsApp), or an aware datetime. What is outside of the years 2009 to 2099 is absurd.
    """
    moment: datetime | None
    if isinstance(value, datetime):
        moment = value if value.tzinfo is not None else None
    else:
        moment = _since_epoch(_as_whole_number(value))
    return moment if moment is not None and _EARLIEST <= moment < _LATEST else None


def _since_epoch(number: int | None) -> datetime | None:
    if number is None or not 0 <= number <= _MILLISECONDS_ABOVE * 1000:
        return None
    return _EPOCH + timedelta(milliseconds=number if number > _MILLISECONDS_ABOVE else number * 1000)


def _as_whole_number(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    return None
