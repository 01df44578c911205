"""An offer: an amount, a handle, a confirmation. The flow to read first, and to copy from.

It shows a flow as a class with ``steps``: a validator that refuses in its own words (`Refused`), one that answers True
or False beside a ``refusal`` of its step, a transformer whose result is an attrs class, a button that leads elsewhere
(``to="cancelled"``), messages made by `fsmflow.templates`, and an `Action`, which makes the offer once it is confirmed.

Try it in a terminal, where ``services`` are what the action works with::

    fsmflow chat examples/offer.py

In service that is a ledger over HTTP (`examples.services.http_offers`). It knows a repetition by the effect id and can
be asked what came of one: ``idempotent`` and ``reconcile``. The calls of one attempt, three of at most three seconds,
fit into the ``timeout``.

What an amount may look like is decided here, and strictly, because money hangs on it: ``100``, ``USD 100`` or
``100 USD``, in any case, with a decimal point if need be. Refused are signs, exponents, digits of other scripts and
separators of thousands: "1,500" is one and a half to some members and fifteen hundred to others.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from enum import Enum

from attrs import frozen

from examples.services.faults import Unavailable
from examples.services.offers import CameOf, Made, OffersInMemory, Receipt, Services
from fsmflow import Action, Buttons, Flow, Option, Refused, Retry, Step, StepType, Text, templates

WHOLE_DIGITS = 9  # less than a billion of anything: a tenth digit is a slip of the finger
_AMOUNT = re.compile(
    r"(?:(?P<before>[a-z]{3}) +)?(?P<number>[0-9]+(?:\.[0-9]+)?)(?: +(?P<after>[a-z]{3}))?",
    re.ASCII | re.IGNORECASE,  # without ASCII a long s (U+017F) would be taken for an S
)
_HANDLE = re.compile(r"[a-z][a-z0-9_]{2,29}", re.ASCII | re.IGNORECASE)


class Denomination(Enum):
    """What an amount is counted in."""

    USD = "USD"
    ZWG = "ZWG"
    XAU = "XAU"
    CAD = "CAD"

    @property
    def decimals(self) -> int:
        """How many decimals an amount may have: cents, but for gold a ten-thousandth of an ounce."""
        return 4 if self is Denomination.XAU else 2


@frozen
class Money:
    """An amount of something.

    Args:
        amount: How much; more than zero.
        denomination: Of what.
    """

    amount: Decimal
    denomination: Denomination

    def __str__(self) -> str:
        return f"{self.denomination.value} {self.amount:f}"


def money_from(text: str) -> Money:
    """Reads an amount as a member types it.

    Args:
        text: ``100``, ``USD 100`` or ``100 USD``; without a denomination it is USD.

    Returns:
        The amount, its decimals as they were typed.

    Raises:
        Refused: It is none, and why.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None or (found["before"] and found["after"]):
        raise Refused("Please send an amount such as 100, USD 100 or 99.50 USD, without commas or signs.")
    name = (found["before"] or found["after"] or Denomination.USD.name).upper()
    if name not in Denomination.__members__:
        raise Refused(f"Please use one of {', '.join(Denomination.__members__)}.")
    denomination = Denomination[name]
    whole, _, decimals = found["number"].partition(".")
    if len(whole) > WHOLE_DIGITS:
        raise Refused(f"That is too much: please use at most {WHOLE_DIGITS} digits.")
    if len(decimals) > denomination.decimals:
        raise Refused(f"An amount in {name} has at most {denomination.decimals} decimals.")
    amount = Decimal(found["number"])
    if not amount:
        raise Refused("Please send an amount of more than zero.")
    return Money(amount, denomination)


def is_handle(text: str) -> bool:
    """True for 3 to 30 letters, digits and underscores of ASCII, the first of them a letter."""
    return _HANDLE.fullmatch(text) is not None


class OfferFlow(Flow):
    """A member offers credex to another member."""

    flow_type = "offer"
    keywords = ("offer",)
    services: Services

    def amount_prompt(self) -> Text:
        return templates.prompt(self, "How much do you offer?", examples=("100", "USD 100", "99.50 CAD"))

    def valid_amount(self, value: str) -> bool:
        money_from(value)  # refuses in its own words, which say more than a False
        return True

    def parse_amount(self, value: str) -> Money:
        return money_from(value)

    def valid_handle(self, value: str) -> bool:
        return is_handle(value)

    def confirmation(self) -> Buttons:
        return templates.confirmation(self, "Your offer", self.lines(), question="Is this right?")

    def make_offer(self) -> Made:
        amount, handle, again = str(self.data["amount"]), self.data["handle"], self.effect_attempt > 1
        return self.services.offers.make(self.effect_id, by=self.member_id, amount=amount, to=handle, again=again)

    def came_of_it(self) -> CameOf:
        return self.services.offers.came_of(self.effect_id)

    def complete(self) -> Text:
        return templates.receipt(self, "Offer made", [*self.lines(), ("Reference", self.data["make"].reference)])

    def lines(self) -> list[tuple[str, str]]:
        return [("Amount", str(self.data["amount"])), ("To", self.data["handle"])]

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message=amount_prompt,
            validator=valid_amount,
            transformer=parse_amount,
            examples=("USD 100", "100", "99.50 cad", "0.0001 XAU"),
            counterexamples=("a lot", "0", "-5", "1,500", "1e3", "EUR 100", "0.001"),
        ),
        Step(
            id="handle",
            type=StepType.TEXT,
            message="To which handle?",
            validator=valid_handle,
            refusal="A handle has 3 to 30 letters, digits and underscores, and begins with a letter.",
            examples=("ama_k", "Kofi2"),
            counterexamples=("ab", "2fast", "ama k"),
        ),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=(Option("confirm", "Confirm"), Option("decline", "Decline", to="cancelled")),
        ),
        Action(
            "make",
            make_offer,
            retry=Retry(on=Unavailable, attempts=3),
            timeout=timedelta(seconds=10),
            reconcile=came_of_it,
            idempotent=True,
            returns=Receipt,
            example=Receipt("CX-0001"),
        ),
    )


flows = [OfferFlow]
services = Services(offers=OffersInMemory())  # what `fsmflow chat` gives to its runner; kept while it runs
