"""What a member may expect of any conversation, in ninety lines.

Written from the documentation, for a member who knows nothing of stores, versions and machines: a flow is a list of
questions, each of which is known by how many were asked before it, and a moment is what the clock on the wall says. No
rule of the package is used, only the value that a channel brings (`Inbound`), so that the model can be wrong in other
places than the package is.

The lines are few on purpose, and counted by a test: what does not fit belongs into a test of its own. What is due to a
message is told as the reply's status and, where a reason is given, its sentence: the name that it has in `Sentences`,
or the question's own words. What is asked then is `Member.step`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import define, field

from fsmflow import Inbound
from tests.trips import QUESTIONS, STARTS


@define
class Member:
    """One member, as the member sees it; `default` is the first step of the flow that any message starts."""

    default: str = ""
    step: str = "idle"
    path: tuple[str, ...] = ()
    answers: dict[str, Any] = field(factory=dict)
    question: int = 1
    attempts: int = 0
    stood: str = ""
    offers: int = 0
    heard: tuple[str, datetime] | None = None
    decided: dict[tuple[str, str], tuple[str, ...]] = field(factory=dict)

    def hears(self, sent: Inbound, tapped: int | None, now: datetime) -> tuple[tuple[str, ...], bool]:
        """What is due to a message, and whether it was decided before; `tapped` is the question that had its button."""
        channel, key = sent.channel.type, (sent.channel.type, sent.message_id)
        if key in self.decided:
            return self.decided[key] if key == [*self.decided][-1] else ("duplicate",), True
        self.decided[key] = ("ignored",)
        if sent.kind != "reaction":  # it wants no answer, and changes nothing
            dated = sent.sent_at if sent.sent_at and sent.sent_at <= now + timedelta(minutes=1) else None
            at, (by, last) = dated or now, self.heard or (channel, dated or now)
            late = by == channel and dated is not None and at.replace(microsecond=0) < last.replace(microsecond=0)
            self.decided[key] = ("refused", "late") if late else self.decides(sent, tapped, at - last)
            self.heard = channel, max(at, last) if by == channel else at
        return self.decided[key], False

    def decides(self, sent: Inbound, tapped: int | None, silence: timedelta) -> tuple[str, ...]:
        """What is due to a message that is new and in order."""
        asked, text, template = QUESTIONS.get(self.step), sent.text or "", sent.option_id if tapped is None else None
        typed = "" if sent.kind == "image" else " ".join((template or text).split()).casefold()
        word = typed if typed in ("back", "cancel", "restart", "help") else None
        if asked and asked.timeout and silence > asked.timeout:
            return self.asks(STARTS[typed]) if typed in STARTS else self.is_silent()
        numbered = sent.channel.type == "console" and template is None
        if self.stood and (due := self.is_offered(typed, word, tapped, numbered)):
            return due
        if tapped not in (None, self.question) or (asked and template is not None and not word):
            return "refused", "stale"
        if asked is None:
            return self.asks(first) if (first := STARTS.get(typed, "" if word else self.default)) else ("idle",)
        places = {str(place): option for place, option in enumerate(asked.options.values(), 1)}
        option = (asked.options | (places if sent.channel.type == "console" else {})).get(typed if not template else "")
        if word and option is None and tapped is None:
            if word == "back" and self.path:
                return self.asks(self.path[-1], self.path[:-1], self.answers)
            step = {"cancel": "cancelled", "restart": asked.first}.get(word)
            kept = (self.path, self.answers) if word == "cancel" else ()
            other = ("in_progress", "help") if word == "help" else ("refused", "first_question")
            return self.asks(step, *kept) if step else other
        reasons = {"choose": asked.options, "text_wanted": sent.kind == "image", "too_long": len(text) > 4096}
        reason = next((why for why, given in reasons.items() if given), None if text.strip() else "empty")
        value = option or (None if reason else asked.takes(text.strip()))
        if value is None:
            self.attempts += 1
            return "refused", reason or asked.refusal
        answers, path, ahead = self.answers | {self.step: value}, (*self.path, self.step), [asked.leads(value)]
        while ahead[-1] in answers and ahead[-1] not in ahead[:-1]:
            ahead.append(QUESTIONS[ahead[-1]].leads(answers[ahead[-1]]))
        return self.asks(ahead[0], path, {step: answers[step] for step in answers if step in (*path, *ahead)})

    def is_silent(self) -> tuple[str, ...]:
        """Ends by silence; where something was answered it may be gone on with."""
        stood = self.step if self.answers else ""
        self.asks("expired", self.path, self.answers)
        self.stood = stood
        return ("expired",)

    def is_offered(self, typed: str, word: str | None, tapped: int | None, numbered: bool) -> tuple[str, ...]:
        """What is due to a message where a run may be gone on with; nothing where it is taken for something new."""
        if tapped not in (None, self.question):
            return "refused", "stale"
        typed = {"1": "continue", "2": "start over"}.get(typed, typed) if numbered and tapped is None else typed
        if typed == "continue":
            return self.asks(self.stood, self.path, self.answers)
        if "restart" in (typed, word) or typed == "start over":
            return self.asks(QUESTIONS[self.stood].first)
        if word == "cancel":
            return self.asks("cancelled", self.path, self.answers)
        if word == "help":
            return "in_progress", "help"
        self.offers += 1
        if typed in STARTS or self.offers > 1:
            self.stood, self.question = "", self.question + 1
            return ()
        return "refused", "choose"

    def asks(self, step: str, path: tuple[str, ...] = (), answers: dict[str, Any] | None = None) -> tuple[str, ...]:
        """Moves on: to a question, whose number no question had before, or to an end."""
        self.step, self.path, self.answers, self.attempts = step, path, answers or {}, 0
        self.stood, self.offers = "", 0
        self.question += 1
        return ("in_progress", *["earlier"] * (step in self.answers)) if step in QUESTIONS else (step,)
