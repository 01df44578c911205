"""Two flows to talk to at random, twice over: as their author wrote them, and as a member would tell them.

The one has all that leads somewhere: branches, a circle, ends of several kinds, a validator, a transformer, words that
quote the answers, options whose titles are global words. The other is one question without a timeout. The plain
description beside them is for the reference model, which must not ask the package what a flow means: what is asked,
the offer to go on after a silence included, what can be answered, and where the answers lead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from fsmflow import Flow, Option, Step, StepType


class Trip(Flow):
    """By land or by sea, and once more from there."""

    flow_type = "trip"
    keywords: tuple[str, ...] = ("trip", "new trip")

    def valid_days(self, value: str) -> bool:
        return value.isdigit()  # so is "²", which is no Decimal

    def parse_days(self, value: str) -> Decimal:
        return Decimal(value)

    def harbours(self) -> str:
        return f"Which harbour, after {self.data.get('days', 'no')} days by {self.data['way']}?"

    def summary(self) -> str:
        return "So far: " + ", ".join(f"{step_id} {answer}" for step_id, answer in sorted(self.data.items())) + "."

    steps = (
        Step(
            id="way",
            type=StepType.BUTTON,
            message="By land or by sea?",
            options=(
                Option("land", "Land"),
                Option("sea", "Sea", to="harbour"),
                Option("none", "Stay", to="cancelled"),
            ),
        ),
        Step(
            id="days",
            type=StepType.TEXT,
            message="How many days?",
            validator=valid_days,
            transformer=parse_days,
            refusal="Days are counted.",
        ),
        Step(id="town", type=StepType.TEXT, message="Which town?"),
        Step(
            id="harbour",
            type=StepType.LIST,
            message=harbours,
            options=(Option("accra", "Accra"), Option("tema", "Tema"), Option("lost", "No other", to="failed")),
        ),
        Step(
            id="more",
            type=StepType.BUTTON,
            message=summary,
            options=(Option("again", "Restart", to="way"), Option("days", "Back", to="days"), Option("done", "Done")),
        ),
    )

    def complete(self) -> str:
        return f"Good journey by {self.data['way']}."


class Tip(Flow):
    """One question, which waits for ever."""

    flow_type = "tip"
    keywords: tuple[str, ...] = ("tip",)
    timeout = None
    steps = (Step(id="advice", type=StepType.TEXT, message="What do you advise?"),)

    def complete(self) -> str:
        return "Thank you for that."


GLOBAL_WORDS = ("back", "cancel", "restart", "help")


@frozen
class Question:
    """One question, as a member would tell it.

    Args:
        words: What is asked, by the answers so far.
        then: Where an answer leads.
        elsewhere: Where those answers lead that lead elsewhere.
        options: What can be chosen, by what is shown of it in lower case.
        obeys: The global words that mean something here.
        takes: What is kept of a text; None refuses it.
        refusal: What is said then.
        good: Texts that it takes.
        first: The first question of its flow.
        timeout: How long it waits.
        keyword: What starts its flow.
        closing: What is said when it leads to the end.
    """

    words: Callable[[Mapping[str, Any]], str]
    then: str
    elsewhere: Mapping[Any, str] = field(factory=dict)
    options: dict[str, str] = field(factory=dict)
    obeys: tuple[str, ...] = GLOBAL_WORDS
    takes: Callable[[str], Any] = str
    refusal: str = "not_accepted"
    good: tuple[str, ...] = ()
    first: str = "way"
    timeout: timedelta | None = timedelta(minutes=5)
    keyword: str = "trip"
    closing: Callable[[Mapping[str, Any]], str] = lambda answers: f"Good journey by {answers['way']}."

    @property
    def numbered(self) -> dict[str, str]:
        """What can be chosen where each option is shown with its number."""
        return self.options | {str(number): option for number, option in enumerate(self.options.values(), 1)}

    def leads(self, answer: Any) -> str:
        """Where an answer leads."""
        return self.elsewhere.get(answer, self.then)


def _harbours(answers: Mapping[str, Any]) -> str:
    return f"Which harbour, after {answers.get('days', 'no')} days by {answers['way']}?"


def _summary(answers: Mapping[str, Any]) -> str:
    return "So far: " + ", ".join(f"{step} {answers[step]}" for step in sorted(answers)) + "."


QUESTIONS: Mapping[str, Question] = {
    "way": Question(
        lambda _: "By land or by sea?",
        then="days",
        elsewhere={"sea": "harbour", "none": "cancelled"},
        options={"land": "land", "sea": "sea", "stay": "none"},
    ),
    "days": Question(
        lambda _: "How many days?",
        then="town",
        takes=lambda text: Decimal(int(text)) if text.isdecimal() else None,
        refusal="Days are counted.",
        good=("3", "٣", " 12 ", "000"),
    ),
    "town": Question(
        lambda _: "Which town?", then="harbour", good=("Kumasi", "trip", "please cancel", "👩‍👩‍👧 é\u0301")
    ),
    "harbour": Question(
        _harbours,
        then="more",
        elsewhere={"lost": "failed"},
        options={"accra": "accra", "tema": "tema", "no other": "lost"},
    ),
    "more": Question(
        _summary,
        then="completed",
        elsewhere={"again": "way", "days": "days"},
        options={"restart": "again", "back": "days", "done": "done"},
    ),
    "advice": Question(
        lambda _: "What do you advise?",
        then="completed",
        good=("Go by sea.",),
        first="advice",
        timeout=None,
        keyword="tip",
        closing=lambda _: "Thank you for that.",
    ),
}
STARTS: Mapping[str, str] = {"trip": "way", "new trip": "way", "tip": "advice"}


def on_the_way(path: tuple[str, ...], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers on a path and ahead of it, as far as they lead on from its last; the others were left."""
    ahead = [QUESTIONS[path[-1]].leads(answers[path[-1]])]
    while ahead[-1] in answers and ahead[-1] not in ahead[:-1]:
        ahead.append(QUESTIONS[ahead[-1]].leads(answers[ahead[-1]]))
    return {step: answers[step] for step in answers if step in (*path, *ahead)}


def offer(stood: str) -> Question:
    """What is asked after a silence: whether to go on where the run stood. Its choices are words, and no answers."""
    return Question(
        lambda _: "There was no answer for 5 minutes. Your answers are kept: would you like to continue?",
        then=stood,
        options={"continue": "continue", "start over": "restart"},
        obeys=("cancel", "restart", "help"),
        timeout=None,
    )
