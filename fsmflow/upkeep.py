"""What is done to a member's state without a message: rolling back, clearing, adding to the trail.

Like a turn these are generators of effects: load, decide, commit, and again on a conflict. Each commit is known by
the version that it was decided on, as a message is by its id: a client that sends it again, because its answer was cut,
does not take back a second answer, or clear what came since.
"""

from __future__ import annotations

from attrs import evolve

from fsmflow import audit
from fsmflow.audit import AuditEntry, redacted
from fsmflow.codec import CODEC, codec_of, digest, dump_flow_data
from fsmflow.effects import Backoff, Commit, Effects, LastValid, Load, Outcome, Write
from fsmflow.errors import EffectOpen, InvalidState, NewerState
from fsmflow.messages import Channel
from fsmflow.pending import Pending
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
