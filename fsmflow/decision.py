"""What a turn decided about one message, and the commit that makes it so.

Here belong the message as it arrived (`Arrival`), the decision, and how the two become a reply and a commit. How a
decision is come to belongs to `conversation` and `recovery`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen

from fsmflow.audit import AuditEntry
from fsmflow.codec import CODEC, RECENT_LIMIT, codec_of, digest, dump_channel, dump_flow_data, dump_reply, message_key
from fsmflow.effects import Commit, Write
from fsmflow.errors import InvalidMemberId
from fsmflow.flow import Flow
from fsmflow.identity import Member
from fsmflow.messages import Channel, Inbound, Message, Reply
from fsmflow.pending import Claim, Park, Settled, Take, milliseconds_of
from fsmflow.state import COMPLETED, MEMBER_ID_LIMIT, FlowData, MemberState, UnreadableField, check_member_id
from fsmflow.timers import KEEP, Keep, Timer, next_timer, question_of
from fsmflow.trail import dump_entries

# A channel's clock may run ahead of ours. What it says beyond this is not believed: one message dated next year would
# make every later one "older than the last".
CLOCK_TOLERANCE: Final = timedelta(minutes=1)

# Nor is a stored moment before September 2001, in milliseconds: it is a number that lost a digit, and no silence since.
EARLIEST: Final = 10**12

_MILLISECOND: Final = timedelta(milliseconds=1)
_TOLERATED: Final = CLOCK_TOLERANCE / _MILLISECOND
# The status of what a member does beside the conversation. It moves no clock: a heart does not open again what a
# silence has closed, and an answer that it overtook is not late for it.
IGNORED: Final = "ignored"

# Why a message is no answer, as the trail says it.
LATE: Final = "older than the last message"
STALE: Final = "a choice of an earlier question"
OVER: Final = "sent after the run was closed"
FIRST: Final = "nothing to go back to"
DONE_BEFORE: Final = "no way back over an effect"


@frozen
class Arrival:
    """A message as it arrived.

    Args:
        inbound: The message.
        member_id: Who sent it.
        key: The hash that it is known by.
        at: When it was sent (or received, where that is not known), in milliseconds since the epoch.
        dated: True if `at` is what the channel's own clock says.
        received: When it was received, likewise; of a message that is delivered again, this time.
        member: Who the application says that it is; None where it does not, or says another than the message does.
    """

    inbound: Inbound
    member_id: str
    key: str
    at: int
    dated: bool
    received: int
    member: Member | None = None

    @classmethod
    def of(cls, inbound: Inbound, received_at: datetime, member: Member | None = None) -> Arrival:
        """The arrival of a message.

        Raises:
            InvalidMemberId: The member's id cannot be part of a key.
        """
        told = inbound.sent_at
        if told is not None and told > received_at + CLOCK_TOLERANCE:
            told = None
        if inbound.member_id is None and not inbound.channel.identifier:
            # all who came without an address would be one member, and read each other's answers
            raise InvalidMemberId("channel.identifier", "not empty, where no member id is given")
        known_as = member_id_of(inbound.channel) if member is None else member.id
        member_id = check_member_id(inbound.member_id or known_as)
        received = max(0, round(received_at.timestamp() * 1000))
        at = received if told is None else max(0, round(told.timestamp() * 1000))
        if member is not None and member.id != member_id:
            member = None  # the message says who it is of: what another may do, its sender may not
        return cls(inbound, member_id, message_key(inbound), at, told is not None, received, member)

    @property
    def is_signed_in(self) -> bool:
        """True if the member is signed in at the moment of this message's receipt."""
        if self.member is None:
            return False
        until = self.member.signed_in_until
        return until is None or until.timestamp() * 1000 > self.received

    def is_late(self, state: MemberState) -> bool:
        """True if its channel's own clock shows it to be older, by whole seconds, than the last one.

        WhatsApp's clock counts seconds: two messages of the same second cannot be told apart by it, and are not.
        """
        return self.dated and self.same_clock(state) and self.at // 1000 < self.last(state) // 1000

    def is_silent_since(self, state: MemberState, timeout: timedelta | None) -> bool:
        """True if the member has not been heard of for longer than a timeout; None is never."""
        return timeout is not None and self.at - self.last(state) > timeout / _MILLISECOND

    def last(self, state: MemberState) -> int:
        """When the last message was sent; this one's time, where what is stored cannot be that or is not known."""
        believed = EARLIEST <= state.sent_at <= self.received + _TOLERATED
        return state.sent_at if believed else self.at

    def same_clock(self, state: MemberState) -> bool:
        """True if the last message came by the same type of channel: two channels' clocks cannot be compared."""
        return self.inbound.channel.type == state.channel.type


def member_id_of(channel: Channel) -> str:
    """The id of a member who is known by an address only: ``<type>:<identifier>``.

    An address that would make it longer than an id may be (a WhatsApp user id may have 128 characters of its own)
    stands in it as a hash.
    """
    named = f"{channel.type}:{channel.identifier}"
    if len(named) <= MEMBER_ID_LIMIT:
        return named
    return f"{channel.type}:#{digest(channel.identifier, size=20)}"


@frozen
class Decision:
    """What was decided.

    Args:
        messages: What is said.
        status: What the reply's status is.
        flow: The flow to store; None leaves the stored run as it is, or empty where there is none.
        entries: What happened.
        write: What becomes of ``previous``.
        forget: True if ``previous`` is emptied.
        moved: True if the run changed in a way that the audit trail keeps a snapshot of.
        unreadable: What is put aside because it could not be read.
        ended: True if nothing is stored any more because what was there could not be restored.
        pending: What becomes of the effect that is open.
        held_by: Whose outcome this is.
        kept: What the stored reply says instead of the messages, where they may quote a sensitive answer.
        heard: The flow that the member was heard of in, where it is not stored: the silence begins anew.
    """

    messages: tuple[Message, ...]
    status: str
    flow: Flow | None = None
    entries: Sequence[AuditEntry] = ()
    write: Write = Write.UPDATE
    forget: bool = False
    moved: bool = False
    unreadable: tuple[UnreadableField, ...] = field(default=())
    ended: bool = False
    kept: tuple[Message, ...] | None = None
    heard: Flow | None = None
    pending: Claim | Park | Take | Settled | None = None
    held_by: str = ""

    def reply(self, arrival: Arrival, state: MemberState) -> Reply:
        """The reply to the message that was decided."""
        flow, member_id = self.flow, arrival.member_id
        if flow is not None and self.status != "idle":
            data = flow.collected() if self.status == COMPLETED else None
            return Reply(self.messages, member_id, flow.id, flow.place, self.status, run_id=flow.run_id, data=data)
        stored = None if self.ended else state.flow_data
        if stored is None or (stored.ended and self.status == "idle"):
            return Reply(self.messages, member_id, None, None, self.status)
        return Reply(self.messages, member_id, stored.id, stored.place, self.status, run_id=stored.run_id)

    def commit(
        self, arrival: Arrival, state: MemberState, reply: Reply, redact: Callable[[Arrival, Flow, FlowData], FlowData]
    ) -> Commit:
        """The commit that makes it so, for the state that it was decided on.

        Args:
            arrival: The message.
            state: What was read.
            reply: What is said.
            redact: Gives a flow's run as the trail may keep it.

        Raises:
            Exception: Whatever orjson has against what a flow's code says, or has put into its data.
        """
        channel = arrival.inbound.channel
        anew = not state.raw or bool(self.unreadable)
        beside = self.status == IGNORED
        fields = {
            "recent": " ".join((*state.recent, arrival.key)[-RECENT_LIMIT:]).encode(),
            "reply": dump_reply(reply if self.kept is None else evolve(reply, messages=self.kept)),
        }
        if not beside:
            at = max(arrival.last(state), arrival.at) if arrival.same_clock(state) else arrival.at
            fields["sent_at"] = str(at).encode()
        elif anew:
            fields["sent_at"] = b"0"
        if anew:
            fields["member_id"] = arrival.member_id.encode()
        if anew or codec_of(state) != CODEC:
            fields["codec"] = str(CODEC).encode()
        if anew or (channel is not state.channel and channel != state.channel and not beside):
            fields["channel"] = dump_channel(channel)
        account = arrival.inbound.account or ""
        if account.encode() != state.raw.get("account", b"") and not beside:
            fields["account"] = account.encode()  # what is said without being asked goes out by it
        snapshot = b""
        if self.flow is not None:
            flow_data = self.flow.snapshot()
            fields["flow_data"] = dump_flow_data(flow_data)
            if self.moved:
                kept = redact(arrival, self.flow, flow_data)
                snapshot = b"=" if kept is flow_data else dump_flow_data(kept)
        elif self.ended or not state.raw:
            fields["flow_data"] = dump_flow_data(None)
            snapshot = fields["flow_data"] if self.ended else b""
        write = self.write
        if self.forget or not state.raw:
            fields["previous"] = dump_flow_data(None)
        elif write is Write.ADVANCE and self.flow is not None and _was_halted(state):
            # what is stored is the end of it, which this answer came too early for: before it was the question
            write, fields["previous"] = Write.UPDATE, dump_flow_data(self.flow.previous)
        return Commit(
            member_id=arrival.member_id,
            channel=channel,
            expected=state.raw.get("version", b""),
            fields=fields,
            write=write,
            message_key=arrival.key,
            entries=tuple(self.entries),
            record=dump_entries(self.entries),
            snapshot=snapshot,
            unreadable=self.unreadable,
            timer=self._timer(state),
            pending=self.pending if self.pending is not None else self._claim(),
            held_by=self.held_by,
        )

    def _claim(self) -> Claim | None:
        """The claim to the effect that this turn has come to, where it has."""
        action = None if self.flow is None or not self.moved else self.flow.action
        effect_id = "" if self.flow is None else self.flow.innermost.effect_id
        return None if action is None or not effect_id else Claim(effect_id, milliseconds_of(action.lease))

    def _timer(self, state: MemberState) -> Timer | Keep | None:
        """What is due next."""
        set_before, stored = state.raw.get("due"), state.flow_data
        if self.flow is not None:
            return next_timer(self.flow, set_before)
        if self.ended:
            return None
        heard = self.heard
        if heard is None or stored is None or stored.ended or stored.flow_type != heard.flow_type:
            return KEEP
        return next_timer(heard, set_before, state=stored.step_id, question=question_of(stored))


def _was_halted(state: MemberState) -> bool:
    return state.flow_data is not None and state.flow_data.halt is not None
