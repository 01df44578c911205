"""Reads a flow into a graph: states and transitions in the order of their definition, guards by their names.

Here belongs what is taken from a flow, and how its words are shortened. Nothing of the flow's own code is called:
words that a callable would say are shown as its name.

A picture is of a flow, never of a conversation: an instance that built its own steps may hold its member's data in
their words, so its class is drawn in its place; where that cannot be constructed, words and titles are left out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.graph import FlowGraph, StepNode, Way
from fsmflow.machine import BACK, CANCEL, EXPIRE, REFUSED, RESTART, SUBMIT, FlowTransition, all_transitions
from fsmflow.messages import Option
from fsmflow.registry import sample_flow
from fsmflow.step import Step
from fsmflow.wording import starters

QUESTION_LENGTH: Final = 80  # characters of a question: two or three lines of a box
SUMMARY_LENGTH: Final = 160  # characters of a docstring's first paragraph
TITLE_LENGTH: Final = 24  # characters of an option's title: what a row of a list may have on WhatsApp
_FOLDED: Final = frozenset({REFUSED, BACK, CANCEL, RESTART, EXPIRE})
_JOINERS: Final = "\u200c\u200d"  # invisible, but some scripts and many emoji are misspelt without them


def graph_of(flow: type[Flow] | Flow, flow_type: str | None = None) -> FlowGraph:
    """Reads a flow.

    Args:
        flow: A flow class, or a flow.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.

    Returns:
        The flow as values to draw.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    sample, worded = _sample(flow, flow_type)
    owner = type(sample)
    kind = flow_type or sample.flow_type or owner.__name__
    steps = {step.id: step for step in sample.steps}
    return FlowGraph(
        flow_type=kind,
        class_name=owner.__name__,
        summary=one_line((owner.__doc__ or "").strip().partition("\n\n")[0], SUMMARY_LENGTH),
        starters=tuple(one_line(word, TITLE_LENGTH) for word in starters(sample.keywords, kind)),
        timeout=sample.timeout,
        steps=tuple(
            StepNode(
                id=step.id,
                number=number,
                type=step.type.name,
                words=_words(sample, step, worded=worded),
                choices=_titles(step.options, worded=worded),
                sensitive=step.sensitive,
            )
            for number, step in enumerate(sample.steps, 1)
        ),
        ends=tuple(name for name in sample.machine.states if name not in steps),
        ways=tuple(_ways(sample, steps, worded=worded)),
    )


def one_line(text: str, length: int) -> str:
    """A text as one line of printable characters, cut with an ellipsis.

    Args:
        text: Any text: a flow's words may hold whatever their author typed.
        length: How many characters are kept at most.
    """
    printable = (mark if _shows(mark) else " " for mark in text)
    line = " ".join("".join(printable).split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def _shows(mark: str) -> bool:
    """False for control characters, marks of direction, halves of surrogates and what is assigned to nothing."""
    return (mark.isascii() and mark.isprintable()) or mark in _JOINERS or unicodedata.category(mark)[0] != "C"


def _sample(flow: type[Flow] | Flow, flow_type: str | None) -> tuple[Flow, bool]:
    """A flow to read, and whether its words are its class's own and may be shown."""
    if not isinstance(flow, Flow) or flow._compiled is not None:
        return sample_flow(flow, flow_type), True
    try:
        return sample_flow(type(flow), flow_type or flow.flow_type), True
    except FlowDefinitionError:
        return flow, False


def _ways(flow: Flow, steps: dict[str, Step], *, worded: bool) -> Iterator[Way]:
    for trigger, transition in all_transitions(flow.machine):
        step = steps[transition.source]
        takers = _takers(step, trigger, transition)
        yield Way(
            trigger=trigger,
            name=transition.name,
            source=transition.source,
            dest=transition.dest or transition.source,
            choices=_titles(takers, worded=worded),
            guard=_guard(flow, step, trigger, transition),
            folded=transition.name in _FOLDED and transition.option is None,
        )


def _titles(options: Iterable[Option], *, worded: bool) -> tuple[str, ...]:
    return tuple(one_line(option.title if worded else option.id, TITLE_LENGTH) for option in options)


def _takers(step: Step, trigger: str, transition: FlowTransition) -> tuple[Option, ...]:
    """The options that take a transition: the one it is for, or all that have none of their own."""
    if transition.option is not None:
        return tuple(option for option in step.options if option.id == transition.option)
    onward = trigger == SUBMIT and not transition.refuses
    return tuple(option for option in step.options if onward and option.to is None)


def _guard(flow: Flow, step: Step, trigger: str, transition: FlowTransition) -> str | None:
    """The name of the first condition, where it is more than the library's own "is there an answer"."""
    if not transition.conditions:
        return None
    callbacks = flow.definition.callbacks[step.id]
    if trigger == SUBMIT and callbacks.validator is None and callbacks.transformer is None:
        return None
    return str(getattr(transition.conditions[0].func, "__name__", transition.conditions[0].func))


def _words(flow: Flow, step: Step, *, worded: bool) -> str:
    said = step.message
    if callable(said):
        callback = flow.definition.callbacks[step.id].message
        return f"({step.id}_message)" if callback is None else f"({callback.name})"
    if not worded:
        return "(words of one conversation)"
    return one_line(said if isinstance(said, str) else said.body, QUESTION_LENGTH)
