"""What of an application a command works with: its runner, and its function that sends.

Here belong the finding of both by what somebody typed, and what becomes of what is to be sent: it is handed to that
function, or printed as a line of JSON. What is printed while an application is imported goes to standard error, so that
there is nothing but those lines.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, Union

import click
import orjson
from loguru import logger

from fsmflow.errors import BadTarget
from fsmflow.importing import import_named
from fsmflow.messages import Message
from fsmflow.runner import AsyncFlowRunner, FlowRunner
from fsmflow.storable import converter
from fsmflow.timers import Due

Send = Callable[[Due], Any]
AnyRunner = Union[FlowRunner, AsyncFlowRunner]

RUNNER = click.argument("target", metavar="MODULE:RUNNER")
"""Which runner."""

SEND = click.option(
    "--send", "sender", metavar="MODULE:FUNCTION", help="Is called with each Due; prints them by default."
)
"""What sends."""


def runner_and_sender(target: str, sender: str | None) -> tuple[AnyRunner, Send]:
    """What an application's runner and its function are called, found.

    Args:
        target: The runner.
        sender: The function that sends; None for `printed`.

    Raises:
        BadTarget: There is none, or it is another thing, or it must be awaited and the runner is synchronous.
    """
    runner = _named(target)
    if not isinstance(runner, (FlowRunner, AsyncFlowRunner)):
        raise BadTarget(target, "is no FlowRunner and no AsyncFlowRunner")
    if sender is None:
        return runner, printed
    send = _named(sender)
    if not callable(send):
        raise BadTarget(sender, "cannot be called")
    if isinstance(runner, FlowRunner) and inspect.iscoroutinefunction(send):
        raise BadTarget(sender, "must be awaited: that takes an AsyncFlowRunner")
    return runner, send


async def awaited(result: Any) -> Any:
    """What a runner, its manager or a function gave, awaited where that must be."""
    return (await result) if inspect.isawaitable(result) else result


async def sent(due: Due, send: Send) -> bool:
    """Sends one; what one member does not get costs no other member theirs.

    Returns:
        False if it could not be sent; the log says why.
    """
    whom = logger.bind(member_id=due.reply.member_id, run_id=due.reply.run_id)
    try:
        await awaited(send(due))
    except Exception as fault:  # noqa: BLE001 - whatever the application's function raises; its words may hold an answer
        whom.error("{} not sent: {}", due.kind, type(fault).__name__)
        return False
    if due.reply.messages:
        whom.info("{} sent", due.kind)
    return True


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


def _named(target: str) -> Any:
    if "://" in target:  # not repeated: it may hold a password
        raise BadTarget("an address", "is no module: a runner has its own store")
    with contextlib.redirect_stdout(sys.stderr):
        return import_named(target)
