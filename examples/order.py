"""An order: what, how many, delivered or collected, where to, and is all of that right.

It shows what a conversation needs that does not go straight on:

- a list that lives: what is in stock at this moment, in sections, in pages where a channel shows ten rows at once;
- a branch (``routes``): a large order is asked about; and a question that is left out (``skip_when``): who collects
  has no need to say where they live;
- an end of patience (``max_attempts``): who cannot say how many is handed over to a person, with what was answered;
- a flow within the flow (`SubFlow`): the address, with its own questions, and ``back`` across the border;
- words for each channel (`PerChannel`), a reminder and a timeout of its own, at the question that people ponder;
- a way back by an option: "Change it" asks how many once more, and what was answered after that is kept.

Try it in a terminal; send "help" or "back" anywhere::

    fsmflow chat examples/order.py
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import ClassVar, Literal

from attrs import frozen

from examples.address import Address, AddressFlow
from fsmflow import (
    Buttons,
    Flow,
    ListMenu,
    Option,
    PerChannel,
    Route,
    Section,
    Step,
    StepType,
    SubFlow,
    Text,
    Transcript,
    templates,
)
from fsmflow.validators import Integer, Length

LARGE = 20  # pieces; for more the bakery must know when


@frozen
class Product:
    """Something that is sold.

    Args:
        id: The shop's own id of it.
        shelf: Where it stands.
        name: What it is called.
        price: In US dollars.
    """

    id: str
    shelf: str
    name: str
    price: Decimal


# What the shop sells, shelf by shelf. An application would ask the shop.
PRODUCTS = {
    each.id: each
    for each in (
        Product("b1", "Bread", "White bread", Decimal("1.20")),
        Product("b2", "Bread", "Brown bread", Decimal("1.40")),
        Product("b3", "Bread", "Sugar bread", Decimal("1.30")),
        Product("b4", "Bread", "Tea bread", Decimal("1.50")),
        Product("p1", "Pastry", "Meat pie", Decimal("1.80")),
        Product("p2", "Pastry", "Fish pie", Decimal("1.70")),
        Product("p3", "Pastry", "Spring roll", Decimal("0.60")),
        Product("p4", "Pastry", "Doughnut", Decimal("0.50")),
        Product("p5", "Pastry", "Chin chin", Decimal("0.90")),
        Product("c1", "Cake", "Butter cake", Decimal("12.00")),
        Product("c2", "Cake", "Chocolate cake", Decimal("14.50")),
        Product("c3", "Cake", "Wedding cake", Decimal("95.00")),
    )
}


@frozen
class OrderData:
    """What is collected of an order.

    A member may change their mind by "Change it", so an occasion and an address may be here that count no more: what
    does count is in the properties.

    Args:
        product: What is ordered, by its id.
        count: How many.
        handing: How it comes to the member.
        confirm: What was said to the whole.
        occasion: What it is for; asked of a large order.
        address: Where the member lives; asked where it is delivered.
    """

    product: str
    count: int
    handing: Literal["deliver", "collect"]
    confirm: str = ""
    occasion: str | None = None
    address: Address | None = None

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The order, for the eye."""
        lines = [("What", f"{self.count} x {PRODUCTS[self.product].name}"), ("Total", f"USD {self.total}")]
        if self.count > LARGE and self.occasion is not None:
            lines.append(("For", self.occasion))
        return [*lines, ("Where", self.delivered_to.in_one_line if self.delivered_to else "at the shop")]

    @property
    def total(self) -> Decimal:
        """What it costs, in US dollars."""
        return PRODUCTS[self.product].price * self.count

    @property
    def delivered_to(self) -> Address | None:
        """Where it is delivered to; None if it is collected."""
        return self.address if self.handing == "deliver" else None


class OrderFlow(Flow[OrderData]):
    """A member orders from a bakery."""

    flow_type = "order"
    keywords = ("order", "buy")
    sold_out: ClassVar[set[str]] = set()  # at this moment, by id

    def products(self) -> list[Section]:
        in_stock = (each for each in PRODUCTS.values() if each.id not in self.sold_out)
        return [
            Section(shelf, tuple(Option(each.id, each.name, f"USD {each.price}") for each in products))
            for shelf, products in groupby(in_stock, key=lambda each: each.shelf)
        ]

    def count_prompt(self) -> str:
        return f"How many of {PRODUCTS[self.data.product].name}?"

    def is_large(self, value: int) -> bool:
        return value > LARGE

    def is_collected(self) -> bool:
        return self.data.handing == "collect"

    def confirmation(self) -> Buttons:
        return templates.confirmation(self, "Your order", self.data.lines, question="Is this right?")

    def complete(self) -> Text:
        return templates.receipt(self, "Thank you for your order", self.data.lines)

    def handed_over(self, transcript: Transcript) -> str:
        name = PRODUCTS[transcript.answers["product"]].name
        return f"Somebody from the bakery will write to you here about your order of {name}."

    steps = (
        Step(
            id="product",
            type=StepType.LIST,
            message=ListMenu("What would you like?", "Show what there is"),
            options=products,
            when_empty="cancelled",
            empty_message="Everything is sold out today. Please come back tomorrow.",
        ),
        Step(
            id="count",
            type=StepType.TEXT,
            message=count_prompt,
            validator=Integer(1, 500, example="3"),
            examples=("3", "60"),
            max_attempts=3,
            on_exhausted="handover",
            routes=(Route("occasion", when=is_large), Route("handing")),
        ),
        Step(
            id="occasion",
            type=StepType.TEXT,
            message="That is a lot! What is it for, and for which day?",
            validator=Length(3, 100, example="a wedding on Saturday"),
        ),
        Step(
            id="handing",
            type=StepType.BUTTON,
            message=PerChannel(
                "Shall we deliver it, or do you collect it?",
                whatsapp=Buttons("Shall we deliver it?", footer="The shop is open until 8 in the evening."),
            ),
            options=(Option("deliver", "Deliver it"), Option("collect", "I collect it")),
            reminder=timedelta(minutes=5),
            timeout=timedelta(hours=1),
        ),
        SubFlow("address", AddressFlow, skip_when=is_collected),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=(
                Option("confirm", "Order it"),
                Option("change", "Change it", to="count"),
                Option("leave", "Leave it", to="cancelled"),
            ),
        ),
    )


flows = [OrderFlow]
