"""`FlowStateManager`: the one that keeps members' state in Redis.

Here belongs the face of the store, and what sends, waits and calls for it; for an event loop it stands again in
`async_manager`. What is said to Redis and what the answer means stands once, as generators, in `exchange`; when it is
said, in those of `conversation` and `upkeep`. So the two classes differ by an ``await`` and by what they ask their
client with, and a test holds them to it. Rejected: one class whose methods return either a value or something to await,
as redis-py has it: neither a reader nor a type checker can tell which.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar, Union

from redis import Redis, RedisCluster

from fsmflow.audit import AuditEntry
from fsmflow.calls import Call, drive
from fsmflow.clients import check_client, client_of, execute, execute_together
from fsmflow.effects import Commit, Committed, Effects, Perform
from fsmflow.exchange import Begin, Exchange, FirstEnded, Send, SendAll, Wish, Wishes
from fsmflow.memory import embedded_redis
from fsmflow.messages import Channel
from fsmflow.open_effects import OpenEffect, open_effect_of, open_effects
from fsmflow.performing import Running, first_ended, perform
from fsmflow.state import FlowData, MemberState
from fsmflow.store import UNKNOWN_CHANNEL, Layout
from fsmflow.timers import Overdue
from fsmflow.together import together
from fsmflow.upkeep import abandoning, checked_reason, clearing, rolling_back

ResultT = TypeVar("ResultT")
ClientT = TypeVar("ClientT")


class Manager(Generic[ClientT]):
    """What the two managers are made of: the client, and where things are kept.

    Args:
        redis: A client: of a server, a cluster, or a Sentinel's master; of ``redis.asyncio`` for the asynchronous side.
            With or without ``decode_responses``.
        prefix: What every key begins with.
        retention: How long a member's keys live after the last commit.
        audit_length: How many turns a member's audit trail keeps, roughly.

    Raises:
        TypeError: It is no client, or one for the other side.
    """

    asynchronous: ClassVar[bool]

    def __init__(
        self,
        redis: ClientT,
        *,
        prefix: str = "fsmflow",
        retention: timedelta = timedelta(days=8),
        audit_length: int = 1000,
    ) -> None:
        check_client(redis, is_async=self.asynchronous)
        self.redis: ClientT = redis
        self.layout = Layout(prefix, retention, audit_length)
        self.exchange = Exchange(self.layout)


class FlowStateManager(Manager[Union[Redis, RedisCluster]]):
    """Keeps the state of members in Redis, one hash each.

    It may be shared between threads. Its arguments are those of `Manager`.
    """

    asynchronous = False

    @classmethod
    def from_url(cls, url: str, **named: Any) -> FlowStateManager:
        """A manager of the Redis at a URL, with timeouts and retries bounded to less than a second.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py takes it; what it says wins.
            named: What the constructor takes.

        Raises:
            ValueError: It is no such URL. What it holds is not said: a part of it may be a password.
        """
        return cls(client_of(url), **named)

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
        return self._run(self.exchange.load(member_id, channel))

    def commit(self, commit: Commit) -> Committed:
        """Writes a turn, all of it or nothing; then logs what happened.

        Args:
            commit: What to write, and on which version.

        Returns:
            What became of it.

        Raises:
            StoreUnavailable: Redis did not answer; it may have been applied.
        """
        return self._run(self.exchange.commit(commit))

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
            EffectOpen: An effect is open: forgotten, it might be run again. `abandon` forgets it with the state.
            StoreUnavailable: Redis did not answer.
        """
        return self.drive(clearing(member_id, UNKNOWN_CHANNEL))

    def abandon(self, member_id: str, effect_id: str, *, reason: str) -> bool:
        """Closes an open effect by giving up the run that waits for it: for one that no `FlowRunner.resolve` can close.

        It says nothing of what came of the effect, and it is closed whoever has it: what its worker says later does
        not count. The state is forgotten as by `clear`, with the runs that wait beneath; the audit trail stays, as do
        the messages that are known. Nobody is told; the member begins anew, and may act again.

        Args:
            member_id: Whose.
            effect_id: Which, as `open_effects` gives it: also an empty one, of what cannot be read.
            reason: Who gives it up, and why, for the audit trail, which has it as ``effect_resolved``. It is redacted
                where it quotes an answer of the run, or the run cannot be read: which are sensitive is not known here.

        Returns:
            True if it was open and is closed by this; False if it is not open, or not any more.

        Raises:
            TypeError: The reason is no text.
            ValueError: The reason says nothing, or cannot be kept.
            InvalidMemberId: The member's id cannot be part of a key.
            NewerState: A newer release wrote the state.
            StoreUnavailable: Redis did not answer; it may have been closed.
        """
        why = checked_reason(reason)
        return self.drive(abandoning(member_id, UNKNOWN_CHANNEL, effect_id, why, secrets.token_hex(8)))

    def history(self, member_id: str, flow_id: str | None = None) -> list[AuditEntry]:
        """All audit entries of a member, the oldest first.

        Args:
            member_id: Whose.
            flow_id: Only those of this flow.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return self._run(self.exchange.history(member_id, flow_id))

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
        return self._run(self.exchange.last_valid_state(member_id, flow_id, by_hand=True))

    def quarantined(self, member_id: str) -> Mapping[int, tuple[str, bytes]]:
        """What could not be read of a member's state and was put aside, for an operator to look at.

        Returns:
            By number, the oldest first, at most sixteen: a field's name, and its bytes, which may hold an answer.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return self._run(self.exchange.quarantined(member_id))

    def append(self, member_id: str, entries: Sequence[AuditEntry], snapshot: FlowData | None = None) -> None:
        """Adds entries to the trail of a member, beside what turns record.

        A client that sends a command again, because its answer was cut, adds them twice: a turn's never are.

        Args:
            member_id: Whose.
            entries: What happened.
            snapshot: The run as the trail is to keep it, without sensitive answers. No recovery ever goes on from it.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return self._run(self.exchange.append(member_id, entries, snapshot))

    def close(self) -> None:
        """Closes the client's connections."""
        self.redis.close()

    def overdue(self, limit: int = 100) -> list[Overdue]:
        """Looks up at whom something is due, by the clock of the store.

        Args:
            limit: At how many members at most; those at whom it is due for longest come first.

        Returns:
            Members to look at. What is due at them, if anything, `FlowRunner.due` finds out.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return drive(self.exchange.due(limit), self._perform)

    def open_effects(self, limit: int = 1000) -> list[OpenEffect]:
        """Looks up the effects that are open, of all members: by what is stored alone, for an operator to look at.

        Args:
            limit: How many at most; those that are open for longest come first.

        Returns:
            The effects: those that are under way, those that a service will tell of, and those that nobody knows of.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return self._run(open_effects(self.exchange, limit))

    def open_effect(self, member_id: str) -> OpenEffect | None:
        """Looks up the effect that is open at a member, as `open_effects` does for all.

        Returns:
            The effect; None where none is open.

        Raises:
            InvalidMemberId: The member's id cannot be part of a key.
            StoreUnavailable: Redis did not answer.
        """
        return self._run(open_effect_of(self.exchange, member_id))

    def drive(self, effects: Effects[ResultT]) -> ResultT:
        """Does what a turn wants done until it returns.

        Raises:
            Contended: Other workers kept committing for the same member for two seconds.
            StoreUnavailable: Redis did not answer.
        """
        return self._run(self.exchange.obey(effects))

    def drive_many(self, several: Sequence[Effects[ResultT]]) -> list[ResultT]:
        """Does what turns of different members want done, with their commands in pipelines.

        Returns:
            What each returned, in order.

        Raises:
            Exception: The first that one of them let through, after all the others have come to their end.
        """
        return drive(together([self.exchange.obey(effects) for effects in several]), self._perform)

    def _run(self, wishes: Wishes[ResultT]) -> ResultT:
        return drive(wishes, self._perform)

    def _perform(self, wish: Wish) -> Any:
        if isinstance(wish, Send):
            return execute(self.redis, wish.command)
        if isinstance(wish, SendAll):
            return execute_together(self.redis, wish.commands)
        if isinstance(wish, Call):
            return wish.make()
        if isinstance(wish, Perform):
            return perform(wish)
        if isinstance(wish, Begin):
            return Running(wish.effect)
        if isinstance(wish, FirstEnded):
            return first_ended(wish.running)
        return time.sleep(wish.seconds)
