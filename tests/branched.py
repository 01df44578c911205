"""Flows with branches, flows within flows, and flows that come in between: for tests that talk with them.

What they ask is made so that each way through them can be told by what is said. Nothing here asserts.
"""

from __future__ import annotations

from decimal import Decimal

from fsmflow import Flow, Option, Step, StepType
from fsmflow.errors import Refused
from fsmflow.step import Route, SubFlow
from fsmflow.transcript import Transcript
from tests.talking import SECRET

YES_NO = (Option("yes", "Yes"), Option("no", "No"))


def text(step_id: str, **named: object) -> Step:
    """A TEXT step that asks for its own id."""
    return Step(id=step_id, type=StepType.TEXT, message=f"{step_id}?", **named)  # type: ignore[arg-type] # named as `Step` names them


def choice(step_id: str, *options: Option, **named: object) -> Step:
    """A BUTTON step that asks for its own id; yes or no where no options are given."""
    return Step(step_id, StepType.BUTTON, f"{step_id}?", options=options or YES_NO, **named)  # type: ignore[arg-type] # named as `Step` names them


class Parcel(Flow):
    """Branches: by how many there are, by what is known already, by an option of its own."""

    flow_type = "parcel"
    keywords: tuple[str, ...] = ("parcel",)

    def is_many(self, value: Decimal) -> bool:
        return value > 10

    def is_none(self, value: Decimal) -> bool:
        return value == 0

    def is_light(self) -> bool:
        return bool(self.data["count"] < 3)

    def parse(self, value: str) -> Decimal:
        return Decimal(value)

    steps = (
        text("count", transformer=parse, routes=(Route("why", is_many), Route("cancelled", is_none), Route("weight"))),
        text("why", routes=(Route("pay"),)),
        text("weight", skip_when=is_light),
        text("note", skip_when=is_light, optional=True),
        choice("pay", Option("now", "Now"), Option("later", "Later", to="sure"), Option("never", "Never", to="failed")),
        text("card"),
        choice("sure"),
    )

    def complete(self) -> str:
        return "Sent: " + ", ".join(self.data)


class Address(Flow):
    """Two questions, the second of which may be left out."""

    flow_type = "address"

    def real(self, value: str) -> bool:
        if value == "nowhere":
            raise Refused("There is no such street.")
        return value != "x"

    steps = (text("street", validator=real), text("town", optional=True))


class Order(Flow):
    """A flow within it, between two questions of its own."""

    flow_type = "order"
    keywords: tuple[str, ...] = ("order",)
    steps = (text("amount"), SubFlow("address", Address), choice("sure"))

    def complete(self) -> str:
        return f"Sent to {self.data['address']}."


class Card(Flow):
    """A sensitive question, one with a limit, and every way to end."""

    flow_type = "card"

    def four(self, value: str) -> bool:
        if len(value) != 4:
            raise Refused(f"{value} has not four digits.")
        return True

    steps = (
        text("pin", sensitive=True),
        text("code", validator=four, max_attempts=3, on_exhausted="handover"),
        choice(
            "keep",
            *YES_NO,
            Option("leave", "Leave", to="cancelled"),
            Option("break", "Break", to="failed"),
            Option("stop", "Stop", to="expired"),
            Option("person", "Person", to="handover"),
        ),
    )


class Wallet(Flow):
    """The middle one of three."""

    flow_type = "wallet"
    steps = (text("owner"), SubFlow("card", Card), text("label", optional=True))


class Account(Flow):
    """Three deep."""

    flow_type = "account"
    keywords: tuple[str, ...] = ("account",)
    steps = (SubFlow("wallet", Wallet), choice("sure"))

    def complete(self) -> str:
        return f"Opened for {self.data['wallet']['owner']}."

    def handed_over(self, transcript: Transcript) -> str:
        return f"A person reads {dict(transcript.answers)} and {transcript.refused}."


class Register(Flow):
    """What comes in between: a text, and a choice."""

    flow_type = "register"
    keywords: tuple[str, ...] = ("register",)
    steps = (text("name"), choice("really", Option("leave", "Of course"), Option("no", "Never", to="cancelled")))

    def complete(self) -> str:
        return f"Welcome {self.data['name']}."


PIN = SECRET
