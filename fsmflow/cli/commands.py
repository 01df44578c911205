"""What the ``fsmflow`` command understands: its commands, their options, their exit codes.

Here belongs click, and the turning of errors into one plain line each: 2 for what was asked wrongly (a target that
holds no flow, a flow that is written wrongly), 1 for what could not be done now (no Redis, diagrams out of date).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from loguru import logger

from fsmflow.cli.terminal import Console, Talk
from fsmflow.discovery import FoundFlow, find_flows
from fsmflow.errors import BadTarget, FlowDefinitionError, FsmflowError, InvalidMemberId, NewerState
from fsmflow.gallery import differences, left_over, pages_of, write
from fsmflow.manager import FlowStateManager
from fsmflow.runner import FlowRunner
from fsmflow.state import check_member_id
from fsmflow.wording import starters

_ASKED_WRONGLY = (BadTarget, FlowDefinitionError, InvalidMemberId)
_ANOTHER_MEMBER = "talk to that one, or start afresh as another --member"
_TARGETS = click.argument("targets", nargs=-1, required=True, metavar="TARGET...")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def fsmflow() -> None:
    """Look at flows and talk to them.

    A TARGET is where flows are: a file, a folder, a module (shop.flows), or one of its classes (shop.flows:OfferFlow).
    """


@fsmflow.command()
@_TARGETS
@click.option(
    "--out", default="diagrams", show_default=True, type=click.Path(path_type=Path, file_okay=False), help="The folder."
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the folder is not up to date.")
@click.option("--prune", is_flag=True, help="Remove the folder's diagrams of flows that are not in TARGET...")
def diagrams(targets: tuple[str, ...], out: Path, check: bool, prune: bool) -> None:
    """Draw the flows of TARGET... into a folder: DOT, Mermaid, and a README.md that shows them all."""
    if check and prune:
        raise click.UsageError("--check writes nothing, so there is nothing to --prune")
    with _told_plainly():
        pages = pages_of(find_flows(targets), out)
        if not check:
            others = write(pages, out, prune=prune)
            click.echo(f"{len(pages)} files in {out}")
            if others:
                click.echo(f"left over: {', '.join(map(str, others))} (--prune removes them)", err=True)
            return
        found = differences(pages, out)
        if not found:
            click.echo(f"{len(pages)} files in {out} are up to date")
            return
        renewing = f"fsmflow diagrams {' '.join(targets)} --out {out}{' --prune' if left_over(pages, out) else ''}"
        click.echo("\n".join([*found, f"To renew: {renewing}"]), err=True)
        sys.exit(1)


@fsmflow.command()
@_TARGETS
@click.option("--redis", "url", metavar="URL", help="The Redis to keep the state in; by default it is kept in memory.")
@click.option("--member", metavar="ID", help="Who you are; by default console:me.")
@click.option("--default", "any_message", is_flag=True, help="Any message starts the first flow, not only its keyword.")
@click.option("--log", is_flag=True, help="Show the log, audit entries among it, on standard error.")
def chat(targets: tuple[str, ...], url: str | None, member: str | None, any_message: bool, log: bool) -> None:
    """Talk to the flows of TARGET... in the terminal. A single flow is started at once."""
    with _told_plainly():
        if member is not None:
            check_member_id(member)
        flows = find_flows(targets)
        logger.remove()  # loguru's own sink would put audit entries between question and answer
        if log:
            logger.add(sys.stderr)
        runner = FlowRunner(
            _manager(url),
            {found.flow_type: found.flow for found in flows},
            default=flows[0].flow_type if any_message else None,
        )
        try:
            Talk(runner, Console.of_this_process(_suggestions(flows)), member).hold()
        except NewerState:
            # in a terminal it is seldom a newer release, and nearly always another file that was tried before
            who = member or "console:me"
            _fail(f"a flow of another file (or a newer one) is open for {who} in that Redis: {_ANOTHER_MEMBER}", 1)


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


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except FsmflowError as error:
        _fail(str(error), 2 if isinstance(error, _ASKED_WRONGLY) else 1)


def _fail(words: str, code: int) -> NoReturn:
    click.echo(f"Error: {words}", err=True)
    sys.exit(code)
