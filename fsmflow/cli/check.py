"""``fsmflow check``: what a reviewer would catch in flows, for people and for other tools.

Here belong the options of the command and its exit status: 0 if there is nothing to mend, 1 if there is, 2 if nothing
could be looked at. What is looked for stands in `fsmflow.checks`; the form of the report in `fsmflow.findings`.

What the targets print as they are imported and tried goes to standard error, so that a report is nothing but one.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import click

from fsmflow.checks.catalogue import RULES
from fsmflow.checks.review import review
from fsmflow.cli.plainly import TARGETS, told_plainly

_WIDTH = max(len(rule.name) for rule in RULES)
_RULES = "\b\nThe rules:\n" + "\n".join(
    f"  {rule.name:{_WIDTH}}  {rule.severity.value:7}  {rule.summary.partition(':')[0].rstrip('.')}" for rule in RULES
)
_EXIT = (
    "Exits with 0 if nothing was found but notes, with 1 if there is something to mend, and with 2 if a TARGET does "
    "not import or holds no flow."
)


@click.command(epilog=f"{_EXIT}\n\n{_RULES}")
@TARGETS
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or a structure for other tools.",
)
@click.option("--strict", is_flag=True, help="Notes count too.")
@click.option(
    "--ignore",
    "ignored",
    metavar="RULE",
    multiple=True,
    type=click.Choice([rule.name for rule in RULES]),
    help="Do not apply a rule; may be given more than once.",
)
def check(targets: tuple[str, ...], form: str, strict: bool, ignored: tuple[str, ...]) -> None:
    """Look for what a reviewer would catch in the flows of TARGET...: they are read, and tried in memory."""
    with told_plainly(), contextlib.redirect_stdout(sys.stderr):
        report = review(targets, ignored=ignored)
    folder = Path.cwd()
    if form == "json":
        # in ASCII: a title may hold half a surrogate pair, which no encoding takes
        click.echo(json.dumps(report.as_structure(folder, strict=strict), indent=2))
    else:
        for line in report.lines(folder):
            click.echo(line)
    sys.exit(0 if report.passed(strict=strict) else 1)
