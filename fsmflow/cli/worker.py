"""``fsmflow worker``: looks after members who say nothing, until it is told to stop.

Here belong the options of the command and the loop. What becomes of what is to be sent stands in `applications`; what
is due, and that only one of several workers does it, is the runner's affair.

Each line of the log is one thing that was done, sent, or could not be. Stopped by SIGTERM or SIGINT it first sends what
it has done: what is committed and not sent is a reminder that nobody gets.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

import click
from loguru import logger

from fsmflow.cli.applications import RUNNER, SEND, AnyRunner, Send, awaited, runner_and_sender, sent
from fsmflow.cli.plainly import told_plainly
from fsmflow.errors import StoreUnavailable
from fsmflow.timers import Due


@click.command()
@RUNNER
@SEND
@click.option("--interval", type=click.FloatRange(min=0.05), default=5.0, show_default=True, help="Seconds in between.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Members at a time.")
@click.option("--once", is_flag=True, help="Look once and leave, for who has a scheduler.")
def worker(target: str, sender: str | None, interval: float, limit: int, once: bool) -> None:
    """Remind members and close silent runs, of the runner MODULE:RUNNER. Start as many as you like.

    Without --send what was done is printed with what is to be sent, a line of JSON each.
    """
    with told_plainly():
        runner, send = runner_and_sender(target, sender)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_work(runner, send, interval=interval, limit=limit, once=once))


async def _work(runner: AnyRunner, send: Send, *, interval: float, limit: int, once: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # where a loop takes no signals, Ctrl-C still interrupts it
            loop.add_signal_handler(each, stop.set)
    logger.info("looking after members every {:g} s", interval)
    try:
        while not stop.is_set():
            done = await _look(runner, send, limit)
            if once:
                break
            if done < max(1, limit // 2):  # else there is more to do
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(stop.wait(), interval)
    finally:
        await awaited(runner.manager.close())
        logger.info("stopped")


async def _look(runner: AnyRunner, send: Send, limit: int) -> int:
    """Does what is due and sends it; gives at how many members something was done."""
    try:
        found: list[Due] = await awaited(runner.due(limit))
    except StoreUnavailable as fault:
        logger.warning("nothing is looked after: {}", fault)
        return 0
    for each in found:
        await sent(each, send)
    return len(found)
