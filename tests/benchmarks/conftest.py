"""What the benchmarks share: silence, and the table of all ratios at the end of the run.

The table is Markdown, made to be put into the README as it is. Above it stands how busy the machine was, because a
ratio that was measured on a busy one is worth less.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from loguru import logger

from tests.benchmarks.table import Row, markdown

ORDER = ("test_turn", "test_flatness", "test_throughput", "test_many", "test_footprint", "test_import")
"""The benchmarks, in the order in which their rows are read."""

ROWS = pytest.StashKey[list[Row]]()
LOAD = pytest.StashKey[str]()


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """No sink: what a log costs is the sink's affair."""
    logger.remove()
    yield
    logger.add(sys.stderr)


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> list[Row]:
    """The rows of the table, in the order in which they were measured."""
    return request.config.stash.setdefault(ROWS, [])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the benchmarks in their order, whatever else is run before them."""
    items.sort(key=lambda item: ORDER.index(item.path.stem) if item.path.stem in ORDER else -1)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remember how busy the machine was before the first benchmark."""
    session.config.stash[LOAD] = load()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table of all ratios, below pytest-benchmark's own."""
    config = terminalreporter.config
    found = config.stash.get(ROWS, [])
    if found and not config.getoption("benchmark_disable"):  # without measuring, each has run once, and cold
        terminalreporter.section("measured in turns, in one run")
        before = config.stash.get(LOAD, "unknown")
        terminalreporter.write_line(f"{os.cpu_count()} cores, load average before {before}, after {load()}\n")
        for line in markdown(found):
            terminalreporter.write_line(line)


def load() -> str:
    """How many programs wanted to run during the last minute, where the system tells."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
