"""A bank that pays, and flows that have it pay: for tests of effects. It asserts nothing.

The bank keeps a ledger, so that a test can say how often somebody was paid, whatever the conversation says of it. What
is to happen at each call is put into its script: nothing hangs, and nothing sleeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis.exceptions import ConnectionError as ConnectionLost

from fsmflow import (
    Accepted,
    Action,
    Done,
    EffectRefused,
    Flow,
    NotDone,
    Option,
    Retry,
    Step,
    StepType,
    StillUnknown,
    SubFlow,
)
from tests.sides import before_each_command, gives_up_at_once
from tests.talking import Talk

PAYS, REFUSES, ACCEPTS = "pays", "refuses", "accepts"
FAILS, PAYS_AND_FAILS = "fails", "pays and fails"
PAYS_AND_DIES, DIES = "pays and dies", "dies"
REASON = "There is not enough money."


class Lost(Exception):
    """A call whose answer did not come."""


class Bank:
    """What payments are asked of.

    Args:
        script: What happens at each call, in order; it pays where nothing is said.
    """

    def __init__(self, *script: str | Callable[[], Any]) -> None:
        self.script = list(script)
        self.calls: list[str] = []
        self.paid: list[str] = []
        self.asked: list[str] = []
        self.found: list[Any] = []
        self.is_blind = False
        self.is_dead = False

    def pay(self, effect_id: str) -> Any:
        """Pays, or does what the script says."""
        self.calls.append(effect_id)
        wanted = self.script.pop(0) if self.script else PAYS
        if callable(wanted):
            return wanted()
        if wanted in (PAYS, PAYS_AND_FAILS, PAYS_AND_DIES):
            self.paid.append(effect_id)
        self.is_dead = wanted in (DIES, PAYS_AND_DIES)
        if wanted == REFUSES:
            raise EffectRefused(REASON)
        if wanted in (FAILS, PAYS_AND_FAILS):
            raise Lost
        return Accepted() if wanted == ACCEPTS else Done(f"receipt {len(self.paid)}")

    def pay_once(self, effect_id: str) -> Any:
        """As `pay`, but it knows a repetition by its id."""
        known = effect_id in self.paid
        came = self.pay(effect_id)
        if known:
            self.paid.remove(effect_id)
        return came

    def knows(self, effect_id: str) -> Any:
        """What came of a payment."""
        self.asked.append(effect_id)
        if self.found:
            return self.found.pop(0)
        if self.is_blind:
            return StillUnknown()
        return Done("receipt found") if effect_id in self.paid else NotDone()


class Pay(Flow):
    """Asks for an amount and for a confirmation, pays, and asks for a note. Nobody can say what came of a payment."""

    flow_type = "pay"

    def pays(self) -> Any:
        return self.services.pay(self.effect_id)

    def asks(self) -> Any:
        return self.services.knows(self.effect_id)

    def pays_once(self) -> Any:
        return self.services.pay_once(self.effect_id)

    def confirmation(self) -> str:
        return f"Pay {self.data['amount']}?"

    amount = Step(id="amount", type=StepType.TEXT, message="How much?")
    confirm = Step(
        id="confirm",
        type=StepType.BUTTON,
        message=confirmation,
        options=(Option("yes", "Yes"), Option("no", "No", to="cancelled")),
    )
    note = Step(id="note", type=StepType.TEXT, message="A note?")
    steps: tuple[Step, ...] = (amount, confirm, Action("payment", pays), note)

    def complete(self) -> str:
        return f"Paid: {self.data.get('payment')}."


class PayKnown(Pay):
    """The bank can be asked what came of a payment."""

    flow_type = "payknown"
    steps = (Pay.amount, Pay.confirm, Action("payment", Pay.pays, reconcile=Pay.asks), Pay.note)


class PayOnce(Pay):
    """The bank knows a repetition by its id."""

    flow_type = "payonce"
    steps = (Pay.amount, Pay.confirm, Action("payment", Pay.pays_once, idempotent=True), Pay.note)


class PayTwice(Pay):
    """Two payments in a row, the last thing that is done."""

    flow_type = "paytwice"
    steps = (Pay.amount, Action("payment", Pay.pays, reconcile=Pay.asks), Action("fee", Pay.pays, reconcile=Pay.asks))


class PayFirst(Pay):
    """A payment that comes before every question."""

    flow_type = "payfirst"
    steps = (Action("payment", Pay.pays, message="Paying the fee."), Pay.note)


class Payment(Pay):
    """A payment and its amount, to stand within another flow."""

    flow_type = "payment"
    steps = (Pay.amount, Action("payment", Pay.pays, reconcile=Pay.asks))


class Order(Pay):
    """A payment within: a question before it, a question after it."""

    flow_type = "order"
    steps = (
        Step(id="what", type=StepType.TEXT, message="What?"),
        SubFlow("paying", Payment),
        Step(id="where", type=StepType.TEXT, message="Where to?"),
    )

    def complete(self) -> str:
        return "Ordered."


class OrderNoted(Pay):
    """A payment within, and a question after it there."""

    flow_type = "ordernoted"
    steps = (Step(id="what", type=StepType.TEXT, message="What?"), SubFlow("paying", PayKnown))


class PayAtLast(Pay):
    """A payment that using up the attempts leads to, too."""

    flow_type = "payatlast"
    steps = (
        Step(
            id="how",
            type=StepType.BUTTON,
            message="How?",
            options=(Option("card", "By card"), Option("cash", "In cash")),
            max_attempts=2,
            on_exhausted="payment",
        ),
        Action("payment", Pay.pays),
        Pay.note,
    )


class PayAgain(Pay):
    """A payment that is tried three times before anybody is told."""

    flow_type = "payagain"
    steps = (Pay.amount, Action("payment", Pay.pays_once, retry=Retry(on=Lost), idempotent=True), Pay.note)


FLOWS = (Pay, PayKnown, PayOnce, PayTwice, PayFirst, Order, OrderNoted, PayAtLast, PayAgain)


def talk_to(redis: Any, prefix: str, bank: Bank, **named: Any) -> Talk:
    """A member who talks to a runner with that bank. Once that says that the worker is gone, Redis hears no more."""
    talk = Talk(redis, prefix, FLOWS, services=bank, **named)

    def look(_: tuple[Any, ...]) -> None:
        if bank.is_dead:
            raise ConnectionLost("the worker is gone")

    before_each_command(gives_up_at_once(talk.manager), look)
    return talk


def open_effect(talk: Talk) -> list[str]:
    """What the hash says of the effect that is open."""
    return talk.fields.get("pending", b"").decode().split()
