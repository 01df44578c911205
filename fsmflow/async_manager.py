"""`AsyncFlowStateManager`: `fsmflow.manager` for an event loop.

Here belongs the face of the store once more, awaited, and what sends, waits and calls under an event loop. It says what
is different there, and nothing that `FlowStateManager` says already.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar, Union

from redis.asyncio import Redis, RedisCluster

from fsmflow.audit import AuditEntry
from fsmflow.batching import Batching
from fsmflow.calls import Call, drive_async
from fsmflow.clients import async_client_of
from fsmflow.effects import Commit, Committed, Effects, Perform
from fsmflow.exchange import Pause, Send, SendAll, Wish, Wishes
from fsmflow.manager import Manager
from fsmflow.memory import embedded_async_redis
from fsmflow.messages import Channel
from fsmflow.open_effects import OpenEffect, open_effect_of, open_effects
from fsmflow.performing import perform_async
from fsmflow.state import FlowData, MemberState
from fsmflow.store import UNKNOWN_CHANNEL
from fsmflow.timers import Overdue
from fsmflow.upkeep import abandoning, checked_reason, clearing, rolling_back

ResultT = TypeVar("ResultT")


class AsyncFlowStateManager(Manager[Union[Redis, RedisCluster]]):
    """`FlowStateManager` for an event loop: the same methods, awaited.

    It belongs to one event loop, as its client does. However many conversations run at once, a few connections do:
    their commands travel together (`fsmflow.batching`). Its arguments are those of `Manager`.
    """

    asynchronous = True

    @classmethod
    def from_url(cls, url: str, **named: Any) -> AsyncFlowStateManager:
        """As `FlowStateManager.from_url`, with timeouts and retries bounded to less than two seconds."""
        return cls(async_client_of(url), **named)

    @classmethod
    def in_memory(cls, **named: Any) -> AsyncFlowStateManager:
        """As `FlowStateManager.in_memory`."""
        return cls(embedded_async_redis(), **named)

    async def load(self, member_id: str, channel: Channel = UNKNOWN_CHANNEL) -> MemberState:
        """As `FlowStateManager.load`."""
        return await self._run(self.exchange.load(member_id, channel))

    async def commit(self, commit: Commit) -> Committed:
        """As `FlowStateManager.commit`."""
        return await self._run(self.exchange.commit(commit))

    async def rollback(self, member_id: str) -> MemberState:
        """As `FlowStateManager.rollback`."""
        return await self.drive(rolling_back(member_id, UNKNOWN_CHANNEL))

    async def clear(self, member_id: str) -> None:
        """As `FlowStateManager.clear`."""
        return await self.drive(clearing(member_id, UNKNOWN_CHANNEL))

    async def abandon(self, member_id: str, effect_id: str, *, reason: str) -> bool:
        """As `FlowStateManager.abandon`."""
        why = checked_reason(reason)
        return await self.drive(abandoning(member_id, UNKNOWN_CHANNEL, effect_id, why, secrets.token_hex(8)))

    async def history(self, member_id: str, flow_id: str | None = None) -> list[AuditEntry]:
        """As `FlowStateManager.history`."""
        return await self._run(self.exchange.history(member_id, flow_id))

    async def last_valid_state(self, member_id: str, flow_id: str | None = None) -> MemberState | None:
        """As `FlowStateManager.last_valid_state`."""
        return await self._run(self.exchange.last_valid_state(member_id, flow_id, by_hand=True))

    async def quarantined(self, member_id: str) -> Mapping[int, tuple[str, bytes]]:
        """As `FlowStateManager.quarantined`."""
        return await self._run(self.exchange.quarantined(member_id))

    async def append(self, member_id: str, entries: Sequence[AuditEntry], snapshot: FlowData | None = None) -> None:
        """As `FlowStateManager.append`."""
        return await self._run(self.exchange.append(member_id, entries, snapshot))

    async def close(self) -> None:
        """Closes the client's connections, after what is on its way."""
        while self._finishing:
            await asyncio.wait(self._finishing)
        await self._batching.settle()
        await self.redis.aclose()

    async def overdue(self, limit: int = 100) -> list[Overdue]:
        """As `FlowStateManager.overdue`."""
        return await drive_async(self.exchange.due(limit), self._perform)

    async def open_effects(self, limit: int = 1000) -> list[OpenEffect]:
        """As `FlowStateManager.open_effects`."""
        return await self._run(open_effects(self.exchange, limit))

    async def open_effect(self, member_id: str) -> OpenEffect | None:
        """As `FlowStateManager.open_effect`."""
        return await self._run(open_effect_of(self.exchange, member_id))

    async def drive(self, effects: Effects[ResultT]) -> ResultT:
        """As `FlowStateManager.drive`. Cancelled at any point, it leaves the stored state whole."""
        return await self._run(self.exchange.obey(effects))

    async def drive_many(self, several: Sequence[Effects[ResultT]]) -> list[ResultT]:
        """As `FlowStateManager.drive_many`, side by side."""
        ended = await asyncio.gather(*map(self.drive, several), return_exceptions=True)
        return [_returned(result) for result in ended]

    async def _run(self, wishes: Wishes[ResultT]) -> ResultT:
        return await drive_async(wishes, self._perform, self._sheltered)

    async def _sheltered(self, rest: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Awaits the rest of a turn that runs an effect: once begun, it is finished, whoever has stopped waiting."""
        finishing = asyncio.ensure_future(rest)
        self._finishing.add(finishing)
        finishing.add_done_callback(self._finishing.discard)
        return await asyncio.shield(finishing)

    @cached_property
    def _finishing(self) -> set[asyncio.Future[Any]]:
        return set()

    @cached_property
    def _batching(self) -> Batching:
        return Batching(self.redis)

    async def _perform(self, wish: Wish) -> Any:
        if isinstance(wish, Send):
            return await self._batching.execute(wish.command)
        if isinstance(wish, SendAll):
            return await self._batching.execute_together(wish.commands)
        if isinstance(wish, Call):
            return await _awaited(wish)
        if isinstance(wish, Perform):
            return await perform_async(wish)
        assert isinstance(wish, Pause)  # noqa: S101 - here each turn runs its own
        return await asyncio.sleep(wish.seconds)


async def _awaited(call: Call) -> Any:
    """What a flow's callable returns, awaited where that must be.

    A cancellation that the flow itself met (of a task that it awaits) is a fault of the flow: taken for one of the
    message's own, it would end the message without a word. Python 3.10 cannot tell the two apart.

    Raises:
        RuntimeError: What it awaited was cancelled.
        Exception: Whatever it raises.
    """
    try:
        return await call.make_async()
    except asyncio.CancelledError as cancelled:
        cancelling = getattr(asyncio.current_task(), "cancelling", None)
        if cancelling is None or cancelling():
            raise
        raise RuntimeError("what a flow awaited was cancelled") from cancelled


def _returned(result: ResultT | BaseException) -> ResultT:
    if isinstance(result, BaseException):
        raise result
    return result
