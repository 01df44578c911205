"""Time that passes for what is due, without anybody waiting.

Here belongs the moving of what a store has set: each deadline comes nearer by as much as a simulated clock has moved.
The store's own clock stays where it is, as no Redis lets it be moved; to what looks, it is the same. What Redis itself
forgets, after the retention, is not forgotten earlier by it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from fsmflow.timers import Deadline, Overdue, parse_entries

Commands = Generator[tuple[Any, ...], Any, Any]
"""Yields commands, each as its name and arguments, and is sent their answers."""


def ageing(prefix: str, milliseconds: int) -> Commands:
    """Brings all that is due under a prefix nearer.

    Args:
        prefix: What the keys begin with.
        milliseconds: By how much.
    """
    for key, entry in (yield from _entries(prefix)):
        yield ("ZADD", key, entry.score - milliseconds, entry.member_id)
        state = f"{key[: -len('due')]}{entry.member_id}"
        raw = yield ("HGET", state, "due")
        found = Deadline.of(raw)
        if found is not None:
            score = entry.score - milliseconds
            yield ("HSET", state, "due", f"{found.at - milliseconds} {found.kind} {score} {found.question}")


def until_due(prefix: str) -> Commands:
    """In how many milliseconds something is due; None where nothing is.

    It is counted from the commit that has set it: how long the test itself takes is not part of its time.
    """
    found = []
    for key, entry in (yield from _entries(prefix)):
        raw, since = yield ("HMGET", f"{key[: -len('due')]}{entry.member_id}", "due", "updated_at")
        deadline = Deadline.of(raw)
        if deadline is not None:
            found.append(deadline.at - int(since))
    return min(found, default=None)


def _entries(prefix: str) -> Generator[tuple[Any, ...], Any, list[tuple[str, Overdue]]]:
    found = []
    for raw in (yield ("KEYS", f"{prefix}:{{b*}}:due")):
        key = bytes(raw).decode()
        answers = yield ("ZRANGE", key, 0, -1, "WITHSCORES")
        found += [(key, entry) for entry in parse_entries(answers, 0)]
    return found
