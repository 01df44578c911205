"""``fsmflow diagrams``: pictures of flows in a folder, written or compared; a change, or a member's way, as a picture.

Here belong the options of the command and what it prints of a folder. What is in the folder belongs to
`fsmflow.diagrams.gallery`; ``--diff`` stands in `fsmflow.cli.comparing`, ``--member`` in `fsmflow.cli.following`.
"""

from __future__ import annotations

import itertools
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from attrs import field, frozen
from click.core import ParameterSource

from fsmflow.cli.comparing import show_change
from fsmflow.cli.following import WayOptions, show_way
from fsmflow.cli.plainly import told_plainly
from fsmflow.diagrams.gallery import Gallery, options_of
from fsmflow.diagrams.graph import NAME_LENGTH, one_line
from fsmflow.diagrams.index import SUFFIXES, Options
from fsmflow.discovery import find_flows


def _forms(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    named = [name.strip() for name in value.split(",")]
    wrong = [name for name in named if name not in SUFFIXES]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is none of {', '.join(SUFFIXES)}")
    return tuple(form for form in SUFFIXES if form in named)


@click.command(epilog="Exits with 0, with 1 if --check or --diff says no, and with 2 if it was asked wrongly.")
@click.argument("targets", nargs=-1, metavar="TARGET...")
@click.option(
    "--out", default="diagrams", show_default=True, type=click.Path(path_type=Path, file_okay=False), help="The folder."
)
@click.option(
    "--format",
    "forms",
    callback=_forms,
    metavar="FORM,...",
    help=f"Of {', '.join(SUFFIXES)}; by default what the folder is in already, else dot,mermaid. "
    "SVG and PNG need the program dot.",
)
@click.option("--all/--folded", "unfolded", default=None, help="Show what is the same at every question, too.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the folder is not up to date.")
@click.option("--prune", is_flag=True, help="Remove the folder's diagrams of flows that are not in TARGET...")
@click.option(
    "--diff",
    nargs=2,
    metavar="OLD NEW",
    help="Show what has changed from one target to another, in place of TARGET..., as Markdown; exit with 1 if members "
    "in the middle of a flow do not go on. A target at a revision of git is named git:REV:path.",
)
@click.option("--member", metavar="ID", help="Show the way of a member through the latest run, from the audit trail.")
@click.option("--run", "run_id", metavar="ID", help="Of --member: another run.")
@click.option("--redis", "url", metavar="URL", help="Of --member: where the trail is.")
@click.option("--prefix", default="fsmflow", show_default=True, help="Of --member: what the keys begin with.")
@click.pass_context
def diagrams(
    context: click.Context,
    /,
    targets: tuple[str, ...],
    out: Path,
    forms: tuple[str, ...] | None,
    unfolded: bool | None,
    **asked: Any,
) -> None:
    """Draw the flows of TARGET... into a folder, with a README.md that shows them all.

    With --diff or --member one page of Markdown is printed instead, or written into the folder of --out, together with
    the pictures in the forms of --format.
    """
    options = _Asked(**asked)
    options.check_together(targets)
    named = None if context.get_parameter_source("out") is ParameterSource.DEFAULT else out
    if named is None and forms is not None and (options.diff or options.member):
        raise click.UsageError("--format says what is written into a folder: name it with --out")
    if options.diff is not None:
        show_change(options.diff, named, forms or (), unfolded=bool(unfolded))
    elif options.member is not None:
        way = WayOptions(options.member, options.run_id, str(options.url), options.prefix)
        show_way(way, targets, named, forms or (), unfolded=bool(unfolded))
    else:
        _draw(targets, out, forms, unfolded, options)


@frozen
class _Asked:
    """The options that say what is to be done, beside how."""

    check: bool
    prune: bool
    diff: tuple[str, str] | None
    member: str | None
    run_id: str | None
    url: str | None = field(repr=False)
    prefix: str

    def check_together(self, targets: tuple[str, ...]) -> None:
        """Refuses what cannot be asked for together; no part of it is repeated, as an address may hold a password."""
        several = [name for name in ("check", "prune", "diff", "member") if getattr(self, name)]
        if several == ["check", "prune"]:
            raise click.UsageError("--check writes nothing, so there is nothing to --prune")
        if len(several) > 1:
            raise click.UsageError(f"--{several[0]} and --{several[1]} cannot be asked for together")
        if any("://" in target for target in (*targets, *(self.diff or ()))):
            raise click.UsageError("an address is no TARGET: it belongs behind --redis")
        if self.diff is not None and targets:
            raise click.UsageError("--diff takes two targets, and no others")
        if self.diff is None and not targets:
            raise click.UsageError("Missing argument 'TARGET...'.")
        if self.member is None and (self.run_id is not None or self.url is not None):
            raise click.UsageError("--run and --redis belong to --member")
        if self.member is not None and self.url is None:
            raise click.UsageError("--member needs --redis: where the audit trail is")


def _draw(
    targets: tuple[str, ...], out: Path, forms: tuple[str, ...] | None, unfolded: bool | None, asked: _Asked
) -> None:
    with told_plainly():
        before = options_of(out) or Options()
        options = Options(forms or before.forms, before.unfolded if unfolded is None else unfolded)
        with _progress() as began:
            gallery = Gallery.of(find_flows(targets), out, options, began=began)
            others = () if asked.check else gallery.write(prune=asked.prune, began=began)
        if asked.check:
            _compare(gallery, targets)
        else:
            click.echo(f"{len(gallery.pages)} files in {out}")
        if others:
            click.echo(f"left over: {', '.join(map(str, others))} (--prune removes them)", err=True)


def _compare(gallery: Gallery, targets: tuple[str, ...]) -> None:
    found = gallery.differences()
    if not found:
        click.echo(f"{len(gallery.pages)} files in {gallery.folder} are up to date")
        return
    named = ["fsmflow", "diagrams", *targets, "--out", str(gallery.folder)]
    before, options = options_of(gallery.folder) or Options(), gallery.options
    if before.forms != options.forms:
        named += ["--format", ",".join(options.forms)]
    if before.unfolded != options.unfolded:
        named += ["--all" if options.unfolded else "--folded"]
    named += ["--prune"] if gallery.left_over() else []
    click.echo("\n".join([*found, f"To renew: {shlex.join(named)}"]), err=True)
    sys.exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is told the name of each thing that is worked on; it shows them on a terminal, and nowhere else."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("Looking for flows") as status:
        count = itertools.count(1)
        yield lambda name: status.update(Text(f"{next(count)} · {one_line(name, NAME_LENGTH)}"))
