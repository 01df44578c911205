"""The records of a member's audit stream: entries as JSON and back.

Here belongs how what happened in one turn becomes one record. When it is written belongs to the commit; what an entry
is, to `audit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

import orjson
from attrs import evolve

from fsmflow.audit import AuditEntry
from fsmflow.messages import Channel
from fsmflow.storable import converter

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

_SHARED: Final = ("flow_id", "run_id", "channel", "message_id")


def dump_entries(entries: Sequence[AuditEntry]) -> bytes:
    """The JSON of one turn's entries; what they share stands once, what the stream itself tells is left out."""
    if not entries:
        return b""
    first = entries[0]
    shared = (first.flow_id, first.run_id, first.channel, first.message_id)
    rows = []
    for entry in entries:
        row: dict[str, object] = {"event_type": entry.event_type, "status": entry.status}
        if entry.step_id is not None:
            row["step_id"] = entry.step_id
        if entry.from_state is not None:
            row["from_state"] = entry.from_state
        if entry.to_state is not None:
            row["to_state"] = entry.to_state
        if entry.error is not None:
            row["error"] = entry.error
        if entry.place is not None:
            row["place"] = entry.place
        if entry.reason is not None:
            row["reason"] = entry.reason
        if entry.effect_id is not None:
            row["effect_id"] = entry.effect_id
        own = (entry.flow_id, entry.run_id, entry.channel, entry.message_id)
        if own != shared:
            row.update(zip(_SHARED, own, strict=True))
        rows.append(row)
    return orjson.dumps([dict(zip(_SHARED, shared, strict=True)), rows], default=_plain)


def _plain(channel: Channel) -> dict[str, str]:
    return {"type": channel.type, "identifier": channel.identifier}


def load_entries(member_id: str, stream_id: bytes, row: Mapping[bytes, bytes]) -> list[AuditEntry]:
    """The entries of one record of a stream; empty where it cannot be read.

    Args:
        member_id: Whose stream it is.
        stream_id: The record's id, ``<milliseconds>-<number>``.
        row: The record's fields.
    """
    try:
        shared, rows = orjson.loads(row[b"entries"])
        moment = _EPOCH + timedelta(milliseconds=int(stream_id.split(b"-")[0]))
        version = int(row[b"version"]) if b"version" in row else None
        return [
            evolve(
                converter.structure({**shared, **own}, AuditEntry), member_id=member_id, version=version, time=moment
            )
            for own in rows
        ]
    except Exception:  # noqa: BLE001 - what was stored is not trusted: it may be anything
        return []
