"""``fsmflow diagrams``: the pictures of flows in a folder, written or compared.

Here belong the options of the command and what it prints. What is in the folder belongs to `fsmflow.gallery`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fsmflow.cli.plainly import TARGETS, told_plainly
from fsmflow.discovery import find_flows
from fsmflow.gallery import differences, left_over, pages_of, write


@click.command()
@TARGETS
@click.option(
    "--out", default="diagrams", show_default=True, type=click.Path(path_type=Path, file_okay=False), help="The folder."
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the folder is not up to date.")
@click.option("--prune", is_flag=True, help="Remove the folder's diagrams of flows that are not in TARGET...")
def diagrams(targets: tuple[str, ...], out: Path, check: bool, prune: bool) -> None:
    """Draw the flows of TARGET... into a folder: DOT, Mermaid, and a README.md that shows them all."""
    if check and prune:
        raise click.UsageError("--check writes nothing, so there is nothing to --prune")
    with told_plainly():
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
