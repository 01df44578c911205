"""Typed flows for tests: one that has an answer of each kind, and what its members say. It asserts nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum

from attrs import field, frozen

from fsmflow import Flow, Option, Step, StepType
from tests.talking import SECRET


class Way(Enum):
    CASH = "cash"
    CARD = "card"


@frozen
class Sum:
    amount: Decimal
    currency: str


@frozen
class Payment:
    """What is collected of a payment."""

    total: Sum
    parts: list[int]
    payer: str
    way: Way
    due: date
    pin: str = field(repr=False)
    share: float = 0.5
    reference: str = "none"

    @property
    def each(self) -> Decimal:
        """What one part comes to."""
        return self.total.amount / len(self.parts)


class PaymentFlow(Flow[Payment]):
    """Asks for a payment."""

    flow_type = "pay"

    def parse_total(self, value: str) -> Sum:
        amount, _, currency = value.partition(" ")
        return Sum(Decimal(amount), currency)

    def parse_parts(self, value: str):  # type: ignore[no-untyped-def] # what it returns is the field's to say
        return [int(each) for each in value.split(",")]

    def parse_due(self, value: str) -> date:
        return date.fromisoformat(value)

    def payer_prompt(self) -> str:
        return f"Who pays {self.data.each} {self.data.total.currency} each?"

    def confirmation(self) -> str:
        return f"{self.data.payer} pays {self.data.total.amount} by {self.data.way.value} on {self.data.due}?"

    steps = (
        Step(id="total", type=StepType.TEXT, message="How much?", transformer=parse_total),
        Step(id="parts", type=StepType.TEXT, message="In which parts?", transformer=parse_parts),
        Step(id="payer", type=StepType.TEXT, message=payer_prompt),
        Step(
            id="way",
            type=StepType.BUTTON,
            message="How?",
            transformer=Way,
            options=(Option("cash", "In cash"), Option("card", "By card")),
        ),
        Step(id="due", type=StepType.TEXT, message="When?", transformer=parse_due),
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=(Option("yes", "Yes"), Option("no", "No", to="cancelled")),
        ),
    )

    def complete(self) -> str:
        return f"{self.data.payer} pays {self.data.total.amount}."


ANSWERS = {
    "total": "12.50 USD",
    "parts": "1,2",
    "payer": "ann",
    "way": "In cash",
    "due": "2030-02-01",
    "pin": SECRET,
    "confirm": "Yes",
}
PAID = Payment(Sum(Decimal("12.50"), "USD"), [1, 2], "ann", Way.CASH, date(2030, 2, 1), SECRET)


def until(step_id: str) -> PaymentFlow:
    """A flow that asks for a step, all those before it answered."""
    flow = PaymentFlow(member_id="ann")
    for answered, said in ANSWERS.items():
        if answered == step_id:
            break
        flow.process_input(said)
    return flow
