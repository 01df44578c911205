"""What becomes of a call that is made again: what was raised is told to nobody but who asked for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fsmflow import Done, EffectRefused, Retry
from fsmflow.calls import Call
from fsmflow.effects import Perform
from fsmflow.outcomes import Unsure
from fsmflow.performing import perform, perform_async

SECRET = "hunter2"


def performed(function: Callable[[], Any], retry: Retry, *, asynchronous: bool) -> Any:
    """What comes of a function, by either way of performing it."""

    async def awaited() -> Any:
        return function()

    call = Call(awaited if asynchronous else function, ())
    effect = Perform(call, timedelta(seconds=5), timedelta(seconds=15), retry, asynchronous)
    return asyncio.run(perform_async(effect)) if asynchronous else perform(effect)


def retry_on(kind: type[Exception]) -> Retry:
    return Retry(on=kind, attempts=3, wait=timedelta(milliseconds=1))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_call_that_fails_each_time_is_made_as_often_as_is_said_and_its_own_fault_is_told(asynchronous: bool) -> None:
    faults = [LookupError(str(number)) for number in range(3)]
    left = iter(faults)

    def fails() -> Any:
        raise next(left)

    came = performed(fails, retry_on(LookupError), asynchronous=asynchronous)
    assert isinstance(came, Unsure)
    assert (came.error, came.fault) == ("LookupError", faults[-1])


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_words_of_what_was_raised_are_in_no_log_of_who_makes_it_again(
    asynchronous: bool, caplog: pytest.LogCaptureFixture
) -> None:
    came = iter([ValueError(f"the PIN is {SECRET}"), None])

    def fails_once() -> Any:
        fault = next(came)
        if fault is not None:
            raise fault
        return Done(1)

    with caplog.at_level(logging.DEBUG):
        assert performed(fails_once, retry_on(ValueError), asynchronous=asynchronous) == Done(1)
    assert caplog.records
    assert SECRET not in "".join(str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_refusal_is_not_tried_again_and_what_is_not_named_is_not_either(asynchronous: bool) -> None:
    for fault, named in ((EffectRefused("no"), Exception), (KeyError("x"), LookupError), (ValueError(), OSError)):
        calls: list[None] = []

        def fails(fault: Exception = fault, calls: list[None] = calls) -> Any:
            calls.append(None)
            raise fault

        came = performed(fails, retry_on(named), asynchronous=asynchronous)
        assert came is fault or came.fault is fault
        assert len(calls) == (3 if isinstance(fault, named) and not isinstance(fault, EffectRefused) else 1)
