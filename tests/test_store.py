"""The commit's contract, on every kind of Redis: what is decided in which order, and what is then in the keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from fsmflow.codec import dump_flow_data
from fsmflow.effects import Outcome, Write
from fsmflow.errors import InvalidMemberId
from fsmflow.manager import FlowStateManager
from fsmflow.store import Layout
from tests.commits import CHANNEL, MEMBER, commit_on, run_at, send

KEY, OTHER_KEY = "00000000000000aa", "00000000000000bb"


@pytest.fixture
def manager(any_redis: redis.Redis, prefix: str) -> FlowStateManager:
    return FlowStateManager(any_redis, prefix=prefix)


def _everything(client: redis.Redis, manager: FlowStateManager) -> tuple[object, ...]:
    keys = manager.layout.keys(MEMBER)
    return client.hgetall(keys.state), client.zrange(keys.seen, 0, -1, withscores=True), client.xrange(keys.audit)


def _keys(client: redis.Redis, manager: FlowStateManager) -> list[str]:
    found: list[Any] = client.keys(f"{manager.layout.prefix}*")
    return [key.decode() for key in found]


def _quarantine(client: redis.Redis, manager: FlowStateManager) -> dict[bytes, bytes]:
    fields: dict[Any, Any] = client.hgetall(manager.layout.keys(MEMBER).state)
    return {name: value for name, value in fields.items() if name.startswith(b"quarantine:")}


def test_a_new_version_is_written_and_everything_comes_back(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    commit = commit_on(manager.load(MEMBER, CHANNEL), run_at("amount"), key=KEY)
    assert send(any_redis, manager.layout, commit, "t1").outcome is Outcome.APPLIED
    state = manager.load(MEMBER)
    assert (state.flow_data, state.previous, state.unreadable) == (run_at("amount"), None, ())
    assert (state.channel, state.recent, state.raw["token"]) == (CHANNEL, (KEY,), b"t1")
    send(any_redis, manager.layout, commit_on(state, run_at("handle", amount="1")), "t2")
    assert manager.load(MEMBER).version == state.version + 1


def test_a_commit_that_is_sent_again_is_applied_once_and_answers_applied_although_its_message_is_known(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    commit = commit_on(manager.load(MEMBER, CHANNEL), run_at("amount"), key=KEY)
    send(any_redis, manager.layout, commit, "token")
    first = any_redis.hgetall(manager.layout.keys(MEMBER).state)
    assert send(any_redis, manager.layout, commit, "token").outcome is Outcome.APPLIED
    assert any_redis.hgetall(manager.layout.keys(MEMBER).state) == first
    assert len(manager.history(MEMBER)) == 1


def test_a_known_message_is_a_duplicate_even_on_an_old_version_and_comes_with_the_state(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    nothing = manager.load(MEMBER, CHANNEL)
    send(any_redis, manager.layout, commit_on(nothing, run_at("amount"), key=KEY), "t1")
    again = send(any_redis, manager.layout, commit_on(nothing, run_at("handle"), key=KEY), "t2")
    assert again.outcome is Outcome.DUPLICATE
    assert again.state == manager.load(MEMBER)
    assert again.state is not None
    assert again.state.flow_data == run_at("amount")


def test_an_unknown_message_on_an_old_version_is_a_conflict_with_the_state_and_writes_nothing(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    nothing = manager.load(MEMBER, CHANNEL)
    send(any_redis, manager.layout, commit_on(nothing, run_at("amount"), key=KEY), "t1")
    before = _everything(any_redis, manager)
    late = send(any_redis, manager.layout, commit_on(nothing, run_at("handle"), key=OTHER_KEY), "t2")
    assert late.outcome is Outcome.CONFLICT
    assert late.state == manager.load(MEMBER)
    assert _everything(any_redis, manager) == before


def test_a_state_that_expired_between_load_and_commit_is_a_conflict_with_an_empty_state(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    loaded = manager.load(MEMBER)
    any_redis.delete(manager.layout.keys(MEMBER).state)
    late = send(any_redis, manager.layout, commit_on(loaded, run_at("handle")), "t2")
    assert late.outcome is Outcome.CONFLICT
    assert late.state is not None
    assert (late.state.version, late.state.flow_data, late.state.unreadable) == (0, None, ())


def test_a_version_starts_from_the_time_of_redis_and_does_not_come_again_after_an_expiry(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    def microseconds() -> int:
        seconds, rest = any_redis.time()
        return int(seconds) * 1_000_000 + int(rest)

    versions = []
    for token in ("t1", "t2"):
        before = microseconds()
        send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), token)
        versions.append(manager.load(MEMBER).version)
        assert before < versions[-1] <= microseconds() + 1
        any_redis.delete(*any_redis.keys(f"{manager.layout.prefix}*"))  # as an expiry does
    assert versions[0] < versions[1]


@pytest.mark.parametrize("damaged", [b"", b"junk", b"-1", b"9007199254740992", b"99999999999999999999", b"1e3"])
def test_a_version_that_cannot_be_counted_on_is_set_aside_and_counted_anew(
    any_redis: redis.Redis, manager: FlowStateManager, damaged: bytes
) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    before = manager.load(MEMBER).version
    any_redis.hset(manager.layout.keys(MEMBER).state, "version", damaged)
    found = manager.load(MEMBER)
    assert [each.name for each in found.unreadable] == ["version"]
    assert send(any_redis, manager.layout, commit_on(found, run_at("handle")), "t2").outcome is Outcome.APPLIED
    assert manager.load(MEMBER).version > before
    assert any_redis.hget(manager.layout.keys(MEMBER).state, "quarantine:1") == b"version=" + damaged


def test_the_three_keys_live_equally_long_from_the_last_commit_on(any_redis: redis.Redis, prefix: str) -> None:
    manager = FlowStateManager(any_redis, prefix=prefix, retention=timedelta(hours=3))
    keys = manager.layout.keys(MEMBER)
    for token, key in (("t1", KEY), ("t2", "")):
        send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount"), key=key), token)
        left = [any_redis.pttl(name) for name in (keys.state, keys.seen, keys.audit)]
        assert all(0 < milliseconds <= 3 * 3600 * 1000 for milliseconds in left), left
        assert max(left) - min(left) < 10_000
        for name in (keys.state, keys.seen, keys.audit):
            any_redis.pexpire(name, 20_000)
    assert max(any_redis.pttl(name) for name in (keys.state, keys.seen, keys.audit)) <= 20_000


def test_advance_makes_the_stored_run_the_previous_one_and_update_leaves_that(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    steps = [("amount", Write.UPDATE), ("handle", Write.ADVANCE), ("confirm", Write.UPDATE)]
    for number, (step_id, write) in enumerate(steps):
        state = manager.load(MEMBER, CHANNEL)
        send(any_redis, manager.layout, commit_on(state, run_at(step_id), write=write), f"t{number}")
    state = manager.load(MEMBER)
    assert (state.flow_data, state.previous) == (run_at("confirm"), run_at("amount"))


def test_a_commit_that_names_no_run_leaves_the_stored_one_byte_for_byte(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    before = manager.load(MEMBER).raw["flow_data"]
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER), None), "t2")
    assert manager.load(MEMBER).raw["flow_data"] == before


def test_clear_keeps_the_known_messages_and_the_trail(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount"), key=KEY), "t1")
    cleared = commit_on(manager.load(MEMBER), None, write=Write.CLEAR)
    send(any_redis, manager.layout, cleared, "t2")
    keys = manager.layout.keys(MEMBER)
    assert (any_redis.exists(keys.state), any_redis.zcard(keys.seen), any_redis.xlen(keys.audit)) == (0, 1, 2)
    again = send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount"), key=KEY), "t3")
    assert again.outcome is Outcome.DUPLICATE


def test_the_trail_is_trimmed_and_keeps_the_latest(any_redis: redis.Redis, prefix: str) -> None:
    manager = FlowStateManager(any_redis, prefix=prefix, audit_length=10)
    for number in range(250):
        send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), f"t{number}")
    history = manager.history(MEMBER)
    assert 10 <= len(history) < 250
    assert history[-1].version == manager.load(MEMBER).version


def test_messages_are_forgotten_by_time_and_never_before_the_retention_is_over(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    seen = manager.layout.keys(MEMBER).seen
    now = int(any_redis.time()[0]) * 1000
    week = 7 * 86_400_000
    any_redis.zadd(seen, {"nine days old": now - week - 2 * 86_400_000, "seven days old": now - week})
    for number in range(9):
        state = manager.load(MEMBER, CHANNEL)
        send(any_redis, manager.layout, commit_on(state, run_at("amount"), key=f"{number:016x}"), f"t{number}")
    known = set(any_redis.zrange(seen, 0, -1))
    assert b"nine days old" not in known
    assert {b"seven days old", *(f"{number:016x}".encode() for number in range(9))} == known


# -- quarantine -------------------------------------------------------------------------------------------------------

DAMAGE = b"\xff\xfe{=\x00 no run"


def test_what_cannot_be_read_is_set_aside_exactly_as_it_was(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    key = manager.layout.keys(MEMBER).state
    any_redis.hset(key, mapping={"flow_data": DAMAGE, "recent": b"\xc3"})
    found = manager.load(MEMBER)
    assert send(any_redis, manager.layout, commit_on(found, run_at("handle")), "t2").outcome is Outcome.APPLIED
    assert _quarantine(any_redis, manager) == {b"quarantine:1": b"flow_data=" + DAMAGE, b"quarantine:2": b"recent=\xc3"}
    after = manager.load(MEMBER)
    assert (after.flow_data, after.unreadable) == (run_at("handle"), ())


@pytest.mark.parametrize("meanwhile", [dump_flow_data(run_at("confirm")), b"other damage", None])
def test_nothing_is_set_aside_or_written_if_the_damage_is_no_longer_there_as_it_was(
    any_redis: redis.Redis, manager: FlowStateManager, meanwhile: bytes | None
) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    key = manager.layout.keys(MEMBER).state
    any_redis.hset(key, "flow_data", DAMAGE)
    found = manager.load(MEMBER)
    if meanwhile is None:
        any_redis.hdel(key, "flow_data")
    else:
        any_redis.hset(key, "flow_data", meanwhile)
    before = any_redis.hgetall(key)
    assert send(any_redis, manager.layout, commit_on(found, run_at("handle")), "t2").outcome is Outcome.CONFLICT
    assert any_redis.hgetall(key) == before


def test_a_missing_field_has_nothing_to_set_aside_but_must_still_be_missing(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    key = manager.layout.keys(MEMBER).state
    any_redis.hdel(key, "flow_data")
    found = manager.load(MEMBER)
    assert [(each.name, each.raw) for each in found.unreadable] == [("flow_data", None)]
    any_redis.hset(key, "flow_data", b"")
    assert send(any_redis, manager.layout, commit_on(found, run_at("handle")), "t2").outcome is Outcome.CONFLICT
    any_redis.hdel(key, "flow_data")
    assert send(any_redis, manager.layout, commit_on(found, run_at("handle")), "t3").outcome is Outcome.APPLIED
    assert _quarantine(any_redis, manager) == {}


def _damage(client: redis.Redis, manager: FlowStateManager, number: int) -> None:
    client.hset(manager.layout.keys(MEMBER).state, "flow_data", b"damage %d" % number)
    send(client, manager.layout, commit_on(manager.load(MEMBER), run_at("amount")), f"d{number}")


def test_sixteen_of_the_damaged_fields_are_kept_the_latest_and_their_numbers_never_come_again(
    any_redis: redis.Redis, manager: FlowStateManager
) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    key = manager.layout.keys(MEMBER).state
    for number in range(1, 21):
        _damage(any_redis, manager, number)
    kept = _quarantine(any_redis, manager)
    assert kept == {b"quarantine:%d" % number: b"flow_data=damage %d" % number for number in range(5, 21)}
    any_redis.hdel(key, *kept)
    _damage(any_redis, manager, 21)
    assert any_redis.hget(key, "quarantine:21") == b"flow_data=damage 21"


@pytest.mark.parametrize("counter", [None, b"junk", b"inf", b"nan", b"1", b"99999999999999999999", b"0x10", b"-7"])
def test_a_damaged_counter_of_the_quarantine_overwrites_nothing_of_it(
    any_redis: redis.Redis, manager: FlowStateManager, counter: bytes | None
) -> None:
    send(any_redis, manager.layout, commit_on(manager.load(MEMBER, CHANNEL), run_at("amount")), "t1")
    key = manager.layout.keys(MEMBER).state
    for number in range(1, 4):
        _damage(any_redis, manager, number)
    if counter is None:
        any_redis.hdel(key, "quarantined")
    else:
        any_redis.hset(key, "quarantined", counter)
    _damage(any_redis, manager, 4)
    kept = _quarantine(any_redis, manager)
    assert kept == {b"quarantine:%d" % number: b"flow_data=damage %d" % number for number in range(1, 5)}


def test_a_key_of_another_type_fails_the_whole_commit(any_redis: redis.Redis, manager: FlowStateManager) -> None:
    keys = manager.layout.keys(MEMBER)
    commit = commit_on(manager.load(MEMBER, CHANNEL), run_at("amount"), key=KEY)
    for name in (keys.state, keys.seen, keys.audit):
        any_redis.set(name, "somebody else's")
        with pytest.raises(redis.ResponseError):
            send(any_redis, manager.layout, commit, "t1")
        assert _keys(any_redis, manager) == [name]
        assert any_redis.get(name) == b"somebody else's"
        any_redis.delete(name)


# -- keys -------------------------------------------------------------------------------------------------------------

IDS = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="{}"), min_size=1, max_size=128).filter(
    lambda member_id: member_id != "due" and not member_id.endswith((":seen", ":audit"))
)


@given(IDS)
def test_the_keys_of_a_member_are_in_one_slot_and_their_bucket_is_the_crc_of_the_id(member_id: str) -> None:
    keys = Layout("p").keys(member_id)
    bucket = key_slot(member_id.encode()) % 1024  # a slot is CRC16 modulo 16,384, which 1,024 divides
    assert keys.state == f"p:{{b{bucket:04d}}}:{member_id}"
    assert (keys.seen, keys.audit) == (f"{keys.state}:seen", f"{keys.state}:audit")
    assert len({key_slot(name.encode()) for name in (keys.state, keys.seen, keys.audit)}) == 1


FORBIDDEN = st.sampled_from(
    "{} \t\n\r\v\f\x00\x1f\x7f\x85\xa0\u1680\u2028\u2029\u202e\u2066\u200b\u200f\ufeff\ud800\udfff"
)
BAD_IDS = st.one_of(
    st.sampled_from(("", "due", "m1:seen", "m1:audit")),  # the last three would be the names of other keys
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="{}"), min_size=129, max_size=140),
    st.builds(lambda before, mark, after: before + mark + after, st.text(max_size=9), FORBIDDEN, st.text(max_size=9)),
    st.text(st.characters(categories=("C", "Z")), min_size=1, max_size=9),
)


@given(BAD_IDS)
def test_no_key_is_built_for_an_id_that_cannot_be_part_of_one(member_id: str) -> None:
    with pytest.raises(InvalidMemberId):
        Layout().keys(member_id)


@pytest.mark.parametrize("given_id", [None, 7, b"m1", ["m1"]])
def test_an_id_that_is_no_text_is_refused(given_id: object) -> None:
    with pytest.raises(InvalidMemberId):
        Layout().keys(given_id)  # type: ignore[arg-type] # what a program without types may hand over


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ({"prefix": "{}"}, "braces"),
        ({"prefix": "a}b"}, "braces"),
        ({"retention": timedelta(0)}, "retention"),
        ({"retention": timedelta(microseconds=1)}, "retention"),
        ({"retention": timedelta(days=-1)}, "retention"),
        ({"audit_length": 0}, "trail"),
    ],
)
def test_a_layout_that_would_lose_what_is_written_is_refused(named: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        evolve(Layout(), **named)
