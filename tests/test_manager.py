"""What the manager adds to the script: reading the trail, waiting for a turn, and the URL of a store."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest
import redis
from hypothesis import given
from loguru import logger

from fsmflow.async_manager import AsyncFlowStateManager
from fsmflow.audit import FLOW_START, AuditEntry
from fsmflow.calls import Call
from fsmflow.effects import Backoff, Effects, LastValid, Outcome
from fsmflow.errors import Contended, InvalidMemberId, StoreUnavailable
from fsmflow.exchange import LONGEST_PAUSE, PATIENCE
from fsmflow.manager import FlowStateManager
from fsmflow.messages import Channel
from fsmflow.state import FlowData, MemberState
from tests.commits import CHANNEL, MEMBER, FakeTime, OfferFlow, commit_on, run_at, runner_on, say, stored, words
from tests.test_store import BAD_IDS


@pytest.fixture
def manager(any_redis: redis.Redis, prefix: str) -> FlowStateManager:
    return FlowStateManager(any_redis, prefix=prefix)


def test_nothing_is_stored_of_a_member_who_never_wrote(manager: FlowStateManager) -> None:
    state = manager.load(MEMBER, CHANNEL)
    assert (state.channel, state.version, state.flow_data, state.unreadable, state.raw) == (CHANNEL, 0, None, (), {})
    assert manager.history(MEMBER) == []
    assert manager.last_valid_state(MEMBER) is None


class _Untouchable:
    """A client that must not be asked anything."""

    def execute_command(self, *command: Any, **_: Any) -> Any:
        raise AssertionError(f"{command} was sent")


@given(BAD_IDS)
def test_nothing_of_a_bad_member_id_ever_reaches_the_client(member_id: str) -> None:
    manager = FlowStateManager(cast(redis.Redis, _Untouchable()))
    entry = AuditEntry(FLOW_START, "success")
    for act in (
        manager.load,
        manager.history,
        manager.last_valid_state,
        manager.quarantined,
        manager.rollback,
        manager.clear,
        manager.open_effect,
        lambda bad: manager.abandon(bad, "", reason="gone"),
        lambda bad: manager.append(bad, (entry,)),
    ):
        with pytest.raises(InvalidMemberId):
            act(member_id)


# -- the trail --------------------------------------------------------------------------------------------------------


def test_history_is_the_trail_of_one_member_oldest_first_and_of_one_flow_if_one_is_named(
    manager: FlowStateManager,
) -> None:
    runner = runner_on(manager)
    for number, text in enumerate(("offer", "12")):
        say(runner, str(number), text)
    manager.append(MEMBER, (AuditEntry("noted", "success", flow_id="another"),))
    history = manager.history(MEMBER)
    assert [(entry.event_type, entry.step_id) for entry in history] == [
        ("flow_start", "amount"),
        ("step_start", "amount"),
        ("validation", "amount"),
        ("transition", "handle"),
        ("step_start", "handle"),
        ("noted", None),
    ]
    assert [entry.event_type for entry in manager.history(MEMBER, "another")] == ["noted"]
    assert manager.history(MEMBER, f"offer_{MEMBER}") == history[:-1]
    assert all(entry.member_id == MEMBER and entry.time is not None for entry in history)
    assert manager.history("somebody") == []


def test_what_is_appended_lives_as_long_as_the_rest_and_can_be_given_back(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    entry = AuditEntry("noted", "success", flow_id=f"offer_{MEMBER}", channel=CHANNEL)
    manager.append(MEMBER, (entry,), run_at("handle", amount="1"))
    assert 0 < any_redis.pttl(manager.layout.keys(MEMBER).audit) <= 8 * 86_400_000
    found = manager.last_valid_state(MEMBER)
    assert found is not None
    assert (found.flow_data, found.channel) == (run_at("handle", amount="1"), CHANNEL)


def test_what_is_appended_comes_with_its_time_to_live_in_one_command(
    any_redis: redis.Redis, manager: FlowStateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that a second command has yet to limit is kept for ever if that command never comes."""
    sent: list[str] = []
    send: Any = any_redis.execute_command

    def counting(*command: Any, **named: Any) -> Any:
        sent.append(command[0])
        return send(*command, **named)

    monkeypatch.setattr(any_redis, "execute_command", counting)
    for _ in range(2):
        manager.append(MEMBER, (AuditEntry("noted", "success"),))
    assert sent in (["EVALSHA", "EVAL", "EVALSHA"], ["EVALSHA", "EVALSHA"])  # the server may know the script already
    trail = manager.layout.keys(MEMBER).audit
    assert any_redis.xlen(trail) == 2
    assert any_redis.persist(trail)
    manager.append(MEMBER, (AuditEntry("noted", "success"),))
    assert any_redis.pttl(trail) > 8 * 86_400_000 - 60_000


def test_what_is_appended_makes_room_as_turns_do(any_redis: redis.Redis, prefix: str) -> None:
    manager = FlowStateManager(any_redis, prefix=prefix, audit_length=10)
    for _ in range(300):
        manager.append(MEMBER, (AuditEntry("noted", "success"),))
    assert any_redis.xlen(manager.layout.keys(MEMBER).audit) < 300


def test_what_a_turn_left_counts_whatever_was_appended_later(manager: FlowStateManager) -> None:
    old = run_at("amount")
    manager.append(MEMBER, (AuditEntry("noted", "success"),), old)
    assert _last(manager) == (old, None)
    stored(manager, run_at("handle", amount="1"))
    manager.append(MEMBER, (AuditEntry("noted", "success"),), old)
    assert _last(manager) == (run_at("handle", amount="1"),) * 2


def test_of_what_was_appended_the_latest_is_given_back_where_no_turn_left_anything(manager: FlowStateManager) -> None:
    for step_id in ("amount", "handle"):
        manager.append(MEMBER, (AuditEntry("noted", "success"),), run_at(step_id))
    assert _last(manager) == (run_at("handle"), None)


def test_nothing_is_given_back_of_a_member_who_was_cleared_whenever_it_was_appended(manager: FlowStateManager) -> None:
    manager.append(MEMBER, (AuditEntry("noted", "success"),), run_at("amount"))
    stored(manager, run_at("handle", amount="1"))
    manager.clear(MEMBER)
    assert _last(manager) == (None, None)
    manager.append(MEMBER, (AuditEntry("noted", "success"),), run_at("amount"))
    assert _last(manager) == (None, None)


def _last(manager: FlowStateManager) -> tuple[FlowData | None, FlowData | None]:
    """What is given back to who asks for the offer, and to a recovery."""

    def recovering() -> Effects[MemberState | None]:
        found: MemberState | None = yield LastValid(MEMBER)
        return found

    given = manager.last_valid_state(MEMBER, f"offer_{MEMBER}")
    recovered = manager.drive(recovering())
    return (None if given is None else given.flow_data, None if recovered is None else recovered.flow_data)


def test_the_last_valid_state_is_found_behind_more_records_than_one_page_holds(manager: FlowStateManager) -> None:
    stored(manager, run_at("handle", amount="1"))
    for _ in range(250):
        manager.append(MEMBER, (AuditEntry("noted", "success"),))
    found = manager.last_valid_state(MEMBER)
    assert found is not None
    assert (found.flow_data, found.channel) == (run_at("handle", amount="1"), CHANNEL)
    assert found.version == manager.load(MEMBER).version
    assert manager.last_valid_state(MEMBER, "another") is None


def test_the_last_of_exactly_one_page_is_looked_at(manager: FlowStateManager) -> None:
    stored(manager, run_at("amount"))
    for _ in range(99):
        manager.append(MEMBER, (AuditEntry("noted", "success"),))
    assert manager.last_valid_state(MEMBER) is not None


def test_records_that_cannot_be_read_are_passed_over(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    stored(manager, run_at("amount"))
    trail = manager.layout.keys(MEMBER).audit
    damaged: list[dict[Any, Any]] = [
        {"flow_data": b"\xff"},
        {"flow_data": b'{"id": 7}', "entries": b"[]"},
        {"entries": b"{"},
        {"other": b"\x00"},
    ]
    for fields in damaged:
        any_redis.xadd(trail, fields)
    found = manager.last_valid_state(MEMBER)
    assert found is not None
    assert found.flow_data == run_at("amount")
    assert len(manager.history(MEMBER)) == 1


def test_the_last_valid_state_of_one_flow_is_not_that_of_another(manager: FlowStateManager) -> None:
    stored(manager, run_at("amount"))
    other = run_at("handle", amount="1")
    manager.append(MEMBER, (AuditEntry("noted", "success"),), other.__class__("other", "other", "one", 0))
    found = manager.last_valid_state(MEMBER, f"offer_{MEMBER}")
    assert found is not None
    assert found.flow_data == run_at("amount")


# -- waiting ----------------------------------------------------------------------------------------------------------


def _losing(rounds: int | None) -> Effects[str]:
    attempt = 0
    while rounds is None or attempt < rounds:
        attempt += 1
        yield Backoff(attempt)
    return "done"


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr("fsmflow.manager.time", fake)
    monkeypatch.setattr("fsmflow.exchange.time", fake)
    return fake


def test_a_turn_that_only_meets_conflicts_gives_up_after_two_seconds(fake_time: FakeTime) -> None:
    with pytest.raises(Contended) as caught:
        FlowStateManager.in_memory().drive(_losing(None))
    assert isinstance(caught.value, StoreUnavailable)
    assert PATIENCE == 2.0
    assert PATIENCE <= sum(fake_time.pauses) <= PATIENCE + LONGEST_PAUSE


def test_the_first_retry_is_at_once_and_no_pause_is_longer_than_its_bound(
    fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds: list[tuple[float, float]] = []

    def longest(lower: float, upper: float) -> float:
        bounds.append((lower, upper))
        return 0.0

    monkeypatch.setattr(random, "uniform", longest)
    assert FlowStateManager.in_memory().drive(_losing(3000)) == "done"
    assert len(fake_time.pauses) == 2999
    assert bounds[0][1] == 0.008
    assert not any(lower for lower, _ in bounds)
    assert max(upper for _, upper in bounds) == LONGEST_PAUSE


def test_pauses_are_random(fake_time: FakeTime) -> None:
    FlowStateManager.in_memory().drive(_losing(20))
    assert len(set(fake_time.pauses)) > 10


def test_a_slow_flow_has_its_two_seconds_from_its_first_conflict_on(fake_time: FakeTime) -> None:
    def slow() -> Effects[str]:
        yield Call(fake_time.sleep, (30.0,))
        return (yield from _losing(3))

    assert FlowStateManager.in_memory().drive(slow()) == "done"


def test_a_message_that_meets_another_one_is_decided_again_on_what_that_left(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    overtaking = ["7"]

    class Overtaken(OfferFlow):
        def valid_amount(self, value: str) -> bool:
            if overtaking:
                say(runner, "overtaking", overtaking.pop())
            return super().valid_amount(value)

    runner = runner_on(manager, Overtaken)
    say(runner, "1", "offer")
    version = manager.load(MEMBER).version
    assert "Sure?" in words(say(runner, "2", "12"))
    state = manager.load(MEMBER)
    assert state.flow_data is not None
    assert state.flow_data.data == {"amount": "7", "handle": "12"}
    assert state.version == version + 2
    assert any_redis.zcard(manager.layout.keys(MEMBER).seen) == 3


# -- the URL ----------------------------------------------------------------------------------------------------------


def _settings(url: str) -> dict[str, Any]:
    client = FlowStateManager.from_url(url).redis
    assert isinstance(client, redis.Redis)
    settings: dict[str, Any] = client.connection_pool.connection_kwargs
    return settings


def test_what_the_url_says_wins_over_what_is_bounded_by_default() -> None:
    bounded = _settings("redis://localhost")
    assert 0 < bounded["socket_timeout"] <= 0.2
    assert 0 < bounded["socket_connect_timeout"] <= 0.2
    client: Any = AsyncFlowStateManager.from_url("redis://localhost").redis
    awaited = client.connection_pool.connection_kwargs
    assert 0 < awaited["socket_timeout"] + 4 * awaited["socket_connect_timeout"] < 2
    told = _settings("redis://user:pw@localhost:1234/3?socket_timeout=5&socket_connect_timeout=4")
    assert (told["socket_timeout"], told["socket_connect_timeout"]) == (5, 4)
    assert (told["port"], told["db"], told["username"], told["password"]) == (1234, 3, "user", "pw")


@pytest.mark.parametrize(
    "url", ["redis://:hunter2/x@h:1", "http://user:hunter2@h", "redis://h:hunter2", "hunter2", "redis://h?hunter2=1"]
)
def test_an_error_about_a_url_says_nothing_of_it(url: str) -> None:
    for manager in (FlowStateManager, AsyncFlowStateManager):
        with pytest.raises(ValueError, match="redis://") as caught:
            manager.from_url(url)
        assert "hunter2" not in repr(caught.value)
        assert caught.value.__suppress_context__


def test_a_commit_reports_what_became_of_it(manager: FlowStateManager) -> None:
    nothing = manager.load(MEMBER, CHANNEL)
    assert manager.commit(commit_on(nothing, run_at("amount"))).state is None
    late = manager.commit(commit_on(nothing, run_at("handle")))
    assert late.state == manager.load(MEMBER)
    assert manager.load(MEMBER, Channel("other", "one")).channel == CHANNEL


def test_a_log_that_fails_does_not_make_what_was_applied_look_failed(manager: FlowStateManager) -> None:
    def broken(_: Any) -> None:
        raise OSError("the disk is full")

    sink = logger.add(broken, catch=False)
    try:
        reply = say(runner_on(manager), "1", "offer")
        committed = manager.commit(commit_on(manager.load(MEMBER), run_at("amount")))
    finally:
        logger.remove(sink)
    assert (reply.status, words(reply), committed.outcome) == ("in_progress", "How much?", Outcome.APPLIED)
    assert [entry.event_type for entry in manager.history(MEMBER)] == ["flow_start", "step_start", "transition"]


# -- what was put aside -----------------------------------------------------------------------------------------------


def test_what_was_put_aside_can_be_read_by_its_number(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    assert manager.quarantined(MEMBER) == {}
    runner = runner_on(manager)
    say(runner, "1", "offer")
    key = manager.layout.keys(MEMBER).state
    damaged: list[tuple[str, bytes]] = [("flow_data", b"\xff a=b"), ("sent_at", b"soon"), ("channel", b"")]
    for number, (name, raw) in enumerate(damaged):
        any_redis.hset(key, name, raw)
        assert say(runner, f"again {number}", "hello").status == "recovered"
    found = manager.quarantined(MEMBER)
    assert list(found.items()) == [(1, damaged[0]), (2, damaged[1]), (3, damaged[2])]
    assert manager.load(MEMBER).unreadable == ()


def test_what_is_put_aside_is_told_in_the_order_in_which_it_was_and_none_is_left_out(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    foreign = {"quarantine:10": b"reply=x", "quarantine:9": b"no name", "quarantine:x": b"a=b", "quarantined": b"10"}
    any_redis.hset(manager.layout.keys(MEMBER).state, mapping=cast(Any, foreign))
    assert list(manager.quarantined(MEMBER).items()) == [(9, ("", b"no name")), (10, ("reply", b"x"))]


def test_a_url_where_a_client_is_needed_says_what_to_use() -> None:
    with pytest.raises(TypeError, match="from_url"):
        FlowStateManager("redis://localhost")  # type: ignore[arg-type]  # the obvious slip
