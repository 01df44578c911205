"""The loop that does what a turn wants done."""

from __future__ import annotations

from typing import Any

import pytest

from fsmflow.calls import Call, drive
from fsmflow.effects import Backoff, Effect, Effects


def _perform(effect: Effect) -> Any:
    assert isinstance(effect, Call)
    return effect.function(*effect.arguments)


def _fail(fault: BaseException) -> None:
    raise fault


def test_each_effect_is_done_in_order_and_its_result_sent_back() -> None:
    def counting() -> Effects[list[int]]:
        first = yield Backoff(1)
        second = yield Backoff(2)
        return [first, second]

    assert drive(counting(), lambda effect: 10 * effect.attempt if isinstance(effect, Backoff) else 0) == [10, 20]


def test_what_perform_raises_is_raised_in_the_generator_which_may_go_on() -> None:
    def catching() -> Effects[str]:
        try:
            yield Call(_fail, (KeyError("gone"),))
        except KeyError as fault:
            told: str = yield Call(str, (fault.args[0],))
            return f"caught {told}"
        return "not raised"

    assert drive(catching(), _perform) == "caught gone"


def test_a_generator_may_answer_a_fault_by_ending() -> None:
    def ending() -> Effects[str]:
        try:
            yield Call(_fail, (KeyError("gone"),))
        except KeyError:
            return "ended"
        return "not raised"

    assert drive(ending(), _perform) == "ended"


def test_what_the_generator_does_not_catch_comes_out_and_its_cleaning_up_is_done() -> None:
    cleaned = []

    def careless() -> Effects[None]:
        try:
            yield Call(_fail, (LookupError("gone"),))
        finally:
            cleaned.append(True)

    with pytest.raises(LookupError, match="gone"):
        drive(careless(), _perform)
    assert cleaned == [True]


def test_a_stop_iteration_of_somebody_elses_code_is_a_fault_and_no_return_value() -> None:
    def unaware() -> Effects[str]:
        yield Call(_fail, (StopIteration("not the result"),))
        return "done"

    with pytest.raises(RuntimeError, match="StopIteration"):
        drive(unaware(), _perform)


def test_an_interrupt_is_not_handed_to_the_generator() -> None:
    def greedy() -> Effects[str]:
        try:
            yield Call(_fail, (KeyboardInterrupt(),))
        except BaseException:  # noqa: BLE001 - what the test is about
            return "swallowed"
        return "done"

    with pytest.raises(KeyboardInterrupt):
        drive(greedy(), _perform)


def test_a_generator_that_wants_nothing_returns_at_once() -> None:
    def idle() -> Effects[int]:
        yield from ()
        return 3

    assert drive(idle(), _perform) == 3
