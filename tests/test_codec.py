"""Values to bytes and back; and bytes of any kind, which are read without a fault or not at all."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import pytest
from attrs import evolve, frozen
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsmflow import (
    ApprovedTemplate,
    AuditEntry,
    Buttons,
    Channel,
    Inbound,
    ListMenu,
    Location,
    Media,
    MemberState,
    Option,
    Reply,
    Section,
    Text,
    UnstorableAnswer,
)
from fsmflow.codec import (
    CODEC,
    READ,
    UNREAD,
    codec_of,
    digest,
    dump_channel,
    dump_flow_data,
    dump_reply,
    load_flow_data,
    load_reply,
    load_state,
    message_key,
)
from fsmflow.state import FlowData, Validation
from fsmflow.storable import check_storable, converter, restore_answer, store_answer
from fsmflow.trail import dump_entries, load_entries

ANN = Channel("console", "ann")

texts = st.text(max_size=20)  # no halves of surrogate pairs: a `Channel` and an `Inbound` let none in
maybe = st.none() | texts
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
counts = st.integers(0, 2**53 - 1)
runs = st.builds(
    FlowData,
    id=texts,
    flow_type=texts,
    step_id=maybe,
    step=counts,
    data=st.dictionaries(texts, json_values, max_size=4),
    run_id=texts,
    visit=counts,
    path=st.lists(texts, max_size=4).map(tuple),
    revision=st.integers(-5, 5),
    definition=texts,
    validation=st.none() | st.builds(Validation, texts, counts, maybe),
    page=counts,
)
answered = runs.map(lambda run: evolve(run, path=tuple(run.data)))
within = st.builds(
    lambda run, inner, follows: evolve(run, inner=evolve(inner, id=f"{run.id}.{run.step_id}") if follows else inner),
    runs,
    runs | answered,
    st.booleans(),
)
channels = st.builds(Channel, texts, texts)
entries = st.builds(
    AuditEntry,
    event_type=texts,
    status=texts,
    step_id=maybe,
    from_state=maybe,
    to_state=maybe,
    error=maybe,
    place=maybe,
    reason=maybe,
    flow_id=maybe,
    run_id=maybe,
    channel=st.none() | channels,
    message_id=maybe,
)
options = st.lists(st.builds(Option, texts, texts, texts, maybe), max_size=3)
numbers = st.floats(allow_nan=False, allow_infinity=False)
messages = st.one_of(
    st.builds(Text, texts),
    st.builds(Buttons, texts, options, maybe, maybe),
    st.builds(ListMenu, texts, texts, st.lists(st.builds(Section, texts, options), max_size=2), maybe, maybe),
    st.builds(ApprovedTemplate, texts, texts, st.lists(st.dictionaries(texts, json_values, max_size=2), max_size=2)),
    st.builds(Media, st.sampled_from(["image", "document", "audio", "video", "sticker"]), maybe, maybe, maybe, maybe),
    st.builds(Location, numbers, numbers, maybe, maybe),
)
replies = st.builds(Reply, st.lists(messages, max_size=3).map(tuple), st.just("ann"), maybe, maybe, texts)


# -- there and back ---------------------------------------------------------------------------------------------------


@given(st.none() | runs | answered | within)
def test_a_run_comes_back_as_it_went(run: FlowData | None) -> None:
    assert load_flow_data(dump_flow_data(run)) == run


@given(runs)
def test_a_run_is_stored_as_its_fields_say_without_those_that_have_their_default(run: FlowData) -> None:
    told = converter.unstructure(run)
    if run.path and run.path == tuple(run.data):
        told["path"] = "="
    assert orjson.loads(dump_flow_data(run)) == orjson.loads(orjson.dumps(told))


def test_what_follows_from_the_rest_of_a_run_is_not_stored_a_second_time() -> None:
    address = FlowData("order_ann.address", "address", "town", 1, {"street": "Main"}, path=("street",))
    run = FlowData("order_ann", "order", "address", 1, {"count": 3}, path=("count",), inner=address)
    assert orjson.loads(dump_flow_data(run)) == {
        **{"id": "order_ann", "flow_type": "order", "step_id": "address", "step": 1, "data": {"count": 3}, "path": "="},
        "inner": {"flow_type": "address", "step_id": "town", "step": 1, "data": {"street": "Main"}, "path": "="},
    }


def test_the_id_of_a_run_within_that_does_not_follow_is_stored() -> None:
    run = FlowData("order_ann", "order", "address", 1, inner=FlowData("address_ann", "address", "town", 1))
    assert orjson.loads(dump_flow_data(run))["inner"]["id"] == "address_ann"
    assert load_flow_data(dump_flow_data(run)) == run


@pytest.mark.parametrize("path", [(), ("count", "why", "count"), ("why", "count"), ("count",)])
def test_a_path_that_is_not_the_order_of_the_data_is_stored_as_it_is(path: tuple[str, ...]) -> None:
    run = FlowData("order_ann", "order", "sure", 2, {"count": 3, "why": "so"}, path=path)
    assert orjson.loads(dump_flow_data(run)).get("path", []) == [*path]
    assert load_flow_data(dump_flow_data(run)) == run


@given(st.dictionaries(texts, st.decimals(allow_nan=False) | st.dates() | st.lists(st.uuids(), max_size=2), max_size=3))
def test_a_run_of_a_structure_is_stored_whatever_its_answers_are(data: dict[str, Any]) -> None:
    run = FlowData("offer_ann", "offer", "handle", 1, data)
    assert dump_flow_data(run) == orjson.dumps(converter.unstructure(run))


@given(replies)
def test_a_reply_comes_back_as_a_duplicate_with_every_message_in_it(reply: Reply) -> None:
    assert load_reply(dump_reply(reply), "ann") == evolve(reply, duplicate=True)


@given(st.lists(entries, max_size=4))
def test_the_entries_of_a_turn_come_back_with_what_the_stream_tells(found: list[AuditEntry]) -> None:
    row = {b"entries": dump_entries(found), b"version": b"7"}
    if not found:
        assert row[b"entries"] == b""
        return
    moment = datetime(2030, 1, 1, tzinfo=timezone.utc)
    stream_id = b"%d-3" % round(moment.timestamp() * 1000)
    assert load_entries("ann", stream_id, row) == [
        evolve(each, member_id="ann", version=7, time=moment) for each in found
    ]


def fields(**changed: bytes) -> dict[str, bytes]:
    run = FlowData("offer_ann", "offer", "handle", 1, data={"amount": "12"}, path=("amount",))
    found = {
        "member_id": b"ann",
        "channel": dump_channel(ANN),
        "flow_data": dump_flow_data(run),
        "previous": b"null",
        "version": b"1893499200000001",
        "recent": b"0123456789abcdef fedcba9876543210",
        "sent_at": b"1893499200000",
        "codec": b"1",
        "reply": b"[]",
        "token": b"t",
        "updated_at": b"1893499200000",
    }
    return {**found, **changed}


@given(channels, st.none() | runs, st.none() | runs, st.integers(0, 2**53 - 1), counts)
def test_a_state_comes_back_whole(
    channel: Channel, run: FlowData | None, previous: FlowData | None, version: int, sent_at: int
) -> None:
    raw = fields(
        channel=dump_channel(channel),
        flow_data=dump_flow_data(run),
        previous=dump_flow_data(previous),
        version=b"%d" % version,
        sent_at=b"%d" % sent_at,
    )
    recent = ("0123456789abcdef", "fedcba9876543210")
    state = load_state("ann", Channel("x", "y"), raw)
    assert state == MemberState("ann", channel, run, previous, version, recent, sent_at)
    assert (state.raw, codec_of(state)) == (raw, 1)


def test_of_a_member_of_whom_nothing_is_stored_only_the_channel_is_known() -> None:
    state = load_state("ann", ANN, {})
    assert state == MemberState("ann", ANN)
    assert codec_of(state) == CODEC


# -- what cannot be read ----------------------------------------------------------------------------------------------


@given(st.sampled_from(READ), st.binary(max_size=80))
@example("flow_data", b"[" * 100_000)
@example("version", b"9" * 5000)
@example("recent", "\u0661".encode() * 8)
def test_no_bytes_in_any_field_are_a_fault_of_reading(name: str, raw: bytes) -> None:
    state = load_state("ann", ANN, fields(**{name: raw}))
    for found in state.unreadable:
        assert found.raw == fields(**{name: raw}).get(found.name)
    if name != "member_id":
        assert {found.name for found in state.unreadable} <= {name}


@given(json_values.map(orjson.dumps))
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": "1"}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": true}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "visit": "1"}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "revision": 1.5}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "path": "abc"}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "path": [1]}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "data": [["a", 1]]}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": 7, "step": 1}')
@example(b'{"id": null, "flow_type": "offer", "step_id": "a", "step": 1}')
@example(b'{"id": "x", "flow_type": "offer", "step": 1}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": -1}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "visit": 9007199254740992}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "page": -1}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "data": null}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "validation": []}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "validation": {"step": "a"}}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "validation": {"step": "a", "attempts": true}}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "validation": {"step": "a", "attempts": -1}}')
@example(b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1, "validation": {"step": 1, "attempts": 1}}')
@example(
    b'{"id": "x", "flow_type": "offer", "step_id": "a", "step": 1,'
    b' "validation": {"step": "a", "attempts": 1, "refusal": 1}}'
)
def test_json_that_is_no_run_is_no_run(raw: bytes) -> None:
    state = load_state("ann", ANN, fields(flow_data=raw))
    assert state.flow_data is None
    assert [found.name for found in state.unreadable] == ([] if raw == b"null" else ["flow_data"])


RUN = {
    "id": "offer_ann",
    "flow_type": "offer",
    "step_id": "handle",
    "step": 1,
    "data": {"amount": "12"},
    "run_id": "r",
    "visit": 3,
    "path": ["amount"],
    "revision": 2,
    "definition": "d",
    "validation": {"step": "handle", "attempts": 1, "refusal": "No."},
    "page": 2,
}


@given(st.sampled_from(sorted(RUN)), json_values)
@settings(max_examples=500)
def test_a_run_with_a_part_of_another_type_is_read_as_its_types_say_or_not_at_all(name: str, value: Any) -> None:
    """The generic converter, which is told the same by the types of `FlowData`, takes and refuses the same runs."""
    raw = orjson.dumps({**RUN, name: value})
    try:
        told: FlowData | None = converter.structure(orjson.loads(raw), FlowData)
    except Exception:  # noqa: BLE001 - whatever it has against it
        told = None
    try:
        found = load_flow_data(raw)
    except Exception:  # noqa: BLE001 - likewise
        found = None
    if found is not None:
        assert found == told
    elif told is not None:  # what the types cannot say: what is counted on, and what only looks like a number or a dict
        assert name in ("step", "visit", "validation", "revision", "data", "page")


@pytest.mark.parametrize("name", [*READ, *UNREAD])
def test_a_missing_field_is_noticed(name: str) -> None:
    raw = fields()
    del raw[name]
    assert (name, None) in [(found.name, found.raw) for found in load_state("ann", ANN, raw).unreadable]


@pytest.mark.parametrize("name", ["version", "sent_at"])
@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        (2**53 - 1, True),
        (2**53, False),
        (2**64, False),
        (0, True),
        (-1, False),
        ("1e3", False),
        (" 1", False),
        ("+1", False),
    ],
)
def test_a_count_is_digits_that_lua_counts_exactly(name: str, raw: object, readable: bool) -> None:
    state = load_state("ann", ANN, fields(**{name: str(raw).encode()}))
    assert (state.unreadable == ()) is readable


@pytest.mark.parametrize(
    ("raw", "recent"),
    [
        (b"", ()),
        (b"0123456789abcdef", ("0123456789abcdef",)),
        (b"0123456789abcdef fedcba9876543210", ("0123456789abcdef", "fedcba9876543210")),
        (b"0123456789abcde", None),
        (b"0123456789abcdef01", None),
        (b"0123456789abcdef 0123456789abcdef01", None),
        (b"0123456789abcdeg", None),
        (b"0x23456789abcdef", None),
        (b"0123456789abcde\xff", None),
    ],
)
def test_the_messages_decided_last_are_hashes_of_sixteen_digits(raw: bytes, recent: tuple[str, ...] | None) -> None:
    state = load_state("ann", ANN, fields(recent=raw))
    assert (state.recent, [found.name for found in state.unreadable]) == (
        recent or (),
        [] if recent is not None else ["recent"],
    )


@pytest.mark.parametrize(
    ("raw", "codec"), [(b"1", 1), (b"2", 2), (b"0", 0), (b"", 0), (b"x", 0), (b"\xff", 0), (b"9" * 99, 0)]
)
def test_the_codec_is_told_or_nought(raw: bytes, codec: int) -> None:
    assert codec_of(load_state("ann", ANN, fields(codec=raw))) == codec


@pytest.mark.parametrize("owner", [b"bob", b"", b"\xff", b"ANN", b"ann\x00"])
def test_of_a_hash_that_is_not_the_members_nothing_is_used_and_nothing_is_left_out(owner: bytes) -> None:
    raw = fields(member_id=owner)
    state = load_state("ann", Channel("whatsapp", "1"), raw)
    assert evolve(state, unreadable=(), raw={}) == MemberState("ann", Channel("whatsapp", "1"))
    assert {found.name: found.raw for found in state.unreadable} == raw


@given(st.binary(max_size=60))
def test_no_bytes_in_a_reply_or_in_the_stream_are_a_fault(raw: bytes) -> None:
    assert load_reply(raw, "ann") is None
    assert load_entries("ann", b"1-0", {b"entries": raw}) == []


@given(json_values.map(orjson.dumps))
@example(b'[[], 1, "a", "idle"]')
@example(b"[[], null, null, null]")
@example(b'[[{"body": "x", "say": "Shout"}], null, null, "idle"]')
@example(b'[[{"body": 1, "say": "Text"}], null, null, "idle"]')
def test_no_json_that_is_no_reply_is_one(raw: bytes) -> None:
    found = load_reply(raw, "ann")
    assert found is None or found.messages == ()


@pytest.mark.parametrize(
    ("stream_id", "row"),
    [
        (b"x-0", {b"entries": dump_entries([AuditEntry("a", "b")])}),
        (b"9" * 40 + b"-0", {b"entries": dump_entries([AuditEntry("a", "b")])}),
        (b"1-0", {b"entries": dump_entries([AuditEntry("a", "b")]), b"version": b"x"}),
        (b"1-0", {}),
        (b"1-0", {b"entries": b'[{}, [{"event_type": 1, "status": "x"}]]'}),
    ],
)
def test_a_record_that_cannot_be_read_gives_no_entries(stream_id: bytes, row: dict[bytes, bytes]) -> None:
    assert load_entries("ann", stream_id, row) == []


# -- answers ----------------------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@frozen
class Money:
    amount: Decimal
    currency: str
    due: date | None = None


zones = st.sampled_from([timezone.utc, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=3))])
moneys = st.builds(Money, st.decimals(allow_nan=False), texts, st.none() | st.dates())
answers = st.one_of(
    st.tuples(st.just(str), texts),
    st.tuples(st.just(int), st.integers()),
    st.tuples(st.just(bool), st.booleans()),
    st.tuples(st.just(float), numbers),
    st.tuples(st.just(Decimal), st.decimals(allow_nan=False)),
    st.tuples(st.just(datetime), st.datetimes(timezones=zones | st.none())),
    st.tuples(st.just(date), st.dates()),
    st.tuples(st.just(UUID), st.uuids()),
    st.tuples(st.just(Colour), st.sampled_from(Colour)),
    st.tuples(st.just(Money), moneys),
    st.tuples(st.just(list[Money]), st.lists(moneys, max_size=2)),
    st.tuples(st.just(dict[str, int]), st.dictionaries(texts, st.integers(-(2**63), 2**63 - 1), max_size=3)),
)


@given(answers)
def test_an_answer_of_any_type_comes_back_equal_and_of_its_type(typed: tuple[Any, Any]) -> None:
    annotation, value = typed
    check_storable("Offer", "amount", value, annotation)
    back = restore_answer(orjson.loads(orjson.dumps(store_answer(value))), annotation)
    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (object(), None),
        (object(), Any),
        (Decimal("1.50"), None),
        (Decimal("NaN"), Decimal),
        (float("nan"), float),
        (float("inf"), float),
        (1, str),
        (True, int),
        ("half a pair: \ud800", str),
        ("half a pair: \ud800", None),
        ({1: 2}, None),
        (2**70, None),
        ({1, 2}, None),
        (lambda: None, None),
    ],
)
def test_an_answer_that_would_not_come_back_is_refused_while_the_flow_can_say_so(value: Any, annotation: Any) -> None:
    with pytest.raises(UnstorableAnswer) as raised:
        check_storable("Offer", "amount", value, annotation)
    assert (raised.value.flow, raised.value.step, raised.value.type_name) == ("Offer", "amount", type(value).__name__)


def test_what_cannot_be_stored_is_not_quoted() -> None:
    with pytest.raises(UnstorableAnswer) as raised:
        check_storable("Login", "pin", {"S3CRET"}, str)
    assert "S3CRET" not in str(raised.value) + repr(raised.value)
    assert raised.value.__suppress_context__


# -- hashes -----------------------------------------------------------------------------------------------------------


@given(texts, texts.filter(bool), texts, texts.filter(bool))
def test_a_message_is_known_by_its_channels_type_and_its_id(kind: str, one: str, identifier: str, two: str) -> None:
    first = message_key(Inbound(Channel(kind, identifier), one, "a"))
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert message_key(Inbound(Channel(kind, "other"), one, "b")) == first
    assert (message_key(Inbound(Channel(kind, identifier), two)) == first) is (one == two)


def test_a_hash_tells_where_its_parts_end() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert len(digest("a", size=4)) == 8


@pytest.mark.parametrize(
    ("raw", "annotation"),
    [("no", bool), (1, bool), (1.5, int), (True, int), ("12.5", int), ("1", float), (True, float)],
)
def test_a_number_of_another_kind_is_no_answer_of_this_one(raw: Any, annotation: Any) -> None:
    """What another release kept would else come back as something else, and nobody would be told."""
    with pytest.raises((TypeError, ValueError)):
        restore_answer(raw, annotation)


def test_a_number_comes_back_from_what_it_was_kept_as() -> None:
    assert [restore_answer(store_answer(number), int) for number in (0, -7, 2**70)] == [0, -7, 2**70]
    assert (restore_answer(1, float), restore_answer(True, bool)) == (1.0, True)
