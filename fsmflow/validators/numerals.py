"""How members write numbers, and which of it is clear.

Here belongs one grammar for whole numbers, decimal numbers and amounts: digits of any script, a sign, marks between
thousands and before decimals. Numbers are asked for because something hangs on them, so what can be read in two ways is
not read at all: ``1,500`` is fifteen hundred to some members and one and a half to others, and ``1.500`` likewise. Who
knows how their members write says so (``decimal_mark="."``), and both are clear. Clear without that are ``1 500``,
``1'500``, ``1,500.50``, ``1.500,50``, ``1,500,000``, ``1,00,000`` (a lakh), ``1,5``, ``1.50``, ``0,500``.

Not read at all are exponents (``1e5``), ``NaN``, ``Infinity``, ``0x10``, ``1_000``, fractions and percentages, all of
which Python's ``Decimal`` or ``int`` would take, and numbers of more digits than `DIGITS_LIMIT`: thousands of them take
long, or are over a limit of Python's own.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from fsmflow.validators.base import READ_UP_TO
from fsmflow.validators.typed import plain

DIGITS_LIMIT: Final = 30

_NUMBER: Final = re.compile(r"([+-]?) ?([0-9][0-9 ,.'’\u066b\u066c]*)", re.ASCII)
# a nought begins no group: "0,500" is half of one to who types it, also where "." is said to be the decimal mark
_GROUPED: Final = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}", re.ASCII)


class Unread(Exception):
    """It is no number that is clear.

    Args:
        sentence: The sentence of `Refusals` that says why: ``number``, ``unclear`` or ``digits``.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def read(text: str, decimal_mark: str | None = None) -> Decimal:
    """The number that a text writes.

    Args:
        text: The text.
        decimal_mark: What stands before decimals, ``"."`` or ``","``; None takes either, where it is clear.

    Returns:
        The number, with as many decimals as were written; zero has no sign.

    Raises:
        Unread: It writes none, or could write two.
    """
    found = _NUMBER.fullmatch(plain(text)) if len(text) <= READ_UP_TO else None
    if found is None:
        raise Unread("digits" if len(text) > READ_UP_TO and text.strip("+-").isdecimal() else "number")
    sign, written = found[1], found[2].replace("\u066c", "'").replace("’", "'")
    whole, decimals = _split(written, decimal_mark)
    digits = whole + decimals
    if not digits.isdecimal() or not whole:
        raise Unread("number")
    if len(digits) > DIGITS_LIMIT:
        raise Unread("digits")
    number = Decimal(f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}")
    return number if number else abs(number)


def _split(written: str, decimal_mark: str | None) -> tuple[str, str]:
    """The digits before and after the decimal mark, without marks of thousands."""
    if "\u066b" in written:  # the Arabic decimal sign is never anything else
        mark: str | None = "\u066b"
    else:
        mark = _decimal_mark(written) if decimal_mark is None else decimal_mark
    if mark is None:
        return _ungrouped(written), ""
    whole, found, decimals = written.partition(mark)
    if found and not (decimals.isdecimal() and whole):
        raise Unread("number")
    return _ungrouped(whole), decimals


def _decimal_mark(written: str) -> str | None:
    """Which of the two marks stands before decimals; None if neither does."""
    marks = [character for character in written if character in ",."]
    if not marks:
        return None
    last = marks[-1]
    if len(set(marks)) == 2:
        return last
    if len(marks) > 1:
        return None
    whole, _, after = written.partition(last)
    thousands = len(after) == 3 and whole.isdecimal() and len(whole) <= 3 and not whole.startswith("0")
    if thousands:
        raise Unread("unclear")
    return last


def _ungrouped(whole: str) -> str:
    """Digits without marks of thousands: of one kind, and where they belong."""
    used = {character for character in whole if not character.isdecimal()}
    if not used:
        return whole
    if len(used) > 1 or not _GROUPED.fullmatch(re.sub("[ .']", ",", whole)):
        raise Unread("number")
    return whole.replace(used.pop(), "")
