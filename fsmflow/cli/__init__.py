"""The ``fsmflow`` command: what a terminal can do with flows.

Here belongs the entry point, which collects the commands, one module each (`chat`, `check`, `diagrams`, `effects`,
`worker`). They are imported when the command runs, so that without the extra ``cli`` somebody is told what to install,
not shown a traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsmflow.errors import MissingExtra

if TYPE_CHECKING:
    import click

_OF_THE_EXTRA = frozenset({"click", "prompt_toolkit", "rich"})
_HELP = """Look at flows and talk to them.

A TARGET is where flows are: a file, a folder, a module (shop.flows), or one of its classes (shop.flows:OfferFlow).
"""


def main() -> None:
    """Runs the command.

    Raises:
        SystemExit: Always: 0 if it did what it was asked, 1 if it could not, 2 if it was asked wrongly.
    """
    try:
        command = fsmflow()
    except ModuleNotFoundError as missing:
        if missing.name not in _OF_THE_EXTRA:
            raise
        raise SystemExit(str(MissingExtra("cli", "the fsmflow command"))) from missing
    command(prog_name="fsmflow")


def fsmflow() -> click.Group:
    """The command with all its commands.

    Raises:
        ModuleNotFoundError: The extra ``cli`` is not installed.
    """
    import click

    from fsmflow.cli.chat import chat
    from fsmflow.cli.check import check
    from fsmflow.cli.diagrams import diagrams
    from fsmflow.cli.effects import effects
    from fsmflow.cli.worker import worker

    settings = {"help_option_names": ["-h", "--help"]}
    commands = [chat, check, diagrams, effects, worker]
    return click.Group("fsmflow", commands=commands, help=_HELP, context_settings=settings)
