"""The ``fsmflow`` command: what a terminal can do with flows.

Here belongs the entry point alone, so that without the extra ``cli`` somebody is told what to install, not shown a
traceback. What the command does stands in `commands` and `terminal`.
"""

from __future__ import annotations

from fsmflow.errors import MissingExtra

_OF_THE_EXTRA = frozenset({"click", "prompt_toolkit"})


def main() -> None:
    """Runs the command.

    Raises:
        SystemExit: Always: 0 if it did what it was asked, 1 if it could not, 2 if it was asked wrongly.
    """
    try:
        from fsmflow.cli.commands import fsmflow
    except ModuleNotFoundError as missing:
        if missing.name not in _OF_THE_EXTRA:
            raise
        raise SystemExit(str(MissingExtra("cli", "the fsmflow command"))) from missing
    fsmflow(prog_name="fsmflow")
