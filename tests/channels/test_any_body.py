"""Whatever stands in a webhook's body: it is read or refused by a typed error, and what is good beside it is read.

First each part of each fixture is broken in each of many ways, then several at once and at random, then the raw text
itself, which no parser of JSON may undo: keys that come twice, numbers without end, other encodings. The last goes
through the endpoint of ``examples/webhook.py``: it answers as it says, and nothing comes out of it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from examples.webhook_outcomes import LARGEST_BODY
from fsmflow import AsyncFlowStateManager
from fsmflow.channels import whatsapp
from fsmflow.channels.base import Delivery
from fsmflow.errors import PayloadError
from fsmflow.messages import Channel
from tests.channels.payloads import NAMES, ODD, USER_ID, Json, Path_, body_of, damaged, fixture, nested, places_of, text
from tests.examples.test_webhook import Graph, Site, says
from tests.sides import on_side, wait_for
from tests.talking import SECRET

MEMBER = Channel("whatsapp", USER_ID)
MESSAGES = "entry[0].changes[0].value.messages"
GOOD = "US.10000000000000009999"

# What comes in place of a part.
ODDITIES: dict[str, Json] = {
    "null": None,
    "true": True,
    "nought": 0,
    "a negative number": -1,
    "a fraction": 1.5,
    "a number of 400 digits": 10**400,
    "infinity": float("inf"),
    "no number": float("nan"),
    "an empty text": "",
    "a blank": " ",
    "a text of 5,000 digits": "9" * 5000,
    "a text of 100,000 characters": "x" * 100_000,
    "control characters": "\x00\x1b[31m\n",
    "bidi marks": "\u202eevil\u2066",
    "half a surrogate pair": "\ud83d",
    "braces": "{0}{name}",
    "a kind of our own": "option",
    "an empty list": [],
    "a list of everything": [None, True, 0, 1.5, "x", [], {}],
    "a list of 1,000": ["x"] * 1000,
    "3,000 lists in each other": nested(3000),
    "an empty object": {},
    "an object of 1,000": dict.fromkeys(map(str, range(1000))),
}


def changed(value: Json, place: Path_, odd: Json) -> Json:
    """The value with something else at a place; what is beside the way there is the same object."""
    if not place:
        return odd
    key, *rest = place
    copied = value.copy()
    copied[key] = changed(value[key], tuple(rest), odd)
    return copied


def without(value: Json, place: Path_) -> Json:
    """The value without what is at a place."""
    *way, last = place
    holder = value
    for key in way:
        holder = holder[key]
    less = holder.copy()
    del less[last]
    return changed(value, tuple(way), less)


def beside_good(entry: Json) -> Delivery:
    """What is read of an entry and of a good one before and after it; the good ones are left out, if they are there."""
    (before,), (after,) = (body_of({"messages": [text(name, from_user_id=GOOD)]})["entry"] for name in ("b", "a"))
    delivery = whatsapp.parse({"entry": [before, entry, after]})
    first, *between, last = delivery.inbounds
    assert [(one.message_id, one.channel.identifier) for one in (first, last)] == [("b", GOOD), ("a", GOOD)]
    check_delivery(delivery)
    return Delivery(tuple(between), delivery.statuses, delivery.errors)


def brought(delivery: Delivery) -> int:
    """How much was read or told. Never nothing: what was passed over in silence would be lost."""
    return len(delivery.inbounds) + len(delivery.statuses) + len(delivery.errors)


def check_delivery(delivery: Delivery) -> None:
    """Everything in it is typed and can be written to a store."""
    for inbound in delivery.inbounds:
        told = (inbound.message_id, inbound.channel.identifier, inbound.kind)
        assert all(told)
        for words in (*told, inbound.text, inbound.option_id, inbound.account, inbound.sender_name, inbound.phone):
            assert words is None or words.encode("utf-8").decode("utf-8") == words
        assert inbound.sent_at is None or inbound.sent_at.tzinfo is not None
        assert inbound.kind != "option" or inbound.option_id
        assert inbound.kind != "text" or inbound.text is not None
    for status in delivery.statuses:
        assert all((status.message_id, status.status))
        titles = (error.title for error in status.errors)
        for words in (status.message_id, status.status, status.account, status.callback_data, *titles):
            assert words is None or words.encode("utf-8").decode("utf-8") == words
        assert all(error.code is None or isinstance(error.code, int) for error in status.errors)
    assert all(error.place and error.reason for error in delivery.errors)
    hash(delivery)
    repr(delivery)


# -- one part is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ODDITIES.values(), ids=ODDITIES.keys())
def test_whatever_stands_in_place_of_any_part_the_messages_beside_it_are_read(odd: Json) -> None:
    for name in NAMES:
        (entry,) = fixture(name)["entry"]
        for place in places_of(entry):
            delivery = beside_good(changed(entry, place, odd))
            assert brought(delivery) or odd == []


@pytest.mark.parametrize("name", NAMES)
def test_whichever_part_is_missing_or_wrapped_the_messages_beside_it_are_read(name: str) -> None:
    (entry,) = fixture(name)["entry"]
    for place in places_of(entry):
        part = entry
        for key in place:
            part = part[key]
        assert brought(beside_good(without(entry, place))) or isinstance(place[-1], int)  # a list without its only item
        for wrapped in ([part], [part] * 50, {"value": part}, json.dumps(part)):
            assert brought(beside_good(changed(entry, place, wrapped)))


@pytest.mark.parametrize("name", NAMES)
def test_a_message_of_which_a_part_is_missing_is_read_as_itself_or_told(name: str) -> None:
    (entry,) = fixture(name)["entry"]
    value = entry["changes"][0]["value"]
    kind = "messages" if "messages" in value else "statuses"
    for place in places_of(value[kind][0]):
        delivery = beside_good(without(entry, ("changes", 0, "value", kind, 0, *place)))
        assert brought(delivery) == 1
        read = [each.message_id for each in delivery.inbounds] + [each.message_id for each in delivery.statuses]
        assert set(read) <= {value[kind][0]["id"]}


# -- several parts are wrong -------------------------------------------------------------------------------------------


@given(st.sampled_from(NAMES).flatmap(lambda name: damaged(fixture(name))))
def test_however_a_body_is_damaged_it_is_read_or_refused(body: Any) -> None:
    try:
        delivery = whatsapp.parse(body)
    except PayloadError as error:
        assert error.place in ("body", "entry")  # noqa: PT017 - either outcome is right, and only these
        return
    check_delivery(delivery)


@given(ODD)
def test_whatever_a_body_is_it_is_read_or_refused(body: Any) -> None:
    with pytest.raises(PayloadError):
        whatsapp.parse(body)
    check_delivery(whatsapp.parse({"entry": [body, {"changes": [body, {"value": body}]}]}))


@given(st.sampled_from([name for name in NAMES if not name.startswith("status")]), st.data())
def test_good_messages_beside_a_damaged_one_are_read_and_the_damaged_one_is_read_or_told(
    name: str, data: st.DataObject
) -> None:
    (message,) = fixture(name)["entry"][0]["changes"][0]["value"]["messages"]
    broken = data.draw(damaged(message))
    delivery = whatsapp.parse(body_of({"messages": [text("good1"), broken, text("good2")]}))
    check_delivery(delivery)
    read = [inbound.message_id for inbound in delivery.inbounds]
    assert (read[0], read[-1]) == ("good1", "good2")
    if len(read) == 2:
        assert [error.place for error in delivery.errors] == [f"{MESSAGES}[1]"]
    else:
        assert len(read) == 3
        assert delivery.errors == ()


@given(st.data())
def test_damaged_contacts_and_metadata_cost_no_message(data: st.DataObject) -> None:
    value = fixture("text")["entry"][0]["changes"][0]["value"]
    parts = data.draw(damaged({"contacts": value["contacts"], "metadata": value["metadata"]}))
    delivery = whatsapp.parse(body_of({**parts, "messages": [text("m1", from_user_id=USER_ID)]}))
    check_delivery(delivery)
    assert [(one.message_id, one.channel) for one in delivery.inbounds] == [("m1", MEMBER)]


# -- the raw text is wrong ---------------------------------------------------------------------------------------------

# As it may stand in JSON's own text, where a parser has not made anything of it yet.
RAW = (
    *("null", "true", "-0", "1e400", "-1e400", "1E-400", "9" * 5000, "-" + "9" * 5000, "0." + "9" * 5000),
    *("NaN", "-Infinity", '""', '"\\ud83d"', '"\\u0000"', f'"{"x" * 10_000}"', "[]", "{}"),
    *("[" * 300 + "]" * 300, '{"a": ' * 300 + "1" + "}" * 300, '{"id": 1, "id": [2], "id": "3"}', f'"{SECRET}"'),
)


class Verbatim(str):
    """A text of JSON, written as it stands."""

    __slots__ = ()


def written(value: Json) -> str:
    """The JSON of a value in which objects are lists of pairs, so that a key may come twice, and texts may be JSON."""
    if isinstance(value, Verbatim):
        return value
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


@st.composite
def rewritten(draw: st.DrawFn, value: Json, sound: int, *, many: bool = True) -> Json:
    """The value as `written` takes it, with parts that are missing, come twice or hundredfold, or are something else.

    Args:
        draw: Draws.
        value: The value.
        sound: How many of its parts are left alone for each that is not, or so.
        many: False within what comes hundredfold: twice over it would fill the memory.
    """
    fates = st.sampled_from(["missing", "twice", "odd", "hundredfold", *["sound"] * 4 * sound])
    odd = st.sampled_from(RAW).map(Verbatim)

    def parts(key: str | int, inner: Json) -> list[tuple[str | int, Json]]:
        fate = draw(fates)
        if fate in ("missing", "odd"):
            return [] if fate == "missing" else [(key, draw(odd))]
        hundredfold = many and fate == "hundredfold"
        found = draw(rewritten(inner, sound, many=many and not hundredfold))
        if fate == "twice":
            return draw(st.permutations([(key, found), (key, draw(odd))]))
        return [(key, [found] * 100 if hundredfold else found)]

    if isinstance(value, list):
        return [inner for index, each in enumerate(value) for _, inner in parts(index, each)]
    if isinstance(value, dict):
        return tuple(pair for key, inner in value.items() for pair in parts(key, inner))
    return value


numbers = count(1)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """One application for all bodies; each good message in them is a new one."""
    with on_side("async"):
        yield Site(AsyncFlowStateManager.in_memory(), Graph())


@pytest.fixture(scope="module")
def log() -> Iterator[list[str]]:
    """What is logged, whole; whoever looks at it empties it before."""
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level=0, format="{message} {extra} {exception}")
    yield lines
    logger.remove(sink)


def raw_good() -> str:
    """The JSON of an entry with a message that is to be answered."""
    return json.dumps(body_of({"messages": [says(next(numbers), "offer", GOOD)]})["entry"][0])


def answers(site: Site, raw: bytes) -> tuple[int, list[str]]:
    """The status that a body is answered with, and who is written to."""
    site.graph.requests.clear()
    status = site.posts(raw)
    return status, [body["recipient"] for body in site.graph.bodies if body.get("recipient") == GOOD]


@given(st.sampled_from(NAMES).flatmap(lambda name: rewritten(fixture(name)["entry"][0], 12)))
def test_however_an_entry_is_written_the_good_message_beside_it_is_answered_and_the_log_says_nothing_of_it(
    site: Site, log: list[str], entry: Json
) -> None:
    log.clear()
    raw = f'{{"object": "x", "entry": [{written(entry)}, {raw_good()}]}}'
    assert answers(site, raw.encode()) == (200, [GOOD])
    assert SECRET not in "".join(log)
    assert "Traceback" not in "".join(log)


@given(st.sampled_from(NAMES).flatmap(lambda name: rewritten(fixture(name), 3)))
def test_however_a_body_is_written_it_is_taken_or_a_bad_request(site: Site, body: Json) -> None:
    assert answers(site, written(body).encode())[0] in (200, 400)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_whatever_bytes_come_they_are_no_delivery(site: Site, raw: bytes) -> None:
    assert answers(site, raw) == (400, [])


# What is made of a good body, and the status that it is answered with; with 200 its message is answered.
BODIES: dict[str, tuple[Any, int]] = {
    "as it is": (lambda raw: raw, 200),
    "with a byte order mark": (lambda raw: b"\xef\xbb\xbf" + raw, 200),
    "in UTF-16": (lambda raw: raw.decode().encode("utf-16"), 200),
    "in UTF-32": (lambda raw: raw.decode().encode("utf-32"), 200),
    "with a letter in Latin-1": (lambda raw: raw.replace(b"offer", b"off\xe9"), 400),
    "with a surrogate in UTF-8": (lambda raw: raw.replace(b"offer", b"\xed\xa0\xbd"), 200),
    "after half of it": (lambda raw: raw[: len(raw) // 2], 400),
    "without its last byte": (lambda raw: raw[:-1], 400),
    "with more after it": (lambda raw: raw + b"{}", 400),
    "twice": (lambda raw: raw + raw, 400),
    "with NUL after it": (lambda raw: raw + b"\x00", 400),
    "compressed": (gzip.compress, 400),
    "as a form": (lambda raw: b"payload=" + raw, 400),
    "in a list": (lambda raw: b"[" + raw + b"]", 400),
    "in a text": (lambda raw: json.dumps(raw.decode()).encode(), 400),
    "with entries before that are none": (lambda raw: raw.replace(b'"entry"', b'"entry": 5, "entry"'), 200),
    "with entries after that are none": (lambda raw: raw[:-1] + b', "entry": 5}', 400),
    "with a number of 5,000 digits": (lambda raw: raw[:-1] + b', "more": ' + b"9" * 5000 + b"}", 200),
    "with a number beyond all": (lambda raw: raw[:-1] + b', "more": -1e999}', 200),
    "with 100,000 lists in each other": (lambda raw: raw[:-1] + b', "more": ' + b"[" * 100_000 + b"}", 400),
    "with 10,000 other entries": (lambda raw: raw.replace(b'"entry": [', b'"entry": [' + b"5," * 10_000), 200),
    "up to the limit": (lambda raw: raw + b" " * (LARGEST_BODY - len(raw)), 200),
    "over the limit": (lambda raw: raw + b" " * (LARGEST_BODY + 1 - len(raw)), 413),
}


@pytest.mark.parametrize(("made", "status"), BODIES.values(), ids=BODIES.keys())
def test_a_good_body_that_was_made_something_else_is_answered_or_refused_as_a_whole(
    site: Site, made: Any, status: int
) -> None:
    raw = made(f'{{"object": "x", "entry": [{raw_good()}]}}'.encode())
    assert answers(site, raw) == (status, [GOOD] if status == 200 else [])


def test_a_body_that_nobody_signed_is_refused_whatever_it_is(site: Site) -> None:
    raw = f'{{"object": "x", "entry": [{raw_good()}]}}'.encode()
    for content in (raw, b"", b"\xff", b"[" * 100_000):
        assert site.request(content=content).status_code == 401
        assert site.request(content=content, headers={"X-Hub-Signature-256": "sha256=" + "0" * 64}).status_code == 401


def test_a_body_that_breaks_off_is_no_error_of_the_application(site: Site) -> None:
    """Anybody can hang up, before a signature was looked at: a traceback for each would fill the log."""
    heard = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    said: list[int | None] = []

    async def receive() -> Any:
        return next(heard)

    async def send(message: Any) -> None:
        said.append(message.get("status"))

    scope = {"type": "http", "method": "POST", "path": "/webhook", "headers": [], "query_string": b""}
    wait_for(site.app(scope, receive, send))
    assert said[0] == 400
