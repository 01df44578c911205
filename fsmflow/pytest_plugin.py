"""The pytest face of `fsmflow.testing`: the fixtures `chat` and `flow_state_manager`, and ``--flow-cov``.

    def test_an_offer_is_made(chat):
        chat(OfferFlow).say("100").say("ama").tap("confirm").expect(status="completed")

    pytest --flow-cov=shop/flows.py --flow-cov-fail-under=100 --flow-cov-report=svg

Here belongs what pytest is told. pytest imports this module at each start wherever fsmflow is installed, so it imports
nothing of fsmflow before a fixture or an option asks for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from fsmflow.manager import FlowStateManager
    from fsmflow.testing import Chat

REPORTS: Final = ("term", "json", "svg")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("fsmflow", "coverage of conversation flows")
    group.addoption(
        "--flow-cov",
        metavar="TARGET",
        action="append",
        default=[],
        help="report which transitions of the flows of TARGET the tests fire: a file, a folder, a module, module:Class",
    )
    group.addoption(
        "--flow-cov-fail-under",
        metavar="PERCENT",
        type=_percent,
        help="fail if less of all their transitions is fired",
    )
    group.addoption(
        "--flow-cov-report",
        metavar="KIND[:PLACE]",
        action="append",
        type=_report,
        help="term (the default), json[:FILE] or svg[:FOLDER]; may be given several times",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begins to count, where that is asked for."""
    if not config.getoption("flow_cov"):
        for name in ("fail_under", "report"):
            if config.getoption(f"flow_cov_{name}") is not None:
                raise pytest.UsageError(f"--flow-cov-{name.replace('_', '-')} needs a --flow-cov=TARGET")
        return
    from fsmflow.testing.reporting import FlowCoverageReport

    report = FlowCoverageReport(config)
    config.pluginmanager.register(report, "fsmflow_coverage")
    report.start()


@pytest.fixture
def chat(request: pytest.FixtureRequest) -> Iterator[Callable[..., Chat]]:
    """Makes simulated conversations: called as `fsmflow.testing.Chat` is. They are closed after the test.

    Where the test fails, their transcripts are shown.
    """
    from fsmflow.testing import Chat

    chats: list[Chat] = []

    def begin(*arguments: Any, **named: Any) -> Chat:
        made = Chat(*arguments, **named)
        chats.append(made)
        return made

    request.node.stash[_CHATS] = chats
    if not request.config.pluginmanager.has_plugin(_TRANSCRIPTS):
        request.config.pluginmanager.register(Transcripts(), _TRANSCRIPTS)
    yield begin
    for made in chats:
        made.close()


@pytest.fixture
def flow_state_manager() -> Iterator[FlowStateManager]:
    """A `FlowStateManager` of a new, empty store in memory."""
    from fsmflow.manager import FlowStateManager

    manager = FlowStateManager.in_memory()
    yield manager
    manager.close()


_CHATS: Final = pytest.StashKey["list[Chat]"]()
_TRANSCRIPTS: Final = "fsmflow_transcripts"


class Transcripts:
    """Shows the conversations of a test that failed. It is registered when the first is held."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Adds the transcripts that the failure itself does not show."""
        report = yield
        if report.failed and call.when == "call":
            told = str(call.excinfo.value) if call.excinfo is not None else ""
            for made in item.stash.get(_CHATS, []):
                if made.transcript not in told:
                    report.sections.append(("conversation", made.transcript))
        return report


def _percent(given: str) -> float:
    try:
        number = float(given)
    except ValueError:
        number = -1
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{given!r} is no number from 0 to 100")
    return number


def _report(given: str) -> tuple[str, str | None]:
    kind, _, place = given.partition(":")
    if kind not in REPORTS or (kind == "term" and place):
        raise argparse.ArgumentTypeError(f"{given!r} is none of term, json[:FILE], svg[:FOLDER]")
    return kind, place or None
