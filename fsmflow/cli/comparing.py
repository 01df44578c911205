"""``fsmflow diagrams --diff``: what has changed from one release to another.

Here belongs what is printed and what it exits with: 0 if every member in the middle of a flow goes on, 1 if not, 2 if
that cannot be said. How the releases are read belongs to `fsmflow.diagrams.revisions`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fsmflow.cli.plainly import fail, told_plainly
from fsmflow.diagrams.reports import Report, change_report
from fsmflow.diagrams.revisions import comparisons


def show_change(releases: tuple[str, str], out: Path | None, forms: tuple[str, ...], *, unfolded: bool) -> None:
    """Compares two releases, and exits with 1 if they are incompatible.

    Args:
        releases: The targets.
        out: The folder to write into; None prints the page.
        forms: The forms of the pictures in that folder.
        unfolded: True draws every transition.
    """
    with told_plainly(otherwise=2):
        found = comparisons(*releases)
        show_report(change_report(found, releases, unfolded=unfolded), out, forms, unfolded=unfolded)
    if out is not None:
        click.echo("\n".join(f"{each.flow_type}: {each.verdict}" for each in found))
    sys.exit(0 if all(each.compatible for each in found) else 1)


def show_report(report: Report, out: Path | None, forms: tuple[str, ...], *, unfolded: bool) -> None:
    """Prints the page of a report, or writes it and its pictures into a folder."""
    if out is None:
        click.echo(report.page)
        return
    try:
        written = report.write(out, forms, unfolded=unfolded)
    except OSError as fault:
        fail(f"{fault.filename or out}: {(fault.strerror or 'cannot be written').lower()}", 2)
    click.echo(f"{len(written)} files in {out}" if len(written) > 1 else f"1 file in {out}")
