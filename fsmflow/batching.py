"""Commands of many conversations on their way together, under an event loop.

A webhook server that answers hundreds of members at once would open a connection for each (redis-py's pool refuses the
101st) and pay for each command alone. Here a few are under way at a time, each over a connection of its own; what comes
meanwhile waits for the next free one and goes out as one pipeline. Whoever is alone waits for nobody.

A pipeline is sent by a task of its own: a conversation that is cancelled while its command is on its way takes no other
one with it. A command that is cancelled before it was sent is not sent.

Rejected: a connection for each conversation, at twice the cost of a command; and a fixed delay that collects commands,
which those pay who are alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.client import NEVER_DECODE

from fsmflow.clients import CLIENT_ERRORS, LONGEST_BATCH, pipeline_of, told, unavailable
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
        self._under_way = 0
        self._waiting: deque[_Waiting] = deque()
        self._tasks: set[asyncio.Task[None]] = set()  # an event loop holds its tasks only weakly

    async def execute(self, command: tuple[Any, ...]) -> Any:
        """Sends a command; its answer comes as bytes.

        Raises:
            StoreUnavailable: Redis did not do it.
            RuntimeError: Another event loop has used it before.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                # a client's connections belong to the loop that opened them: on another one they fail now and then
                raise RuntimeError("an AsyncFlowStateManager belongs to one event loop: make one for each")
            self._loop = loop
        if self._under_way >= LANES:
            answer = loop.create_future()
            self._waiting.append((command, answer))
            found = await answer
            if isinstance(found, StoreUnavailable):
                raise found
            return found
        self._under_way += 1
        try:
            asked: Any = self.redis.execute_command  # redis-py leaves it untyped
            return await asked(*command, **{NEVER_DECODE: True})
        except CLIENT_ERRORS as fault:
            raise unavailable(command, fault) from fault
        finally:
            self._leave()

    def _leave(self) -> None:
        """Gives a connection that has become free to those who wait."""
        self._under_way -= 1
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < LONGEST_BATCH:
            waiting = self._waiting.popleft()
            if not waiting[1].done():  # cancelled meanwhile: not sent
                batch.append(waiting)
        if batch:
            self._under_way += 1
            task = asyncio.get_running_loop().create_task(self._send(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, batch: list[_Waiting]) -> None:
        commands = [command for command, _ in batch]
        try:
            found = told(commands, await pipeline_of(self.redis, commands).execute(raise_on_error=False))
        except CLIENT_ERRORS as fault:
            found = told(commands, [fault] * len(batch))
        except BaseException:
            # the loop is being shut down, or worse: none of them may wait for ever
            for _, answer in batch:
                answer.cancel()
            raise
        finally:
            self._leave()
        for place, ((_, answer), result) in enumerate(zip(batch, found, strict=True), 1):
            if not answer.done():
                answer.set_result(result)
            if place % ANSWERED_AT_ONCE == 0:
                await asyncio.sleep(0)
