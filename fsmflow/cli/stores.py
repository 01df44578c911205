"""The store that a command looks into: an address somebody typed, which may hold a password.

Here belong the asking of a store and what keeps its address out of all that is printed: no error repeats it, also not
where it was typed in a place where none belongs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from fsmflow.cli.plainly import fail
from fsmflow.errors import StoreUnavailable
from fsmflow.manager import FlowStateManager
from fsmflow.store import Layout

ResultT = TypeVar("ResultT")


def asked_of(url: str, prefix: str, ask: Callable[[FlowStateManager], ResultT]) -> ResultT:
    """What the store at an address says; leaves with a plain line where that is no address.

    Args:
        url: The address.
        prefix: What the keys begin with.
        ask: Asks it.

    Raises:
        StoreUnavailable: Redis did not answer; it says where, as far as that is no part of a password.
    """
    try:
        Layout(prefix)
    except ValueError as wrong:
        fail(f"--prefix: {wrong}", 2)
    try:
        with contextlib.closing(FlowStateManager.from_url(url, prefix=prefix)) as manager:
            return ask(manager)
    except StoreUnavailable as error:
        where = _place_of(url)
        raise StoreUnavailable(f"{error}, at {where}" if where else str(error)) from error
    except (TypeError, ValueError):
        # redis-py makes arguments of what stands behind a question mark, and that may be the rest of a password; so
        # neither its words nor the address are repeated
        fail("--redis: that is no address of a store: redis://…, rediss:// or unix://…, its password quoted", 2)


def _place_of(url: str) -> str:
    """Host and port of an address, or its socket; empty where a part of a password might stand in their place.

    A mark of a password that was not quoted ends what is read as host and port, so that the ``@`` comes behind it.
    """
    parts = urlsplit(url)
    if "@" in parts.path + parts.query + parts.fragment:
        return ""
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


@contextlib.contextmanager
def _unrepeated(context: click.Context) -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        if "://" not in error.format_message():
            raise
        raise click.UsageError("an address belongs behind --redis", context) from None


class DiscreetCommand(click.Command):
    """A command that repeats no address that was typed where none belongs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As of any command."""
        with _unrepeated(ctx):
            return super().parse_args(ctx, args)


class DiscreetGroup(DiscreetCommand, click.Group):
    """The same of a group, of which a wrong argument is taken for the name of a command."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As of any group."""
        with _unrepeated(ctx):
            return super().resolve_command(ctx, args)
