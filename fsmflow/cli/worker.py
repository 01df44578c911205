"""``fsmflow worker``: looks after members who say nothing, until it is told to stop.

Here belong the options of the command, the loop, and what becomes of what is to be sent: it is handed to a function of
the application, or printed as a line of JSON. What is due, and that only one of several workers does it, is the
runner's affair.

Each line of the log is one thing that was done, sent, or could not be. Stopped by SIGTERM or SIGINT it first sends what
it has done: what is committed and not sent is a reminder that nobody gets.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
from collections.abc import Callable
from typing import Any, Union

import click
import orjson
from loguru import logger

from fsmflow.cli.plainly import told_plainly
from fsmflow.errors import BadTarget, StoreUnavailable
from fsmflow.importing import import_named
from fsmflow.messages import Message
from fsmflow.runner import AsyncFlowRunner, FlowRunner
from fsmflow.storable import converter
from fsmflow.timers import Due

Send = Callable[[Due], Any]
AnyRunner = Union[FlowRunner, AsyncFlowRunner]


@click.command()
@click.argument("target", metavar="MODULE:RUNNER")
@click.option("--send", "sender", metavar="MODULE:FUNCTION", help="Is called with each Due; prints them by default.")
@click.option("--interval", type=click.FloatRange(min=0.05), default=5.0, show_default=True, help="Seconds in between.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Members at a time.")
@click.option("--once", is_flag=True, help="Look once and leave, for who has a scheduler.")
def worker(target: str, sender: str | None, interval: float, limit: int, once: bool) -> None:
    """Remind members and close silent runs, of the runner MODULE:RUNNER. Start as many as you like.

    Without --send what was done is printed with what is to be sent, a line of JSON each.
    """
    with told_plainly():
        runner = _runner(target)
        send = printed if sender is None else _function(sender)
        if isinstance(runner, FlowRunner) and inspect.iscoroutinefunction(send):
            raise BadTarget(str(sender), "must be awaited: that takes an AsyncFlowRunner")
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
        closed: Any = runner.manager.close()
        if inspect.isawaitable(closed):
            await closed
        logger.info("stopped")


async def _look(runner: AnyRunner, send: Send, limit: int) -> int:
    """Does what is due and sends it; gives at how many members something was done."""
    try:
        due: Any = runner.due(limit)
        found: list[Due] = (await due) if inspect.isawaitable(due) else due
    except StoreUnavailable as fault:
        logger.warning("nothing is looked after: {}", fault)
        return 0
    for each in found:
        await _sent(each, send)
    return len(found)


async def _sent(due: Due, send: Send) -> None:
    """Sends one; what one member does not get costs no other member theirs."""
    whom = logger.bind(member_id=due.reply.member_id, run_id=due.reply.run_id)
    try:
        sent = send(due)
        if inspect.isawaitable(sent):
            await sent
    except Exception as fault:  # noqa: BLE001 - whatever the application's function raises; its words may hold an answer
        whom.error("{} not sent: {}", due.kind, type(fault).__name__)
    else:
        if due.reply.messages:
            whom.info("{} sent", due.kind)


def printed(due: Due) -> None:
    """Prints what was done and what is to be sent, as a line of JSON."""
    message: Any = Message  # cattrs takes a union where its types want a class
    line = {
        "kind": due.kind,
        "member_id": due.reply.member_id,
        "channel": {"type": due.channel.type, "identifier": due.channel.identifier},
        "account": due.account,
        "flow_id": due.reply.flow_id,
        "run_id": due.reply.run_id,
        "step_id": due.reply.step_id,
        "messages": [converter.unstructure(each, message) for each in due.reply.messages],
    }
    click.echo(orjson.dumps(line))


def _runner(target: str) -> AnyRunner:
    found = import_named(target)
    if not isinstance(found, (FlowRunner, AsyncFlowRunner)):
        raise BadTarget(target, "is no FlowRunner and no AsyncFlowRunner")
    return found


def _function(target: str) -> Send:
    found = import_named(target)
    if not callable(found):
        raise BadTarget(target, "cannot be called")
    function: Send = found
    return function
