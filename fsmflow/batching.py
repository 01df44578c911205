"""Commands of many conversations on their way together, under an event loop.

A webhook server that answers hundreds of members at once would open a connection for each (redis-py's pool refuses the
101st) and pay for each command alone. Here a few are under way at a time, each over a connection of its own; what comes
meanwhile waits for the next free one and goes out as one pipeline. Whoever is alone waits for nobody else.

Whatever is sent, a task of its own sends it: a conversation that is cancelled while its command is on its way takes no
other one with it, and never interrupts the client. redis-py goes on with a connection whose handshake was interrupted,
which may then be one to another database. A command that is cancelled before it was sent is not sent.

Rejected: a connection for each conversation, at twice the cost of a command; and a fixed delay that collects commands,
which those pay who are alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.client import NEVER_DECODE

from fsmflow.clients import LONGEST_BATCH, disconnect_after, outcomes, pipeline_of
from fsmflow.errors import StoreUnavailable

LANES: Final = 4
"""How many are under way at a time: one that Redis works on, one that is being read, and room for a slow one."""

ANSWERED_AT_ONCE: Final = 16
"""After so many answers the event loop may look at its sockets: what conversations do with their answers takes time,
and an answer that has come but was not looked at would pass for one that did not come in time."""

_Waiting = tuple[tuple[Any, ...], "asyncio.Future[Any]"]


class Batching:
    """Sends commands over a client, together where they come at the same time.

    Args:
        redis: The client.
    """

    def __init__(self, redis: Redis | RedisCluster) -> None:
        self.redis = redis
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[_Waiting] = deque()
        self._on_lanes: set[asyncio.Task[Any]] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # an event loop holds its tasks only weakly

    async def execute(self, command: tuple[Any, ...]) -> Any:
        """Sends a command; its answer comes as bytes.

        Raises:
            StoreUnavailable: Redis did not do it.
            RuntimeError: Another event loop has used it before.
        """
        (answer,) = self._queue(command)
        found = await answer
        if isinstance(found, StoreUnavailable):
            raise found
        return found

    async def execute_together(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Sends several commands, on one way; of one that failed the answer is its `StoreUnavailable`.

        Raises:
            RuntimeError: Another event loop has used it before.
        """
        return [await answer for answer in self._queue(*commands)]

    def _queue(self, *commands: tuple[Any, ...]) -> list[asyncio.Future[Any]]:
        """Puts commands among those that wait; they are sent at once where a connection is free."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                # a client's connections belong to the loop that opened them: on another one they fail now and then
                raise RuntimeError("an AsyncFlowStateManager belongs to one event loop: make one for each")
            self._loop = loop
        answers = [loop.create_future() for _ in commands]
        self._waiting += zip(commands, answers, strict=True)
        if len(self._on_lanes) < LANES:
            self._send_what_waits(loop)
        return answers

    async def settle(self) -> None:
        """Waits for what is on its way; the conversations that wanted it may be gone."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)  # one that has ended is forgotten by a callback, which the loop has yet to call

    def _send_what_waits(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has a free connection take all that waits."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < LONGEST_BATCH:
            waiting = self._waiting.popleft()
            if not waiting[1].done():  # cancelled meanwhile: not sent
                batch.append(waiting)
        if batch:
            task = loop.create_task(self._send(batch))
            self._tasks.add(task)
            self._on_lanes.add(task)
            task.add_done_callback(partial(self._end, batch))

    def _leave_lane(self, task: asyncio.Task[Any] | None) -> None:
        """Frees the connection that a task sends over, if it still has it: before its answers are handed out."""
        if task is not None and task in self._on_lanes:
            self._on_lanes.remove(task)
            self._send_what_waits(task.get_loop())

    def _end(self, batch: list[_Waiting], task: asyncio.Task[None]) -> None:
        """Lets go of a task that has ended, however it did.

        The loop may be shut down while it hands out; one that is cancelled at once never begins, nor does a ``finally``
        of its own.
        """
        self._tasks.discard(task)
        for _, answer in batch:
            answer.cancel()  # nobody may wait for ever; one that is answered stays so
        self._leave_lane(task)

    async def _send(self, batch: list[_Waiting]) -> None:
        commands = [command for command, _ in batch]
        try:
            found = outcomes(commands, await self._answers(commands))
        except Exception as fault:  # noqa: BLE001 - of what a client is given to call, such as a provider of credentials
            found = outcomes(commands, [fault] * len(batch))
            closing = disconnect_after(fault, self.redis)
            if closing is not None:
                with suppress(Exception):
                    await closing
        finally:
            self._leave_lane(asyncio.current_task())
        for place, ((_, answer), result) in enumerate(zip(batch, found, strict=True), 1):
            if not answer.done():
                answer.set_result(result)
            if place % ANSWERED_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _answers(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        if len(commands) > 1:
            answers: list[Any] = await pipeline_of(self.redis, commands).execute(raise_on_error=False)
            return answers
        asked: Any = self.redis.execute_command  # redis-py leaves it untyped
        return [await asked(*commands[0], **{NEVER_DECODE: True})]
