"""Members who talk to a runner, again and again from the same question: what the benchmarks of a turn measure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any

from attrs import field, frozen
from redis import Redis

from fsmflow import Channel, Flow, FlowRunner, FlowStateManager, Inbound, Option, Reply, Step, StepType

CHANNEL = "console"


class AmountFlow(Flow):
    """A validated and transformed answer, and a confirmation."""

    flow_type = "amount"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=valid_amount, transformer=parse_amount),
        Step(id="confirm", type=StepType.BUTTON, message="Sure?", options=(Option("yes", "Yes"), Option("no", "No"))),
    )


@cache
def flow_of_length(length: int) -> type[Flow]:
    """A flow of so many questions, each like the first of `AmountFlow`."""
    questions = [
        Step(
            id=f"q{number}",
            type=StepType.TEXT,
            message="How much?",
            validator=AmountFlow.valid_amount,
            transformer=AmountFlow.parse_amount,
        )
        for number in range(length)
    ]
    own = {"valid_amount": AmountFlow.valid_amount, "parse_amount": AmountFlow.parse_amount}
    return type("LongFlow", (Flow,), {"flow_type": f"long{length}", "steps": tuple(questions), **own})


@frozen
class Talk:
    """A conversation that is brought back to where it was before each measured answer.

    Args:
        runner: Who answers.
        member: Whose conversation it is.
    """

    runner: FlowRunner
    member: str = "me"
    _numbers: Iterator[int] = field(factory=count, init=False)

    @classmethod
    def begun(
        cls, redis: Redis, prefix: str, flow: type[Flow] = AmountFlow, *, member: str = "me", **named: Any
    ) -> Talk:
        """A conversation at the first question of a flow.

        Args:
            redis: Where the state is.
            prefix: What the keys begin with.
            flow: Which flow.
            member: Whose conversation it is.
            named: What the manager takes besides.
        """
        talk = cls(FlowRunner(FlowStateManager(redis, prefix=prefix, **named), [flow]), member)
        talk.says(flow.flow_type)
        return talk

    @property
    def member_id(self) -> str:
        """The member's id."""
        return f"{CHANNEL}:{self.member}"

    @property
    def step(self) -> str | None:
        """The id of the step that is asked now, as it is stored."""
        stored = self.runner.manager.load(self.member_id).flow_data
        return None if stored is None else stored.step_id

    def message(self, text: str) -> Inbound:
        """A message that is not sent yet."""
        return Inbound(Channel(CHANNEL, self.member), f"m{next(self._numbers)}", text)

    def says(self, text: str) -> Reply:
        """Sends one message."""
        return self.runner.handle(self.message(text))

    def restarts(self) -> Reply:
        """Goes back to the first question."""
        return self.says("restart")

    def goes_back(self) -> Reply:
        """Goes back to the question before."""
        return self.says("back")

    def answers(self) -> Reply:
        """Answers a question for an amount."""
        return self.says("12")
