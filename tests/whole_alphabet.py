"""A flow that uses every trigger there is at once, and what it holds: for tests of all that reads machines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fsmflow import Flow, Option, Route, Step, StepType, SubFlow

SHOPS = tuple(Option(f"shop{number}", f"Shop {number}") for number in range(1, 26))
"""More than any channel shows at once."""


def shops() -> tuple[Option, ...]:
    """What is open now."""
    return SHOPS


class Pickup(Flow):
    """Where something is fetched: one of many shops, or whatever the member describes."""

    flow_type = "pickup"

    def is_far(self, value: Any) -> bool:
        return bool(value == "shop9")

    steps = (
        Step(
            id="shop",
            type=StepType.LIST,
            message="Which shop?",
            options=shops,
            examples=("shop1", "shop9"),
            routes=(Route("completed", when=is_far),),
            when_empty="where",
            empty_message="No shop is open.",
            max_attempts=2,
            on_exhausted="handover",
        ),
        Step(id="when", type=StepType.TEXT, message="When?", optional=True, timeout=timedelta(hours=1)),
        Step(
            id="branch",
            type=StepType.LIST,
            message="Which counter?",
            options=shops,
            examples="shop2",
            when_empty="cancelled",
        ),
        Step(id="where", type=StepType.TEXT, message="Where else?", examples="At the market"),
    )


class Whole(Flow):
    """An errand with everything in it."""

    flow_type = "whole"
    keywords = ("whole",)

    def is_amount(self, value: str) -> bool:
        return value.isdigit()

    def is_large(self, value: str) -> bool:
        return int(value) > 100

    def is_single(self) -> bool:
        return bool(self.data["amount"] == "1")

    def was_described(self, value: dict[str, Any]) -> bool:
        return "where" in value

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message="How many?",
            validator=is_amount,
            examples=("5", "1", "500"),
            counterexamples="none",
            routes=Route("sure", when=is_large),
            max_attempts=3,
            on_exhausted="failed",
        ),
        Step(
            id="kind",
            type=StepType.LIST,
            message="Of which kind?",
            options=shops,
            examples="shop3",
            when_empty="note",
            max_attempts=2,
            on_exhausted="note",
        ),
        SubFlow("pickup", Pickup, routes=(Route("sure", when=was_described),)),
        Step(id="note", type=StepType.TEXT, message="A note?", skip_when=is_single, optional=True, reminder=None),
        Step(
            id="sure",
            type=StepType.BUTTON,
            message="Sure?",
            options=(
                Option("yes", "Yes"),
                Option("again", "Again", to="amount"),
                Option("person", "A person, please", to="handover"),
            ),
        ),
    )


FLOWS = (Pickup, Whole)
