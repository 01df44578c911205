"""What is said at a step: its words and its options put together.

Here belongs the composing of messages from what a step says; which message is said when belongs to the turn, and how
long it may be to the channel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve

from fsmflow.choices import Offer
from fsmflow.errors import FlowDefinitionError
from fsmflow.messages import (
    ApprovedTemplate,
    Buttons,
    ListMenu,
    Location,
    Media,
    Message,
    Option,
    Section,
    Text,
    options_of,
)
from fsmflow.step import Step, StepType

_MESSAGES = (Text, Buttons, ListMenu, ApprovedTemplate, Media, Location)


def compose(flow: str, step: Step, said: Any, offer: Offer | None = None) -> Message:
    """The question of a step.

    Args:
        flow: The flow's name, for the error.
        step: The step: its type and its options.
        said: What its message says: a str, a `Text`, or a `Buttons` or `ListMenu` without options.
        offer: What is offered now, of a step whose options live.

    Returns:
        A `Text` for a TEXT step, a `Buttons` or a `ListMenu` with the step's options for the others.

    Raises:
        FlowDefinitionError: `said` is none of these: the message callable is wrong.
    """
    if not isinstance(said, (str, Text, Buttons, ListMenu)):
        wanted = f"message must give words or a message, not {type(said).__name__}"
        raise FlowDefinitionError(flow, step.id, wanted)
    if step.type is StepType.TEXT:
        if isinstance(said, (Buttons, ListMenu)):
            raise FlowDefinitionError(flow, step.id, "a TEXT step is asked with a str or a Text")
        return Text(said) if isinstance(said, str) else said
    if not isinstance(said, str) and options_of(said):
        raise FlowDefinitionError(flow, step.id, "the options belong to the step, not to its message")
    body = said if isinstance(said, str) else said.body
    header = getattr(said, "header", None)
    footer = getattr(said, "footer", None)
    sections = step.sections if offer is None else offer.sections
    if step.type is StepType.BUTTON:
        return Buttons(body, step.options if offer is None else offer.options, header=header, footer=footer)
    button = said.button if isinstance(said, ListMenu) else ListMenu("").button
    return ListMenu(body, button, sections, header=header, footer=footer)


def closing(flow: str, said: Any, *, by: str = "complete") -> Message:
    """The closing words of a flow, from what its ``complete`` or its ``handed_over`` returned.

    Args:
        flow: The flow's name, for the error.
        said: A str or a message.
        by: Which of the two.

    Returns:
        The message.

    Raises:
        FlowDefinitionError: It is neither.
    """
    if isinstance(said, str):
        return Text(said)
    if isinstance(said, _MESSAGES):
        return said
    raise FlowDefinitionError(flow, None, f"{by} must give words or a message, not {type(said).__name__}")


def with_reason(reason: str, question: Message) -> Message:
    """A question with a sentence before it, in one message: on WhatsApp each message is charged for."""
    if isinstance(question, (Text, Buttons, ListMenu)):
        return evolve(question, body=f"{reason}\n\n{question.body}")
    return question


def with_option_ids(message: Message, rename: Callable[[str], str], rename_turn: Callable[[str], str] = str) -> Message:
    """The same message, its options' ids renamed and their targets left out: what may leave the process."""

    def sent(options: tuple[Option, ...]) -> tuple[Option, ...]:
        return tuple([Option(rename(option.id), option.title, option.description) for option in options])

    if isinstance(message, Buttons):
        return Buttons(message.body, sent(message.options), message.header, message.footer)
    if isinstance(message, ListMenu):
        sections = tuple(Section(each.title, sent(each.options)) for each in message.sections)
        turns = tuple(Option(rename_turn(each.id), each.title) for each in message.turns)
        return evolve(message, sections=sections, turns=turns)
    return message
