"""Whatever members, channels and workers do, each conversation goes as its member may expect."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from loguru import logger

from tests.any_conversation import AnyConversation

ORDINARY = settings(max_examples=40, stateful_step_count=40, report_multiple_bugs=False)

pytestmark = pytest.mark.usefixtures("side", "quiet")


@pytest.fixture
def quiet() -> Iterator[None]:
    """The logs of thousands of turns would bury the one conversation that a failure shows."""
    logger.disable("fsmflow")
    yield
    logger.enable("fsmflow")


def test_any_conversation_goes_as_its_member_may_expect() -> None:
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7,))) as client:
        run_state_machine_as_test(lambda: AnyConversation(client), settings=ORDINARY)
