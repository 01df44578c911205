"""The library's own values and what Redis holds of them: the fields of a member's hash, and back.

Here belong how a run, a reply and a state become JSON and come back, what the fields are called in the hash, and the
short hashes by which messages and runs are known. What a value of a flow's own becomes belongs to `storable`; which
key the hash has and when it is written, to `manager`.

Reading never raises: a field that cannot be read becomes an `UnreadableField` of the state, with its bytes, so that it
can be put aside instead of overwritten. A run is written and read in each turn, so its fields are named here one by
one. Rejected: leaving that to cattrs, which takes three times as long, and takes a text for a list of its letters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, TypeVar

import orjson
from attrs import evolve

from fsmflow.messages import Channel, Inbound, Message, Reply
from fsmflow.state import COUNT_LIMIT, FlowData, Halt, MemberState, UnreadableField, Validation
from fsmflow.storable import converter

FieldT = TypeVar("FieldT")

CODEC: Final = 3
"""Rises when the form of the stored fields changes; a worker leaves a higher one alone. 3: an effect may be open."""

RECENT_LIMIT: Final = 4
"""How many decided messages the hash itself remembers: what a channel redelivers at once."""

READ: Final = ("member_id", "flow_data", "previous", "version", "channel", "recent", "sent_at", "codec")
"""The fields of the hash that a turn reads."""

UNREAD: Final = ("reply", "token", "updated_at")
"""Those whose absence alone is noticed: what they hold is compared, or said again, and never believed."""

OPTIONAL: Final = ("due", "account", "pending")
"""Those that are there only where there is something to say: what is due, by which account to say it, what is open."""

_CODEC: Final = b"%d" % CODEC
_UNREAD: Final = frozenset(UNREAD)
_TEXT: Final = frozenset({str})
_LENGTHS: Final = frozenset({16})
_dump_message: Final = converter.get_unstructure_hook(Message)
_JSON: Final = frozenset({str, int, float, bool, type(None)})
_SELDOM: Final = frozenset({"page", "inner", "waiting", "interrupted_by", "unasked", "halt", "tried", "shown"})
"""The fields of a stored run that few runs have: nearly every one is read without a look at them."""
_AS_ANSWERED: Final = "="
"""The path of a run whose steps were answered in the order in which its data has them."""

_RUN: Final = (str, str, int, dict, str, int, list, int, str)
"""The types of a stored run's fields, in the order in which `load_flow_data` takes them."""


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


# -- a run ------------------------------------------------------------------------------------------------------------


def dump_flow_data(flow_data: FlowData | None) -> bytes:
    """The JSON of a run, without what is empty; ``null`` where there is none, so that a missing field is noticed.

    It stands in the hash twice, as the run and as the one before the last answer, so nothing is said in it twice: the
    path only where it is not the order of the data, the id of a run within another only where it does not follow.
    """
    return b"null" if flow_data is None else orjson.dumps(_as_json(flow_data))


_LEFT_OUT_WHERE_EMPTY: Final = ("run_id", "visit", "path", "revision", "definition", "page", "shown", "tried")


def _as_json(flow_data: FlowData, known_as: str | None = None) -> dict[str, Any]:
    run: dict[str, Any] = {} if flow_data.id == known_as else {"id": flow_data.id}
    run["flow_type"] = flow_data.flow_type
    run["step_id"] = flow_data.step_id
    run["step"] = flow_data.step
    if flow_data.data:
        # answers that a flow gave are ready for JSON; those of a structure may be anything
        ready = _JSON.issuperset(map(type, flow_data.data.values()))
        run["data"] = flow_data.data if ready else converter.unstructure(flow_data.data)
    for name in _LEFT_OUT_WHERE_EMPTY:
        value = getattr(flow_data, name)
        if value:
            run[name] = value
    if flow_data.path and flow_data.path == tuple(flow_data.data):
        run["path"] = _AS_ANSWERED
    if flow_data.validation is not None:
        run["validation"] = converter.unstructure(flow_data.validation)
    if flow_data.inner is not None:
        run["inner"] = _as_json(flow_data.inner, _id_within(flow_data.id, flow_data.step_id))
    if flow_data.waiting is not None:
        run["waiting"] = _as_json(flow_data.waiting)
    if flow_data.interrupted_by is not None:
        run["interrupted_by"] = flow_data.interrupted_by
    if flow_data.unasked:
        run["unasked"] = True
    if flow_data.halt is not None:
        run["halt"] = [flow_data.halt.step, flow_data.halt.visit, flow_data.halt.offers]
    return run


def load_flow_data(raw: bytes | str) -> FlowData | None:
    """The run that `raw` holds.

    Raises:
        Exception: It holds none; whatever orjson raises, or what comes of a part that is missing or of another type.
    """
    found = orjson.loads(raw)
    return None if found is None else _run(found)


def _id_within(flow_id: str, step_id: str | None) -> str:
    """The id that the run has which answers a step of another."""
    return f"{flow_id}.{step_id}"


def _run(found: Any, known_as: str | None = None) -> FlowData:
    get = found.get
    flow_id = get("id", known_as)
    flow_type, step_id, step = found["flow_type"], found["step_id"], found["step"]
    data, run_id, visit, path = get("data", {}), get("run_id", ""), get("visit", 0), get("path", [])
    revision, definition, validation = get("revision", 0), get("definition", ""), get("validation")
    if path == _AS_ANSWERED and type(data) is dict:
        path = list(data)
    fields = (flow_id, flow_type, step, data, run_id, visit, path, revision, definition)
    if tuple(map(type, fields)) != _RUN or not _TEXT.issuperset(map(type, path)):
        raise TypeError("no run of a flow")
    if not (step_id is None or type(step_id) is str):
        raise TypeError("no step")
    if not (0 <= step < COUNT_LIMIT and 0 <= visit < COUNT_LIMIT):
        raise ValueError("no count")
    refused = None if validation is None else _validation(validation)
    run = FlowData(flow_id, flow_type, step_id, step, data, run_id, visit, tuple(path), revision, definition, refused)
    return run if _SELDOM.isdisjoint(found) else _with_the_rest(run, found)


def _with_the_rest(run: FlowData, found: Any) -> FlowData:
    """The same run with what few runs have."""
    get = found.get
    page, inner, waiting = get("page", 0), get("inner"), get("waiting")
    interrupted_by, unasked, halt = get("interrupted_by"), get("unasked", False), get("halt")
    if type(page) is not int or not (interrupted_by is None or type(interrupted_by) is str):
        raise TypeError("no page, or no flow type")
    if type(unasked) is not bool:
        raise TypeError("neither yes nor no")
    if not 0 <= page < COUNT_LIMIT:
        raise ValueError("no count")
    held = None if inner is None else _run(inner, _id_within(run.id, run.step_id))
    waits = None if waiting is None else _run(waiting)
    halted = None if halt is None else _halt(halt)
    run = evolve(run, page=page, inner=held, waiting=waits, interrupted_by=interrupted_by, halt=halted)
    shown = get("shown", "")
    if type(shown) is not str:
        raise TypeError("no mark")
    return evolve(run, unasked=unasked, shown=shown, tried=_tried(get("tried", {})))


def _tried(found: Any) -> dict[str, int]:
    if type(found) is not dict or not all(type(count) is int for count in found.values()):
        raise TypeError("no counts")
    if not all(0 <= count < COUNT_LIMIT for count in found.values()):
        raise ValueError("no count")
    return found


def _validation(found: Any) -> Validation:
    step, attempts, refusal = found["step"], found["attempts"], found.get("refusal")
    if type(step) is not str or type(attempts) is not int or not (refusal is None or type(refusal) is str):
        raise TypeError("no account of refusals")
    if not 0 <= attempts < COUNT_LIMIT:
        raise ValueError("no count")
    return Validation(step, attempts, refusal)


def _halt(found: Any) -> Halt:
    step, visit, offers = found
    if type(step) is not str or type(visit) is not int or type(offers) is not int:
        raise TypeError("no halt")
    if not (0 <= visit < COUNT_LIMIT and 0 <= offers < COUNT_LIMIT):
        raise ValueError("no count")
    return Halt(step, visit, offers)


# -- the rest of the hash ---------------------------------------------------------------------------------------------


def dump_channel(channel: Channel) -> bytes:
    """The JSON of a channel."""
    return orjson.dumps([channel.type, channel.identifier])


def dump_reply(reply: Reply) -> bytes:
    """The JSON of a reply; the member is known from the key."""
    messages = [_dump_message(message) for message in reply.messages]
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
    try:
        return _whole(member_id, channel, raw)
    except Exception:  # noqa: BLE001 - what was stored is not trusted: it may be anything
        return _damaged(member_id, channel, raw)


def _whole(member_id: str, channel: Channel, raw: Mapping[str, bytes]) -> MemberState:
    """The state of a hash of which nothing is missing or wrong, as nearly every one is; else any exception."""
    if raw["member_id"] != member_id.encode() or not raw.keys() >= _UNREAD:
        raise LookupError("not the whole hash of this member")
    _count(raw["codec"])
    return MemberState(
        member_id,
        channel if raw["channel"] == dump_channel(channel) else _channel(raw["channel"]),
        load_flow_data(raw["flow_data"]),
        load_flow_data(raw["previous"]),
        _count(raw["version"]),
        _recent(raw["recent"]),
        _count(raw["sent_at"]),
        (),
        raw,
    )


def _damaged(member_id: str, channel: Channel, raw: Mapping[str, bytes]) -> MemberState:
    """The same state read field by field, for what can be read of it."""
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
    names = (*READ, *UNREAD, *(name for name in OPTIONAL if name in raw))
    return tuple(UnreadableField(name, raw.get(name), "not known to be this member's") for name in names)


def codec_of(state: MemberState) -> int:
    """The codec that wrote a state: `CODEC` where nothing is stored, 0 where it cannot be told."""
    found = state.raw.get("codec", _CODEC)
    try:
        return CODEC if found == _CODEC else _count(found)
    except ValueError:
        return 0


class _Reader:
    """Reads the fields of one hash and keeps what cannot be read."""

    def __init__(self, raw: Mapping[str, bytes]) -> None:
        self.raw = raw
        self.unreadable: list[UnreadableField] = []

    def read(self, name: str, decode: Callable[[bytes], FieldT]) -> FieldT | None:
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
    counted = int(raw) if raw.isdigit() and len(raw) <= 16 else COUNT_LIMIT
    if counted >= COUNT_LIMIT:
        raise ValueError("no count")
    return counted


def _channel(raw: bytes) -> Channel:
    kind, identifier = orjson.loads(raw)
    if not isinstance(kind, str) or not isinstance(identifier, str):
        raise TypeError("no channel")
    return Channel(kind, identifier)


def _recent(raw: bytes) -> tuple[str, ...]:
    written = raw.decode("ascii")
    keys = tuple(written.split())
    bytes.fromhex(written)  # raises for anything but hexadecimal digits
    if not _LENGTHS.issuperset(map(len, keys)):
        raise ValueError("no hash")
    return keys
