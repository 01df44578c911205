"""What a rule is, and what it looks at.

Here belong the shape of a rule and the flow that it is handed, ready to be read: its questions, what came of trying it.
The rules themselves stand in `fsmflow.checks`; a finding, which is a remark with a name and a place, in
`fsmflow.findings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from fsmflow.channels.limits import Limits
from fsmflow.checks.findings import Severity
from fsmflow.checks.trials import Answered, Input, Kind, Said, Trial
from fsmflow.flow import Flow
from fsmflow.messages import Message, Text

_DONE: Final = {
    Kind.THROUGH: "going through its flow",
    Kind.LEFT_OUT: "leaving it out",
    Kind.USED_UP: "the last attempt at it",
    Kind.DONE: "its effect is done",
}


@frozen
class Remark:
    """One thing that a rule found.

    Args:
        words: What is wrong, and where it is short what would be right.
        step: The id of the step; None for what is the whole flow's.
    """

    words: str
    step: str | None = None


@frozen(eq=False)
class Subject:
    """A flow to look at.

    Args:
        flow: One of it, at its first step.
        flow_type: Which flow it is.
        keywords: What starts it, folded.
        questions: What is said, with the step or the end that it is said at, on each channel: the questions of all
            steps, the fixed ones whether or not they were reached, and the closing words.
        trials: What came of trying it, by channel.
        starts: The flow type that each keyword starts, of the flows that are looked at before this one.
    """

    flow: Flow[Any]
    flow_type: str
    keywords: tuple[str, ...]
    questions: tuple[tuple[Limits, str, Message], ...]
    trials: Mapping[str, Trial]
    starts: Mapping[str, str]

    def answered(self) -> Iterator[Answered]:
        """Every input that was tried, on each channel."""
        for trial in self.trials.values():
            yield from trial.answered

    def said(self) -> Iterator[Said]:
        """All that was said, or should have been, on each channel."""
        for trial in self.trials.values():
            yield from trial.said

    def what_is_said(self, state: str) -> str:
        """What is said at a step or an end, in words."""
        return "the question" if self.is_step(state) else f"the closing words ({state})"

    def refusals(self, state: str) -> tuple[Text, ...]:
        """What a step says where its validator refuses without words of its own."""
        return tuple(Text(step.refusal) for step in self.flow.steps if step.id == state and step.refusal)

    def remark(self, words: str, state: str) -> Remark:
        """A remark about a step; one about an end is the whole flow's."""
        return Remark(words, state if self.is_step(state) else None)

    def is_step(self, state: str) -> bool:
        """True for a step, False for an end."""
        return state in self.flow.definition.index

    def named(self, given: Input) -> str:
        """An input in words; of a sensitive step without its value."""
        if given.kind is Kind.OPTION:
            return f"the option {given.value!r}"
        if given.kind is Kind.ANYTHING:
            return "any text"
        if given.kind in _DONE:
            return _DONE[given.kind]
        told = given.number if given.step in self.flow.definition.sensitive else repr(given.value)
        return f"the {given.kind.value} {told}"


@frozen
class Rule:
    """Something that is looked for.

    Args:
        name: What it is called.
        severity: How grave it is.
        summary: What it finds, in a line.
        find: Looks at a flow.
    """

    name: str
    severity: Severity
    summary: str
    find: Callable[[Subject], Iterator[Remark]]


def rule(severity: Severity) -> Callable[[Callable[[Subject], Iterator[Remark]]], Rule]:
    """Makes a rule of a function: its name with hyphens, its summary the first line of the docstring."""

    def made(find: Callable[[Subject], Iterator[Remark]]) -> Rule:
        summary = (find.__doc__ or "").strip().partition("\n")[0]
        return Rule(find.__name__.replace("_", "-"), severity, summary, find)

    return made
