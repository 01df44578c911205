"""`FlowStateManager`: the one that talks to Redis.

Here belongs the sending: one ``HGETALL`` to load, one ``EVALSHA`` to commit. What is sent and what the answer means
stands in `store`; when it is sent, in the generators of `conversation` and `upkeep`. After a commit was applied its
entries go to the logs, from here, because here is known that it was.

Every error of the client becomes `StoreUnavailable`: the caller's one question is whether the message must be
delivered again, and the answer is yes. A commit whose answer was lost may have been applied; the redelivered message
is then known, and its reply is stored.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

from redis import Redis, RedisCluster
from redis.backoff import ExponentialWithJitterBackoff
from redis.client import NEVER_DECODE
from redis.exceptions import NoScriptError, RedisClusterException, RedisError
from redis.retry import Retry

from fsmflow.audit import AuditEntry, emit
from fsmflow.calls import Call, drive
from fsmflow.effects import Backoff, Commit, Committed, Effect, Effects, LastValid, Load, Outcome
from fsmflow.errors import Contended, StoreUnavailable
from fsmflow.memory import embedded_redis
from fsmflow.messages import Channel
from fsmflow.state import FlowData, MemberState
from fsmflow.store import (
    APPEND_SCRIPT,
    APPEND_SHA,
    PAGE,
    SCRIPT,
    SCRIPT_SHA,
    UNKNOWN_CHANNEL,
    Layout,
    latest_snapshot,
    read_committed,
    read_entries,
    read_hash,
    read_quarantined,
    records_of,
)
from fsmflow.upkeep import clearing, rolling_back

ResultT = TypeVar("ResultT")

# One attempt and one more, each bounded, so that a worker knows within a second that it cannot answer. redis-py nests
# them: the second attempt of a command connects anew, twice, and each time to every address of the name. At worst, for
# a "localhost" of two addresses, that is 0.2 + 2 * 2 * 0.1 s and two short pauses. The lookup of a name is not bounded.
SOCKET_TIMEOUT: Final = 0.2
CONNECT_TIMEOUT: Final = 0.1
RETRIES: Final = 1

# After the first conflict the turn is taken again at once: somebody else got through, so there is progress. From then
# on a random pause, up to this many seconds, keeps workers from meeting again.
LONGEST_PAUSE: Final = 0.05
PATIENCE: Final = 2.0


class FlowStateManager:
    """Keeps the state of members in Redis, one hash each.

    Args:
        redis: A client: of a server, a cluster, or a Sentinel's master. With or without ``decode_responses``.
        prefix: What every key begins with.
        retention: How long a member's keys live after the last commit.
        audit_length: How many turns a member's audit trail keeps, roughly.
    """

    def __init__(
        self,
        redis: Redis | RedisCluster,
        *,
        prefix: str = "fsmflow",
        retention: timedelta = timedelta(days=8),
        audit_length: int = 1000,
    ) -> None:
        if not callable(getattr(redis, "execute_command", None)):
            raise TypeError(f"a client is needed, not a {type(redis).__name__}: for a URL use from_url")
        self.redis = redis
        self.layout = Layout(prefix, retention, audit_length)

    @classmethod
    def from_url(cls, url: str, **named: Any) -> FlowStateManager:
        """A manager of the Redis at a URL, with timeouts and retries bounded to less than a second.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py takes it; what it says wins.
            named: What the constructor takes.

        Raises:
            ValueError: It is no such URL. What it holds is not said: a part of it may be a password.
        """
        retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.05), RETRIES)
        try:
            client = Redis.from_url(
                url, socket_timeout=SOCKET_TIMEOUT, socket_connect_timeout=CONNECT_TIMEOUT, retry=retry
            )
        except ValueError:
            raise ValueError("the URL of a store is redis://…, rediss://… or unix://…, its password quoted") from None
        return cls(client, **named)

    @classmethod
    def in_memory(cls, **named: Any) -> FlowStateManager:
        """A manager of a new, empty store in this process.

        Args:
            named: What the constructor takes.

        Raises:
            MissingExtra: The extra ``memory`` is not installed.
        """
        return cls(embedded_redis(), **named)

    def load(self, member_id: str, channel: Channel = UNKNOWN_CHANNEL) -> MemberState:
        """Reads the state of a member.

        Args:
            member_id: Whose.
            channel: What stands as the channel of a member of whom nothing is stored.

        Returns:
            The state. What could not be read is in its ``unreadable``.

        Raises:
            InvalidMemberId: The id cannot be part of a key.
            StoreUnavailable: Redis did not answer.
        """
        fields = self._send("HGETALL", self.layout.keys(member_id).state)
        return read_hash(member_id, channel, fields)

    def commit(self, commit: Commit) -> Committed:
        """Writes a turn, all of it or nothing; then logs what happened.

        Args:
            commit: What to write, and on which version.

        Returns:
            What became of it.

        Raises:
            StoreUnavailable: Redis did not answer; it may have been applied.
        """
        arguments = self.layout.arguments(commit, secrets.token_hex(8))
        committed = read_committed(commit, self._evaluate(SCRIPT, SCRIPT_SHA, 3, arguments))
        if committed.outcome is Outcome.APPLIED:
            with suppress(Exception):  # it is stored: a log sink that fails (with catch=False) must not look like a no
                emit(commit.entries)
        return committed

    def rollback(self, member_id: str) -> MemberState:
        """Takes a member's last accepted answer back.

        Returns:
            The state after it; unchanged where there is nothing to take back.

        Raises:
            InvalidState: The stored state cannot be read.
            StoreUnavailable: Redis did not answer.
        """
        return self.drive(rolling_back(member_id, UNKNOWN_CHANNEL))

    def clear(self, member_id: str) -> None:
        """Forgets the state of a member. The audit trail stays, and messages that were decided stay known.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        self.drive(clearing(member_id, UNKNOWN_CHANNEL))

    def history(self, member_id: str, flow_id: str | None = None) -> list[AuditEntry]:
        """All audit entries of a member, the oldest first.

        Args:
            member_id: Whose.
            flow_id: Only those of this flow.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        records = self._send("XRANGE", self.layout.keys(member_id).audit, "-", "+")
        return read_entries(member_id, records_of(records), flow_id)

    def last_valid_state(self, member_id: str, flow_id: str | None = None) -> MemberState | None:
        """The latest state that a member's audit trail can give back, without the answers of sensitive steps.

        That is what the latest turn left; a state that was added by hand (`append`) only where no turn left any.

        Args:
            member_id: Whose.
            flow_id: Only of this flow.

        Returns:
            The state; None where there is none, or none of a turn since the member was cleared.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return latest_snapshot(member_id, self._rows_from_the_latest(member_id), flow_id, by_hand=True)

    def quarantined(self, member_id: str) -> Mapping[int, tuple[str, bytes]]:
        """What could not be read of a member's state and was put aside, for an operator to look at.

        Returns:
            By number, the oldest first, at most sixteen: a field's name, and its bytes, which may hold an answer.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return read_quarantined(self._send("HGETALL", self.layout.keys(member_id).state))

    def append(self, member_id: str, entries: Sequence[AuditEntry], snapshot: FlowData | None = None) -> None:
        """Adds entries to the trail of a member, beside what turns record.

        Args:
            member_id: Whose.
            entries: What happened.
            snapshot: The run as the trail is to keep it, without sensitive answers. No recovery ever goes on from it.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        self._evaluate(APPEND_SCRIPT, APPEND_SHA, 1, self.layout.append_arguments(member_id, entries, snapshot))

    def drive(self, effects: Effects[ResultT]) -> ResultT:
        """Does what a generator wants done until it returns.

        Raises:
            Contended: Other workers kept committing for the same member for two seconds.
            StoreUnavailable: Redis did not answer.
        """
        patience = _Patience()

        def perform(effect: Effect) -> Any:
            if isinstance(effect, Load):
                return self.load(effect.member_id, effect.channel)
            if isinstance(effect, Commit):
                return self.commit(effect)
            if isinstance(effect, Backoff):
                return patience.wait(effect)
            if isinstance(effect, LastValid):
                # of a turn, or of none: what was added by hand may be of any moment, or hold what a flow keeps back
                rows = self._rows_from_the_latest(effect.member_id)
                return latest_snapshot(effect.member_id, rows, None, by_hand=False)
            assert isinstance(effect, Call)  # noqa: S101 - there is no other effect
            return effect.function(*effect.arguments)

        return drive(effects, perform)

    def _rows_from_the_latest(self, member_id: str) -> Iterator[Mapping[bytes, bytes]]:
        """The records of a member's stream from the latest back, read page by page as they are asked for."""
        key = self.layout.keys(member_id).audit
        latest = b"+"
        while True:
            records = records_of(self._send("XREVRANGE", key, latest, "-", "COUNT", PAGE))
            yield from (row for _, row in records)
            if len(records) < PAGE:
                return
            latest = b"(" + records[-1][0]

    def _evaluate(self, script: str, sha: str, keys: int, arguments: Sequence[str | bytes]) -> Any:
        """Runs a script of which the server keeps a copy, unless it was started since."""
        try:
            return self._send("EVALSHA", sha, keys, *arguments)
        except StoreUnavailable as unavailable:
            if not isinstance(unavailable.__cause__, NoScriptError):
                raise
            return self._send("EVAL", script, keys, *arguments)

    def _send(self, *command: Any) -> Any:
        """Sends a command; its answer comes as bytes, whatever the client decodes otherwise."""
        execute: Any = self.redis.execute_command  # redis-py leaves it untyped
        try:
            return execute(*command, **{NEVER_DECODE: True})
        # redis-py's cluster errors are a tree of their own, and an error of the socket may come through as it is
        except (RedisError, RedisClusterException, OSError) as fault:
            raise StoreUnavailable(f"Redis did not do {command[0]}: {type(fault).__name__}") from fault


class _Patience:
    """How long one message waits for its turn, counted from its first conflict: a slow flow has lost nothing yet."""

    def __init__(self) -> None:
        self.deadline: float | None = None

    def wait(self, backoff: Backoff) -> None:
        moment = time.monotonic()
        if self.deadline is None:
            self.deadline = moment + PATIENCE
        if moment >= self.deadline:
            raise Contended("other workers kept committing for this member")
        if backoff.attempt > 1:
            longest = min(LONGEST_PAUSE, 0.002 * 2 ** min(backoff.attempt, 10))
            time.sleep(random.uniform(0, longest))  # noqa: S311 - a pause is no secret
