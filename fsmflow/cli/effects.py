"""``fsmflow effects``: which effects are open in a store. What closes one stands in `resolving` and `abandoning`.

Here belong the options of the list and how it looks. It is made of what is stored alone: no flow is imported, nothing
is written, no answer is shown. What an operator goes on with must be there in full, to be copied: so nothing is cut or
broken into two lines, and where a terminal is too narrow for a table, what is long stands in lines of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click
import orjson
from click.core import ParameterSource
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from fsmflow.cli.abandoning import abandon
from fsmflow.cli.closing import told
from fsmflow.cli.plainly import told_plainly
from fsmflow.cli.resolving import resolve
from fsmflow.cli.stores import DiscreetGroup, asked_of
from fsmflow.open_effects import OpenEffect

_COLUMNS = ("STATUS", "TAKEN UP", "TIME", "FLOW", "STEP", "MEMBER", "EFFECT")
_EXIT = "Exits with 0, also if none is open, with 1 if Redis does not answer, and with 2 if it was asked wrongly."


@click.group(
    cls=DiscreetGroup,
    commands=[resolve, abandon],
    invoke_without_command=True,
    subcommand_metavar="[resolve|abandon ...]",
    epilog=_EXIT,
)
@click.option("--redis", "url", metavar="URL", help="The store to look into.")
@click.option("--prefix", default="fsmflow", show_default=True, help="What the keys begin with.")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each, in place of a table.")
@click.pass_context
def effects(context: click.Context, url: str | None, prefix: str, limit: int, as_json: bool) -> None:
    """List the effects that are open in a store, or close one by hand.

    An effect is open while it is run, until the service tells what came of it, and while nobody knows. Those that are
    open for longest come first; their times are by the clock of Redis. TAKEN UP says how often somebody began to run
    it, or only to ask what came of it: not how often it happened.
    """
    if context.invoked_subcommand is not None:
        given = (context.get_parameter_source(name) for name in context.params)
        if any(source is not ParameterSource.DEFAULT for source in given):
            if context.invoked_subcommand == "abandon":
                raise click.UsageError("what is said before abandon belongs to the list: say --redis behind it")
            raise click.UsageError("--redis and what goes with it belong to the list: a runner has its own store")
        return
    if url is None:
        raise click.UsageError("Missing option '--redis'.")
    with told_plainly():
        found = asked_of(url, prefix, lambda manager: manager.open_effects(limit + 1))
    if as_json:
        for effect in found[:limit]:
            click.echo(orjson.dumps(_as_structure(effect)))
    elif found:
        show(found[:limit], Console(highlight=False))
    if not found:
        click.echo("No effect is open under this prefix.", err=as_json)
    if len(found) > limit:
        click.echo(f"More are open: these are the first {limit} (--limit).", err=True)


def show(effects: Sequence[OpenEffect], console: Console) -> None:
    """Shows effects as a table, a line each; on a terminal that is too narrow for it, three lines each.

    Args:
        effects: The effects.
        console: Where to.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in _COLUMNS:
        table.add_column(Text(name), no_wrap=True)
    for effect in effects:
        table.add_row(*(Text(each) for each in _cells(effect)))
    endless = console.options.update(max_width=sys.maxsize, width=sys.maxsize)
    width = Measurement.get(console, endless, table).maximum
    if not console.is_terminal:
        console.width = width  # a pipe has none
    if width <= console.width:
        console.print(table)
        return
    for effect in effects:
        status, taken_up, moment, flow, step, member, effect_id = _cells(effect)
        lines = (f"{status}  {moment}", f"  {flow}  {step}  taken up {taken_up}", f"  {member}", f"  {effect_id}")
        for line in lines:
            console.print(Text(line), soft_wrap=True)


def _cells(effect: OpenEffect) -> Iterator[str]:
    """What is said of an effect, in the order of the columns."""
    yield effect.status.value if effect.is_readable else f"{effect.status.value} (unreadable)"
    yield str(effect.taken_up) if effect.is_readable else "?"
    if effect.until is not None:
        yield f"until {told(effect.until)}{' (over)' if effect.is_over else ''}"
    else:
        yield "?" if effect.since is None else f"since {told(effect.since)}"
    for each in (effect.flow_type, effect.place):
        yield "?" if each is None else _plain(each)
    yield _plain(effect.member_id)
    yield _plain(effect.effect_id) or '""'


def _plain(text: str) -> str:
    """A text that does nothing to a terminal: what was stored may hold anything."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def _as_structure(effect: OpenEffect) -> dict[str, object]:
    return {
        "member_id": effect.member_id,
        "flow_type": effect.flow_type,
        "step": effect.place,
        "status": effect.status.value,
        "taken_up": effect.taken_up,
        "since": effect.since,
        "until": effect.until,
        "is_over": effect.is_over,
        "is_readable": effect.is_readable,
        "effect_id": effect.effect_id,
    }
