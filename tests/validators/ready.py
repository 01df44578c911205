"""One of each ready validator, and of each composition: what every one of them must hold to."""

from __future__ import annotations

from datetime import date, datetime, time, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from zoneinfo import ZoneInfo

from fsmflow.validators import (
    Amount,
    Choice,
    Date,
    DateTime,
    DecimalNumber,
    Denomination,
    EmailAddress,
    Integer,
    Length,
    Letters,
    Pattern,
    PhoneNumber,
    Time,
    Validator,
    YesNo,
)


class Size(Enum):
    """What an Enum is typed by."""

    SMALL = "small"
    VERY_LARGE = "very large"


USD: Final = Denomination("USD", signs=("$", "US$"))
CAD: Final = Denomination("CAD", signs=("$", "C$"))
XAU: Final = Denomination("XAU", decimals=4)
BERLIN: Final = ZoneInfo("Europe/Berlin")


def is_even(number: int) -> bool:
    return number % 2 == 0


READY: Final[tuple[Validator[Any], ...]] = (
    Length(),
    Length(2, 40),
    Length(6, 6, example="abc123"),
    Length(1, 300, lines=True),
    Letters(),
    Letters(""),
    Letters() & Length(2, 20),
    Length(3) & Pattern(r"[a-z]+", "abc") & Letters(example="Ama"),
    Pattern(r"[A-Z]{2}[0-9]{4}", "AB1234", name="ticket"),
    Integer(),
    Integer(1, 10),
    Integer(-5, -1),
    Integer(100),
    Integer(maximum=-3, decimal_mark="."),
    Integer(0, 10**20),
    Integer(1, 99) & Length(1, 2),
    Integer(1, 100).where(is_even, "Please send an even number, such as 4.", example="4"),
    DecimalNumber(),
    DecimalNumber("0.5", "99.5"),
    DecimalNumber(1, 10**6, decimals=3, decimal_mark=","),
    Amount(USD),
    Amount((USD, CAD, XAU)),
    Amount((USD, CAD), "USD", minimum=5, maximum=Decimal("500.50")),
    Amount(("EUR", Denomination("JPY", 0, "¥")), decimal_mark=","),
    Choice(("small", "large")),
    Choice(Size),
    Choice({"one": 1, "a": 1, "two": 2}),
    YesNo(),
    YesNo(("oui", "o"), ("non", "n")),
    Date("dmy"),
    Date("mdy", date(2026, 1, 20), date(2026, 12, 31)),
    Date("dmy", maximum=lambda: date(2026, 3, 1), today=lambda: date(2026, 2, 1)),
    Date("dmy").where(lambda day: day.weekday() < 5, example="2026-03-24"),
    Time(),
    Time(time(8), time(17, 30)),
    DateTime("dmy"),
    DateTime("mdy", BERLIN),
    DateTime("dmy", BERLIN, minimum=datetime(2026, 1, 1, tzinfo=timezone.utc)),
    DateTime("dmy", minimum=datetime(2026, 1, 1), maximum=datetime(2026, 1, 2)),
    PhoneNumber(),
    PhoneNumber("ZW"),
    PhoneNumber("US"),
    EmailAddress(),
)


def named(validator: Validator[Any]) -> str:
    return validator.__name__
