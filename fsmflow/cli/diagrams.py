"""``fsmflow diagrams``: the pictures of flows in a folder, written or compared.

Here belong the options of the command and what it prints. What is in the folder belongs to `fsmflow.gallery`.
"""

from __future__ import annotations

import itertools
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fsmflow.cli.plainly import TARGETS, told_plainly
from fsmflow.discovery import find_flows
from fsmflow.gallery import Gallery, options_of
from fsmflow.graph import NAME_LENGTH, one_line
from fsmflow.index import SUFFIXES, Options


def _forms(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    named = [name.strip() for name in value.split(",")]
    wrong = [name for name in named if name not in SUFFIXES]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is none of {', '.join(SUFFIXES)}")
    return tuple(form for form in SUFFIXES if form in named)


@click.command()
@TARGETS
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
def diagrams(
    targets: tuple[str, ...],
    out: Path,
    forms: tuple[str, ...] | None,
    unfolded: bool | None,
    check: bool,
    prune: bool,
) -> None:
    """Draw the flows of TARGET... into a folder, with a README.md that shows them all."""
    if check and prune:
        raise click.UsageError("--check writes nothing, so there is nothing to --prune")
    with told_plainly():
        before = options_of(out) or Options()
        options = Options(forms or before.forms, before.unfolded if unfolded is None else unfolded)
        with _progress() as began:
            gallery = Gallery.of(find_flows(targets), out, options, began=began)
            others = () if check else gallery.write(prune=prune, began=began)
        if check:
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
