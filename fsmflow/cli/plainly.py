"""What all commands share: how they are asked, and how they say that something is wrong.

Here belong the targets that every command takes, and the turning of errors into one plain line and an exit code each:
2 for what was asked wrongly (a target that holds no flow, a flow that is written wrongly), 1 for what could not be
done now (no Redis, diagrams out of date).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from fsmflow.errors import BadTarget, FlowDefinitionError, FsmflowError, InvalidMemberId

TARGETS = click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
"""Where the flows are."""

_ASKED_WRONGLY = (BadTarget, FlowDefinitionError, InvalidMemberId)


@contextmanager
def told_plainly(*, otherwise: int = 1) -> Iterator[None]:
    """Within this an error of fsmflow is one line and an exit code, not a traceback.

    Args:
        otherwise: The exit code of what could not be done now; another where 1 is an answer.
    """
    try:
        yield
    except FsmflowError as error:
        fail(str(error), 2 if isinstance(error, _ASKED_WRONGLY) else otherwise)


def fail(words: str, code: int) -> NoReturn:
    """Says what is wrong and leaves.

    Args:
        words: What is said, in a line.
        code: The exit code: 2 for what was asked wrongly, 1 for what could not be done now.
    """
    click.echo(f"Error: {words}", err=True)
    sys.exit(code)
