"""Flow coverage in a pytest run: when it is counted, what the workers of xdist send, what is told at the end.

Here belong the hooks. They are registered by `fsmflow.pytest_plugin`, and only for ``--flow-cov``; what a worker of
pytest-xdist has counted it gives to the controller when it ends, and only the controller knows the targets and tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from fsmflow.diagrams import svg
from fsmflow.discovery import FoundFlow, find_flows
from fsmflow.errors import BadTarget, FlowDefinitionError, MissingExtra, MissingProgram
from fsmflow.machine import WITNESSES
from fsmflow.testing.coverage import FlowCoverage, Recorder, Row, as_json, coverage_of, percent_of

FOLDER: Final = "flow-coverage"
FILE: Final = "flow-coverage.json"
_SENT: Final = "fsmflow_fired"


class FlowCoverageReport:
    """Counts in this process, and tells in the one that the run was started in.

    Args:
        config: pytest's.

    Raises:
        pytest.UsageError: A target holds no flow, or cannot be imported.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.recorder = Recorder()
        self.is_worker = hasattr(config, "workerinput")
        self.flows: tuple[FoundFlow, ...] = ()
        self.coverages: tuple[FlowCoverage, ...] = ()
        self.told: list[str] = []
        self.failures: list[str] = []
        self._sent: list[Row] = []
        self._workers = self._heard = 0
        if self.is_worker:
            return
        self.fail_under: float | None = config.getoption("flow_cov_fail_under")
        self.reports: Sequence[tuple[str, str | None]] = config.getoption("flow_cov_report") or [("term", None)]
        try:
            self.flows = find_flows(config.getoption("flow_cov"))
        except (BadTarget, FlowDefinitionError) as wrong:
            raise pytest.UsageError(f"--flow-cov: {wrong}") from wrong

    def start(self) -> None:
        """Begins to count."""
        WITNESSES.append(self.recorder)

    def pytest_unconfigure(self) -> None:
        """Ends it."""
        if self.recorder in WITNESSES:
            WITNESSES.remove(self.recorder)

    # -- between a controller of pytest-xdist and its workers ---------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self) -> None:
        """A worker is started."""
        self._workers += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended; one that died has sent nothing."""
        sent = getattr(node, "workeroutput", {}).get(_SENT)
        if sent is not None:
            self._heard += 1
            self._sent += sent

    # -- at the end ----------------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Sends what was counted, or adds it up and judges it."""
        if self.is_worker:
            output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined] # xdist put it there
            output[_SENT] = self.recorder.rows()
            return
        if session.config.option.collectonly:
            return
        self.coverages = coverage_of(self.flows, [*self.recorder.rows(), *self._sent])
        self._judge()
        for kind, place in self.reports:
            if kind != "term":
                self._write(kind, place)
        if self.failures and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tells it."""
        if not self.coverages:
            return
        terminalreporter.section("flow coverage")
        if any(kind == "term" for kind, _ in self.reports):
            for line in table_of(self.coverages):
                terminalreporter.write_line(line)
        for line in self.told:
            terminalreporter.write_line(line)
        for line in self.failures:
            terminalreporter.write_line(f"FAIL: {line}", red=True)

    def _judge(self) -> None:
        if self._workers > self._heard:
            lost = self._workers - self._heard
            self.told.append(f"{lost} of {self._workers} workers did not end: what was fired there is not counted")
        total = sum(len(each.fired) for each in self.coverages)
        covered = sum(each.covered for each in self.coverages)
        if self.fail_under is not None and 100 * covered < self.fail_under * total:
            self.failures.append(f"{percent_of(self.coverages)} % is under the {self.fail_under:g} % that is required")

    def _write(self, kind: str, place: str | None) -> None:
        try:
            if kind == "json":
                path = Path(place or FILE)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(as_json(self.coverages), encoding="utf-8")
            else:
                path = Path(place or FOLDER)
                path.mkdir(parents=True, exist_ok=True)
                for each in self.coverages:
                    picture = svg(each.found.flow, each.found.flow_type, overlay=each.overlay())
                    (path / f"{quote(each.found.flow_type, safe='')}.svg").write_text(picture, encoding="utf-8")
            self.told.append(f"{kind} written to {path}")
        except (MissingExtra, MissingProgram, OSError) as missing:
            self.failures.append(f"no {kind}: {missing}")


def table_of(coverages: Sequence[FlowCoverage]) -> list[str]:
    """What is told of each flow, and of all."""
    rows = [(each.found.flow_type, each.covered, len(each.fired), each.percent) for each in coverages]
    if len(rows) > 1:
        rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows), percent_of(coverages)))
    width = max(len(name) for name, *_ in rows)
    lines = []
    for number, (flow_type, covered, total, percent) in enumerate(rows):
        lines.append(f"{flow_type:<{width}}  {covered:>4} of {total:<4} {percent:>3} %")
        if number < len(coverages):
            missing = coverages[number].missing if covered else ("all of them",)
            lines += [f"{'':<{width}}  not fired: {name}" for name in missing]
            if coverages[number].others:
                lines.append(f"{'':<{width}}  and {coverages[number].others} fired that its sample does not have")
    return lines
