"""A flow of ready validators, with answers as members type them and what is kept of those."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from fsmflow import Flow, Step, StepType
from fsmflow.validators import Amount, Choice, Date, Integer, Length, Letters, Money, PhoneNumber, YesNo
from tests.validators.ready import USD, Size

AGE = Integer(18, 120)


class BookingFlow(Flow):
    """Every step is checked by a ready validator, and none names an answer."""

    flow_type = "booking"

    def valid_age(self, value: str) -> bool:
        return AGE(value)

    steps = (
        Step(id="name", type=StepType.TEXT, message="Your name?", validator=Letters() & Length(2, 40)),
        Step(id="nights", type=StepType.TEXT, message="How many nights?", validator=Integer(1, 30)),
        Step(id="day", type=StepType.TEXT, message="From when?", validator=Date("dmy", date(2026, 1, 1))),
        Step(id="deposit", type=StepType.TEXT, message="How much do you pay now?", validator=Amount(USD)),
        Step(id="phone", type=StepType.TEXT, message="Your number?", validator=PhoneNumber("ZW"), sensitive=True),
        Step(id="room", type=StepType.TEXT, message="Which room?", validator=Choice(Size)),
        Step(id="breakfast", type=StepType.TEXT, message="Breakfast?", validator=YesNo(), refusal="Say yes or no."),
        Step(id="age", type=StepType.TEXT, message="Your age?", validator=valid_age, transformer=AGE.transformer,
             examples="30", counterexamples="17"),
    )  # fmt: skip


ANSWERS = ("Jose\u0301 K.", "٣", "24/03/2026", "$99.50", "077 123 4567", "Very large", "Yes!", "30")
KEPT = {
    "name": "José K.",
    "nights": 3,
    "day": date(2026, 3, 24),
    "deposit": Money(Decimal("99.50"), "USD"),
    "phone": "+263771234567",
    "room": Size.VERY_LARGE,
    "breakfast": True,
    "age": 30,
}
