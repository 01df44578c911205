"""A worker of a fault run, as a test holds it: given orders, stopped, let go on, killed, cut off from its Redis.

What runs in it is in `workers`.
"""

from __future__ import annotations

import signal
from typing import Any

from attrs import frozen

from tests.crew import DONE, PROCESSES, SECONDS_TO_ANSWER
from tests.faults import workers
from tests.faults.workers import AT, TOLD, UNAVAILABLE, Order, World
from tests.proxy import CuttingProxy


@frozen
class Unavailable:
    """What a worker told that could not reach the store."""

    why: str


class Worker:
    """A worker process; once made, it is connected and waits for orders."""

    def __init__(self, side: str, world: World) -> None:
        DONE["processes"] += 1
        self._pipe, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=workers.work, args=(side, world, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._is_over = False
        self.passed: tuple[str, ...] = ()
        self.hears()

    def begins(self, method: str, *arguments: Any, stops_at: str = "", time: int = 1, dies_at: int = 0) -> None:
        """Gives it an order."""
        DONE["deliveries"] += method == "handle"
        self._pipe.send(Order(method, arguments, stops_at, time, dies_at))

    def does(self, method: str, *arguments: Any) -> Any:
        """Gives it an order, and hears what came of it."""
        self.begins(method, *arguments)
        kind, told = self.hears()
        assert kind != AT, told
        return told if kind == TOLD else Unavailable(told)

    def stops(self, method: str, *arguments: Any, at: str, time: int = 1) -> bool:
        """Gives it an order; True once it waits at a point, False where it was through before."""
        self.begins(method, *arguments, stops_at=at, time=time)
        return self.hears()[0] == AT

    def goes_on(self) -> None:
        """Lets it go on from where it stopped."""
        self._pipe.send("go on")

    def ends_it(self) -> Any:
        """Lets it go on from where it stopped, and hears what came of it."""
        self.goes_on()
        return self.hears()[1]

    def dies(self, number: int, method: str, *arguments: Any) -> str:
        """Gives it an order, and has it killed at the point of a number; that point, empty if it was through before."""
        self.begins(method, *arguments, dies_at=number)
        kind, told = self.hears()
        if kind != AT:
            return ""
        self._process.join(SECONDS_TO_ANSWER)
        assert self._process.exitcode == -signal.SIGKILL
        DONE["kills"] += 1
        return str(told)

    def hears(self) -> tuple[str, Any]:
        """What it tells next."""
        assert self._pipe.poll(SECONDS_TO_ANSWER), "the worker says nothing"
        kind, told, self.passed = self._pipe.recv()
        assert kind in (TOLD, UNAVAILABLE, AT)
        return kind, told

    def is_killed(self) -> None:
        """Kills it, whatever it is at."""
        DONE["kills"] += 1
        self.ends()

    def ends(self) -> None:
        """Ends it."""
        if self._is_over:
            return
        self._is_over = True
        self._process.kill()  # with SIGKILL
        self._process.join()
        self._process.close()
        self._pipe.close()


def cut_off(proxy: CuttingProxy, worker: Worker, cuts: int) -> Any:
    """Lets a worker go on that stands before a commit, which is cut off; what the worker tells in the end."""
    proxy.cuts = cuts
    told = worker.ends_it()
    assert proxy.cuts < cuts, "nothing was cut"
    DONE[f"cuts of: {proxy.lost}"] += cuts - proxy.cuts
    proxy.cuts = 0
    return told
