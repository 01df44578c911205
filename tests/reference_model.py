"""What a member may expect of any conversation, in sixty lines.

Written from the documentation, for a member who knows nothing of stores, versions and machines: a flow is a list of
questions, each of which is known by how many were asked before it, and a moment is what the clock on the wall says. No
rule of the package is used, only the value that a channel brings (`Inbound`), so that the model can be wrong in other
places than the package is.

The lines are few on purpose, and counted by a test: what does not fit belongs into a test of its own. What is due to a
message is told as the reply's status and, where a reason is given, its sentence: the name that it has in `Sentences`,
or the question's own words. What is asked then is `Member.asked`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define, field

from fsmflow import Inbound
from tests.trips import GLOBAL_WORDS, QUESTIONS, STARTS, Question, offer, on_the_way

STAYS = {"help": ("in_progress", "help"), "back": ("refused", "first_question")}


@define
class Member:
    """One member, as the member sees it; `default` is the first step of the flow that any message starts."""

    default: str = ""
    step: str = "idle"
    asked: Question | None = None
    path: tuple[str, ...] = ()
    answers: dict[str, object] = field(factory=dict)
    question: int = 1
    attempts: int = 0
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
        asked, text, template = self.asked, sent.text or "", sent.option_id if tapped is None else None
        typed = "" if sent.kind == "image" else " ".join((template or text).split()).casefold()
        word = typed if tapped is None and typed in (asked.obeys if asked else GLOBAL_WORDS) else ""
        if asked and asked.timeout and silence > asked.timeout:
            return self.asks(STARTS[typed]) if typed in STARTS else self.asks("expired", self.path, self.answers)
        if tapped not in (None, self.question) or (self.step in QUESTIONS and template is not None and not word):
            return "refused", "stale"
        if asked is None:
            return self.asks(first) if (first := STARTS.get(typed, "" if word else self.default)) else ("idle",)
        option = (asked.numbered if sent.channel.type == "console" else asked.options).get("" if template else typed)
        if self.step == "expired" and not (option or word) and (typed in STARTS or self.attempts):
            self.asked, self.attempts, self.question = None, 0, self.question + 1
            return self.decides(sent, tapped, silence)  # offered twice, or named: it is taken for something new
        kept = self.path, self.answers
        goes = {"cancel": ("cancelled", *kept), "restart": (asked.first, (), {}), "continue": (asked.then, *kept)}
        goes |= {"back": (self.path[-1], self.path[:-1], self.answers)} if self.path else {}
        if (word and option is None) or option in goes:  # which are the choices of an offer
            return self.asks(*goes[option or word]) if (option or word) in goes else STAYS[word]
        reasons = {"choose": asked.options, "text_wanted": sent.kind == "image", "too_long": len(text) > 4096}
        reason = next((why for why, given in reasons.items() if given), None if text.strip() else "empty")
        value = option or (None if reason else asked.takes(text.strip()))
        if value is None:
            self.attempts += 1
            return "refused", reason or asked.refusal
        path = (*self.path, self.step)
        return self.asks(asked.leads(value), path, on_the_way(path, self.answers | {self.step: value}))

    def asks(self, step: str, path: tuple[str, ...] = (), answers: dict[str, object] | None = None) -> tuple[str, ...]:
        """Moves on: to a question, whose number no question had before, or to an end."""
        self.asked, self.step = (offer(self.step) if step == "expired" and answers else QUESTIONS.get(step)), step
        self.path, self.answers, self.attempts, self.question = path, answers or {}, 0, self.question + 1
        return ("in_progress", *["earlier"] * (step in self.answers)) if step in QUESTIONS else (step,)
