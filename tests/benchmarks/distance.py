"""Connections to a Redis that is not on the same machine: each round trip takes a millisecond longer.

On the loopback a round trip costs little more than what the two programs do, so that sending commands together saves
only a part of that. What it saves besides is the way, and this is the way: about what lies between two machines of one
data centre and its neighbour. It is waited for where a command (or a pipeline of them) is sent, in the client, because
a proxy that waited would compete with the client for the machine.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from redis.asyncio.connection import Connection as AsyncConnection
from redis.connection import Connection

SECONDS: Final = 0.001


class DistantConnection(Connection):
    """A connection whose every round trip takes longer."""

    def send_packed_command(self, *arguments: Any, **named: Any) -> None:
        """Sends what was packed, a command or a pipeline."""
        time.sleep(SECONDS)
        send: Any = super().send_packed_command  # redis-py leaves it untyped
        send(*arguments, **named)


class AsyncDistantConnection(AsyncConnection):
    """`DistantConnection` for an event loop, which may do other things meanwhile."""

    async def send_packed_command(self, *arguments: Any, **named: Any) -> None:
        """Sends what was packed, a command or a pipeline."""
        await asyncio.sleep(SECONDS)
        await super().send_packed_command(*arguments, **named)
