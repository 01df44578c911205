"""What the commands share that close an effect by hand: who says so and why, and when they had better not.

Here belong the options of both, and the look at whether a call is under way still. An effect that is closed beside one
may happen after it was said that it did not; a service's own word, which a runner is told in a program, comes from who
knows better, so it is asked of people alone.
"""

from __future__ import annotations

import getpass
from datetime import datetime, timezone

import click

from fsmflow.cli.plainly import fail
from fsmflow.open_effects import OpenEffect
from fsmflow.pending import Status

EXIT = "Exits with 0 if it was closed by this, with 1 if not, and with 2 if it was asked wrongly."


def as_text(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """What somebody typed, if it is a text that says something.

    Raises:
        click.BadParameter: It is none.
    """
    if value is None:
        return None
    if not value.strip():
        raise click.BadParameter("says nothing")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise click.BadParameter("is no text") from None
    return value.strip()


MEMBER = click.argument("member", metavar="MEMBER")
"""Whose effect."""

EFFECT = click.argument("effect_id", metavar="EFFECT")
"""Which."""

REASON = click.option("--reason", required=True, callback=as_text, help="Why; for the audit trail.")
"""Why."""

BY = click.option("--by", callback=as_text, help="Who says so; for the audit trail.  [default: the name of the login]")
"""Who."""

FORCE = click.option("--force", is_flag=True, help="Also while its worker may be at it: it may happen after all.")
"""Whether it matters that a call may be under way."""


def why_of(reason: str, by: str | None) -> str:
    """What the trail keeps: who says so, and why.

    Raises:
        click.UsageError: Nobody is named, and nobody is known to be logged in.
    """
    return f"{by or _login()}: {reason}"


def _login() -> str:
    try:
        return getpass.getuser()
    except Exception:  # noqa: BLE001 - where nobody has that number: an OSError or a KeyError, by the release of Python
        raise click.UsageError("nobody knows who you are: say it with --by") from None


def check_nobody_is_at_it(effect: OpenEffect | None, effect_id: str) -> None:
    """Leaves with a plain line if the effect is held, and its time is not over.

    Args:
        effect: What is open at the member, by the store's clock.
        effect_id: What is to be closed.
    """
    if effect is None or effect.effect_id != effect_id or effect.status is not Status.RUNNING or effect.is_over:
        return
    until = "" if effect.until is None else f" until {told(effect.until)}"
    fail(f"this effect is still held{until}; its worker may be at it: wait, or close it all the same with --force", 1)


def told(moment: datetime) -> str:
    """A moment as operators read it."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
