"""What the members of one simulated conversation share: the worker, the time, what was said.

Here belongs the delivering of a message: what becomes of it if the worker dies, what is noted of it, what is kept out
of the notes. What members do, and what is expected of it, belongs to `fsmflow.testing.chat`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import count
from traceback import walk_tb
from typing import Any, Final

from fsmflow import performing
from fsmflow.errors import EffectRefused, StoreUnavailable
from fsmflow.flow import Flow
from fsmflow.holding import is_held
from fsmflow.messages import Inbound, Reply
from fsmflow.outcomes import Done
from fsmflow.pending import Pending
from fsmflow.registry import Flows, sample_flow
from fsmflow.testing.transcript import Transcript
from fsmflow.testing.worker import Death, Worker, WorkerDied
from fsmflow.timers import EFFECT, Due

_MILLISECOND: Final = timedelta(milliseconds=1)

BEGINNING: Final = datetime(2030, 1, 1, 12, tzinfo=timezone.utc)
"""When a simulated conversation begins."""


class World:
    """What the members of one conversation share.

    Args:
        flows: The flows, or one of them.
        asynchronous: True to await all; None where a flow must be awaited.
        apologises: True if a fault of a flow gets its member an apology.
        named: What the runner takes besides.
    """

    def __init__(
        self, flows: type[Flow[Any]] | Flows, *, asynchronous: bool | None, apologises: bool, **named: Any
    ) -> None:
        self.now = BEGINNING
        self.numbers = count(1)
        self.transcript = Transcript()
        self.hearing: list[Callable[[Due], object]] = []
        self._raised: list[str] = []
        named.setdefault("on_fault", partial(self._meet, apologises=apologises))
        several = several_of(flows)
        awaited = any(map(_must_be_awaited, _pairs(several))) if asynchronous is None else asynchronous
        self.worker = Worker(several, asynchronous=awaited, clock=lambda: self.now, **named)

    def wait(self, duration: timedelta) -> None:
        """Lets time pass; what becomes due meanwhile is done at its moment."""
        left = round(duration / _MILLISECOND)
        passed = timedelta()
        while True:
            until = self.worker.until_due()
            step = left if until is None else min(left, max(until, 0))
            self.worker.age(step)
            self.now += step * _MILLISECOND
            left, passed = left - step, passed + step * _MILLISECOND
            done = self.worker.due() if until is not None and until <= step else ()
            if passed and done:
                self.transcript.waits(self.now, passed)
                passed = timedelta()
            self._note_raised()
            for due in done:
                self._reach(due)
            if not left and not done:
                break
        if passed or not duration:
            self.transcript.waits(self.now, passed)

    def resolve(self, name: str, member_id: str, outcome: Done | EffectRefused, reason: str | None) -> None:
        """Closes the effect that a member has open, from outside.

        Raises:
            ValueError: None is open.
        """
        state = self.worker.load(member_id)
        pending = Pending.of(state.raw.get("pending")) if is_held(state) else None
        if pending is None:
            raise ValueError(f"no effect of {name} is open")
        due = self.worker.resolve(member_id, pending.effect_id, outcome, reason)
        came = "done" if isinstance(outcome, Done) else "refused"
        self.transcript.notes(self.now, f"it is said from outside what came of {name}’s action: {came}")
        self._note_raised()
        if due is not None:
            self._reach(due)

    def _note_raised(self) -> None:
        """Notes what actions have raised, where it has its place."""
        raised, self._raised = self._raised, []
        for each in raised:
            self.transcript.notes(self.now, each)

    def _meet(self, fault: Exception, _: Inbound, *, apologises: bool) -> None:
        """Has a fault of a flow come out. What an action raises is none: it leaves the effect unknown."""
        if _is_of_an_action(fault):
            kind = type(fault).__name__
            self._raised.append(f"the action raises {kind}: nobody can say what came of it")
        elif not apologises:
            raise fault

    def _reach(self, due: Due) -> None:
        """Has a member hear what nobody asked for."""
        if not due.reply.messages:
            what = (
                "nobody is told what came of the action"
                if due.kind == EFFECT
                else "the silence closes the conversation"
            )
            self.transcript.notes(self.now, f"{what} of {due.reply.member_id}")
            return
        self.transcript.replies(self.now, due.reply)
        for hears in self.hearing:
            hears(due)

    def deliver(self, inbound: Inbound, start: str | None = None, death: Death | None = None) -> Reply:
        """Has the worker answer a message; where it dies of it, the next one.

        Raises:
            Exception: Whatever a flow's code raised, unless it apologises.
            StoreUnavailable: Nothing was decided.
        """
        try:
            if death is not None:
                self._die(inbound, start, death)
            reply = self.worker.handle(inbound, start=start)
        except Exception as fault:
            self._note_raised()
            undecided = "nothing is decided" if isinstance(fault, StoreUnavailable) else "the flow fails"
            self.transcript.notes(self.now, f"{undecided}: {type(fault).__name__}")
            raise
        self._note_raised()
        self.transcript.replies(self.now, reply)
        return reply

    def keep_secret(self, member_id: str, inbound: Inbound) -> None:
        """Keeps what answers a sensitive step out of what is shown."""
        flow, text = self.worker.flow_of(member_id), (inbound.text or "").strip()
        asked = None if flow is None else flow.innermost
        if asked is None or asked.state not in asked.definition.sensitive or inbound.option_id is not None:
            return
        if text and self.worker.runner.conversation.words.meaning(text) is None:
            self.transcript.secrets.add(text)

    def _die(self, inbound: Inbound, start: str | None, death: Death) -> None:
        try:
            self.worker.handle(inbound, start=start, death=death)
        except WorkerDied:
            self.worker.replace()
            self.transcript.notes(self.now, f"the worker dies {death.value}; a new one gets the message again")


def several_of(flows: type[Flow[Any]] | Flows) -> Flows:
    """What a runner takes, also of a single flow."""
    return [flows] if isinstance(flows, type) else flows


def _pairs(flows: Flows) -> list[tuple[str, type[Flow[Any]]]]:
    return list(flows.items()) if isinstance(flows, Mapping) else [(flow.flow_type, flow) for flow in flows]


def _must_be_awaited(named: tuple[str, type[Flow[Any]]]) -> bool:
    return bool(sample_flow(named[1], named[0]).definition.asynchronous)


def _is_of_an_action(fault: Exception) -> bool:
    return any(frame.f_globals.get("__name__") == performing.__name__ for frame, _ in walk_tb(fault.__traceback__))
