"""Rolling back and clearing, on every kind of Redis."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from attrs import evolve

from fsmflow import audit
from fsmflow.calls import drive
from fsmflow.codec import CODEC
from fsmflow.effects import Commit, Committed, Effect, Outcome
from fsmflow.errors import InvalidState, NewerState
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Inbound, options_of
from fsmflow.taps import nonce_of
from fsmflow.upkeep import clearing, rolling_back
from tests.commits import CHANNEL, MEMBER, MOMENT, run_at, runner_on, say, send, stored, words


@pytest.fixture
def manager(any_redis: redis.Redis, prefix: str) -> FlowStateManager:
    return FlowStateManager(any_redis, prefix=prefix)


def test_a_rollback_takes_the_last_accepted_answer_back_and_only_that(manager: FlowStateManager) -> None:
    runner = runner_on(manager)
    for number, text in enumerate(("offer", "12", "joe")):
        say(runner, str(number), text)
    state = manager.rollback(MEMBER)
    assert state.flow_data is not None
    assert (state.flow_data.step_id, state.flow_data.data, state.previous) == ("handle", {"amount": "12"}, None)
    assert state == manager.load(MEMBER)
    assert manager.rollback(MEMBER) == state
    last = manager.history(MEMBER)[-1]
    assert (last.event_type, last.from_state, last.to_state, last.version) == (
        audit.ROLLBACK, "confirm", "handle", state.version,
    )  # fmt: skip


def test_a_button_of_the_question_that_was_taken_back_does_not_answer_the_one_asked_later(
    manager: FlowStateManager,
) -> None:
    runner = runner_on(manager)
    for number, text in enumerate(("offer", "12")):
        say(runner, str(number), text)
    old = options_of(say(runner, "2", "joe").messages[0])[0]
    manager.rollback(MEMBER)
    say(runner, "3", "jane")
    tap = runner.handle(Inbound(CHANNEL, "4", old.title, old.id, "option", sent_at=MOMENT))
    assert tap.status == "refused"
    state = manager.load(MEMBER)
    assert state.flow_data is not None
    assert not old.id.startswith(nonce_of(state.flow_data.run_id, state.flow_data.visit))


def test_there_is_nothing_to_take_back_of_a_member_who_never_answered(manager: FlowStateManager) -> None:
    state = manager.rollback(MEMBER)
    assert (state.flow_data, state.raw, manager.history(MEMBER)) == (None, {}, [])


def test_what_cannot_be_read_is_not_rolled_back(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    stored(manager, run_at("amount"))
    key = manager.layout.keys(MEMBER).state
    any_redis.hset(key, "previous", b"\xff")
    before = any_redis.hgetall(key)
    with pytest.raises(InvalidState, match="previous"):
        manager.rollback(MEMBER)
    assert any_redis.hgetall(key) == before


@pytest.mark.parametrize("act", [FlowStateManager.rollback, FlowStateManager.clear])
def test_the_state_of_a_newer_release_is_left_alone(
    any_redis: redis.Redis, manager: FlowStateManager, act: Callable[[FlowStateManager, str], object]
) -> None:
    stored(manager, run_at("amount"))
    key = manager.layout.keys(MEMBER).state
    any_redis.hset(key, "codec", str(CODEC + 1))
    before = any_redis.hgetall(key)
    with pytest.raises(NewerState):
        act(manager, MEMBER)
    assert any_redis.hgetall(key) == before


def test_a_cleared_member_starts_anew_and_a_message_from_before_is_still_known(manager: FlowStateManager) -> None:
    runner = runner_on(manager)
    say(runner, "1", "offer")
    say(runner, "2", "12")
    manager.clear(MEMBER)
    assert manager.load(MEMBER).raw == {}
    assert manager.history(MEMBER)[-1].event_type == audit.CLEAR
    again = say(runner, "2", "12")
    assert (again.duplicate, again.messages) == (True, ())
    assert "How much?" in words(say(runner, "3", "offer"))


def test_clearing_nobody_writes_nothing(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    manager.clear(MEMBER)
    assert any_redis.keys(f"{manager.layout.prefix}*") == []


def test_what_was_cleared_is_not_given_back_by_the_trail(manager: FlowStateManager) -> None:
    stored(manager, run_at("amount"))
    assert manager.last_valid_state(MEMBER) is not None
    manager.clear(MEMBER)
    assert manager.last_valid_state(MEMBER) is None
    stored(manager, run_at("handle", amount="2"))
    found = manager.last_valid_state(MEMBER)
    assert found is not None
    assert found.flow_data == run_at("handle", amount="2")


class _AnswerOvertaken:
    """Performs effects; the first commit is applied, overtaken by another one, and then sent again by the client."""

    def __init__(self, client: redis.Redis, manager: FlowStateManager, overtake: Callable[[], object]) -> None:
        self.client, self.manager, self.overtake = client, manager, overtake
        self.answers: list[Outcome] = []

    def __call__(self, effect: Effect) -> object:
        if not isinstance(effect, Commit):
            return self.manager.load(MEMBER)
        if not self.answers:
            send(self.client, self.manager.layout, effect, "cut")
            self.overtake()
        committed: Committed = send(self.client, self.manager.layout, effect, "cut")
        self.answers.append(committed.outcome)
        return committed


def test_a_rollback_that_is_sent_again_after_another_answer_does_not_take_that_back_too(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    for flow_data in (run_at("amount"), run_at("handle", amount="1")):
        stored(manager, flow_data)
    newer = run_at("handle", amount="2")
    perform = _AnswerOvertaken(any_redis, manager, lambda: stored(manager, newer))
    effects = rolling_back(MEMBER, CHANNEL)
    state = drive(effects, perform)
    assert perform.answers == [Outcome.DUPLICATE]
    assert state == manager.load(MEMBER)
    assert manager.load(MEMBER).flow_data == newer


def test_a_clear_that_is_sent_again_does_not_clear_what_came_since(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    stored(manager, run_at("amount"))
    newer = evolve(run_at("amount"), run_id="another")
    perform = _AnswerOvertaken(any_redis, manager, lambda: stored(manager, newer))
    drive(clearing(MEMBER, CHANNEL), perform)
    assert perform.answers == [Outcome.DUPLICATE]
    assert manager.load(MEMBER).flow_data == newer


def test_upkeep_that_meets_another_commit_is_decided_again(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    for flow_data in (run_at("amount"), run_at("handle", amount="1")):
        stored(manager, flow_data)
    overtaking = [run_at("confirm", amount="1", handle="joe")]
    outcomes: list[Outcome] = []

    def perform(effect: Effect) -> object:
        if isinstance(effect, Commit):
            if overtaking:
                stored(manager, overtaking.pop())
            committed = send(any_redis, manager.layout, effect, f"t{len(outcomes)}")
            outcomes.append(committed.outcome)
            return committed
        return manager.load(MEMBER)

    state = drive(rolling_back(MEMBER, CHANNEL), perform)
    assert outcomes == [Outcome.CONFLICT, Outcome.APPLIED]
    assert state.flow_data is not None
    assert state.flow_data.step_id == "handle"


def test_a_reply_that_tells_of_what_was_taken_back_is_not_said_again(manager: FlowStateManager) -> None:
    runner = runner_on(manager)
    for number, text in enumerate(("offer", "12", "joe")):
        say(runner, str(number), text)
    manager.rollback(MEMBER)
    again = say(runner, "2", "joe")
    assert (again.messages, again.duplicate) == ((), True)
