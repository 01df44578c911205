"""Runs effects: within their time, with their repetitions, and whatever comes of it as a value.

Here belongs what needs a clock and a thread. A call that takes too long cannot be stopped, only waited for no longer:
it goes on in its thread, and what comes of it is nobody's then. So its outcome is not known, and that is what is said.

Rejected: a pool of threads, in which calls that hang would keep all others waiting.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
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


_something_ended = threading.Condition()


class Running:
    """An effect in a thread of its own.

    Args:
        effect: The effect; its time runs from now on.
    """

    def __init__(self, effect: Perform) -> None:
        self._until = time.monotonic() + effect.limit.total_seconds()
        self._came: list[Any] = []
        work = partial(copy_context().run, partial(_attempted, effect, self._until))  # what is traced, is traced on
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Callable[[], Any]) -> None:
        came = work()
        with _something_ended:
            self._came.append(came)
            _something_ended.notify_all()

    @property
    def rest(self) -> float:
        """How much of its time is left, in seconds."""
        return max(0.0, self._until - time.monotonic())

    @property
    def has_ended(self) -> bool:
        """True if it has, or its time is over."""
        return bool(self._came) or not self.rest

    @property
    def outcome(self) -> Any:
        """What came of it: what it returned; an `EffectRefused` that it raised; `Unsure` for all else."""
        return self._came[0] if self._came else Unsure("TimeoutError")


def first_ended(running: Sequence[Running]) -> list[Any]:
    """Waits until one of several effects has ended.

    Returns:
        For each what came of it; None for those that are still under way.
    """
    with _something_ended:
        while not any(each.has_ended for each in running):
            _something_ended.wait(min(each.rest for each in running))
        return [each.outcome if each.has_ended else None for each in running]


def perform(effect: Perform) -> Any:
    """Runs an effect in a thread of its own, and waits for it as long as it may take.

    Returns:
        What it returned; an `EffectRefused` that it raised; `Unsure` for whatever else it raised, or too long a time.
    """
    return first_ended([Running(effect)])[0]


async def perform_async(effect: Perform) -> Any:
    """As `perform`; a coroutine function on this loop, any other in a thread, so that it holds up nobody."""
    seconds = effect.limit.total_seconds()
    until = time.monotonic() + seconds
    work = (
        asyncio.ensure_future(_attempted_async(effect, until)) if effect.asynchronous else _in_a_thread(effect, until)
    )
    await asyncio.wait({work}, timeout=seconds)  # and not for one that does not let itself be cancelled
    if not work.done():
        work.cancel()
        return Unsure("TimeoutError")
    return Unsure("CancelledError") if work.cancelled() else work.result()


def _in_a_thread(effect: Perform, until: float) -> asyncio.Future[Any]:
    loop = asyncio.get_running_loop()
    came: asyncio.Future[Any] = loop.create_future()

    def arrive(found: Any) -> None:
        if not came.done():
            came.set_result(found)

    def work() -> None:
        found = _attempted(effect, until)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(arrive, found)

    threading.Thread(target=partial(copy_context().run, work), daemon=True).start()
    return came


def _attempted(effect: Perform, until: float) -> Any:
    make = effect.call.make
    try:
        if effect.retry is None:
            return make()
        for attempt in _attempts(effect):
            if time.monotonic() >= until:
                break  # after a pause: by now it may be somebody else's
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
    except BaseException as end:  # noqa: BLE001 - a thread would print it, with what it may hold, and nobody would hear
        return Unsure(type(end).__name__)
    return Unsure("TimeoutError")


async def _attempted_async(effect: Perform, until: float) -> Any:
    try:
        if effect.retry is None:
            return await effect.call.make_async()
        async for attempt in _attempts(effect):
            if time.monotonic() >= until:
                break
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
        wait_initial=min(retry.wait, effect.limit),
        wait_max=min(max(retry.wait * 8, timedelta(milliseconds=1)), effect.limit),
        wait_jitter=min(retry.wait, effect.limit),
    )
