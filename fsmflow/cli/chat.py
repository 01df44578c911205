"""``fsmflow chat``: a conversation with flows in a terminal.

Here belong the options of the command, and the runner that it is held with: its store, and the services that actions
work with, which stand beside the flows (``services``) or are named. The reading of lines and the printing of
replies stand in `fsmflow.cli.terminal`.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import click
from loguru import logger

from fsmflow.cli.plainly import TARGETS, fail, told_plainly
from fsmflow.cli.terminal import Console, Talk
from fsmflow.discovery import FoundFlow, find_flows
from fsmflow.errors import NewerState
from fsmflow.importing import import_named
from fsmflow.manager import FlowStateManager
from fsmflow.runner import FlowRunner
from fsmflow.state import check_member_id
from fsmflow.wording import starters

_ANOTHER_MEMBER = "talk to that one, or start afresh as another --member"


@click.command()
@TARGETS
@click.option("--redis", "url", metavar="URL", help="The Redis to keep the state in; by default it is kept in memory.")
@click.option("--member", metavar="ID", help="Who you are; by default console:me.")
@click.option("--default", "any_message", is_flag=True, help="Any message starts the first flow, not only its keyword.")
@click.option(
    "--services",
    "named",
    metavar="MODULE:NAME",
    help="What actions work with (self.services); by default the variable services beside the flows.",
)
@click.option("--log", is_flag=True, help="Show the log, audit entries among it, on standard error.")
def chat(
    targets: tuple[str, ...], url: str | None, member: str | None, any_message: bool, named: str | None, log: bool
) -> None:
    """Talk to the flows of TARGET... in the terminal. A single flow is started at once."""
    with told_plainly():
        if member is not None:
            check_member_id(member)
        flows = find_flows(targets)
        logger.remove()  # loguru's own sink would put audit entries between question and answer
        if log:
            logger.add(sys.stderr)
        else:
            # so would logging's last resort, what is tried again among it
            logging.basicConfig(handlers=[logging.NullHandler()])
        raised: list[Exception] = []
        runner = FlowRunner(
            _manager(url),
            {found.flow_type: found.flow for found in flows},
            default=flows[0].flow_type if any_message else None,
            services=_services(flows) if named is None else import_named(named),
            on_fault=lambda fault, _: raised.append(fault),
        )
        try:
            Talk(runner, Console.of_this_process(_suggestions(flows)), member, raised).hold()
        except NewerState:
            # in a terminal it is seldom a newer release, and nearly always another file that was tried before
            who = member or "console:me"
            fail(f"a flow of another file (or a newer one) is open for {who} in that Redis: {_ANOTHER_MEMBER}", 1)


def _services(flows: tuple[FoundFlow, ...]) -> Any:
    """What stands beside the flows; a runner has one for all of them."""
    found = {id(each.services): each.services for each in flows if each.services is not None}
    if len(found) > 1:
        places = " and ".join(dict.fromkeys(each.module for each in flows if each.services is not None))
        fail(f"{places} have services of their own: say which by --services MODULE:NAME", 2)
    return next(iter(found.values()), None)


def _manager(url: str | None) -> FlowStateManager:
    if url is None:
        return FlowStateManager.in_memory()
    try:
        return FlowStateManager.from_url(url)
    except ValueError as wrong:
        # redis-py's words name the schemes; they do not repeat the URL, which may hold a password
        raise click.BadParameter("must begin with redis://, rediss:// or unix://", param_hint="--redis") from wrong


def _suggestions(flows: tuple[FoundFlow, ...]) -> tuple[str, ...]:
    return tuple(word for found in flows for word in starters(found.flow.keywords, found.flow_type))
