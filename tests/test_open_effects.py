"""The effects that are open, as an operator sees them: all of them, from what is stored alone, and no answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from redis import Redis

from fsmflow import Action, Done, EffectRefused, Flow, OpenEffect, Step, StepType, StoreUnavailable
from fsmflow.calls import drive
from fsmflow.clients import execute, execute_together
from fsmflow.exchange import Send, SendAll, Wish
from fsmflow.open_effects import ENTRIES, SETS, open_effects
from fsmflow.pending import Status
from tests.bank import ACCEPTS, DIES, FAILS, PAYS, Bank, open_effect, talk_to
from tests.talking import SECRET, Talk

pytestmark = pytest.mark.usefixtures("side")

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def left_open(talk: Talk, bank: Bank, *texts: str, **fields: Any) -> None:
    """Has a member say something that leaves an effect open; where the bank says so, its worker dies of it."""
    try:
        talk.says(*texts, **fields)
    except StoreUnavailable:
        bank.is_dead = False


def the_only(talk: Talk) -> OpenEffect:
    """The only effect that is open."""
    (found,) = talk.manager.open_effects()
    return found


def all_that_is_stored(talk: Talk) -> dict[str, Any]:
    """Every key with what it holds and whether it expires."""
    found: dict[str, Any] = {}
    for raw in talk.redis.scan_iter(match=f"{talk.manager.layout.prefix}*"):
        key = raw.decode()
        if key.endswith(":audit"):
            held: Any = talk.redis.xrange(key)
        elif key.endswith((":due", ":seen")):
            held = talk.redis.zrange(key, 0, -1, withscores=True)
        else:
            held = talk.redis.hgetall(key)
        found[key] = (held, int(talk.redis.pttl(key)) > 0)
    return found


# -- what is told of one ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "keyword", "status", "waits"),
    [
        (DIES, "pay", Status.RUNNING, False),
        (ACCEPTS, "pay", Status.ACCEPTED, True),
        (FAILS, "pay", Status.UNKNOWN, True),
        (FAILS, "payknown", Status.UNKNOWN, False),
    ],
)
def test_each_is_told_with_its_place_its_id_and_how_it_stands(
    any_redis: Redis, prefix: str, script: str, keyword: str, status: Status, waits: bool
) -> None:
    bank = Bank(script)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, keyword, "5", "yes")
    found = the_only(talk)
    place = "payment.unknown" if status is Status.UNKNOWN else "payment"
    assert (found.member_id, found.flow_type, found.place) == (talk.member_id, keyword, place)
    assert (found.status, found.taken_up, found.effect_id) == (status, 1, bank.calls[0])
    assert (found.since is not None, found.until is not None) == (waits, not waits)
    assert (found.is_over, found.is_readable) == (False, True)


def test_until_when_it_is_held_is_what_the_hash_says_and_whether_that_is_over_what_the_store_says(
    any_redis: Redis, prefix: str
) -> None:
    bank = Bank(DIES)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, "payknown", "5", "yes")
    assert the_only(talk).until == EPOCH + timedelta(milliseconds=int(open_effect(talk)[3]))
    talk.ages(minutes=1)
    found = the_only(talk)
    assert found.until == EPOCH + timedelta(milliseconds=int(open_effect(talk)[3]))
    assert found.is_over


def test_since_when_it_waits_does_not_change_with_what_its_member_says_meanwhile(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    before = the_only(talk)
    left_open(talk, Bank(), "and?", "cancel", "pay")
    assert the_only(talk) == before
    seconds, micros = any_redis.time()
    assert before.since is not None
    assert before.since <= EPOCH + timedelta(seconds=seconds, microseconds=micros)


def test_the_place_is_that_in_the_flow_that_acts(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "order", "tea", "5")
    found = the_only(talk)
    assert (found.flow_type, found.place) == ("order", "paying.payment")


def test_what_was_taken_up_again_says_how_often(any_redis: Redis, prefix: str) -> None:
    bank = Bank(FAILS, FAILS)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, "payonce", "5", "yes")
    talk.ages(minutes=2)
    talk.runner.due()
    assert the_only(talk).taken_up == 2


@pytest.mark.parametrize("outcome", [Done("later"), EffectRefused("no")], ids=lambda outcome: type(outcome).__name__)
def test_what_is_closed_is_not_among_them(any_redis: Redis, prefix: str, outcome: Any) -> None:
    bank = Bank(PAYS, ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    talk.says("pay", "5", "yes")
    assert talk.manager.open_effects() == []
    talk.says("thanks", "pay", "6", "yes")
    talk.runner.resolve(talk.member_id, the_only(talk).effect_id, outcome)
    assert talk.manager.open_effects() == []


# -- all of them ------------------------------------------------------------------------------------------------------


def test_those_of_all_members_are_found_and_the_oldest_come_first_however_few_are_wanted(
    any_redis: Redis, prefix: str
) -> None:
    bank = Bank(*[ACCEPTS] * 6)
    talk = talk_to(any_redis, prefix, bank)
    members = [f"m{number}" for number in range(6)]
    for member in members:
        left_open(talk, bank, "pay", "5", "yes", member_id=member)
        talk.ages(hours=1)
    assert [each.member_id for each in talk.manager.open_effects()] == members
    assert [each.effect_id for each in talk.manager.open_effects()] == bank.calls
    assert [each.member_id for each in talk.manager.open_effects(limit=2)] == members[:2]


def looking(talk: Talk, found: list[Wish]) -> Callable[[Wish], Any]:
    """What obeys an exchange, and keeps what it wanted."""

    def perform(wish: Wish) -> Any:
        found.append(wish)
        if isinstance(wish, Send):
            return execute(talk.redis, wish.command)
        assert isinstance(wish, SendAll)
        return execute_together(talk.redis, wish.commands)

    return perform


def test_of_thousands_at_whom_something_else_is_due_nothing_is_read_but_that_nothing_is_open(
    any_redis: Redis, prefix: str
) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    due = talk.manager.layout.keys(talk.member_id).due
    any_redis.zadd(due, {f"other-{number}": 10**12 + number for number in range(3000)})
    wanted: list[Wish] = []
    found = drive(open_effects(talk.manager.exchange, 1000), looking(talk, wanted))
    assert [each.member_id for each in found] == [talk.member_id]
    commands = [command for wish in wanted if isinstance(wish, SendAll) for command in wish.commands]
    assert {command[1] for command in commands if command[0] == "HMGET"} == {talk.key}
    assert {command[2:] for command in commands if command[0] == "HGET"} == {("pending",)}
    assert len([command for command in commands if command[0] == "HGET"]) > 3000
    assert max(len(wish.commands) for wish in wanted if isinstance(wish, SendAll)) < max(SETS, 3 * ENTRIES)


def test_each_command_is_about_one_key(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    wanted: list[Wish] = []
    drive(open_effects(talk.manager.exchange, 1000), looking(talk, wanted))
    for wish in wanted:
        for command in (
            wish.commands if isinstance(wish, SendAll) else (wish.command,) if isinstance(wish, Send) else ()
        ):
            assert len([part for part in command if str(part).startswith(f"{prefix}:")]) == 1


def test_looking_writes_nothing(any_redis: Redis, prefix: str) -> None:
    bank = Bank(ACCEPTS, DIES)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, "pay", "5", "yes")
    left_open(talk, bank, "payknown", "5", "yes", member_id="m1")
    talk.ages(minutes=1)
    before = all_that_is_stored(talk)
    assert len(talk.manager.open_effects()) == 2
    assert all_that_is_stored(talk) == before


class Secretive(Flow):
    """Asks for a secret, and acts."""

    flow_type = "secretive"
    steps = (
        Step(id="pin", type=StepType.TEXT, message="Your PIN?", sensitive=True),
        Action("payment", lambda self: self.services.pay(self.effect_id)),
    )


def test_no_answer_is_in_what_is_found(any_redis: Redis, prefix: str) -> None:
    talk = Talk(any_redis, prefix, [Secretive], services=Bank(ACCEPTS))
    talk.says("secretive", SECRET)
    assert SECRET in talk.data.values()
    assert SECRET not in repr(the_only(talk))


# -- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "effect_id"),
    [
        (b"", ""),
        (b"running", ""),
        (b"running 1 x", ""),
        (b"\xff\xfe", ""),
        (b"nothing 1 - - the:id:2", "the:id:2"),
        (b"running 1 - soon the:id:2", "the:id:2"),
        (b"nothing 1 - - \xff", ""),
    ],
)
def test_a_line_that_cannot_be_read_is_an_effect_that_nobody_knows_of(
    any_redis: Redis, prefix: str, damage: bytes, effect_id: str
) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    any_redis.hset(talk.key, "pending", damage)
    found = the_only(talk)
    assert (found.status, found.is_readable, found.effect_id) == (Status.UNKNOWN, False, effect_id)
    assert (found.since, found.until, found.is_over) == (None, None, False)
    assert (found.flow_type, found.place) == ("pay", "payment")


@pytest.mark.parametrize("damage", [b"running", b"\xff\xfe", b"nothing 1 - - the:id:2"])
def test_a_line_that_cannot_be_read_is_closed_by_the_id_that_is_told_of_it(
    any_redis: Redis, prefix: str, damage: bytes
) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    any_redis.hset(talk.key, "pending", damage)
    assert talk.runner.resolve(talk.member_id, "another", Done()) is None
    assert talk.runner.resolve(talk.member_id, the_only(talk).effect_id, Done("found")) is not None
    assert talk.manager.open_effects() == []
    assert talk.data["payment"] == "found"


@pytest.mark.parametrize(
    ("field", "damage"),
    [("flow_data", b"{"), ("flow_data", None), ("due", b"\xff"), ("due", None), ("codec", b"999"), ("version", None)],
)
def test_a_field_beside_it_that_cannot_be_read_hides_no_effect(
    any_redis: Redis, prefix: str, field: str, damage: bytes | None
) -> None:
    bank = Bank(ACCEPTS)
    talk = talk_to(any_redis, prefix, bank)
    left_open(talk, bank, "pay", "5", "yes")
    if damage is None:
        any_redis.hdel(talk.key, field)
    else:
        any_redis.hset(talk.key, field, damage)
    found = the_only(talk)
    assert (found.status, found.effect_id, found.is_readable) == (Status.ACCEPTED, bank.calls[0], True)
    assert (found.place is None) == (field == "flow_data")
    assert (found.since is None) == (field == "due")


@pytest.mark.parametrize("until", ["99999999999999999999", "999999999999999"])
def test_a_time_that_cannot_be_is_not_told(any_redis: Redis, prefix: str, until: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    any_redis.hset(talk.key, "pending", f"running 1 x {until} the:id:2")
    assert the_only(talk).until is None


def test_of_a_hash_that_is_not_known_to_be_its_members_nothing_is_believed_but_it_is_told(
    any_redis: Redis, prefix: str
) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    any_redis.hset(talk.key, "member_id", "another")
    found = the_only(talk)
    assert (found.member_id, found.status, found.is_readable) == (talk.member_id, Status.UNKNOWN, False)
    assert (found.flow_type, found.place, found.effect_id) == (None, None, "")


def test_an_entry_whose_hash_is_gone_is_no_effect(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    any_redis.delete(talk.key)
    assert talk.manager.open_effects() == []
    assert any_redis.zcard(talk.manager.layout.keys(talk.member_id).due) == 1


def test_an_entry_that_is_no_name_is_passed_by(any_redis: Redis, prefix: str) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    any_redis.zadd(talk.manager.layout.keys(talk.member_id).due, {b"\xff": 1, b"two words": 2})
    assert the_only(talk).member_id == talk.member_id


@pytest.mark.parametrize("key", ["due", "state"])
def test_where_one_key_cannot_be_asked_it_is_not_said_that_nothing_is_open(
    any_redis: Redis, prefix: str, key: str
) -> None:
    talk = talk_to(any_redis, prefix, Bank(ACCEPTS))
    left_open(talk, Bank(), "pay", "5", "yes")
    name = getattr(talk.manager.layout.keys(talk.member_id), key)
    any_redis.delete(name)
    any_redis.set(name, "of another program")
    with pytest.raises(StoreUnavailable):
        talk.manager.open_effects()
