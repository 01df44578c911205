"""A conversation as it is read: who said what, and what came.

Here belongs the writing down and the laying out, for a failure's words and for documentation. What was answered at a
sensitive step stands nowhere in it, also where a later message quotes it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from attrs import define, field, frozen

from fsmflow.audit import REDACTED
from fsmflow.channels.numbered import as_text
from fsmflow.messages import Reply
from fsmflow.wording import spoken

BOT = "bot"


@frozen
class Line:
    """One thing that was said or that happened.

    Args:
        at: When.
        who: Who said it; None for what happened.
        text: What.
    """

    at: datetime
    who: str | None
    text: str = field(repr=False)


@define
class Transcript:
    """What was said so far.

    Args:
        lines: The lines, in order.
        secrets: Answers that are not to be shown.
    """

    lines: list[Line] = field(factory=list)
    secrets: set[str] = field(factory=set, repr=False)

    def says(self, at: datetime, who: str, text: str) -> None:
        """Notes what a member did."""
        self.lines.append(Line(at, who, text))

    def replies(self, at: datetime, reply: Reply) -> None:
        """Notes what came: each message, and how it was taken."""
        place = "" if reply.step_id in (None, reply.status) else f", at {reply.step_id}"
        again = ", again" if reply.duplicate else ""
        said = [as_text(message) for message in reply.messages]
        self.lines.append(Line(at, BOT, "\n".join([*said, f"[{reply.status}{place}{again}]"])))

    def notes(self, at: datetime, text: str) -> None:
        """Notes what happened beside the conversation."""
        self.lines.append(Line(at, None, f"({text})"))

    def waits(self, at: datetime, duration: timedelta) -> None:
        """Notes that time passed."""
        self.notes(at, f"{spoken(duration)} later")

    def redacted(self, text: str) -> str:
        """A text without the answers that are not to be shown."""
        if not self.secrets:
            return text
        longest_first = sorted(map(re.escape, self.secrets), key=len, reverse=True)
        return re.sub(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", lambda _: REDACTED, text)

    def __str__(self) -> str:
        width = max((len(line.who) for line in self.lines if line.who is not None), default=0)
        shown: list[str] = []
        before = None
        for line in self.lines:
            moment = f"{line.at:%H:%M:%S}" if line.at != before else " " * 8
            before = line.at
            text = line.text if line.who is None else self.redacted(line.text)
            for number, part in enumerate(text.split("\n")):
                head = f"{moment}  {line.who or '':<{width}}" if number == 0 else " " * (10 + width)
                shown.append(f"{head}  {part}".rstrip())
        return "\n".join(shown)
