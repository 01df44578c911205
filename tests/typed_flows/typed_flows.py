"""What a type checker sees of typed and untyped flows. It is not run: mypy reads it with the rest of the tests.

Each ``assert_type`` must hold; and each ``type: ignore`` must be needed, as strict mypy complains of one that is not:
that is how a line is tested which must be wrong.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any, Generic, TypeVar

from attrs import frozen
from typing_extensions import assert_type

from fsmflow import AsyncFlowRunner, Flow, FlowRunner, FlowStateManager, Inbound, Step, StepType
from fsmflow.diagrams import mermaid
from fsmflow.testing import Chat, paths_of, transitions_of

ValueT = TypeVar("ValueT")


@frozen
class OfferData:
    amount: Decimal
    handle: str
    note: str | None = None


@frozen
class Pair(Generic[ValueT]):
    amount: ValueT
    handle: str = ""


@dataclasses.dataclass
class Noted:
    amount: Decimal


class OfferFlow(Flow[OfferData]):
    flow_type = "offer"

    def parse_amount(self, value: str) -> Decimal:
        assert_type(self.data, OfferData)
        return Decimal(value)

    def handle_prompt(self) -> str:
        assert_type(self.data.amount, Decimal)
        assert_type(self.data.note, "str | None")
        str(self.data.ammount)  # type: ignore[attr-defined] # a misspelt field
        str(self.data["amount"])  # type: ignore[index] # it is no dict
        self.data.amount = Decimal(1)  # type: ignore[misc] # it is frozen
        wrong: str = self.data.amount  # type: ignore[assignment] # a Decimal
        return wrong

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", transformer=parse_amount),
        Step(id="handle", type=StepType.TEXT, message=handle_prompt),
    )

    def complete(self) -> str:
        assert_type(self.data, OfferData)
        return self.data.handle.upper()


class LaterOffer(OfferFlow):
    flow_type = "later"

    def complete(self) -> str:
        assert_type(self.data, OfferData)
        return ""


class PairFlow(Flow[Pair[int]]):
    def complete(self) -> str:
        assert_type(self.data.amount, int)
        return ""


class AnyPair(Flow[Pair[ValueT]], Generic[ValueT]):
    def complete(self) -> str:
        assert_type(self.data, Pair[ValueT])
        return ""


class DatePair(AnyPair[Decimal]):
    def complete(self) -> str:
        assert_type(self.data.amount, Decimal)
        return ""


class NotedFlow(Flow[Noted]):
    def complete(self) -> str:
        assert_type(self.data.amount, Decimal)
        return ""


class Untyped(Flow):
    flow_type = "untyped"
    steps = (Step(id="amount", type=StepType.TEXT, message="How much?"),)

    def complete(self) -> str:
        assert_type(self.data, dict[str, Any])
        str(self.data.amount)  # type: ignore[attr-defined] # it is a dict
        return f"{self.data['amount']}"


class SeedForm(Flow):
    def __init__(self, flow_type: str, state: dict[str, Any]) -> None:
        steps = [Step(id="amount", type=StepType.TEXT, message=self.words)]
        super().__init__(f"{flow_type}_{state['member_id']}", steps)

    def words(self) -> str:
        assert_type(self.data, dict[str, Any])
        return ""


def every_face_takes_both_forms(manager: FlowStateManager, inbound: Inbound) -> None:
    runner = FlowRunner(manager, flows=[OfferFlow, Untyped, LaterOffer], default=OfferFlow)
    FlowRunner(manager, flows={"offer": OfferFlow, "seed": SeedForm})
    Chat(OfferFlow)
    Chat([OfferFlow, Untyped]).start(OfferFlow)
    mermaid(OfferFlow)
    mermaid(OfferFlow())
    paths_of(OfferFlow)
    for case in transitions_of(OfferFlow):
        assert_type(case.start(), Flow[Any])
    reply = runner.handle(inbound)
    if isinstance(reply.data, OfferData):
        assert_type(reply.data.amount, Decimal)


def what_is_looked_up_can_be_told_apart(runner: FlowRunner) -> None:
    found = runner.flow_of("ann")
    assert_type(found, "Flow[Any] | None")
    if isinstance(found, OfferFlow):
        assert_type(found.data, OfferData)
    elif isinstance(found, Untyped):
        assert_type(found.data, dict[str, Any])


async def as_it_can_when_it_is_awaited(runner: AsyncFlowRunner) -> None:
    found = await runner.flow_of("ann")
    assert_type(found, "Flow[Any] | None")
    if isinstance(found, OfferFlow):
        assert_type(found.data, OfferData)


def takes_any_flow(flow: Flow[Any]) -> None:
    flow.back()
    takes_any_flow(OfferFlow())
    takes_any_flow(Untyped())


def takes_an_untyped_flow(flow: Flow) -> None:
    assert_type(flow.data, dict[str, Any])
    takes_an_untyped_flow(Untyped())
    takes_an_untyped_flow(OfferFlow())  # type: ignore[arg-type] # its data is no dict
