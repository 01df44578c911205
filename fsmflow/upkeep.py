"""What is done to a member's state without a message: rolling back, clearing, giving an open effect up.

Like a turn these are generators of effects: load, decide, commit, and again on a conflict. Each commit is known by
the version that it was decided on, as a message is by its id: a client that sends it again, because its answer was cut,
does not take back a second answer, or clear what came since.

Here no flow is known, on purpose: what an operator does here works also where the release at hand knows none that fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from attrs import evolve

from fsmflow import audit
from fsmflow.audit import REDACTED, AuditEntry, redacted
from fsmflow.codec import CODEC, codec_of, digest, dump_flow_data, load_flow_data
from fsmflow.effects import Backoff, Commit, Effects, LastValid, Load, Outcome, Write
from fsmflow.errors import EffectOpen, InvalidState, NewerState
from fsmflow.holding import is_held
from fsmflow.messages import Channel
from fsmflow.pending import Pending, Settled
from fsmflow.state import FlowData, MemberState, next_visit
from fsmflow.timers import KEEP, LOOK, Keep, Timer
from fsmflow.trail import dump_entries


def rolling_back(member_id: str, channel: Channel) -> Effects[MemberState]:
    """Takes the last accepted answer back: what is stored as ``previous`` becomes the run again.

    Returns:
        The state after it; unchanged where there is nothing to take back.

    Raises:
        EffectOpen: An effect is open: nobody knows yet what came of it.
        InvalidState: The stored state cannot be read; the member's next message recovers it.
        NewerState: A newer release wrote it.
    """
    attempt = 0
    while True:
        state: MemberState = yield Load(member_id, channel)
        _check(state)
        _check_settled(state)
        if state.previous is None:
            return state
        came_from = None if state.flow_data is None else state.flow_data.step_id
        entry = _entry(state, audit.ROLLBACK, state.previous, from_state=came_from)
        # The count of questions goes on: a number that came again would let a button of the question that is taken
        # back answer the one that is asked instead of it.
        asked = max(state.previous.visit, 0 if state.flow_data is None else state.flow_data.visit)
        run = evolve(state.previous, visit=next_visit(asked))
        trail: MemberState | None = yield LastValid(member_id)
        # the stored reply goes too: said again to a duplicate, it would tell of what was taken back
        fields = {"flow_data": dump_flow_data(run), "previous": dump_flow_data(None), "reply": b""}
        snapshot = dump_flow_data(_as_kept(run, None if trail is None else trail.flow_data))
        # what is due at that step, the flow would know, which is not here: who looks after members is told to look
        committed = yield _commit(state, fields, Write.UPDATE, entry, snapshot=snapshot, timer=Timer(LOOK, 1))
        if committed.outcome is not Outcome.CONFLICT:
            after: MemberState = yield Load(member_id, channel)
            return after
        attempt += 1
        yield Backoff(attempt)


def clearing(member_id: str, channel: Channel) -> Effects[None]:
    """Forgets the state of a member. The trail stays, and messages that were decided stay known.

    Raises:
        EffectOpen: An effect is open: forgotten, it might be run again.
        NewerState: A newer release wrote it.
    """
    attempt = 0
    while True:
        state: MemberState = yield Load(member_id, channel)
        if not state.raw:
            return
        if codec_of(state) > CODEC:
            raise NewerState("the state was written by a newer release of fsmflow")
        _check_settled(state)
        entry = _entry(state, audit.CLEAR, state.flow_data)
        committed = yield _commit(state, {}, Write.CLEAR, entry, snapshot=dump_flow_data(None))
        if committed.outcome is not Outcome.CONFLICT:
            return
        attempt += 1
        yield Backoff(attempt)


ABANDONED: Final = "abandoned"
"""How an effect was closed with which its run was given up, as the trail says it."""


def checked_reason(reason: object) -> str:
    """A reason that the trail can keep.

    Raises:
        TypeError: It is no text.
        ValueError: It says nothing, or has half a surrogate pair.
    """
    if not isinstance(reason, str):
        raise TypeError("a reason is a text")
    reason.encode()
    if not reason.strip():
        raise ValueError("a reason says something")
    return reason.strip()


def abandoning(member_id: str, channel: Channel, effect_id: str, reason: str, known_by: str) -> Effects[bool]:
    """Closes an open effect together with the run that waits for it: the state is forgotten, as by `clearing`.

    No other is closed by it: the commit that opens one gives the state another version than this was decided on. So the
    script need not know it by its id, and what cannot be read is closed too, by the id that is shown of it.

    Args:
        member_id: Whose.
        channel: What stands as the channel of a member of whom nothing is stored.
        effect_id: Which, as the list of open effects shows it.
        reason: Why, for the trail.
        known_by: What no other call has: who sends the commit again, because its answer was cut, hears that it was
            done, and who closes the effect at the same time does not.

    Returns:
        True if it was open and is closed by this.

    Raises:
        NewerState: A newer release wrote it.
    """
    attempt = 0
    while True:
        state: MemberState = yield Load(member_id, channel)
        if codec_of(state) > CODEC:
            raise NewerState("the state was written by a newer release of fsmflow")
        if "pending" not in state.raw or _shown_id(state) != effect_id:
            return False
        run = state.flow_data
        while run is not None and run.inner is not None:
            run = run.inner  # the action is a step of this one
        entry = _entry(state, audit.EFFECT_RESOLVED, run)
        why = REDACTED if _may_quote(state, reason) else reason
        entry = evolve(entry, status=ABANDONED, reason=why, effect_id=effect_id or None)
        commit = evolve(
            _commit(state, {}, Write.CLEAR, entry, snapshot=dump_flow_data(None)),
            message_key=digest("fsmflow", ABANDONED, known_by),
            pending=Settled(),
        )
        committed = yield commit
        if committed.outcome is not Outcome.CONFLICT:
            return True
        attempt += 1
        yield Backoff(attempt)


def _shown_id(state: MemberState) -> str:
    """The id that an operator is shown of the effect that is open: an empty one where nothing of it is believed."""
    pending = Pending.of(state.raw["pending"]) if is_held(state) else None
    return "" if pending is None else pending.effect_id


_SHORT: Final = 4  # shorter answers, a "5" or a "yes", would be found in about every reason


def _may_quote(state: MemberState, reason: str) -> bool:
    """True if a reason quotes a stored answer, or where it cannot be told: which are sensitive, only the flow knows."""
    try:
        runs = [load_flow_data(state.raw[name]) for name in ("flow_data", "previous") if name in state.raw]
    except Exception:  # noqa: BLE001 - what was stored is not trusted: it may be anything
        return True
    words = frozenset(re.findall(r"\d+|[^\W\d_]+", reason))
    return any(
        answer in words if len(answer) < _SHORT and (answer.isdecimal() or answer.isalpha()) else answer in reason
        for run in runs
        for answer in _answers(run)
    )


def _answers(run: FlowData | None) -> Iterator[str]:
    """All answers of a run, of those within it and of those that wait beneath it, as texts."""
    if run is not None:
        yield from _texts(run.data)
        yield from _answers(run.inner)
        yield from _answers(run.waiting)


def _texts(answer: Any) -> Iterator[str]:
    if isinstance(answer, (dict, list)):
        for each in answer.values() if isinstance(answer, dict) else answer:
            yield from _texts(each)
    elif answer is not None and not isinstance(answer, bool) and str(answer).strip():
        yield str(answer).strip()


def _as_kept(run: FlowData, trail: FlowData | None) -> FlowData:
    """A run as the trail may keep it.

    Which steps are sensitive only the flow knows, and it is not here: what the trail kept of this run before, it may
    keep again, and nothing else.
    """
    kept = trail if trail is not None and trail.run_id == run.run_id else None
    known = {} if kept is None else kept.data
    inner = None if run.inner is None else _as_kept(run.inner, None if kept is None else kept.inner)
    shown = evolve(run, data={step_id: run.data[step_id] for step_id in run.data if step_id in known}, inner=inner)
    return redacted(shown, frozenset())


def _check_settled(state: MemberState) -> None:
    if state.raw.get("pending"):
        pending = Pending.of(state.raw["pending"])
        raise EffectOpen(state.member_id, "" if pending is None else pending.effect_id)


def _check(state: MemberState) -> None:
    if codec_of(state) > CODEC:
        raise NewerState("the state was written by a newer release of fsmflow")
    if state.unreadable:
        raise InvalidState(state.unreadable[0].name, "a readable field")


def _entry(
    state: MemberState, event_type: str, flow_data: FlowData | None, *, from_state: str | None = None
) -> AuditEntry:
    return AuditEntry(
        event_type,
        "success",
        step_id=None if flow_data is None else flow_data.step_id,
        from_state=from_state,
        to_state=None if flow_data is None or from_state is None else flow_data.step_id,
        flow_id=None if flow_data is None else flow_data.id,
        run_id=None if flow_data is None else flow_data.run_id,
        channel=state.channel,
        member_id=state.member_id,
    )


def _commit(
    state: MemberState,
    fields: dict[str, bytes],
    write: Write,
    entry: AuditEntry,
    *,
    snapshot: bytes = b"",
    timer: Timer | Keep = KEEP,
) -> Commit:
    # a version that cannot be read may come again: then there is nothing to know the commit by
    known_by = digest("fsmflow", entry.event_type, str(state.version)) if state.version else ""
    return Commit(
        member_id=state.member_id,
        channel=state.channel,
        expected=state.raw.get("version", b""),
        fields=fields,
        write=write,
        message_key=known_by,
        entries=(entry,),
        record=dump_entries((entry,)),
        snapshot=snapshot,
        timer=timer,
    )
