"""What is due at a member who says nothing: a reminder, the end of the run.

Here belong the values that a commit and the looking after due members share, and which of the two comes next at a
step. When it is due is said as a length of time, and the store adds its own clock: workers' clocks differ, and the one
that sets a timer is seldom the one that looks after it.

An entry of a due set says no more than "look at this member". What is due, if anything, is decided by what is stored of
the member: the deadline stands in the hash, with the question that it is about, and is written by each commit. So an
entry may come too early, twice, or long after the answer, and does nothing then.

Kinds that are not known here are a newer release's, and left to its workers.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from attrs import field, frozen

from fsmflow.errors import InvalidMemberId
from fsmflow.flow import Flow
from fsmflow.messages import Channel, Reply
from fsmflow.state import FlowData, check_member_id
from fsmflow.taps import nonce_of

REMIND: Final = "reminder"
"""The question is asked once more."""

CLOSE: Final = "expire"
"""The run is over."""

EFFECT: Final = "effect"
"""An effect is to be had: whoever ran it is gone, or it is to be asked again what came of it."""

LOOK: Final = "look"
"""What is due is for somebody to say who knows the flow."""

_MILLISECOND: Final = timedelta(milliseconds=1)
# Thirty years. No hash lives so long; what is counted in milliseconds must stay a number that the script can count.
_LONGEST: Final = 10**12


class Keep(Enum):
    """What a commit says that leaves a member's timer as it is."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@frozen
class Timer:
    """What is to be due.

    Args:
        kind: What it is.
        within: In how many milliseconds, from the commit.
        question: The question that it is about, by its nonce.
    """

    kind: str
    within: int
    question: str = ""


@frozen
class Deadline:
    """What is due of a member, as the hash has it.

    Args:
        at: When, in milliseconds since the epoch by the store's clock.
        kind: What.
        question: The question that it is about, by its nonce.
    """

    at: int
    kind: str
    question: str

    @classmethod
    def of(cls, raw: bytes | None) -> Deadline | None:
        """The deadline that a field of the hash says; None where there is none, or none that can be read."""
        # "<at> <kind> <score in the due set> <question>", as the script writes it
        parts = (raw or b"").split(b" ")
        if len(parts) != 4 or not (parts[0].isdigit() and parts[1].isalpha() and parts[3].isalnum()):
            return None
        return cls(int(parts[0]), parts[1].decode(), parts[3].decode())


@frozen
class Overdue:
    """An entry of a due set: a member to look at.

    Args:
        member_id: Who.
        score: What stands in the set, in milliseconds.
        now: What the store's clock said when it was read, likewise.
    """

    member_id: str
    score: int
    now: int


@frozen
class Due:
    """What was due at a member, and was done.

    Args:
        kind: ``reminder``, ``expire`` or ``effect``.
        reply: What to send: the reminder, with the question; what came of an effect; nothing where the run was closed.
            Its status is that of the member now.
        channel: Where to send it: the channel of the member's last message.
        account: The bot's own account that received that message, where the channel told one.
    """

    kind: str
    reply: Reply
    channel: Channel
    account: str | None = field(default=None)


@lru_cache(maxsize=256)
def milliseconds(duration: timedelta) -> int:
    """A duration as timers count it: at least one."""
    return min(max(1, round(duration / _MILLISECOND)), _LONGEST)


def question_of(flow_data: FlowData) -> str:
    """The name of the question that a run has asked last."""
    return nonce_of(flow_data.run_id, flow_data.visit)


def next_timer(
    flow: Flow[Any], stored: bytes | None, *, state: str | None = None, question: str | None = None
) -> Timer | None:
    """What is due next at a flow from whose member something was just heard.

    Args:
        flow: The flow.
        stored: The deadline that stands in the hash: a question of which the member was reminded is not reminded of
            again.
        state: The state that counts; by default the one that the flow is in.
        question: The question that it is about; by default the flow's latest.

    Returns:
        The timer; None where nothing ever is.
    """
    silence, patience = flow.silences_at(flow.state if state is None else state, flow.timeout)
    if silence is None and patience is None:
        return None
    named = nonce_of(flow.run_id, flow.visit) if question is None else question
    if patience is not None:
        before = Deadline.of(stored)
        if before is None or before.kind == REMIND or before.question != named:
            return Timer(REMIND, milliseconds(patience), named)
    return None if silence is None else Timer(CLOSE, milliseconds(silence), named)


def parse_entries(answers: Any, now: int) -> list[Overdue]:
    """The entries that a due set gave, its members and scores in turn; what is no name is passed by."""
    found = []
    pairs = (
        answers if answers and isinstance(answers[0], (list, tuple)) else zip(answers[::2], answers[1::2], strict=True)
    )
    for raw, score in pairs:
        try:
            found.append(Overdue(check_member_id(bytes(raw).decode()), round(float(score)), now))
        except (InvalidMemberId, UnicodeDecodeError, ValueError, OverflowError):
            continue
    return found
