"""The worker of a simulated conversation: a runner on a store in this process, which can die and be replaced.

Here belongs what answers in a `fsmflow.testing.chat`, the same for flows that are called and for flows that must be
awaited: these have an `AsyncFlowRunner` on an event loop of the worker's own. The store outlives the worker, as Redis
does; the worker has nothing that does not come from it.

A worker dies where it matters: between its load and its commit, when nothing is decided yet; between an action and the
commit of what came of it; or between its commit and its reply, when all is decided. It dies of something that no
``except Exception`` holds up, as a killed process does.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from fsmflow.async_manager import AsyncFlowStateManager
from fsmflow.audit import AuditEntry
from fsmflow.calls import Call, drive, drive_async, run_calls
from fsmflow.effects import Commit, Effects, Perform
from fsmflow.errors import EffectRefused
from fsmflow.flow import Flow
from fsmflow.manager import FlowStateManager
from fsmflow.memory import embedded_async_redis, embedded_redis
from fsmflow.messages import Inbound, Message, Reply
from fsmflow.outcomes import Done
from fsmflow.registry import Flows
from fsmflow.runner import AsyncFlowRunner, FlowRunner, ManagerT, Runner
from fsmflow.state import MemberState
from fsmflow.testing.ageing import Commands, ageing, until_due
from fsmflow.testing.firing import close, is_loop_running
from fsmflow.timers import Due


class Death(Enum):
    """When a worker dies."""

    BEFORE_COMMIT = "before its commit"
    AFTER_EFFECT = "after an action has run, before what came of it is committed"
    AFTER_COMMIT = "after its commit, before its reply"


class WorkerDied(BaseException):
    """The worker is gone, and what it had begun with it."""


def _mortal(effects: Effects[Reply], death: Death) -> Effects[Reply]:
    """The same turn, for a worker that does not live to end it."""
    try:
        wish = next(effects)
        while True:
            if isinstance(wish, Commit) and death is Death.BEFORE_COMMIT:
                raise WorkerDied
            try:
                result = yield wish
            except Exception as fault:  # noqa: BLE001 - handed to the turn, which decides what it means
                wish = effects.throw(fault)
            else:
                if isinstance(wish, Perform) and death is Death.AFTER_EFFECT:
                    raise WorkerDied
                wish = effects.send(result)
    except StopIteration:
        raise WorkerDied from None
    finally:
        effects.close()


class _Mortal(Runner[ManagerT]):
    """A runner that may die of a message."""

    death: Death | None = None

    def _handling(self, inbound: Inbound) -> Effects[Reply]:
        effects = super()._handling(inbound)
        return effects if self.death is None else _mortal(effects, self.death)

    def _starting(self, flow_type: str, inbound: Inbound, run_id: str | None) -> Effects[Reply]:
        effects = super()._starting(flow_type, inbound, run_id)
        return effects if self.death is None else _mortal(effects, self.death)


class _MortalRunner(_Mortal[FlowStateManager], FlowRunner):
    """Called."""


class _MortalAsyncRunner(_Mortal[AsyncFlowStateManager], AsyncFlowRunner):
    """Awaited."""


class Worker:
    """Whoever answers, on a store of its own.

    Args:
        flows: The runner's flows.
        asynchronous: True drives them on an event loop.
        clock: Tells the moment.
        named: What the runner takes besides.
    """

    def __init__(self, flows: Flows, *, asynchronous: bool, clock: Callable[[], datetime], **named: Any) -> None:
        self._clock = clock
        self._named = named
        self._loop = asyncio.new_event_loop() if asynchronous else None
        self._redis: Any = embedded_async_redis() if asynchronous else embedded_redis()
        self.close = weakref.finalize(self, _close, self._loop, self._redis)
        self.replace(flows)

    def replace(self, flows: Flows | None = None) -> None:
        """Puts a new worker in its place; the store stays.

        Args:
            flows: The flows of the new one; None for the same.
        """
        self.flows: Flows = self.flows if flows is None else flows
        self.runner: _MortalRunner | _MortalAsyncRunner
        if self._loop is None:
            self.runner = _MortalRunner(FlowStateManager(self._redis), self.flows, clock=self._clock, **self._named)
        else:
            manager = AsyncFlowStateManager(self._redis)
            self.runner = _MortalAsyncRunner(manager, self.flows, clock=self._clock, **self._named)

    def handle(self, inbound: Inbound, *, start: str | None = None, death: Death | None = None) -> Reply:
        """Answers a message.

        Args:
            inbound: The message.
            start: The flow that it starts, whatever it says.
            death: When the worker dies of it.

        Raises:
            WorkerDied: It was told to.
            StoreUnavailable: Nothing was decided.
        """
        self.runner.death = death
        reply: Reply = self._result(self.runner.handle(inbound) if start is None else self.runner.start(start, inbound))
        return reply

    def flow_of(self, member_id: str) -> Flow[Any] | None:
        """The flow that a member is in or ended last."""
        flow: Flow[Any] | None = self._result(self.runner.flow_of(member_id))
        return flow

    def due(self) -> Sequence[Due]:
        """Does what is due at members who say nothing."""
        self.runner.death = None
        done: Sequence[Due] = self._result(self.runner.due())
        return done

    def resolve(self, member_id: str, effect_id: str, outcome: Done | EffectRefused, reason: str | None) -> Due | None:
        """Says what came of an effect that is open."""
        self.runner.death = None
        due: Due | None = self._result(self.runner.resolve(member_id, effect_id, outcome, reason=reason))
        return due

    def until_due(self) -> int | None:
        """In how many milliseconds something is due; None where nothing is."""
        found: int | None = self._perform(until_due(self.runner.manager.layout.prefix))
        return found

    def age(self, milliseconds: int) -> None:
        """Brings what is due nearer."""
        self._perform(ageing(self.runner.manager.layout.prefix, milliseconds))

    def _perform(self, commands: Commands) -> Any:
        def send(command: tuple[Any, ...]) -> Any:
            return self._redis.execute_command(*command)

        return drive(commands, send) if self._loop is None else self._result(drive_async(commands, send))

    def question_of(self, flow: Flow[Any]) -> Message:
        """What a flow says now."""
        if self._loop is None:
            return run_calls(flow.says())
        said: Message = self._result(drive_async(flow.says(), Call.make_async))
        return said

    def load(self, member_id: str) -> MemberState:
        """The stored state of a member."""
        state: MemberState = self._result(self.runner.manager.load(member_id))
        return state

    def history(self, member_id: str) -> Sequence[AuditEntry]:
        """The audit trail of a member."""
        entries: Sequence[AuditEntry] = self._result(self.runner.manager.history(member_id))
        return entries

    def _result(self, found: Any) -> Any:
        """What a call gave; on the asynchronous side, once it was awaited."""
        if self._loop is None:
            return found
        if is_loop_running():
            found.close()
            raise RuntimeError("this conversation has an event loop of its own: hold it in a test that is no coroutine")
        return self._loop.run_until_complete(found)


def _close(loop: asyncio.AbstractEventLoop | None, redis: Any) -> None:
    if loop is None:
        redis.close()
    elif is_loop_running():
        loop.close()  # another loop cannot be waited for here; the store is of this process, and goes with it
    else:
        loop.run_until_complete(redis.aclose())
        close(loop)
