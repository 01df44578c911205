"""An effect that is under way, as the hash has it, and what a commit may make of it.

Here belong the value and the commands; the script obeys them by the store's clock. The whole of it is one line of the
hash: ``<status> <attempt> <owner> <until> <effect id>``. The owner is the token of the commit by which somebody took it
up: an outcome counts only from who has it still.

A line that cannot be read is an effect that is open all the same: nothing is done about it but by an operator.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum
from typing import Final

from attrs import frozen


class Status(str, Enum):
    """How an open effect stands."""

    RUNNING = "running"
    """Somebody runs it, or did and is gone."""

    ACCEPTED = "accepted"
    """The service will say what came of it."""

    UNKNOWN = "unknown"
    """Nobody can say whether it happened."""


@frozen
class Pending:
    """An effect that is open.

    Args:
        status: How it stands.
        attempt: How often it was taken up.
        owner: The token of the commit that took it up.
        until: When it may be taken up by others, in milliseconds since the epoch by the store's clock; None for never.
        effect_id: Its id; of a line that cannot be read, what the script takes for it, so that an operator may name it.
        is_readable: False of a line that cannot be read.
    """

    status: Status
    attempt: int
    owner: str
    until: int | None
    effect_id: str
    is_readable: bool = True

    @classmethod
    def of(cls, raw: bytes | None) -> Pending | None:
        """The open effect that a field of the hash says; None where there is none."""
        if not raw:
            return None
        try:
            status, attempt, owner, until, effect_id = raw.decode("ascii").split(" ", 4)
            return cls(Status(status), int(attempt), owner, None if until == "-" else int(until), effect_id)
        except ValueError:
            return cls(Status.UNKNOWN, 0, "", None, _named_by(raw), is_readable=False)


# What the script reads of a line: the status may be any word to it.
_LINE: Final = re.compile(rb"[a-z]+ [0-9]+ \S+ \S+ (.*)", re.DOTALL)


def _named_by(raw: bytes) -> str:
    """The effect that a line names which cannot be read; empty where it names none."""
    found = _LINE.fullmatch(raw)
    return found[1].decode() if found is not None and found[1].isascii() else ""


@frozen
class Claim:
    """An effect is taken up: by the commit that says so.

    Args:
        effect_id: Its id.
        lease: For how many milliseconds nobody else takes it up.
    """

    effect_id: str
    lease: int

    def said(self) -> str:
        """The command, as the script takes it."""
        return f"{Status.RUNNING.value} 1 {self.lease} {self.effect_id}"


@frozen
class Park:
    """An effect stays open, and nobody has it.

    Args:
        effect_id: Its id.
        status: How it stands.
        attempt: How often it was taken up.
        again: In how many milliseconds it may be taken up; None for never.
    """

    effect_id: str
    status: Status
    attempt: int
    again: int | None

    def said(self) -> str:
        """The command, as the script takes it."""
        return f"{self.status.value} {self.attempt} {'-' if self.again is None else self.again} {self.effect_id}"


@frozen
class Take:
    """An effect is taken over if whoever had it has had it for too long.

    Args:
        lease: For how many milliseconds nobody else takes it up then.
    """

    lease: int

    def said(self) -> str:
        """The command, as the script takes it."""
        return f"take {self.lease}"


@frozen
class Settled:
    """Nothing is open any more."""

    def said(self) -> str:
        """The command, as the script takes it."""
        return "-"


CHECK_AGAIN: Final = 60_000
"""After how many milliseconds it is asked again, at first, what came of an effect of which nobody could say."""

LONGEST_BETWEEN: Final = 15 * CHECK_AGAIN
"""After how many at the latest. It takes twice as long each time: what fails leaves an entry in a trail that keeps so
many, and no more."""

NEVER: Final = 10**12
"""In how many milliseconds an effect is due that is never to be had, as the script counts: thirty years."""

NOBODY: Final = "-"
"""The owner of an effect that is parked."""

ANYBODY: Final = "*"
"""The owner for an outcome that counts from whoever says it: a service's own word."""


def held_by(pending: Pending, *, anybody: bool = False) -> str:
    """What must be open for an outcome to count, as the script takes it."""
    return f"{ANYBODY if anybody else pending.owner} {pending.effect_id}"


def again_after(attempt: int) -> int:
    """In how many milliseconds it is asked again what came of an effect, after so many attempts."""
    return min(CHECK_AGAIN << min(max(attempt - 1, 0), 10), LONGEST_BETWEEN)


def milliseconds_of(duration: timedelta) -> int:
    """A duration as the script counts it."""
    return max(1, round(duration / timedelta(milliseconds=1)))
