"""Generators that say what they want done, and the loop that does it.

Whatever may have to be awaited is written once, as a generator: it yields what it wants (a `Call` of a flow's callable,
an effect of a turn) and is sent the result. A synchronous caller drives it with `drive`; an asynchronous one with the
same few lines and an ``await``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from attrs import field, frozen

ResultT = TypeVar("ResultT")
WishT = TypeVar("WishT")


@frozen
class Call:
    """What a generator yields when it wants a flow's callable called; the driver sends back what it returned.

    Args:
        function: What to call, bound to its flow where it needs one.
        arguments: What to call it with.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = field(default=(), repr=False)


Calls = Generator[Call, Any, ResultT]


def drive(wishes: Generator[WishT, Any, ResultT], perform: Callable[[WishT], Any]) -> ResultT:
    """Does what a generator wants done until it returns: the one loop by which everything here runs.

    Args:
        wishes: The generator.
        perform: Does one thing that it yields; what it raises is raised in the generator.

    Returns:
        What the generator returned.

    Raises:
        Exception: Whatever the generator lets through.
    """
    try:
        wish = next(wishes)
        while True:
            try:
                result = perform(wish)
            except Exception as fault:  # noqa: BLE001 - handed to the generator, which decides what it means
                wish = wishes.throw(fault)
            else:
                wish = wishes.send(result)
    except StopIteration as stop:
        value: ResultT = stop.value
        return value


def run_calls(calls: Calls[ResultT]) -> ResultT:
    """Drives a generator of calls on the spot: each is made, and its result or its exception handed back.

    Args:
        calls: The generator.

    Returns:
        What the generator returned.

    Raises:
        Exception: Whatever the generator lets through.
    """
    return drive(calls, _make)


def _make(call: Call) -> Any:
    return call.function(*call.arguments)
