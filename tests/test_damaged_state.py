"""Whatever is found in place of a member's state, field by field: nothing of it is lost, and the member goes on.

The table has a row for each way of being damaged and a column for each field. In each cell the bytes are put aside,
the member is told so in one plain sentence, and the next answer counts; but for the cells that hold a value like any
other. From what the state is restored is asked in ``test_recovery.py``; what a newer release has written is no damage,
see ``test_deploys.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis import Redis

from fsmflow import Channel, NewerState, StoreUnavailable
from fsmflow.codec import READ, UNREAD
from tests.damage import LOST_PLACE, START_OVER, damage, half_way, reasons
from tests.talking import SECRET, WHATSAPP, Offer, Talk, in_memory, records_of, words

pytestmark = pytest.mark.usefixtures("side")

# What becomes of the bytes of a field; None: it is missing.
WAYS: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda _: None,
    "empty": lambda _: b"",
    "cut after a byte": lambda raw: raw[:1],
    "cut in the middle": lambda raw: raw[: len(raw) // 2],
    "cut before its last byte": lambda raw: raw[:-1],
    "cut at its front": lambda raw: raw[1:],
    "twice": lambda raw: raw + raw,
    "not UTF-8": lambda _: b"\xff\xfe\x00",
    "not UTF-8 within": lambda raw: raw[:1] + b"\xff" + raw[1:],
    "in UTF-16": lambda raw: raw.decode().encode("utf-16"),
    "NUL after it": lambda raw: raw + b"\x00",
    "null": lambda _: b"null",
    "a truth": lambda _: b"true",
    "a negative number": lambda _: b"-1",
    "a fraction": lambda _: b"1.5",
    "a number of 400 digits": lambda _: b"9" * 400,
    "the first number too large": lambda _: b"%d" % 2**53,
    "a text": lambda _: b'"words"',
    "a list": lambda _: b"[1, 2, 3]",
    "an object": lambda _: b'{"a": 1}',
    "5,000 lists in each other": lambda _: b"[" * 5000,
}
# The cells that hold a value like any other. (The first number too large has as many digits as the hash of a message.)
SOUND: dict[str, tuple[str, ...]] = {
    "flow_data": ("null",),
    "previous": ("null",),
    "version": ("cut after a byte", "cut in the middle", "cut before its last byte", "cut at its front"),
    "recent": ("empty", "cut in the middle", "the first number too large"),
    "sent_at": ("cut after a byte", "cut in the middle", "cut before its last byte", "cut at its front"),
    "codec": ("cut after a byte",),
}
# The cell that a newer release of fsmflow may have written.
NEWER = ("codec", "twice")
# What else a field may hold that it should not.
MORE: dict[str, tuple[bytes, ...]] = {
    "member_id": (b"console:bob", b"console:an", b"console:ann ", b"CONSOLE:ANN"),
    "flow_data": (b'{"step": 1}', b'{"id": "x", "flow_type": "offer", "step_id": "handle", "step": "1"}'),
    "previous": (b"nul", b'{"step": 1}'),
    "version": (b"12x", b" 12", b"+12", b"0x12", "\u0661".encode()),
    "channel": (b'["console"]', b'["console", 1]', b'["console", "ann", "bob"]', b"[null, null]"),
    "recent": (b"0123456789abcde", b"0123456789abcdeg", b"0123456789abcdef0", "\u0661".encode() * 8),
    "sent_at": (b"2030-01-01", b"1893499200000.5", b"1e12"),
    "codec": (b"one", b"1.0", b"-1"),
}
CELLS = [(name, way) for name in READ for way in WAYS if way not in SOUND.get(name, ()) and (name, way) != NEWER]
RESTORED_FROM = {"member_id": "the audit trail", "flow_data": "previous"}


def goes_on_from(talk: Talk, name: str, raw: bytes | None) -> None:
    """Damages a field and holds what is then done against the promise."""
    before = {**talk.fields, name: raw}
    damage(talk, **{name: raw})
    reply = talk.says("bob")
    source = RESTORED_FROM.get(name, "flow_data")
    question = "How much?" if source == "previous" else "To which handle?"
    assert (words(reply), reply.status) == (f"{LOST_PLACE}\n\n{question}", "recovered")
    # of a hash that is not known to be this member's all is put aside
    aside = before if name == "member_id" else {name: raw}
    assert talk.quarantine == {each: found for each, found in aside.items() if found is not None}
    attempt, result = reasons(talk)
    assert (attempt or "").startswith("could not use: ")
    assert name in (attempt or "")
    assert result == f"restored from {source}"
    assert (talk.state.unreadable, "handle" in talk.data) == ((), False)
    assert words(talk.says(*(["13"] if source == "previous" else []), "bob")).startswith("Offer 1")


@pytest.mark.parametrize(("name", "way"), CELLS)
def test_a_field_that_cannot_be_read_is_put_aside_and_the_member_goes_on(name: str, way: str) -> None:
    talk = half_way()
    goes_on_from(talk, name, WAYS[way](talk.fields[name]))


@pytest.mark.parametrize(("name", "raw"), [(name, raw) for name, found in MORE.items() for raw in found])
def test_a_field_that_holds_nearly_what_it_should_is_put_aside_too(name: str, raw: bytes) -> None:
    goes_on_from(half_way(), name, raw)


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ways in SOUND.items() for way in ways])
def test_a_value_like_any_other_is_believed_and_disturbs_nobody(name: str, way: str) -> None:
    talk = half_way()
    damage(talk, **{name: WAYS[way](talk.fields[name])})
    assert words(talk.says("bob")) == ("You can send: offer." if name == "flow_data" else "Offer 12 to bob?")
    assert (talk.state.unreadable, talk.quarantine, reasons(talk)) == ((), {}, [])


def test_what_a_newer_release_may_have_written_is_left_as_it_is() -> None:
    talk = half_way()
    name, way = NEWER
    damage(talk, **{name: WAYS[way](talk.fields[name])})
    before = talk.fields
    with pytest.raises(NewerState):
        talk.says("bob")
    assert talk.fields == before


def test_every_field_stands_in_the_table_and_the_table_holds_on_every_store(any_redis: Redis, prefix: str) -> None:
    assert MORE.keys() == set(READ)
    assert half_way(any_redis, prefix).fields.keys() == {*READ, *UNREAD, "due"}
    for name in READ:
        goes_on_from(half_way(any_redis, f"{prefix}-{name}"), name, b"\xff\x00\r\n=" + bytes(range(256)))


@pytest.mark.parametrize("name", UNREAD)
def test_a_field_that_no_turn_reads_is_missed_only_where_it_is_missing(name: str) -> None:
    talk = half_way()
    damage(talk, **{name: b"\xff\x00 anything"})
    assert talk.says("bob").step_id == "confirm"
    damage(talk, **{name: None})
    assert (talk.says("confirm").status, talk.state.unreadable) == ("recovered", ())
    assert talk.says("confirm").status == "completed"


@pytest.mark.parametrize("name", READ)
def test_what_was_put_aside_is_nowhere_else(name: str) -> None:
    """It may be the answer of a sensitive step, or another member's."""
    talk = half_way()
    damage(talk, **{name: f'"{SECRET}'.encode()})
    with records_of() as records:
        reply = talk.says("bob")
    kept = {each: raw for each, raw in talk.fields.items() if not each.startswith("quarantine:")}
    assert SECRET not in repr((reply, records, kept, talk.redis.xrange(f"{talk.key}:audit")))
    assert SECRET.encode() in talk.quarantine[name]


# -- numbers -----------------------------------------------------------------------------------------------------------

# What is put into the JSON of the stored run, which then cannot be read.
ABSURD: tuple[dict[str, Any], ...] = (
    *({"step": number} for number in (-1, 1.5, "1", True, None, 2**53, 1e300)),
    *({"visit": number} for number in (-1, 1.5, "1", None, 2**53)),
    *({"revision": number} for number in (1.5, "1", None, 2**64)),
    *({"validation": {"step": "handle", "attempts": number}} for number in (-1, 1.5, "1", None, 2**53)),
)
# What can be read although no sound run has it.
STRANGE: tuple[dict[str, Any], ...] = (
    *({"step": number} for number in (0, 99, 2**53 - 1)),
    *({"visit": 2**53 - number} for number in range(1, 6)),
    {"revision": -(2**53)},
    {"validation": {"step": "handle", "attempts": 2**53 - 1}},
    {"validation": {"step": "gone", "attempts": 0, "refusal": "x" * 10_000}},
    {"path": ["amount"] * 10_000},
    {"data": {"amount": "1e999999", "gone": None}},
    {"run_id": ""},
)


def with_part(talk: Talk, part: Mapping[str, Any]) -> bytes:
    return json.dumps({**json.loads(talk.fields["flow_data"]), **part}).encode()


@pytest.mark.parametrize("part", ABSURD, ids=repr)
def test_a_run_with_an_absurd_number_is_put_aside(part: dict[str, Any]) -> None:
    talk = half_way()
    goes_on_from(talk, "flow_data", with_part(talk, part))


@pytest.mark.parametrize("part", STRANGE, ids=lambda part: repr(part)[:60])
def test_what_follows_on_the_largest_numbers_can_be_read_again_and_an_ended_run_stays_ended(
    part: dict[str, Any],
) -> None:
    """Written one too high, the last answer could not be read, and would be asked, and given, once more."""
    talk = half_way()
    damage(talk, flow_data=with_part(talk, part))
    assert talk.says(" ").status == "refused"
    assert talk.says("back", "13", "bob", "confirm").status == "completed"
    assert [talk.says("confirm").status for _ in range(2)] == ["idle", "idle"]
    assert reasons(talk) == []


# -- the reply that is said again --------------------------------------------------------------------------------------

LONG = json.dumps("x" * 5000).encode()
NO_REPLY: dict[str, bytes] = {
    **{way: raw for way, made in WAYS.items() if (raw := made(b'[[], null, null, null, "idle"]')) is not None},
    "numbers for names": b"[[], 1, 2, 3]",
    "a message without its words": b'[[{"say": "Text"}], null, null, null, "x"]',
    "a message of no kind": b'[[{"say": "Shout", "body": "x"}], null, null, null, "x"]',
    "words that no channel takes": b'[[{"say": "Text", "body": " "}], null, null, null, "x"]',
    "words over the channel's limit": b'[[{"say": "Text", "body": ' + LONG + b'}], null, null, null, "x"]',
    "a place that is nowhere": b'[[{"say": "Location", "latitude": 91, "longitude": 0}], null, null, null, "x"]',
    "a template of numbers": b'[[{"say": "ApprovedTemplate", "name": "a", "language": "b", "components": [{'
    b'"parameters": 5}]}], null, null, null, "x"]',
}


@pytest.mark.parametrize("raw", NO_REPLY.values(), ids=NO_REPLY.keys())
def test_a_stored_reply_that_cannot_be_read_or_sent_is_not_said_again(raw: bytes) -> None:
    talk = in_memory([Offer], channel=WHATSAPP)
    inbound = talk.message("offer")
    talk.sends(inbound)
    damage(talk, reply=raw)
    again = talk.sends(inbound)
    assert (again.messages, again.duplicate, again.step_id) == ((), True, "amount")
    assert talk.says("12").step_id == "handle"


# -- whose it is, and what is no hash at all ---------------------------------------------------------------------------


@pytest.mark.parametrize("audit", [True, False])
def test_another_members_hash_is_never_used_and_never_lost(any_redis: Redis, prefix: str, audit: bool) -> None:
    ann = half_way(any_redis, prefix)
    bob = Talk(any_redis, prefix, [Offer], channel=Channel("console", "bob"))
    bob.count = ann.count - 1
    sent = bob.message("12")
    bob.says("offer", "99", "carol")
    foreign = bob.fields
    damage(ann, **foreign)
    if not audit:
        any_redis.delete(f"{ann.key}:audit", f"{ann.key}:seen")
    assert sent.message_id == f"m{ann.count}"
    reply = ann.says("bob")
    assert "99" not in words(reply)
    assert words(reply).startswith(LOST_PLACE if audit else START_OVER)
    assert ann.data == ({"amount": "12"} if audit else {})
    assert ann.quarantine == foreign


def test_another_members_reply_is_never_said(any_redis: Redis, prefix: str) -> None:
    """Messages are known by channel and id, which two members' messages may share."""
    ann = Talk(any_redis, prefix, [Offer])
    bob = Talk(any_redis, prefix, [Offer], channel=Channel("console", "bob"))
    bob.says("offer", "99", "carol")
    damage(ann, **bob.fields)
    ann.count = bob.count - 1
    reply = ann.says("x")
    assert (reply.status, reply.duplicate) == ("recovered", False)


OTHER_TYPES: dict[str, Callable[[Redis, str], object]] = {
    "a string": lambda redis, key: redis.set(key, SECRET),
    "a list": lambda redis, key: redis.rpush(key, SECRET),
    "a set": lambda redis, key: redis.sadd(key, SECRET),
    "a sorted set": lambda redis, key: redis.zadd(key, {SECRET: 1}),
    "a hash": lambda redis, key: redis.hset(key, SECRET, SECRET),
    "a stream": lambda redis, key: redis.xadd(key, {SECRET: SECRET}),
}
OWN_TYPES = {"": "a hash", ":seen": "a sorted set", ":audit": "a stream"}


@pytest.mark.parametrize(
    ("key", "kind"), [(key, kind) for key, own in OWN_TYPES.items() for kind in OTHER_TYPES if kind != own]
)
def test_a_key_of_another_type_is_left_as_it_is_and_nothing_is_decided_until_it_is_gone(
    any_redis: Redis, prefix: str, key: str, kind: str
) -> None:
    """Another program wrote it there: nobody here can say what it is, and no write would be the right one."""
    talk = half_way(any_redis, prefix)
    own = {name: any_redis.dump(talk.key + name) for name in OWN_TYPES}
    any_redis.delete(talk.key + key)
    OTHER_TYPES[kind](any_redis, talk.key + key)
    theirs = {**own, key: any_redis.dump(talk.key + key)}
    inbound = talk.message("bob")
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            talk.sends(inbound)
        assert SECRET not in str(caught.value)
    assert {name: any_redis.dump(talk.key + name) for name in OWN_TYPES} == theirs
    any_redis.delete(talk.key + key)
    again = talk.sends(inbound)
    assert (words(again), again.duplicate) == ("Offer 12 to bob?" if key else "You can send: offer.", False)


# -- anything at all ---------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([*READ, *UNREAD]), st.none() | st.binary(max_size=60), min_size=1, max_size=4))
@example({"codec": b"9"})
@example({"recent": b"", "channel": b'["console","ann"]'})
def test_whatever_bytes_are_found_nothing_is_raised_and_nothing_is_lost(damaged: Mapping[str, bytes | None]) -> None:
    talk = half_way()
    damage(talk, **damaged)
    unreadable = {found.name: found.raw for found in talk.state.unreadable if found.raw is not None}
    inbound = talk.message("bob")
    try:
        reply = talk.sends(inbound)
    except NewerState:
        assert int(damaged["codec"] or b"0") > 1
        return
    assert reply.messages
    assert (reply.status == "recovered") is bool(unreadable or None in damaged.values())
    assert {**talk.quarantine, **unreadable} == talk.quarantine
    assert talk.state.unreadable == ()
    assert talk.says("cancel", "offer", "12", "bob", "confirm").status == "completed"
