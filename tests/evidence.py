"""What a store holds of one member, as it is: the evidence that the invariants are judged by.

Here belongs the reading: the stream, the hash and the messages that are known, as values. What they must look like
belongs to `invariants`. It is read in three commands: read when nobody writes any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from fsmflow.audit import AuditEntry
from fsmflow.calls import drive
from fsmflow.codec import load_flow_data
from fsmflow.exchange import Exchange, Send, Wishes
from fsmflow.manager import FlowStateManager
from fsmflow.state import FlowData, MemberState
from fsmflow.store import CLEARED, Layout, records_of
from fsmflow.together import together
from fsmflow.trail import load_entries


@frozen
class Record:
    """What one commit left in a member's stream.

    Args:
        version: The version that it wrote; 0 where it cannot be read.
        entries: What happened, in order.
        snapshot: The run after it, without the answers of sensitive steps; None where none was kept.
        empties: True if after it no run is stored at all.
        is_readable: False if any of it could not be read.
    """

    version: int
    entries: tuple[AuditEntry, ...]
    snapshot: FlowData | None = field(default=None, repr=False)
    empties: bool = False
    is_readable: bool = True

    @property
    def events(self) -> frozenset[str]:
        """The types of what happened."""
        return frozenset(entry.event_type for entry in self.entries)


@frozen
class Evidence:
    """What is stored of one member.

    Args:
        member_id: Who it is.
        records: The commits that the stream tells of, the oldest first. What was added by hand is not among them.
        state: What the hash holds.
        seen: The hashes of the messages that were decided, as the sorted set has them.
        begins_midway: True if the stream may have been shortened, so that its first record is not the first commit.
    """

    member_id: str
    records: tuple[Record, ...]
    state: MemberState
    seen: frozenset[str]
    begins_midway: bool = False


def evidence_of(manager: FlowStateManager, member_id: str) -> Evidence:
    """Reads what is stored of a member.

    Args:
        manager: A manager of the store that the member's conversation was kept in; of either side, by `tests.sides`.
        member_id: Whose.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    return manager._run(_reading(manager.exchange, manager.layout, member_id))


def evidence_of_all(manager: FlowStateManager, member_ids: Sequence[str]) -> list[Evidence]:
    """Reads what is stored of many members, in pipelines.

    Args:
        manager: A synchronous manager of the store.
        member_ids: Whose.

    Returns:
        For each, in order, the evidence.
    """
    readings = [_reading(manager.exchange, manager.layout, member_id) for member_id in member_ids]
    return drive(together(readings), manager._perform)


def _reading(exchange: Exchange, layout: Layout, member_id: str) -> Wishes[Evidence]:
    keys = layout.keys(member_id)
    rows = records_of((yield Send(("XRANGE", keys.audit, "-", "+"))))
    records = tuple(_record(member_id, stream_id, row) for stream_id, row in rows if b"version" in row)
    seen: Sequence[bytes] = yield Send(("ZRANGE", keys.seen, 0, -1))
    state = yield from exchange.load(member_id)
    known = frozenset(bytes(each).decode() for each in seen)
    return Evidence(member_id, records, state, known, begins_midway=len(rows) >= layout.audit_length)


def _record(member_id: str, stream_id: bytes, row: Mapping[bytes, bytes]) -> Record:
    entries = tuple(load_entries(member_id, stream_id, row))
    version = int(row[b"version"]) if row[b"version"].isdigit() else 0
    raw = row.get(b"flow_data", CLEARED)
    try:
        snapshot, is_readable = load_flow_data(raw), bool(entries and version)
    except Exception:  # noqa: BLE001 - what was stored is not trusted: that it cannot be read is a finding
        snapshot, is_readable = None, False
    return Record(version, entries, snapshot, row.get(b"flow_data") == CLEARED, is_readable)
