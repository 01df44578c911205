"""The conversation of `aiogram_bot` as a flow, and what both are told."""

from __future__ import annotations

from decimal import Decimal

from fsmflow import Flow, Option, Step, StepType

SAID = ("offer", "12", "ama", "Confirm")
"""What a member says: the words that start it, and the answers to three questions."""


class OfferFlow(Flow):
    """An amount, which is looked at and turned into a number; a handle; a confirmation with two buttons."""

    flow_type = "offer"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    def confirmation(self) -> str:
        return f"Offer {self.data['amount']} to {self.data['handle']}?"

    def complete(self) -> str:
        return f"The offer of {self.data['amount']} is made."

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message="How much?",
            validator=valid_amount,
            transformer=parse_amount,
            refusal="An amount has digits only.",
        ),
        Step(id="handle", type=StepType.TEXT, message="To which handle?"),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=(Option("confirm", "Confirm"), Option("decline", "Decline", to="cancelled")),
        ),
    )
