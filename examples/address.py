"""An address: three questions, the last of which may be left out. A flow by itself, and a step of another.

It shows ready validators, data that a type checker knows the type of, and a question that a member may skip. A member
who sends "address" tells theirs; an order (`examples/order.py`) has the same class for one of its steps.
"""

from __future__ import annotations

from attrs import frozen

from fsmflow import Flow, Step, StepType, Text, templates
from fsmflow.validators import Length, Letters


@frozen
class Address:
    """Where something goes.

    Args:
        street: With the number of the house.
        town: The town.
        hint: How to find the door, where it is hard to find.
    """

    street: str
    town: str
    hint: str | None = None

    @property
    def in_one_line(self) -> str:
        """The whole address."""
        return ", ".join(filter(None, (self.street, self.town, self.hint)))


class AddressFlow(Flow[Address]):
    """A member says where they live."""

    flow_type = "address"

    def complete(self) -> Text:
        return templates.receipt(self, "Thank you", [("Your address", self.data.in_one_line)])

    steps = (
        Step(
            id="street",
            type=StepType.TEXT,
            message="Which street, and which number?",
            validator=Length(3, 60, example="12 Ring Road"),
        ),
        Step(
            id="town",
            type=StepType.TEXT,
            message="And in which town?",
            validator=Letters(" -'.", example="Cape Coast") & Length(2, 40),
            examples=("Accra", "Cape Coast"),
            counterexamples=("4711",),
        ),
        Step(
            id="hint",
            type=StepType.TEXT,
            message="How do we find the door? Send skip if that is easy.",
            validator=Length(2, 60, example="Blue gate behind the mosque"),
            optional=True,
        ),
    )


flows = [AddressFlow]
