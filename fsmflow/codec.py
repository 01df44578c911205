"""The one converter between values and what Redis holds.

Here belongs how state, audit entries and answers become JSON and come back, through one cattrs converter on orjson.
What the fields are called in the hash belongs here too; which key the hash has and when it is written, to `manager`.

Reading never raises: a field that cannot be read becomes an `UnreadableField` of the state, with its bytes, so that it
can be put aside instead of overwritten. Rejected: pickle, which would run what it reads; and ``json``, at half the
speed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timezone
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from typing import Any, Final, get_origin
from uuid import UUID

import orjson
from cattrs.preconf.orjson import make_converter
from cattrs.strategies import configure_tagged_union

from fsmflow.errors import UnstorableAnswer
from fsmflow.messages import Channel, Inbound, Message, Reply
from fsmflow.state import FlowData, MemberState, UnreadableField

CODEC: Final = 1
"""Rises when the form of the stored fields changes; a worker leaves a higher one alone."""

RECENT_LIMIT: Final = 4
"""How many decided messages the hash itself remembers: what a channel redelivers at once."""

READ: Final = ("member_id", "flow_data", "previous", "version", "channel", "recent", "sent_at", "codec")
"""The fields of the hash that a turn reads."""

UNREAD: Final = ("reply", "token", "updated_at")
"""Those whose absence alone is noticed: what they hold is compared, or said again, and never believed."""

_NATIVE: Final = frozenset({bool, type(None)})
_SMALL_INTEGERS: Final = range(-(2**63), 2**64)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

converter = make_converter(omit_if_default=True)
converter.register_unstructure_hook(Decimal, str)
converter.register_structure_hook(Decimal, lambda value, _: Decimal(str(value)))
# As text at once, not when orjson meets them: an answer is ready for JSON as soon as it is in a `FlowData`.
for _moment in (datetime, date, time):
    converter.register_unstructure_hook(_moment, _moment.isoformat)
converter.register_structure_hook(time, lambda value, _: time.fromisoformat(value))
converter.register_unstructure_hook(Enum, lambda member: converter.unstructure(member.value))
converter.register_unstructure_hook(UUID, str)
converter.register_structure_hook(UUID, lambda value, _: UUID(value))


def _strict_text(value: Any, _: Any) -> str:
    """Text only: cattrs would turn a number into one, and a state of wrong types into a plausible one."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _strict_texts(values: Any, _: Any) -> tuple[str, ...]:
    """A list of texts. Item by item, as cattrs does it, a long path would cost more than all the rest of a state."""
    if type(values) is not list or not all(type(value) is str for value in values):
        raise TypeError("no texts")
    return tuple(values)


def _strict_number(value: Any, kind: Any) -> Any:
    """A number of its own kind only: cattrs would make 1 of 1.5, and True of "no"."""
    kinds = (int, float) if kind is float else (kind,)
    if type(value) in kinds or (kind is int and type(value) is str):  # the digits of one that is over 64 bits
        return kind(value)
    raise TypeError("another kind of number")


for _kind in (bool, int, float):
    converter.register_structure_hook(_kind, _strict_number)
converter.register_structure_hook(str, _strict_text)
converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _strict_texts)
configure_tagged_union(Message, converter, tag_name="say")  # the last: it settles how each message's fields are read


# -- messages ---------------------------------------------------------------------------------------------------------


def message_key(inbound: Inbound) -> str:
    """The short hash that a message is known by: 64 bits over its channel type and its id.

    Args:
        inbound: The message.

    Returns:
        Sixteen hexadecimal digits.
    """
    return digest(inbound.channel.type, inbound.message_id)


def digest(*parts: str, size: int = 8) -> str:
    """A short, stable hash over several strings, in hexadecimal, twice `size` digits long."""
    return blake2b("\x00".join(parts).encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


# -- answers ----------------------------------------------------------------------------------------------------------


def store_answer(value: Any) -> Any:
    """What an answer is in JSON."""
    kind = type(value)
    if kind is str or kind in _NATIVE or (kind is int and value in _SMALL_INTEGERS):
        return value
    if kind is int:
        return str(value)  # JSON libraries lose what is over 64 bits; int() reads the digits back
    return converter.unstructure(value)


def restore_answer(raw: Any, annotation: Any) -> Any:
    """The answer that `raw` was made from, by the annotation of the transformer that made it.

    Raises:
        Exception: Whatever cattrs raises for what does not fit.
    """
    if annotation is None or type(raw) is annotation:
        return raw
    if type(raw) is str and get_origin(annotation) in (list, tuple, set, frozenset):
        raise TypeError("a text is no list of its letters")
    return converter.structure(raw, annotation)


def check_storable(flow: str, step_id: str, value: Any, annotation: Any) -> None:
    """Checks that an answer will come back as it is, while the flow can still say so.

    A state that loads only as something else would strand its member at the next message, which is worse than the
    few microseconds that this costs for a value that JSON does not know.

    Args:
        flow: The flow's name, for the error.
        step_id: The step's id, for the error.
        value: What is kept of the answer.
        annotation: The return annotation of the step's transformer, or None.

    Raises:
        UnstorableAnswer: It would not.
    """
    kind = type(value)
    if annotation is None or annotation is kind:
        if kind in _NATIVE or (kind is int and value in _SMALL_INTEGERS):
            return
        if (kind is float and math.isfinite(value)) or (kind is str and value.isascii()):
            return  # beyond ASCII a text may hold half a surrogate pair, which no JSON can
    try:
        back = restore_answer(orjson.loads(orjson.dumps(store_answer(value))), annotation)
    except Exception:  # noqa: BLE001 - however it fails to come back, it cannot be stored
        back = None
    if type(back) is not kind or back != value:
        wanted = "the transformer's return annotation must say a type that JSON and cattrs give back equal"
        raise UnstorableAnswer(flow, step_id, kind.__name__, wanted) from None


# -- the hash ---------------------------------------------------------------------------------------------------------


def dump_flow_data(flow_data: FlowData | None) -> bytes:
    """The JSON of a run; ``null`` where there is none, so that a missing field is noticed."""
    return orjson.dumps(converter.unstructure(flow_data))


def load_flow_data(raw: bytes | str) -> FlowData | None:
    """The run that `raw` holds.

    Raises:
        Exception: Whatever orjson and cattrs raise for what is none.
    """
    found = orjson.loads(raw)
    if found is None:
        return None
    # cattrs would take a text for a tuple of its letters, and "3" for 3; and what is counted on must stay a count
    counts = [found["step"], found.get("visit", 0)]
    if found.get("validation") is not None:
        counts.append(found["validation"]["attempts"])
    if any(type(count) is not int or not 0 <= count < 2**53 for count in counts):
        raise TypeError("no count")
    if type(found.get("revision", 0)) is not int:
        raise TypeError("no revision")
    if type(found.get("data", {})) is not dict or type(found.get("path", [])) is not list:
        raise TypeError("no run of a flow")
    return converter.structure(found, FlowData)


def dump_channel(channel: Channel) -> bytes:
    """The JSON of a channel."""
    return orjson.dumps([channel.type, channel.identifier])


def dump_reply(reply: Reply) -> bytes:
    """The JSON of a reply; the member is known from the key."""
    messages = [converter.unstructure(message, unstructure_as=Message) for message in reply.messages]
    return orjson.dumps([messages, reply.flow_id, reply.step_id, reply.run_id, reply.status])


def load_reply(raw: bytes, member_id: str) -> Reply | None:
    """The reply that `raw` holds, marked as a duplicate; None where it cannot be read."""
    try:
        messages, *named = orjson.loads(raw)
        union: Any = Message  # cattrs takes a union where its types want a class
        said = tuple(converter.structure(message, union) for message in messages)
        flow_id, step_id, run_id = (None if name is None else converter.structure(name, str) for name in named[:3])
        status = converter.structure(named[3], str)
        return Reply(said, member_id, flow_id, step_id, status, duplicate=True, run_id=run_id)
    except Exception:  # noqa: BLE001 - what was stored is not trusted: it may be anything
        return None


def load_state(member_id: str, channel: Channel, raw: Mapping[str, bytes]) -> MemberState:
    """The state that a hash holds.

    Args:
        member_id: Whose hash it is.
        channel: The channel of the message at hand, for a member of whom nothing is stored.
        raw: The fields of the hash, by name; empty where there is none.

    Returns:
        The state; what could not be read is in its `unreadable`.
    """
    if not raw:
        return MemberState(member_id=member_id, channel=channel)
    reader = _Reader(raw)
    if reader.read("member_id", bytes.decode) != member_id:
        return MemberState(member_id, channel, unreadable=_foreign(raw), raw=raw)
    flow_data = reader.read("flow_data", load_flow_data)
    previous = reader.read("previous", load_flow_data)
    version = reader.read("version", _count)
    stored = reader.read("channel", _channel)
    recent = reader.read("recent", _recent)
    sent_at = reader.read("sent_at", _count)
    reader.read("codec", _count)
    for name in UNREAD:
        if name not in raw:
            reader.refuse(name, "missing")
    return MemberState(
        member_id=member_id,
        channel=stored or channel,
        flow_data=flow_data,
        previous=previous,
        version=version or 0,
        recent=recent or (),
        sent_at=sent_at or 0,
        unreadable=tuple(reader.unreadable),
        raw=raw,
    )


def _foreign(raw: Mapping[str, bytes]) -> tuple[UnreadableField, ...]:
    """All of a hash that does not say that it is this member's: none of it is used, all of it is kept."""
    return tuple(UnreadableField(name, raw.get(name), "not known to be this member's") for name in READ + UNREAD)


def codec_of(state: MemberState) -> int:
    """The codec that wrote a state: `CODEC` where nothing is stored, 0 where it cannot be told."""
    try:
        return _count(state.raw.get("codec", b"%d" % CODEC))
    except ValueError:
        return 0


class _Reader:
    """Reads the fields of one hash and keeps what cannot be read."""

    def __init__(self, raw: Mapping[str, bytes]) -> None:
        self.raw = raw
        self.unreadable: list[UnreadableField] = []

    def read(self, name: str, decode: Any) -> Any:
        found = self.raw.get(name)
        if found is None:
            self.refuse(name, "missing")
            return None
        try:
            return decode(found)
        except Exception as fault:  # noqa: BLE001 - as above
            self.refuse(name, type(fault).__name__)
            return None

    def refuse(self, name: str, why: str) -> None:
        self.unreadable.append(UnreadableField(name, self.raw.get(name), why))


def _count(raw: bytes) -> int:
    # Lua counts in doubles: beyond 2**53 one more is the same number
    if not raw.isdigit() or len(raw) > 16 or int(raw) >= 2**53:
        raise ValueError("no count")
    return int(raw)


def _channel(raw: bytes) -> Channel:
    kind, identifier = orjson.loads(raw)
    if not isinstance(kind, str) or not isinstance(identifier, str):
        raise TypeError("no channel")
    return Channel(kind, identifier)


def _recent(raw: bytes) -> tuple[str, ...]:
    keys = tuple(raw.decode("ascii").split())
    for key in keys:
        if len(key) != 16:
            raise ValueError("no hash")
        int(key, 16)
    return keys
