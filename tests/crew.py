"""The workers of a test, as it holds them: given messages, let go on, heard, ended.

Processes are forked from a server process that has imported all that they run and has no thread: one costs some twenty
milliseconds, where a new interpreter would cost a third of a second. What they do is in `workers`.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fsmflow import Channel, FlowStateManager, Inbound, Reply
from tests import workers
from tests.commits import CHANNEL
from tests.invariants import assert_holds
from tests.told import Answered
from tests.workers import FLOWS, PATIENT, Order, with_options

SECONDS_TO_ANSWER = 30  # a worker that says nothing for so long will never say anything

DONE: Counter[str] = Counter()
"""What all tests of a run have done, for the summary at its end."""

PROCESSES = multiprocessing.get_context("forkserver")
"""How all processes of the tests are made."""

# pytest too: what is run as a script is imported anew by each process, unless it is there
PROCESSES.set_forkserver_preload(["pytest", workers.__name__, "tests.faults.workers"])


class Worker:
    """A worker process; once made, it is connected and waits for messages.

    Args:
        side: Which side of fsmflow it runs.
        url: Where its Redis is.
        prefix: What its keys begin with.
    """

    def __init__(self, side: str, url: str, prefix: str) -> None:
        DONE["processes"] += 1
        self._pipe, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=workers.work, args=(side, url, prefix, theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert self._hears() == "ready"

    def is_given(self, inbound: Inbound, stops_at: str = "", *, time: int = 1, dies_at: int = 0) -> None:
        """Gives it a message; with a point to stop at, returns when it has got there."""
        DONE["deliveries"] += 1
        self._pipe.send(Order(inbound, stops_at, time, dies_at))
        if stops_at:
            assert self._hears() == stops_at

    def goes_on(self) -> None:
        """Lets it go on from where it stopped."""
        self._pipe.send("go on")

    def tells(self) -> Reply | None:
        """What became of the message: its reply, or None where the store was unavailable."""
        told = self._hears()
        if isinstance(told, Reply):
            return told
        assert str(told).startswith("Redis did not"), told
        return None

    def answers(self, inbound: Inbound) -> Reply | None:
        """Gives it a message, and hears what became of it."""
        self.is_given(inbound)
        return self.tells()

    def dies_of(self, inbound: Inbound, number: int) -> tuple[str, Reply | None]:
        """Gives it a message, and has it killed at the point of a number.

        Returns:
            That point, and nothing; or an empty one and the reply, where the turn was over before.
        """
        self.is_given(inbound, dies_at=number)
        told = self._hears()
        if isinstance(told, Reply):
            return "", told
        self._process.join(SECONDS_TO_ANSWER)
        assert self._process.exitcode == -signal.SIGKILL
        DONE["kills"] += 1
        return str(told), None

    def ends(self) -> None:
        """Ends it, whatever it is at."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()

    def _hears(self) -> Any:
        assert self._pipe.poll(SECONDS_TO_ANSWER), "the worker says nothing"
        return self._pipe.recv()


class Race:
    """One race: its workers, and what they told their clients.

    Args:
        side: Which side of fsmflow they run.
        url: Where their Redis is.
        prefix: What their keys begin with.
    """

    def __init__(self, side: str, url: str, prefix: str) -> None:
        DONE["races"] += 1
        self.side = side
        self.url = url
        self.prefix = prefix
        self.workers: list[Worker] = []
        self.answered: list[Answered] = []
        self._messages = 0

    def worker(self, url: str | None = None, options: str = PATIENT) -> Worker:
        """One more worker; with another address of the same Redis if one is named, or with other options."""
        self.workers.append(Worker(self.side, with_options(url or self.url, options), self.prefix))
        return self.workers[-1]

    def message(self, text: str, channel: Channel = CHANNEL) -> Inbound:
        """A message that was never delivered yet."""
        self._messages += 1
        DONE["messages"] += 1
        return Inbound(channel, f"m{self._messages}", text)

    def told(self, inbound: Inbound, reply: Reply | None) -> Reply:
        """Takes note of what a client was told of a message."""
        assert reply is not None, "the store was unavailable"
        self.answered.append((inbound, reply))
        return reply

    def says(self, worker: Worker, *texts: str, channel: Channel = CHANNEL) -> None:
        """Has messages answered by a worker, one after the other."""
        for text in texts:
            inbound = self.message(text, channel)
            self.told(inbound, worker.answers(inbound))

    def holds(self, channel: Channel = CHANNEL) -> None:
        """Judges by the invariants what is stored of a member, and what clients were told."""
        manager = FlowStateManager.from_url(self.url, prefix=self.prefix)
        try:
            assert_holds(manager, f"{channel.type}:{channel.identifier}", self.answered, FLOWS)
        finally:
            manager.close()


@contextmanager
def racing(side: str, url: str, prefix: str) -> Iterator[Race]:
    """A race whose workers are ended afterwards, whatever happened."""
    race = Race(side, url, prefix)
    try:
        yield race
    finally:
        for worker in race.workers:
            worker.ends()
