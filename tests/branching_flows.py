"""Flows that use all of the alphabet: routes, skipped and optional steps, attempts that end, flows within flows."""

from __future__ import annotations

from typing import Any

from fsmflow import Flow, Option, Route, Step, StepType, SubFlow


class Country(Flow):
    """A flow within a flow within a flow."""

    flow_type = "country"
    steps = (
        Step(
            id="country",
            type=StepType.BUTTON,
            message="Which country?",
            options=(Option("zw", "Zimbabwe"), Option("za", "South Africa"), Option("none", "None", to="cancelled")),
        ),
    )


class Address(Flow):
    """Where something goes; whoever cannot say it is handed over."""

    flow_type = "address"

    def is_remote(self, value: Any) -> bool:
        return bool(value == {"country": "za"})

    steps = (
        Step(
            id="street",
            type=StepType.TEXT,
            message="Which street?",
            validator=lambda value: not value.isdigit(),
            examples=("Main Road", "Park Lane"),
            counterexamples=("12",),
            max_attempts=2,
            on_exhausted="handover",
        ),
        SubFlow("country", Country, routes=(Route("depot", when=is_remote),)),
        Step(id="town", type=StepType.TEXT, message="Which town?", optional=True, examples="Harare"),
        Step(id="depot", type=StepType.TEXT, message="Which depot?", examples=("North", "South")),
    )


class Order(Flow):
    """An order: small ones are quick, large ones are asked about, and some are fetched."""

    flow_type = "order"
    keywords = ("order",)

    def is_amount(self, value: str) -> bool:
        return value.isdigit() and int(value) > 0

    def as_number(self, value: str) -> int:
        return int(value)

    def is_large(self, value: int) -> bool:
        return value > 100

    def is_gift(self, value: str) -> bool:
        return "gift" in value

    def is_single(self) -> bool:
        return bool(self.data["amount"] == 1)

    def goes_south(self, value: dict[str, Any]) -> bool:
        return value.get("depot") == "South"

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message="How many?",
            validator=is_amount,
            transformer=as_number,
            examples=("5", "1", "500"),
            counterexamples="none",
            routes=(Route("why", when=is_large), Route("how")),
        ),
        Step(
            id="why",
            type=StepType.TEXT,
            message="Why so many?",
            validator=lambda value: len(value) > 3,
            examples=("a party", "a gift"),
            counterexamples="so",
            optional=True,
            max_attempts=3,
            on_exhausted="failed",
            routes=Route("note", when=is_gift),
        ),
        Step(
            id="how",
            type=StepType.BUTTON,
            message="How does it come to you?",
            options=(
                Option("send", "Send it"),
                Option("fetch", "I fetch it", to="note"),
                Option("no", "Not at all", to="cancelled"),
            ),
            max_attempts=1,
            on_exhausted="note",
        ),
        SubFlow("address", Address, routes=(Route("confirm", when=goes_south),)),
        Step(id="note", type=StepType.TEXT, message="A note?", examples="Thanks", skip_when=is_single),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message="Shall we?",
            options=(Option("yes", "Yes"), Option("again", "Again", to="amount")),
        ),
    )


class Name(Flow):
    """Two questions, of which nothing has a predicate."""

    flow_type = "name"
    steps = (
        Step(
            id="first",
            type=StepType.TEXT,
            message="First name?",
            validator=str.isalpha,
            examples="Ama",
            counterexamples="7",
            max_attempts=2,
            on_exhausted="failed",
        ),
        Step(id="last", type=StepType.TEXT, message="Last name?", examples="Boateng", sensitive=True),
    )


class Posted(Flow):
    """Begins with a flow; nothing has a predicate."""

    flow_type = "posted"
    steps = (
        SubFlow("country", Country),
        Step(id="street", type=StepType.TEXT, message="Which street?", optional=True),
        SubFlow("other", Country),
        SubFlow("name", Name),
        Step(
            id="sure",
            type=StepType.BUTTON,
            message="Sure?",
            options=(Option("yes", "Yes"), Option("no", "No", to="other")),
        ),
    )


FLOWS = (Country, Address, Order, Name, Posted)
