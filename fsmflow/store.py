"""How a member's keys are called, and how a commit is said to Redis and heard back: pure, without a connection.

Here belongs what a synchronous and an asynchronous manager have in common: key names, the script and its arguments,
the reading of what comes back. Sending it belongs to `manager`.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from typing import Any, Final, Union

from attrs import field, frozen

from fsmflow.audit import AuditEntry
from fsmflow.codec import OPTIONAL, READ, UNREAD, dump_flow_data, load_flow_data, load_state
from fsmflow.effects import Commit, Committed, Outcome
from fsmflow.messages import Channel
from fsmflow.state import FlowData, MemberState, check_member_id
from fsmflow.timers import Keep, Overdue, Timer
from fsmflow.trail import dump_entries, load_entries

BUCKETS: Final = 1024
"""How many hash tags there are. A member's keys share one, so that one script may touch them all; members are spread
over all of them, and so over the nodes of a cluster. A tag is of our making, as a member id may hold anything."""

SCRIPT: Final = Path(__file__).with_name("commit.lua").read_text(encoding="utf-8")
SCRIPT_SHA: Final = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
APPEND_SCRIPT: Final = Path(__file__).with_name("append.lua").read_text(encoding="utf-8")
APPEND_SHA: Final = sha1(APPEND_SCRIPT.encode(), usedforsecurity=False).hexdigest()
DUE_SCRIPT: Final = Path(__file__).with_name("due.lua").read_text(encoding="utf-8")
DUE_SHA: Final = sha1(DUE_SCRIPT.encode(), usedforsecurity=False).hexdigest()
PAGE: Final = 100
"""How many records of a stream are read at once, from the latest back."""

CLEARED: Final = dump_flow_data(None)
"""The snapshot that is kept of a member who was cleared."""

UNKNOWN_CHANNEL: Final = Channel("unknown", "unknown")


@frozen
class Keys:
    """The keys of one member, all with one hash tag.

    Args:
        state: The hash.
        seen: The sorted set of messages that were decided.
        audit: The stream.
        due: The sorted set in which the members of the bucket stand at whom something is due.
    """

    state: str
    seen: str
    audit: str
    due: str


@lru_cache(maxsize=4096)
def _keys(prefix: str, member_id: str) -> Keys:
    """The keys of a member; the same ones are asked for at least twice in each turn."""
    check_member_id(member_id)
    bucket = binascii.crc_hqx(member_id.encode("utf-8"), 0) % BUCKETS
    state = f"{prefix}:{{b{bucket:04d}}}:{member_id}"
    return Keys(state, f"{state}:seen", f"{state}:audit", _due_set(prefix, bucket))


def _due_set(prefix: str, bucket: int) -> str:
    return f"{prefix}:{{b{bucket:04d}}}:due"


def _timed(timer: Timer | Keep | None) -> tuple[str, str, str]:
    """A timer as the script takes it."""
    if timer is None:
        return "-", "", ""
    return ("", "", "") if isinstance(timer, Keep) else (str(timer.within), timer.kind, timer.question or "0")


@frozen
class Layout:
    """Where things are kept and for how long.

    Args:
        prefix: What every key begins with; without braces.
        retention: How long a member's keys live after the last commit, and how long a message is known; at least a
            millisecond. WhatsApp delivers again for up to seven days.
        audit_length: How many turns a member's stream keeps, roughly; at least one.
    """

    prefix: str = field(default="fsmflow")
    retention: timedelta = field(default=timedelta(days=8))
    audit_length: int = field(default=1000)
    _bounds: tuple[str, str] = field(init=False, repr=False, eq=False)

    @prefix.validator
    def _has_no_braces(self, _: object, prefix: str) -> None:
        # the first braces of a key are its hash tag: others before it would part the keys of a member
        if "{" in prefix or "}" in prefix:
            raise ValueError("the prefix of the keys must not have braces")

    @retention.validator
    def _is_kept(self, _: object, retention: timedelta) -> None:
        # PEXPIRE takes zero and less for "now": what was written would be gone
        if retention < timedelta(milliseconds=1):
            raise ValueError("the retention must be at least a millisecond")

    @audit_length.validator
    def _has_room(self, _: object, audit_length: int) -> None:
        if audit_length < 1:
            raise ValueError("the audit trail must keep at least one turn")

    @_bounds.default
    def _as_redis_counts(self) -> tuple[str, str]:
        """The retention in milliseconds, and the length; the same for every commit."""
        return str(round(self.retention / timedelta(milliseconds=1))), str(self.audit_length)

    def keys(self, member_id: str) -> Keys:
        """The keys of a member.

        Raises:
            InvalidMemberId: The id cannot be part of a key.
        """
        given: Any = member_id
        if not isinstance(given, str):
            check_member_id(given)
        return _keys(self.prefix, member_id)

    def arguments(self, commit: Commit, token: str) -> list[str | bytes]:
        """The script's keys and arguments for a commit, as ``commit.lua`` names them."""
        keys = self.keys(commit.member_id)
        found: list[str | bytes] = [
            keys.state,
            keys.seen,
            keys.audit,
            keys.due,
            token,
            commit.message_key,
            commit.expected,
            *self._bounds,
            commit.write.value,
            commit.record,
            commit.snapshot,
            commit.fields.get("flow_data", b""),
            str(len(commit.unreadable)),
            *_timed(commit.timer),
        ]
        for unreadable in commit.unreadable:
            found += [unreadable.name, b"-" if unreadable.raw is None else b"+" + unreadable.raw]
        for name, value in commit.fields.items():
            if name != "flow_data":
                found += [name, value]
        return found

    def due_sets(self) -> list[str]:
        """The keys of all due sets."""
        return [_due_set(self.prefix, bucket) for bucket in range(BUCKETS)]

    def due_arguments(self, entry: Overdue, to: int | None) -> list[str | bytes]:
        """The key and the arguments for putting an entry right, as ``due.lua`` names them."""
        return [self.keys(entry.member_id).due, entry.member_id, str(entry.score), "" if to is None else str(to)]

    def append_arguments(
        self, member_id: str, entries: Sequence[AuditEntry], snapshot: FlowData | None
    ) -> list[str | bytes]:
        """The key and the arguments for what is added to a trail by hand, as ``append.lua`` names them."""
        milliseconds, length = self._bounds
        found: list[str | bytes] = [self.keys(member_id).audit, length, milliseconds]
        found += ["entries", dump_entries(entries)]
        if snapshot is not None:
            found += ["flow_data", dump_flow_data(snapshot)]
        return found


HashFields = Union[Mapping[bytes, bytes], Sequence[bytes]]
"""What ``HGETALL`` gives: pairs or a flat list, by the client's protocol."""


_FIELDS: Final = {name.encode(): name for name in (*READ, *UNREAD, *OPTIONAL)}


def _pairs(fields: HashFields) -> Iterable[tuple[bytes, bytes]]:
    return fields.items() if isinstance(fields, Mapping) else zip(fields[::2], fields[1::2], strict=True)


def read_hash(member_id: str, channel: Channel, fields: HashFields) -> MemberState:
    """The state that ``HGETALL`` gave; quarantined fields are left where they are."""
    raw = {}
    for name, value in _pairs(fields):
        known = _FIELDS.get(name)
        if known is not None:
            raw[known] = value
        elif not name.startswith(b"quarantine"):
            raw[name.decode("utf-8", "replace")] = value
    return load_state(member_id, channel, raw)


def read_quarantined(fields: HashFields) -> dict[int, tuple[str, bytes]]:
    """What ``HGETALL`` gave of what was put aside, the oldest first: by number the field's name and its bytes."""
    found = {}
    for name, value in _pairs(fields):
        kind, _, number = name.partition(b":")
        if kind == b"quarantine" and number.isdigit():
            field_name, separator, raw = value.partition(b"=")
            # without the separator it was not put aside by the script: all of it is shown then
            found[int(number)] = (field_name.decode("utf-8", "replace"), raw) if separator else ("", value)
    return dict(sorted(found.items()))


_APPLIED: Final = Committed(Outcome.APPLIED)


def read_committed(commit: Commit, answer: Sequence[Any]) -> Committed:
    """What the script answered to a commit."""
    if answer[0] == b"applied":
        return _APPLIED
    outcome = Outcome(bytes(answer[0]).decode())
    return Committed(outcome, read_hash(commit.member_id, commit.channel, answer[1]))


def records_of(answer: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The records of a stream, however the client's protocol spells them."""
    return [(stream_id, dict(row)) for stream_id, row in answer or [] if row is not None]


def read_entries(
    member_id: str, records: Sequence[tuple[bytes, Mapping[bytes, bytes]]], flow_id: str | None
) -> list[AuditEntry]:
    """The entries of records of a member's stream; those of one flow only, if one is named."""
    entries = [entry for stream_id, row in records for entry in load_entries(member_id, stream_id, row)]
    return entries if flow_id is None else [entry for entry in entries if entry.flow_id == flow_id]


class SnapshotSearch:
    """Looks through a member's stream, from the latest record back, for the state that it can give back.

    A snapshot of a turn was committed together with the state that it is of; one that was added by hand is whatever an
    application had at that moment, older or newer. So the former counts, however late the latter came.

    Args:
        member_id: Whose.
        flow_id: Only of this flow.
        by_hand: True takes what was added by hand where there is nothing of a turn.
    """

    def __init__(self, member_id: str, flow_id: str | None, *, by_hand: bool) -> None:
        self.member_id = member_id
        self.flow_id = flow_id
        self.by_hand = by_hand
        self.found: MemberState | None = None

    def is_over(self, rows: Iterable[Mapping[bytes, bytes]]) -> bool:
        """Looks at the next records' fields; True once no earlier one can change what was found."""
        for row in rows:
            is_of_turn = b"version" in row
            if is_of_turn and row.get(b"flow_data") == CLEARED:
                self.found = None  # what the trail holds of before was forgotten on purpose, by whomever it was added
                return True
            if is_of_turn or (self.by_hand and self.found is None):
                found = _read_snapshot(self.member_id, row, self.flow_id)
                if is_of_turn and found is not None:
                    self.found = found
                    return True
                self.found = self.found or found
        return False


def _read_snapshot(member_id: str, row: Mapping[bytes, bytes], flow_id: str | None) -> MemberState | None:
    """The state that one record of a member's stream can give back, or None."""
    if b"flow_data" not in row:
        return None
    try:
        flow_data = load_flow_data(row[b"flow_data"])
    except Exception:  # noqa: BLE001 - what was stored is not trusted: the record before it is looked at
        return None
    if flow_data is None or (flow_id is not None and flow_data.id != flow_id):
        return None
    entries = load_entries(member_id, b"0-0", row)
    channel = next((entry.channel for entry in entries if entry.channel is not None), UNKNOWN_CHANNEL)
    version = next((entry.version for entry in entries if entry.version is not None), 0)
    return MemberState(member_id, channel, flow_data=flow_data, version=version)
