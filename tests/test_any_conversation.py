"""Whatever members, channels and workers do, each conversation goes as its member may expect.

The conversations are made up anew in each run. What fails is told as the shortest conversation that fails; it can be
typed into a test as it stands.
"""

from __future__ import annotations

import tokenize
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

import fakeredis
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from loguru import logger
from redis import Redis

from fsmflow import decision, listening, model, runner
from fsmflow.decision import Arrival
from fsmflow.model import FlowModel
from tests import reference_model
from tests.any_conversation import CASTS, ODDITIES, WORDS, AnyConversation
from tests.shortening import Step, shortest

ORDINARY = settings(
    max_examples=30,
    stateful_step_count=100,
    phases=(Phase.generate,),  # what fails is shortened by `shortest`, and not kept: it is not hypothesis' to repeat
    database=None,
    suppress_health_check=list(HealthCheck),
)
as_a_test: Callable[..., None] = run_state_machine_as_test  # without types before hypothesis 6.170, for Python 3.10
FEWER = settings(ORDINARY, max_examples=12)
ALWAYS_THE_SAME = settings(ORDINARY, derandomize=True)
PLAINEST = {"sender": 0, "cast": CASTS[0], "default": "", "held": False, "times": 1, "place": 0, "which": 0, "since": 0}
PLAINEST |= {
    "restarted": False,
    "first": None,
    "word": WORDS[0],
    "of_a_template": False,
    "ahead": 0,
    "odd": ODDITIES[0],
}


@pytest.fixture
def quiet() -> Iterator[None]:
    """The logs of thousands of turns would bury the one conversation that a failure shows."""
    logger.disable("fsmflow")
    yield
    logger.enable("fsmflow")


@pytest.fixture
def fake() -> Iterator[Redis]:
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7,))) as client:
        yield client


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
        as_a_test(Conversation, settings=how)
    except AssertionError:
        steps = shortest(Conversation.latest.steps, lambda steps: fault_of(steps) is not None, PLAINEST)
    else:
        return
    raise fault_of(steps) or AssertionError("it did not go wrong when it was done again")


@pytest.mark.usefixtures("side", "quiet")
def test_any_conversation_goes_as_its_member_may_expect(fake: Redis) -> None:
    talks_at_random(fake, ORDINARY)


@pytest.mark.usefixtures("side", "quiet")
def test_any_conversation_goes_so_on_a_real_redis(redis_client: Redis) -> None:
    talks_at_random(redis_client, FEWER)


# -- what it is worth ------------------------------------------------------------------------------------------------


def no_message_is_late(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Arrival, "is_late", lambda _arrival, _state: False)


def no_silence_is_too_long(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Arrival, "is_silent_since", lambda _arrival, _state, _timeout: False)


def all_channels_have_one_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Arrival, "same_clock", lambda _arrival, _state: True)


def any_clock_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decision, "CLOCK_TOLERANCE", timedelta(days=4000))


def a_heart_moves_the_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decision, "IGNORED", "nothing")


def no_duplicate_is_known(patch: pytest.MonkeyPatch) -> None:
    numbers = count()
    patch.setattr(decision, "message_key", lambda _inbound: f"{next(numbers):016x}")


def any_tap_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(listening, "tapped", lambda _nonce, option_id: option_id.partition(".")[2] or None)


def no_question_is_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(model, "next_visit", lambda visit: visit)


def a_word_wins_over_a_title(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(listening, "chosen", lambda _step, _answer: None)


def what_was_left_stays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FlowModel, "_forget_what_was_left", lambda _flow: None)


def replies_come_in_another_order(patch: pytest.MonkeyPatch) -> None:
    in_place = runner._in_place
    patch.setattr(runner, "_in_place", lambda handled: in_place(handled)[::-1])


DEFECTS = [
    no_message_is_late,
    no_silence_is_too_long,
    all_channels_have_one_clock,
    any_clock_is_believed,
    a_heart_moves_the_clock,
    no_duplicate_is_known,
    any_tap_counts,
    no_question_is_counted,
    a_word_wins_over_a_title,
    what_was_left_stays,
    replies_come_in_another_order,
]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found_and_told_as_a_short_conversation(
    fake: Redis, monkeypatch: pytest.MonkeyPatch, defect: Callable[[pytest.MonkeyPatch], None]
) -> None:
    defect(monkeypatch)
    with pytest.raises(AssertionError) as found:
        talks_at_random(fake, ALWAYS_THE_SAME)
    [_, *told] = str(found.value).splitlines()
    said = [line for line in told if line.startswith("1")]  # the clock: who said what
    came = [line for line in told if line.startswith("    ")]
    wrong = [line for line in told if line.startswith("  !! ")]
    assert 1 <= len(said) <= 8
    assert len(came) >= len(said)
    assert wrong


@given(st.sets(st.integers(0, 30), max_size=6))
def test_of_what_fails_only_what_is_needed_is_told(needed: set[int]) -> None:
    steps: list[Step] = [(print, {"place": place, "sender": place}) for place in range(31)]

    def fails(left: Sequence[Step]) -> bool:
        return needed <= {arguments["place"] for _, arguments in left}

    told = shortest(steps, fails, {"sender": 0, "place": 99})
    assert [arguments for _, arguments in told] == [{"place": place, "sender": 0} for place in sorted(needed)]


def test_the_reference_model_has_sixty_lines_at_most() -> None:
    lines: set[int] = set()
    with Path(reference_model.__file__).open("rb") as source:
        before, starts = tokenize.ENCODING, (tokenize.ENCODING, tokenize.NEWLINE, tokenize.INDENT)
        for token in tokenize.tokenize(source.readline):
            is_docstring = token.type == tokenize.STRING and before in starts
            if token.string.strip() and token.type not in (tokenize.COMMENT, tokenize.ENCODING) and not is_docstring:
                lines |= set(range(token.start[0], token.end[0] + 1))
            before = before if token.type in (tokenize.NL, tokenize.COMMENT) else token.type
    assert 40 < len(lines) <= 60
