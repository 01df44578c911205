"""Several exchanges side by side, for who has no event loop to do it.

Here belongs whose turn it is: what is called is called one after the other, what is sent goes out in one batch, and
effects run in threads of their own, each exchange going on when its own has ended. A long effect of one member costs
another nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic

from fsmflow.effects import Perform
from fsmflow.errors import StoreUnavailable
from fsmflow.exchange import Begin, FirstEnded, ResultT, Send, SendAll, Wish, Wishes


def together(several: Sequence[Wishes[ResultT]]) -> Wishes[list[ResultT]]:
    """Drives several generators side by side.

    Args:
        several: The generators; of different members, for the order between two of them is open.

    Yields:
        Their calls and pauses, one at a time; what they send, together; the effects that they run, side by side.

    Returns:
        What each returned.

    Raises:
        Exception: The first that one of them let through, after all the others have come to their end.
    """
    of_all = _Several(several)
    while of_all.wanted or of_all.running:
        yield from of_all.calls()
        if of_all.wanted:
            yield from of_all.sends()
        elif of_all.running:
            yield from of_all.waits()
    if of_all.faults:
        raise of_all.faults[0]
    return [of_all.returned[index] for index in range(len(several))]


class _Several(Generic[ResultT]):
    """How far each of several generators is."""

    def __init__(self, several: Sequence[Wishes[ResultT]]) -> None:
        self.several = several
        self.wanted: dict[int, Wish] = {}
        self.running: dict[int, Any] = {}
        self.returned: dict[int, ResultT] = {}
        self.faults: list[Exception] = []
        for index, wishes in enumerate(several):
            self._go_on(index, partial(next, wishes))

    def calls(self) -> Wishes[None]:
        """Has each go on until it wants something sent, or runs an effect."""
        for index in list(self.wanted):
            while not isinstance(wish := self.wanted.get(index), (Send, SendAll, type(None))):
                if isinstance(wish, Perform):
                    self.running[index] = yield Begin(wish)
                    del self.wanted[index]
                    break
                try:
                    result = yield wish
                except Exception as fault:  # noqa: BLE001 - handed to the one that wanted it
                    self._go_on(index, partial(self.several[index].throw, fault))
                else:
                    self._go_on(index, partial(self.several[index].send, result))

    def sends(self) -> Wishes[None]:
        """Sends what they want sent."""
        sending = dict(self.wanted)
        answers = iter((yield SendAll(tuple(command for wish in sending.values() for command in _commands(wish)))))
        for index, wish in sending.items():
            self._take_in(index, [next(answers) for _ in wish.commands] if isinstance(wish, SendAll) else next(answers))

    def waits(self) -> Wishes[None]:
        """Waits for the first effect that ends."""
        came = yield FirstEnded(tuple(self.running.values()))
        for index, outcome in zip(list(self.running), came, strict=True):
            if outcome is not None:
                del self.running[index]
                self._take_in(index, outcome)

    def _take_in(self, index: int, answer: Any) -> None:
        one = self.several[index]
        self._go_on(index, partial(one.throw if isinstance(answer, StoreUnavailable) else one.send, answer))

    def _go_on(self, index: int, resume: Callable[[], Wish]) -> None:
        self.wanted.pop(index, None)
        try:
            self.wanted[index] = resume()
        except StopIteration as stop:
            self.returned[index] = stop.value
        except Exception as fault:  # noqa: BLE001 - raised when all have ended
            self.faults.append(fault)


def _commands(wish: Wish) -> tuple[tuple[Any, ...], ...]:
    return wish.commands if isinstance(wish, SendAll) else (wish.command,) if isinstance(wish, Send) else ()
