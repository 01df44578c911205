"""What is said to Redis and when, as generators: written once for the synchronous and the asynchronous manager.

Here belongs every exchange with the store: which command is sent, what its answer means, what is sent next, how long a
message waits for its turn. A generator yields a `Send`, a `Pause` or a flow's `Call` and is sent the result; the two
managers are what sends, waits and calls. What the commands look like stands in `store`; which connection they go over,
in `manager`.

Every error of the client comes here as `StoreUnavailable`: the caller's one question is whether the message must be
delivered again, and the answer is yes. A commit whose answer was lost may have been applied; the redelivered message
is then known, and its reply is stored.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar, Union

from attrs import field, frozen
from redis.exceptions import NoScriptError

from fsmflow.audit import AuditEntry, emit
from fsmflow.calls import Call
from fsmflow.effects import (
    Backoff,
    Both,
    Commit,
    Committed,
    Effect,
    Effects,
    LastValid,
    Load,
    LoadBoth,
    Outcome,
    Perform,
    Reschedule,
)
from fsmflow.errors import Contended, StoreUnavailable
from fsmflow.messages import Channel
from fsmflow.outcomes import Unsure
from fsmflow.state import FlowData, MemberState
from fsmflow.store import (
    APPEND_SCRIPT,
    APPEND_SHA,
    DUE_SCRIPT,
    DUE_SHA,
    PAGE,
    SCRIPT,
    SCRIPT_SHA,
    UNKNOWN_CHANNEL,
    Layout,
    SnapshotSearch,
    read_committed,
    read_entries,
    read_hash,
    read_quarantined,
    records_of,
)
from fsmflow.timers import Overdue, parse_entries

ResultT = TypeVar("ResultT")

# After the first conflict the turn is taken again at once: somebody else got through, so there is progress. From then
# on a random pause, up to this many seconds, keeps workers from meeting again.
LONGEST_PAUSE: Final = 0.05
PATIENCE: Final = 2.0


@frozen
class Send:
    """A command to send; the result is its answer, its texts as bytes.

    Args:
        command: Its name and its arguments.
    """

    command: tuple[Any, ...] = field(repr=False)


@frozen
class Pause:
    """A wait.

    Args:
        seconds: How long.
    """

    seconds: float


@frozen
class SendAll:
    """Commands under different keys that go out together; the result is their answers, in order.

    Args:
        commands: The commands. One that failed has its `StoreUnavailable` for an answer.
    """

    commands: tuple[tuple[Any, ...], ...] = field(repr=False)


@frozen
class Begin:
    """An effect that is begun beside others; the result is what stands for it while it runs.

    Args:
        effect: The effect.
    """

    effect: Perform


@frozen
class FirstEnded:
    """A wait for the first of several effects that were begun; the result is what came of each, None of the others.

    Args:
        running: What stands for them.
    """

    running: tuple[Any, ...]


Wish = Union[Send, SendAll, Pause, Call, Perform, Begin, FirstEnded]
Wishes = Generator[Wish, Any, ResultT]


@frozen
class Exchange:
    """The exchanges with a store.

    Args:
        layout: Where things are kept and for how long.
        insistence: For how many seconds the outcome of an effect is committed again where Redis does not answer: below
            the time for which nobody else takes it up after its own is over.
    """

    layout: Layout
    insistence: float = 5.0

    def load(self, member_id: str, channel: Channel = UNKNOWN_CHANNEL) -> Wishes[MemberState]:
        """Reads the state of a member."""
        fields = yield Send(("HGETALL", self.layout.keys(member_id).state))
        return read_hash(member_id, channel, fields)

    def load_both(self, wanted: LoadBoth) -> Wishes[Both]:
        """Reads a member's hash and the one under the id by channel, on one way."""
        other = self.layout.keys(wanted.by_channel)
        reading = ("HGETALL", self.layout.keys(wanted.member_id).state), ("HGETALL", other.state)
        answers = yield SendAll((*reading, ("ZSCORE", other.seen, wanted.message_key)))
        for answer in answers:
            if isinstance(answer, StoreUnavailable):
                raise answer
        fields, other_fields, score = answers
        by_channel = read_hash(wanted.by_channel, wanted.channel, other_fields)
        return Both(read_hash(wanted.member_id, wanted.channel, fields), by_channel, score is not None)

    def commit(self, commit: Commit) -> Wishes[Committed]:
        """Writes a turn; after it was applied its entries go to the logs, since here is known that it was."""
        arguments = self.layout.arguments(commit, secrets.token_hex(8))
        answer = yield from (
            self._insist(arguments) if commit.held_by else self._evaluate(SCRIPT, SCRIPT_SHA, 4, arguments)
        )
        committed = read_committed(commit, answer)
        if committed.outcome in (Outcome.APPLIED, Outcome.TAKEN):
            with suppress(Exception):  # it is stored: a log sink that fails (with catch=False) must not look like a no
                emit(commit.entries)
        return committed

    def clock(self) -> Wishes[int]:
        """Reads the clock of the store, in milliseconds."""
        # by a script, since a script is sent to one node where there are several
        seconds, micros = yield Send(("EVAL", "return redis.call('TIME')", 1, self.layout.due_sets()[0]))
        return int(seconds) * 1000 + int(micros) // 1000

    def _insist(self, arguments: Sequence[str | bytes]) -> Wishes[Any]:
        """Commits what came of an effect, again and again as long as Redis does not answer: nobody else knows it.

        By the same token each time, so that it counts once. For as long as nobody else takes the effect up, but no
        longer, since somebody waits for the reply.

        Raises:
            StoreUnavailable: Redis did not answer in all that time.
        """
        began, pauses = time.monotonic(), 0
        while True:
            try:
                return (yield from self._evaluate(SCRIPT, SCRIPT_SHA, 4, arguments))
            except StoreUnavailable:
                if time.monotonic() - began >= self.insistence:
                    raise
            yield Pause(min(1.0, 0.05 * 2**pauses))
            pauses += 1

    def due(self, limit: int) -> Wishes[list[Overdue]]:
        """Looks up at whom something is due, in all buckets; what is longest due first.

        Raises:
            StoreUnavailable: Redis did not answer for one of them.
        """
        sets = self.layout.due_sets()
        now = yield from self.clock()
        found: list[Overdue] = []
        answers = yield SendAll(
            tuple(("ZRANGEBYSCORE", key, "-inf", now, "WITHSCORES", "LIMIT", 0, limit) for key in sets)
        )
        for answer in answers:
            if isinstance(answer, StoreUnavailable):
                raise answer
            found += parse_entries(answer, now)
        return sorted(found, key=lambda entry: entry.score)[:limit]

    def reschedule(self, effect: Reschedule) -> Wishes[None]:
        """Puts an entry of a due set right."""
        yield from self._evaluate(DUE_SCRIPT, DUE_SHA, 1, self.layout.due_arguments(effect.entry, effect.to))

    def history(self, member_id: str, flow_id: str | None = None) -> Wishes[list[AuditEntry]]:
        """Reads the entries of a member's trail."""
        records = yield Send(("XRANGE", self.layout.keys(member_id).audit, "-", "+"))
        return read_entries(member_id, records_of(records), flow_id)

    def last_valid_state(self, member_id: str, flow_id: str | None, *, by_hand: bool) -> Wishes[MemberState | None]:
        """Reads a member's trail from the latest back, page by page, until it gives back a state."""
        key = self.layout.keys(member_id).audit
        search = SnapshotSearch(member_id, flow_id, by_hand=by_hand)
        latest = b"+"
        while True:
            records = records_of((yield Send(("XREVRANGE", key, latest, "-", "COUNT", PAGE))))
            if search.is_over(row for _, row in records) or len(records) < PAGE:
                return search.found
            latest = b"(" + records[-1][0]

    def quarantined(self, member_id: str) -> Wishes[Mapping[int, tuple[str, bytes]]]:
        """Reads what was put aside."""
        return read_quarantined((yield Send(("HGETALL", self.layout.keys(member_id).state))))

    def append(self, member_id: str, entries: Sequence[AuditEntry], snapshot: FlowData | None) -> Wishes[None]:
        """Adds entries to a member's trail."""
        arguments = self.layout.append_arguments(member_id, entries, snapshot)
        yield from self._evaluate(APPEND_SCRIPT, APPEND_SHA, 2, arguments)

    def _evaluate(self, script: str, sha: str, keys: int, arguments: Sequence[str | bytes]) -> Wishes[Any]:
        """Runs a script of which the server keeps a copy, unless it was started since."""
        try:
            return (yield Send(("EVALSHA", sha, keys, *arguments)))
        except StoreUnavailable as unavailable:
            if not isinstance(unavailable.__cause__, NoScriptError):
                raise
        return (yield Send(("EVAL", script, keys, *arguments)))

    def obey(self, effects: Effects[ResultT]) -> Wishes[ResultT]:
        """Does what a turn wants done until it returns.

        Raises:
            Contended: Other workers kept committing for the same member for two seconds.
            StoreUnavailable: Redis did not answer.
        """
        patience = _Patience()
        taken_up = 0.0
        try:
            effect = next(effects)
            while True:
                try:
                    if type(effect) is Call:  # most of what a turn wants: it passes straight through
                        result = yield effect
                    elif isinstance(effect, Perform):
                        result = (yield effect) if _may_begin(effect, taken_up) else Unsure("TimeoutError")
                    else:
                        if isinstance(effect, Commit) and effect.pending is not None:
                            taken_up = time.monotonic()
                        result = yield from self._perform(effect, patience)
                except Exception as fault:  # noqa: BLE001 - handed to the turn, which decides what it means
                    effect = effects.throw(fault)
                else:
                    effect = effects.send(result)
        except StopIteration as stop:
            value: ResultT = stop.value
            return value

    def _perform(self, effect: Effect, patience: _Patience) -> Wishes[Any]:
        if isinstance(effect, Load):
            return (yield from self.load(effect.member_id, effect.channel))
        if isinstance(effect, LoadBoth):
            return (yield from self.load_both(effect))
        if isinstance(effect, Commit):
            return (yield from self.commit(effect))
        if isinstance(effect, LastValid):
            # of a turn, or of none: what was added by hand may be of any moment, or hold what a flow keeps back
            return (yield from self.last_valid_state(effect.member_id, None, by_hand=False))
        if isinstance(effect, Reschedule):
            return (yield from self.reschedule(effect))
        assert isinstance(effect, Backoff)  # noqa: S101 - the calls were seen to, and there is no other
        pause = patience.after(effect)
        return None if pause is None else (yield pause)


def _may_begin(effect: Perform, taken_up: float) -> bool:
    """True if an effect ends while it is this worker's still: one that was kept from it for long must not begin it."""
    return time.monotonic() - taken_up <= (effect.lease - effect.limit).total_seconds()


class _Patience:
    """How long one message waits for its turn, counted from its first conflict: a slow flow has lost nothing yet."""

    def __init__(self) -> None:
        self.deadline: float | None = None

    def after(self, backoff: Backoff) -> Pause | None:
        """What to wait before the turn is taken again.

        Raises:
            Contended: There was enough of waiting.
        """
        moment = time.monotonic()
        if self.deadline is None:
            self.deadline = moment + PATIENCE
        if moment >= self.deadline:
            raise Contended("other workers kept committing for this member")
        if backoff.attempt == 1:
            return None
        longest = min(LONGEST_PAUSE, 0.002 * 2 ** min(backoff.attempt, 10))
        return Pause(random.uniform(0, longest))  # noqa: S311 - a pause is no secret
