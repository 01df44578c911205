"""What a turn wants done, as values.

A turn is a generator: it yields one of these and is sent the result. So the whole protocol of loading, committing and
trying again stands once, in pure code, and what differs between a synchronous and an asynchronous caller is the few
lines that drive it (`calls.drive`).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, TypeVar, Union

from attrs import field, frozen

from fsmflow.action import Retry
from fsmflow.audit import AuditEntry
from fsmflow.calls import Call, Lasting
from fsmflow.messages import Channel
from fsmflow.pending import Claim, Park, Settled, Take
from fsmflow.state import MemberState, UnreadableField
from fsmflow.timers import KEEP, Keep, Overdue, Timer

ResultT = TypeVar("ResultT")


@frozen
class Load:
    """Read a member's hash; the result is a `MemberState`.

    Args:
        member_id: Whose.
        channel: The channel of the message at hand, for a member of whom nothing is stored.
    """

    member_id: str
    channel: Channel


@frozen
class LoadBoth:
    """Read a member's hash, and at the same time the one under the id by channel; the result is a `Both`.

    Args:
        member_id: Whose.
        by_channel: The id that the member has by the channel alone.
        channel: The channel of the message at hand.
        message_key: The hash of the message at hand.
    """

    member_id: str
    by_channel: str
    channel: Channel
    message_key: str


@frozen
class Both:
    """The answer to a `LoadBoth`.

    Args:
        state: What is stored of the member.
        by_channel: What is stored under the id by channel.
        is_known: True if the message at hand was decided under that id.
    """

    state: MemberState
    by_channel: MemberState
    is_known: bool


@frozen
class LastValid:
    """Read the last state that a member's audit trail can give back; the result is a `MemberState` or None.

    Args:
        member_id: Whose.
    """

    member_id: str


class Write(Enum):
    """What a commit does with the stored state."""

    UPDATE = "update"
    """Writes the fields; ``previous`` stays, unless it is among them."""

    ADVANCE = "advance"
    """Writes the fields; what is stored as ``flow_data`` becomes ``previous``."""

    TAKE = "take"
    """Writes nothing but who has the effect that is open, and that only where it is to be had."""

    CLEAR = "clear"
    """Deletes the hash. The duplicates that are known and the audit trail stay."""


@frozen
class Commit:
    """Write a turn, all of it or nothing; the result is a `Committed`.

    Args:
        member_id: Whose.
        channel: The channel of the message at hand.
        expected: The version that was read, as it was read; empty where there was none.
        fields: The fields of the hash to write.
        write: What becomes of the rest.
        message_key: The hash of the message that is decided by this; empty where it is none.
        entries: What happened, for the logs.
        record: The same for the stream; empty where there is nothing to record.
        snapshot: The run as the trail keeps it; ``b"="`` where it is the ``flow_data`` that is written.
        unreadable: What could not be read and is put aside; nothing is written if it is no longer there as it was.
        timer: What is due next; None where nothing is; `KEEP` leaves what is.
        pending: What becomes of the effect that is open; None leaves it.
        held_by: Which open effect this is the outcome of, and whose; nothing is written if that is no longer so.
    """

    member_id: str
    channel: Channel
    expected: bytes
    fields: Mapping[str, bytes] = field(repr=False)
    write: Write = Write.UPDATE
    message_key: str = ""
    entries: tuple[AuditEntry, ...] = ()
    record: bytes = field(default=b"", repr=False)
    snapshot: bytes = field(default=b"", repr=False)
    unreadable: tuple[UnreadableField, ...] = ()
    timer: Timer | Keep | None = KEEP
    pending: Claim | Park | Take | Settled | None = None
    held_by: str = ""


@frozen
class Perform(Lasting):
    """Run an effect, within its time; the result is what it returned, an `EffectRefused`, or an `Unsure`.

    Args:
        call: What to call.
        limit: How long it may take in all.
        lease: How long after it was taken up nobody else takes it up. Where the time does not suffice any more, it is
            not begun.
        retry: When it is called again within that time; None for never.
        asynchronous: True if it is a coroutine function.
    """

    call: Call
    limit: timedelta
    lease: timedelta
    retry: Retry | None = None
    asynchronous: bool = False


@frozen
class Reschedule:
    """Put an entry of a due set right, unless a commit has set another meanwhile; there is no result.

    Args:
        entry: The entry as it was read.
        to: The score that it is to have, in milliseconds; None takes it away.
    """

    entry: Overdue
    to: int | None = None


@frozen
class Backoff:
    """Wait a little, at random, before the turn is taken again.

    Args:
        attempt: How often it was taken already.
    """

    attempt: int


class Outcome(Enum):
    """What became of a commit."""

    APPLIED = "applied"
    TAKEN = "taken"
    """It was applied, and an effect that somebody left open is this worker's now."""
    HELD = "held"
    """Nothing was written: an effect that was to be taken over is still somebody's."""
    LOST = "lost"
    """Nothing was written: the effect whose outcome this is, is no longer this worker's."""
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@frozen
class Committed:
    """The answer to a `Commit`.

    Args:
        outcome: What became of it.
        state: For a duplicate or a conflict what is stored now, so that it need not be loaded again.
    """

    outcome: Outcome
    state: MemberState | None = None


Effect = Union[Load, LoadBoth, LastValid, Commit, Reschedule, Perform, Backoff, Call]
Effects = Generator[Effect, Any, ResultT]
