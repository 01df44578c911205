"""Runs effects: within their time, with their repetitions, and whatever comes of it as a value.

Here belongs what needs a clock and a thread. A call that takes too long cannot be stopped, only waited for no longer:
it goes on in its thread, and what comes of it is nobody's then. So its outcome is not known, and that is what is said.

Rejected: a pool of threads, in which calls that hang would keep all others waiting.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any

from fsmflow.effects import Perform
from fsmflow.errors import EffectRefused
from fsmflow.outcomes import Unsure


class _Again(Exception):
    """Stands for what a call raised after which it may be made again.

    Who makes it again logs what it sees, word for word; and the words of what was raised may hold an answer.
    """


def perform(effect: Perform) -> Any:
    """Runs an effect in a thread of its own, and waits for it as long as it may take.

    Returns:
        What it returned; an `EffectRefused` that it raised; `Unsure` for whatever else it raised, or too long a time.
    """
    return perform_together([effect])[0]


def perform_together(effects: Sequence[Perform]) -> list[Any]:
    """As `perform`, for effects of different members: side by side, since the time of each runs from now on."""
    began = time.monotonic()
    running = [_Running(effect) for effect in effects]
    return [each.ended(began) for each in running]


class _Running:
    """An effect in its thread."""

    def __init__(self, effect: Perform) -> None:
        self.limit = effect.limit.total_seconds()
        self.came: list[Any] = []
        work = partial(copy_context().run, partial(_attempted, effect))  # what is traced, is traced on
        self.thread = threading.Thread(target=lambda: self.came.append(work()), daemon=True)
        self.thread.start()

    def ended(self, began: float) -> Any:
        """What came of it, by the end of its time."""
        self.thread.join(max(0.0, self.limit - (time.monotonic() - began)))
        return self.came[0] if self.came else Unsure("TimeoutError")


async def perform_async(effect: Perform) -> Any:
    """As `perform`; a coroutine function on this loop, any other in a thread, so that it holds up nobody."""
    seconds = effect.limit.total_seconds()
    try:
        if effect.asynchronous:
            return await asyncio.wait_for(_attempted_async(effect), seconds)
        loop = asyncio.get_running_loop()
        came: asyncio.Future[Any] = loop.create_future()

        def arrive(found: Any) -> None:
            if not came.done():
                came.set_result(found)

        def work() -> None:
            found = _attempted(effect)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(arrive, found)

        threading.Thread(target=partial(copy_context().run, work), daemon=True).start()
        return await asyncio.wait_for(came, seconds)
    except (asyncio.TimeoutError, TimeoutError):
        return Unsure("TimeoutError")


def _attempted(effect: Perform) -> Any:
    make = effect.call.make
    try:
        if effect.retry is None:
            return make()
        for attempt in _attempts(effect):
            with attempt:
                try:
                    return make()
                except EffectRefused:
                    raise
                except effect.retry.on as fault:
                    raise _Again from fault
    except EffectRefused as refused:
        return refused
    except _Again as again:
        return _unsure(again)
    except Exception as fault:  # noqa: BLE001 - whatever it raises, it is not known what happened
        return Unsure(type(fault).__name__, fault)
    return Unsure("TimeoutError")


async def _attempted_async(effect: Perform) -> Any:
    try:
        if effect.retry is None:
            return await effect.call.make_async()
        async for attempt in _attempts(effect):
            with attempt:
                try:
                    return await effect.call.make_async()
                except EffectRefused:
                    raise
                except effect.retry.on as fault:
                    raise _Again from fault
    except EffectRefused as refused:
        return refused
    except _Again as again:
        return _unsure(again)
    except Exception as fault:  # noqa: BLE001 - as above
        return Unsure(type(fault).__name__, fault)
    return Unsure("TimeoutError")


def _unsure(again: _Again) -> Unsure:
    fault = again.__cause__
    return Unsure(type(fault).__name__, fault if isinstance(fault, Exception) else None)


def _attempts(effect: Perform) -> Any:
    import stamina  # most flows have no action that is tried again, and should not wait for its import

    retry = effect.retry
    assert retry is not None  # noqa: S101 - seen to by who asks
    return stamina.retry_context(
        on=_Again,
        attempts=retry.attempts,
        timeout=effect.limit,
        wait_initial=retry.wait,
        wait_max=max(retry.wait * 8, timedelta(milliseconds=1)),
        wait_jitter=retry.wait,
    )
