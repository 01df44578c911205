"""What a check finds, as values, and the two forms in which it is told.

Here belong findings, where they are, how grave they are, and the report of a check as lines and as a structure for
other tools. What is found stands in `fsmflow.checks`, and is printed by `fsmflow.cli.check`.

The structure of a report, of which a version only ever gains names::

    {
      "version": 1,
      "flows": [{"flow_type": "offer", "class": "OfferFlow", "file": "examples/offer.py", "line": 99}],
      "findings": [
        {
          "rule": "examples-missing",         # what `--ignore` takes, but for the rule "definition"
          "severity": "warning",              # "error", "warning" or "note"
          "flow_type": "offer",               # null where the class could not be made
          "class": "OfferFlow",
          "step": "handle",                   # null for what is the whole flow's
          "message": "the step has no examples: …",
          "file": "examples/offer.py",        # from the working directory where it is below it; or null
          "line": 131                         # from 1; or null
        }
      ],
      "ignored": ["timeout-none"],            # the rules that were not applied
      "counts": {"error": 0, "warning": 1, "note": 0},
      "passed": false                         # what the exit status says: with --strict notes count too
    }
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from fsmflow.diagrams.graph import one_line

REPORT_VERSION: Final = 1
"""Raised when a name of the structure goes or changes its meaning."""

LINE_LENGTH: Final = 400  # characters of a finding's words on a line: titles and examples may be as long as they like


class Severity(Enum):
    """How grave a finding is."""

    ERROR = "error"
    """A runner refuses the flow, or a member gets an apology in place of a question."""

    WARNING = "warning"
    """A reviewer would ask for a change."""

    NOTE = "note"
    """Worth knowing; it may well be meant so."""


@frozen
class Place:
    """Where something is written.

    Args:
        file: The file; None where it is not known, as of a class that was typed into a prompt.
        line: The line in it, from 1.
    """

    file: Path | None = None
    line: int | None = None

    def shown(self, folder: Path) -> str | None:
        """The file as it is told to somebody who works in a folder; None where there is none."""
        if self.file is None:
            return None
        inside = self.file.is_relative_to(folder)
        return (self.file.relative_to(folder) if inside else self.file).as_posix()


@frozen
class Finding:
    """One thing that a rule found.

    Args:
        rule: The name of the rule.
        severity: How grave it is.
        flow_type: Which flow it is about; None for a class that could not be made.
        class_name: The name of its class.
        step: The id of the step; None for what is the whole flow's.
        words: What is wrong, and where it is short what would be right.
        place: Where it is written.
    """

    rule: str
    severity: Severity
    flow_type: str | None
    class_name: str
    step: str | None
    words: str
    place: Place

    def line(self, folder: Path) -> str:
        """The finding on one line, as compilers tell theirs: an editor that knows theirs can go there."""
        file = self.place.shown(folder)
        parts = () if file is None else (file,) if self.place.line is None else (file, str(self.place.line))
        flow = self.class_name if self.flow_type is None else f"{self.flow_type} ({self.class_name})"
        about = flow if self.step is None else f"{flow}, step {self.step!r}"
        return ": ".join(
            [*([":".join(parts)] if parts else []), self.severity.value, about, f"{self._words()} [{self.rule}]"]
        )

    def _words(self) -> str:
        return one_line(self.words, LINE_LENGTH)

    def as_structure(self, folder: Path) -> dict[str, Any]:
        """The finding in the structure that the module's docstring shows."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "flow_type": self.flow_type,
            "class": self.class_name,
            "step": self.step,
            "message": self.words,
            "file": self.place.shown(folder),
            "line": self.place.line,
        }


@frozen
class CheckedFlow:
    """A flow that was looked at.

    Args:
        flow_type: Which flow it is.
        class_name: The name of its class.
        place: Where its class is written.
    """

    flow_type: str
    class_name: str
    place: Place


@frozen
class Report:
    """What came of a check.

    Args:
        flows: The flows that were looked at.
        findings: What was found, by file and line.
        ignored: The rules that were not applied.
    """

    flows: tuple[CheckedFlow, ...]
    findings: tuple[Finding, ...]
    ignored: tuple[str, ...] = ()

    def counts(self) -> dict[Severity, int]:
        """How many findings there are of each severity."""
        return {severity: sum(found.severity is severity for found in self.findings) for severity in Severity}

    def passed(self, *, strict: bool = False) -> bool:
        """True if there is nothing to mend: no finding, or but notes where these do not count."""
        return all(found.severity is Severity.NOTE and not strict for found in self.findings)

    def lines(self, folder: Path) -> Iterator[str]:
        """The findings, a line each, and then how many there are.

        Args:
            folder: Where the reader works: files below it are told from there.
        """
        for found in self.findings:
            yield found.line(folder)
        told = [_numbered(count, severity.value) for severity, count in self.counts().items() if count]
        yield f"{_numbered(len(self.flows), 'flow')} checked: {', '.join(told) or 'nothing found'}"

    def as_structure(self, folder: Path, *, strict: bool = False) -> dict[str, Any]:
        """The report in the structure that the module's docstring shows."""
        return {
            "version": REPORT_VERSION,
            "flows": [
                {
                    "flow_type": flow.flow_type,
                    "class": flow.class_name,
                    "file": flow.place.shown(folder),
                    "line": flow.place.line,
                }
                for flow in self.flows
            ],
            "findings": [found.as_structure(folder) for found in self.findings],
            "ignored": list(self.ignored),
            "counts": {severity.value: count for severity, count in self.counts().items()},
            "passed": self.passed(strict=strict),
        }


def _numbered(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
