"""Generators that say what they want done, and the loops that do it.

Whatever may have to be awaited is written once, as a generator: it yields what it wants (a `Call` of a flow's callable,
an effect of a turn, a command to a store) and is sent the result. `drive` and `drive_async` are the two loops by which
everything here runs, and the one difference between them is an ``await``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from inspect import iscoroutine
from typing import Any, TypeVar

from attrs import field, frozen

from fsmflow.errors import AsyncFlowError

ResultT = TypeVar("ResultT")
WishT = TypeVar("WishT")


def name_of(function: Callable[..., Any]) -> str:
    """What a callable is called; its own representation may show what it holds, as that of a partial does."""
    return str(getattr(function, "__qualname__", type(function).__name__))


@frozen
class Call:
    """What a generator yields when it wants a flow's callable called; the driver sends back what it returned.

    Args:
        function: What to call, bound to its flow where it needs one.
        arguments: What to call it with.
    """

    function: Callable[..., Any] = field(repr=name_of)
    arguments: tuple[Any, ...] = field(default=(), repr=False)

    def make(self) -> Any:
        """Calls it.

        Raises:
            AsyncFlowError: What it returned must be awaited. A callable that is seen to be asynchronous is refused
                when its flow is registered; this one was not seen, as a lambda around a coroutine is not.
            Exception: Whatever it raises.
        """
        result = self.function(*self.arguments)
        if not must_be_awaited(result):
            return result
        if iscoroutine(result):
            result.close()
        raise AsyncFlowError(name_of(self.function), None, "what it returns must be awaited: use AsyncFlowRunner")

    async def make_async(self) -> Any:
        """Calls it, and awaits what it returned where that must be."""
        result = self.function(*self.arguments)
        return (await result) if must_be_awaited(result) else result


Calls = Generator[Call, Any, ResultT]


def must_be_awaited(result: Any) -> bool:
    """True for a coroutine, a future or whatever else ``await`` takes."""
    return hasattr(type(result), "__await__")


class Lasting:
    """What is not to be broken off once it has begun, nor what comes after it."""


def drive(wishes: Generator[WishT, Any, ResultT], perform: Callable[[WishT], Any]) -> ResultT:
    """Does what a generator wants done until it returns.

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


async def drive_async(
    wishes: Generator[WishT, Any, ResultT],
    perform: Callable[[WishT], Awaitable[Any]],
    sheltered: Callable[[Coroutine[Any, Any, ResultT]], Awaitable[ResultT]] | None = None,
    first: WishT | None = None,
) -> ResultT:
    """As `drive`, for what must be awaited. A cancellation is not the generator's affair: it ends there and then.

    Args:
        wishes: The generator.
        perform: Does one thing that it yields.
        sheltered: Where it is given, awaits the rest of the generator from the first `Lasting` on, so that no
            cancellation reaches it.
        first: What the generator has yielded already.
    """
    try:
        wish = next(wishes) if first is None else first
        while True:
            if sheltered is not None and isinstance(wish, Lasting):
                return await sheltered(drive_async(wishes, perform, None, wish))
            try:
                result = await perform(wish)
            except Exception as fault:  # noqa: BLE001 - as above
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
    return drive(calls, Call.make)
