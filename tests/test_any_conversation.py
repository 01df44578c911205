"""Whatever members, channels and workers do, each conversation goes as its member may expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import fakeredis
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from loguru import logger
from redis import Redis

from tests.any_conversation import CASTS, TEXTS, AnyConversation, Step
from tests.shortening import shortest

ORDINARY = settings(
    max_examples=100,
    stateful_step_count=30,
    phases=(Phase.generate,),  # what fails is shortened here
    database=None,
)
PLAINEST = {
    "sender": 0,
    "cast": CASTS[0],
    "held": False,
    "place": 0,
    "text": TEXTS[0],
    "which": 0,
    "since": 0,
    "default": "",
    "times": 1,
}

pytestmark = pytest.mark.usefixtures("side", "quiet")


@pytest.fixture
def quiet() -> Iterator[None]:
    """The logs of thousands of turns would bury the one conversation that a failure shows."""
    logger.disable("fsmflow")
    yield
    logger.enable("fsmflow")


def talks_at_random(redis: Redis, how: settings) -> None:
    """Has members talk at random.

    Raises:
        AssertionError: A conversation went otherwise than its member may expect. Its text is the shortest of them.
    """

    class Conversation(AnyConversation):
        latest: Conversation

        def __init__(self) -> None:
            super().__init__(redis)
            Conversation.latest = self

    def fault_of(steps: Sequence[Step]) -> AssertionError | None:
        try:
            AnyConversation(redis).goes_through(steps)
        except AssertionError as fault:
            return fault
        return None

    try:
        run_state_machine_as_test(Conversation, settings=how)
    except AssertionError:
        steps = shortest(Conversation.latest.steps, lambda steps: fault_of(steps) is not None, PLAINEST)
    else:
        return
    raise fault_of(steps) or AssertionError("it did not go wrong when it was done again")


def test_any_conversation_goes_as_its_member_may_expect() -> None:
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7,))) as client:
        talks_at_random(client, ORDINARY)
