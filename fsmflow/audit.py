"""The audit trail: what is recorded of a conversation.

Here belong the entry (`AuditEntry`), its way into loguru, and what is left out of it. Entries of a turn are made by the
machine's callbacks and stored by the commit, in the same write as the state: an entry that is there happened, and
what happened is there. Only after the commit do they go to loguru.

No entry holds an answer, unless a flow quotes one in its refusal, whose words are kept (a sensitive step's are not).
A stored snapshot of the run stands beside the entries of a turn that changed it, so that the state can be recovered
from the trail; a sensitive step's answer is left out of it, and whoever is recovered from it is asked for it again.

Rejected: keeping refused inputs in validation entries. They would help to debug, and they are where a PIN ends up that
was typed one question too early, when no step was there to say that it is sensitive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final

from attrs import evolve, frozen
from loguru import logger

from fsmflow.messages import Channel
from fsmflow.state import FlowData

REDACTED: Final = "[redacted]"

# The event types, as they stand in the trail.
FLOW_START: Final = "flow_start"
STEP_START: Final = "step_start"
VALIDATION: Final = "validation"
TRANSITION: Final = "transition"
BACK: Final = "back"
CANCEL: Final = "cancel"
RESTART: Final = "restart"
SKIP: Final = "skip"
EXHAUSTED: Final = "exhausted"
HANDOVER: Final = "handover"
EFFECT_RUN: Final = "effect_run"
EFFECT_DONE: Final = "effect_done"
EFFECT_REFUSED: Final = "effect_refused"
EFFECT_UNKNOWN: Final = "effect_unknown"
EFFECT_ACCEPTED: Final = "effect_accepted"
EFFECT_RESOLVED: Final = "effect_resolved"
INTERRUPTED: Final = "interrupted"
SUSPEND: Final = "suspend"
TAKEN_UP: Final = "taken_up"
RESUME: Final = "resume"
SIGN_IN: Final = "sign_in"
TAKEOVER: Final = "takeover"
PUSH: Final = "push"
POP: Final = "pop"
ROLLBACK: Final = "rollback"
CLEAR: Final = "clear"
EXPIRE: Final = "expire"
REMINDER: Final = "reminder"
COMPLETE: Final = "complete"
ERROR: Final = "error"
RECOVERY_ATTEMPT: Final = "recovery_attempt"
RECOVERY_RESULT: Final = "recovery_result"


@frozen
class AuditEntry:
    """One thing that happened.

    Args:
        event_type: What happened, one of the event types above.
        status: How it went: ``success``, ``in_progress``, ``accepted``, ``refused``, ``error``, ….
        step_id: The step that it concerns.
        from_state: The state before, of a transition.
        to_state: The state after, of a transition.
        error: The type of what went wrong; never its text, which may hold an answer.
        place: Where it went wrong: module, function and line.
        reason: Why: what the member was told (redacted for a sensitive step), or what the library found.
        flow_id: The flow.
        run_id: The run of the flow.
        channel: The channel of the message.
        message_id: The message that made it happen.
        member_id: Whom it concerns.
        effect_id: The effect that it concerns: the key by which a service knows it.
        version: The version of the state that was written with it.
        time: When it was committed, by the store's clock.
    """

    event_type: str
    status: str
    step_id: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    error: str | None = None
    place: str | None = None
    reason: str | None = None
    flow_id: str | None = None
    run_id: str | None = None
    channel: Channel | None = None
    message_id: str | None = None
    member_id: str | None = None
    effect_id: str | None = None
    version: int | None = None
    time: datetime | None = None


def emit(entries: Sequence[AuditEntry]) -> None:
    """Sends entries to loguru, each as a record with member, channel, flow, run and step in its extra.

    Args:
        entries: What happened; errors go out at ERROR, recoveries and effects of which nobody knows at WARNING, all
            else at INFO. What a member was told stays behind: a flow may quote an answer in it.
    """
    bound, concerned = logger, None
    for entry in entries:
        # bound once for a turn: what its entries share; the rest lands in the record's extra as well
        whom = (entry.member_id, entry.channel, entry.flow_id, entry.run_id, entry.message_id)
        if whom != concerned:
            concerned = whom
            bound = logger.bind(
                member_id=entry.member_id,
                channel=None if entry.channel is None else entry.channel.type,
                flow_id=entry.flow_id,
                run_id=entry.run_id,
                message_id=entry.message_id,
            )
        what, how, step_id = entry.event_type, entry.status, entry.step_id
        if how == "error":
            words, told = "{} {}: {} at {}: {}", (what, how, entry.error, entry.place, entry.reason)
            bound.error(words, *told, step_id=step_id, event_type=what, status=how)
        elif what in (RECOVERY_ATTEMPT, RECOVERY_RESULT):
            bound.warning("{} {}: {}", what, how, entry.reason, step_id=step_id, event_type=what, status=how)
        elif entry.effect_id is not None:
            words = "{} {}: {}"
            tell = bound.warning if what == EFFECT_UNKNOWN else bound.info
            tell(words, what, how, entry.effect_id, step_id=step_id, event_type=what, status=how)
        elif entry.to_state is not None:
            way = (entry.from_state, entry.to_state)
            bound.info("{} {}: {} -> {}", what, how, *way, step_id=step_id, event_type=what, status=how)
        else:
            bound.info("{} {}", what, how, step_id=step_id, event_type=what, status=how)


# Which steps are sensitive, of every flow type that was compiled in this process: who logs by hand has a structure in
# hand, not a flow. It only ever grows, by what classes say of themselves.
_sensitive: dict[str, frozenset[str]] = {}


def remember_sensitive(flow_type: str, step_ids: frozenset[str]) -> None:
    """Has the answers of some steps of a flow type left out wherever a state is logged by hand."""
    if step_ids:
        _sensitive[flow_type] = _sensitive.get(flow_type, frozenset()) | step_ids


def sensitive_steps(flow_type: str) -> frozenset[str]:
    """The ids of the steps of a flow type whose answers are left out, as far as its flows are known here."""
    return _sensitive.get(flow_type, frozenset())


def redacted(flow_data: FlowData, sensitive: frozenset[str]) -> FlowData:
    """A run without the answers of sensitive steps, and without any of the runs that wait beneath it."""
    if flow_data.waiting is not None:
        flow_data = evolve(flow_data, waiting=_bare(flow_data.waiting))
    if not sensitive or sensitive.isdisjoint(flow_data.data):
        return flow_data
    return evolve(flow_data, data={key: value for key, value in flow_data.data.items() if key not in sensitive})


def _bare(run: FlowData) -> FlowData:
    """A run that waits, without its answers: which of them are sensitive, the flow that runs above it cannot tell."""
    return evolve(run, data={}, inner=None, waiting=None if run.waiting is None else _bare(run.waiting))


def place_of(fault: BaseException, modules: Collection[str] = ()) -> str:
    """Where an exception came from: module, function and line.

    Args:
        fault: The exception.
        modules: The modules of the flow's own code. Of them the innermost frame counts, since there is what can be
            mended; without any, the innermost of all.
    """
    frames = [(each.tb_frame, each.tb_lineno) for each in _tracebacks(fault)]
    own = [each for each in frames if each[0].f_globals.get("__name__") in modules]
    if not frames:
        return "unknown"
    frame, line = (own or frames)[-1]
    return f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{line}"


def _tracebacks(fault: BaseException) -> Iterator[TracebackType]:
    found = fault.__traceback__
    while found is not None:
        yield found
        found = found.tb_next
