"""The effects that are open, of all members: what an operator is shown.

Here belong the value (`OpenEffect`) and how those of a store are found. Every effect that is open has its member stand
in a due set, next to the members at whom something else is due: so the sets are gone through, page by page, and of each
member it is asked first whether anything is open. No flow is needed for that, and nothing is written.

No answer is in what is found, only where the member is. What the hash says of an effect may be unreadable, and so may
the run: the effect is open all the same, and shown.

Rejected: a set of its own for open effects. It would be one key more for each commit to write, and could disagree with
the hash, as the due sets may; whoever looks has to ask the hash anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from attrs import frozen

from fsmflow.codec import load_flow_data
from fsmflow.errors import StoreUnavailable
from fsmflow.exchange import Exchange, Send, SendAll, Wishes
from fsmflow.pending import NEVER, Pending, Status
from fsmflow.state import FlowData
from fsmflow.timers import EFFECT, Deadline, parse_entries

SETS: Final = 128
"""How many due sets are looked through at once."""

ENTRIES: Final = 100
"""How many entries of each are asked for at once, about: Redis may give some more."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIELDS: Final = ("pending", "member_id", "flow_data", "due")


@frozen
class OpenEffect:
    """An effect that is open, as an operator sees it.

    Args:
        member_id: Whose.
        flow_type: The flow that the member is in; None where the run cannot be read.
        place: The action, in the flow that acts (``paying.payment``); None likewise.
        status: How it stands: under way, accepted, or unknown.
        taken_up: How often it was taken up, to be run or only to ask what came of it; not how often it happened.
        effect_id: Its id, by which it is resolved. What cannot be read may have an empty one.
        since: Since when it waits for somebody's word, by the store's clock; None where it is held, or where that
            cannot be read.
        until: Until when it is held, or left alone, by the store's clock; None where it waits for somebody's word.
        is_over: True if that time is over: whoever looks next takes it up.
        is_readable: False where the hash does not say it in a form that is known: then it is unknown.
    """

    member_id: str
    flow_type: str | None
    place: str | None
    status: Status
    taken_up: int
    effect_id: str
    since: datetime | None
    until: datetime | None
    is_over: bool = False
    is_readable: bool = True


def open_effects(exchange: Exchange, limit: int) -> Wishes[list[OpenEffect]]:
    """Looks through all due sets for members at whom an effect is open; what is open for longest first.

    Raises:
        StoreUnavailable: Redis did not answer for one of them.
    """
    now = yield from exchange.clock()
    sets = exchange.layout.due_sets()
    found: dict[str, OpenEffect] = {}
    for start in range(0, len(sets), SETS):
        cursors = dict.fromkeys(sets[start : start + SETS], 0)
        while cursors:
            asked = tuple(("ZSCAN", key, cursor, "COUNT", ENTRIES) for key, cursor in cursors.items())
            answers = _sound((yield SendAll(asked)))
            cursors = {key: int(cursor) for key, (cursor, _) in zip(cursors, answers, strict=True) if int(cursor)}
            members = {entry.member_id for _, rows in answers for entry in parse_entries(rows, now)}
            for each in (yield from _open_at(exchange, sorted(members), now)):
                found[each.member_id] = each  # a set that changes meanwhile may give an entry twice
            if len(found) > limit:
                found = {each.member_id: each for each in sorted(found.values(), key=_age)[:limit]}
    return sorted(found.values(), key=_age)[:limit]


def open_effect_of(exchange: Exchange, member_id: str) -> Wishes[OpenEffect | None]:
    """The effect that is open at one member; None where none is.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    key = exchange.layout.keys(member_id).state
    now = yield from exchange.clock()
    return read_open_effect(member_id, (yield Send(("HMGET", key, *_FIELDS))), now)


def _open_at(exchange: Exchange, members: Sequence[str], now: int) -> Wishes[list[OpenEffect]]:
    """The effects that are open at some members; of the others nothing is read but that nothing is."""
    keys = {member: exchange.layout.keys(member).state for member in members}
    if not keys:
        return []
    lines = _sound((yield SendAll(tuple(("HGET", key, "pending") for key in keys.values()))))
    held = [member for member, line in zip(keys, lines, strict=True) if line is not None]
    if not held:
        return []
    read = _sound((yield SendAll(tuple(("HMGET", keys[member], *_FIELDS) for member in held))))
    found = (read_open_effect(member, fields, now) for member, fields in zip(held, read, strict=True))
    return [each for each in found if each is not None]


def _sound(answers: Sequence[Any]) -> Sequence[Any]:
    """The answers.

    Raises:
        StoreUnavailable: One of them failed.
    """
    for answer in answers:
        if isinstance(answer, StoreUnavailable):
            raise answer
    return answers


def read_open_effect(member_id: str, fields: Iterable[bytes | None], now: int) -> OpenEffect | None:
    """The effect that is open at a member; None where none is any more.

    Args:
        member_id: Whose.
        fields: ``pending``, ``member_id``, ``flow_data`` and ``due`` of the hash.
        now: What the store's clock says, in milliseconds.
    """
    line, named, run, due = fields
    if line is None:
        return None
    if named != member_id.encode():  # a hash that is not known to be this member's: nothing of it is believed
        return OpenEffect(member_id, None, None, Status.UNKNOWN, 0, "", None, None, is_readable=False)
    pending = Pending.of(line) or Pending(Status.UNKNOWN, 0, "", None, "", is_readable=False)
    flow_data = _run(run)
    return OpenEffect(
        member_id=member_id,
        flow_type=None if flow_data is None else flow_data.flow_type,
        place=None if flow_data is None else flow_data.place,
        status=pending.status,
        taken_up=pending.attempt,
        effect_id=pending.effect_id,
        since=None if pending.until is not None or not pending.is_readable else _parked(Deadline.of(due)),
        until=None if pending.until is None else _moment(pending.until),
        is_over=pending.until is not None and pending.until <= now,
        is_readable=pending.is_readable,
    )


def _run(raw: bytes | None) -> FlowData | None:
    try:
        return None if raw is None else load_flow_data(raw)
    except Exception:  # noqa: BLE001 - what was stored is not trusted: it may be anything
        return None


def _parked(deadline: Deadline | None) -> datetime | None:
    """When an effect was parked that is never to be had: it is due so long after that."""
    if deadline is None or deadline.kind != EFFECT or deadline.at < NEVER:
        return None
    return _moment(deadline.at - NEVER)


def _moment(milliseconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def _age(effect: OpenEffect) -> tuple[datetime, str]:
    return effect.since or effect.until or _EPOCH, effect.member_id
