"""What the tests of the store commit: one member, a small flow, and the script as a client would send it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import redis
from attrs import evolve

from fsmflow.audit import TRANSITION, AuditEntry
from fsmflow.codec import CODEC, dump_channel, dump_flow_data
from fsmflow.effects import Commit, Committed, Write
from fsmflow.flow import Flow
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Channel, Inbound, Option, Reply
from fsmflow.runner import FlowRunner
from fsmflow.state import FlowData, MemberState
from fsmflow.step import Step, StepType
from fsmflow.store import SCRIPT, Layout, read_committed
from fsmflow.trail import dump_entries
from tests import sides

MEMBER = "console:me"
CHANNEL = Channel("console", "me")
MOMENT = datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc)


class OfferFlow(Flow):
    """Asks for an amount, a handle and a confirmation."""

    flow_type = "offer"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    def parse_amount(self, value: str) -> Decimal:
        return Decimal(value)

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", validator=valid_amount, transformer=parse_amount),
        Step(id="handle", type=StepType.TEXT, message="To whom?"),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message="Sure?",
            options=(Option("yes", "Yes"), Option("no", "No", to="cancelled")),
        ),
    )


class LongFlow(Flow):
    """More questions than there are messages: every message is an answer."""

    flow_type = "long"
    steps = tuple(Step(id=f"s{number}", type=StepType.TEXT, message=f"Question {number}") for number in range(12))


def runner_on(manager: FlowStateManager, flow: type[Flow] = OfferFlow) -> FlowRunner:
    """A runner whose clock stands still, so that nothing expires."""
    return sides.runner_on(manager, [flow], clock=lambda: MOMENT)


def say(runner: FlowRunner, message_id: str, text: str) -> Reply:
    """One message of the member."""
    return runner.handle(Inbound(CHANNEL, message_id, text))


def words(reply: Reply) -> str:
    """What a reply says, whatever it looks like."""
    return "\n".join(str(getattr(message, "body", message)) for message in reply.messages)


def run_at(step_id: str, **answers: Any) -> FlowData:
    """A run of the offer, at a step."""
    return FlowData(f"offer_{MEMBER}", "offer", step_id, len(answers), data=answers, run_id="run", visit=len(answers))


def commit_on(
    state: MemberState,
    flow_data: FlowData | None = None,
    *,
    key: str = "",
    write: Write = Write.UPDATE,
    fields: Mapping[str, bytes] | None = None,
) -> Commit:
    """A commit of a run on a state, complete enough to be read back without a complaint."""
    step_id, flow_id = (None, None) if flow_data is None else (flow_data.step_id, flow_data.id)
    entry = AuditEntry(
        TRANSITION, "success", to_state=step_id, flow_id=flow_id, channel=CHANNEL, member_id=state.member_id
    )
    complete = {
        "member_id": state.member_id.encode(),
        "channel": dump_channel(CHANNEL),
        "codec": str(CODEC).encode(),
        "recent": key.encode(),
        "reply": b'[[],null,null,"idle"]',
        "sent_at": b"1",
        **({} if flow_data is None and state.raw else {"flow_data": dump_flow_data(flow_data)}),
        **({} if state.raw else {"previous": b"null"}),
        **(fields or {}),
    }
    return Commit(
        member_id=state.member_id,
        channel=CHANNEL,
        expected=state.raw.get("version", b""),
        fields=complete,
        write=write,
        message_key=key,
        entries=(entry,),
        record=dump_entries((entry,)),
        snapshot=b"" if flow_data is None else b"=",
        unreadable=state.unreadable,
    )


def send(client: redis.Redis, layout: Layout, commit: Commit, token: str) -> Committed:
    """Runs the script as the manager would, with a token of the test's choice."""
    answer: Any = client.eval(SCRIPT, 4, *layout.arguments(commit, token))
    return read_committed(commit, answer)


class FakeTime:
    """Stands for the time module of the manager: sleeping advances the clock and takes no time.

    Args:
        before_sleeping: What happens meanwhile.
    """

    def __init__(self, before_sleeping: Callable[[], None] = lambda: None) -> None:
        self.moment = 1000.0
        self.pauses: list[float] = []
        self._before_sleeping = before_sleeping

    def monotonic(self) -> float:
        """The fake moment, in seconds."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Advances it."""
        self._before_sleeping()
        self.pauses.append(seconds)
        self.moment += seconds


def stored(
    manager: FlowStateManager, flow_data: FlowData, *, write: Write = Write.ADVANCE, key: str = ""
) -> MemberState:
    """Commits a run on what is there, and loads it."""
    state = manager.load(MEMBER, CHANNEL)
    write = write if state.raw else Write.UPDATE
    manager.commit(evolve(commit_on(state, flow_data, key=key), write=write))
    return manager.load(MEMBER)
