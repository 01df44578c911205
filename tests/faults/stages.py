"""The flows with actions that are tried, and a conversation through each that comes to its payments.

Of the offer there are three: as the example has it, and with each of the two ways alone by which its service lets it
be taken over. What no example has has a flow of its own: an action within another flow and two in a row, and a service
that knows no repetition.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import frozen

from examples.credex import flows as credex_flows
from examples.offer import OfferFlow
from examples.services.faults import Unavailable
from examples.services.offers import Receipt, Services
from fsmflow import Action, Done, Flow, NotDone, Option, Retry, Step, StepType, SubFlow


@frozen
class Tap:
    """A tap on the button of a title, or on the row of one."""

    title: str


@frozen
class Stage:
    """A conversation that comes to payments.

    Args:
        name: What it is called.
        conversation: What the member says, one message each.
        payments: How many there are.
    """

    name: str
    conversation: tuple[str | Tap, ...]
    payments: int

    @property
    def paying(self) -> int:
        """The place of the first message that leads to an action."""
        return next(place for place, said in enumerate(self.conversation) if said in (Tap("Confirm"), Tap("Yes")))


QUESTIONS = tuple(step for step in OfferFlow.steps if not isinstance(step, Action))


class Paying(OfferFlow):
    """What the actions below do."""

    flow_type = "paying"
    keywords: tuple[str, ...] = ()  # type: ignore[assignment]  # another number of them than the offer's one

    def pays(self) -> Any:
        amount = str(self.data.get("amount", "USD 1"))
        again = self.effect_attempt > 1
        return self.services.offers.make(self.effect_id, by=self.member_id, amount=amount, to="kofi", again=again)

    def asks(self) -> Any:
        return self.services.offers.came_of(self.effect_id)

    steps: tuple[Step, ...] = QUESTIONS  # type: ignore[assignment]  # as above


class Asked(Paying):
    """An offer of which a worker that takes over asks what came of it."""

    flow_type = "asked"
    keywords = ("asked",)
    steps = (*QUESTIONS, Action("make", Paying.pays, reconcile=Paying.asks, returns=Receipt))


class Repeated(Paying):
    """An offer that a worker that takes over makes again, under the same id."""

    flow_type = "repeated"
    keywords = ("repeated",)
    steps = (*QUESTIONS, Action("make", Paying.pays, idempotent=True, returns=Receipt))


class Fare(Paying):
    """A payment and its questions, to stand within another flow."""

    flow_type = "fare"
    keywords = ()
    steps = (*QUESTIONS, Action("make", Paying.pays, reconcile=Paying.asks, returns=Receipt))


class Trip(Paying):
    """A payment within another flow, and two in a row behind it."""

    flow_type = "trip"
    keywords = ("trip",)
    steps = (
        Step(id="where", type=StepType.TEXT, message="Where to?"),
        SubFlow("fare", Fare),
        Action("fee", Paying.pays, idempotent=True, returns=Receipt),
        Action(
            "tip",
            Paying.pays,
            reconcile=Paying.asks,
            retry=Retry(on=Unavailable, attempts=2, wait=timedelta(milliseconds=10)),
            returns=Receipt,
        ),
        Step(
            id="seat",
            type=StepType.BUTTON,
            message="Which seat?",
            options=(Option("a", "Aisle"), Option("w", "Window")),
        ),
    )

    def complete(self) -> str:  # type: ignore[override]  # words alone
        return f"On your way: {self.data['fee'].reference}, {self.data['tip'].reference}."


@frozen
class ServicesAndTill(Services):
    """The services of the examples, and one that has no example.

    Args:
        till: It pays whatever it paid before, and can be asked.
    """

    till: Any


class AtTill(Paying):
    """A payment by a service that knows no repetition: nothing but the protocol keeps it from paying twice."""

    flow_type = "till"
    keywords = ("till",)

    def pays_at_till(self) -> Any:
        return Done(Receipt(self.services.till.pay(self.member_id, str(self.effect_id))))

    def asks_at_till(self) -> Any:
        reference = self.services.till.paid(str(self.effect_id))
        return NotDone() if reference is None else Done(Receipt(reference))

    services: ServicesAndTill
    steps = (*QUESTIONS, Action("make", pays_at_till, reconcile=asks_at_till, returns=Receipt))


FLOWS: dict[str, type[Flow[Any]]] = {
    **{each.flow_type: each for each in (OfferFlow, Asked, Repeated, Trip, AtTill)},
    **credex_flows,
}

_OFFERING = ("USD 5", "kofi", Tap("Confirm"))
OFFER = Stage("offer", ("offer", *_OFFERING), 1)
ASKED = Stage("asked", ("asked", *_OFFERING), 1)
REPEATED = Stage("repeated", ("repeated", *_OFFERING), 1)
TRIP = Stage("trip", ("trip", "Kumasi", *_OFFERING, Tap("Aisle")), 3)
CREDEX_OFFER = Stage("credex-offer", ("credex offer", "USD 5", "kofi", Tap("Yes")), 1)
CREDEX_ACCEPT = Stage("credex-accept", ("credex accept", Tap("USD 100"), Tap("Yes")), 1)
TILL = Stage("till", ("till", *_OFFERING), 1)

STAGES = (OFFER, ASKED, REPEATED, TRIP, TILL, CREDEX_OFFER, CREDEX_ACCEPT)
