"""Checks of steps: what can be seen from them alone, when a flow's class is made.

Here belongs what each step and its options, words and ways must be like; where they lead together belongs to `edges`,
what their callables take and give to `callbacks`. Each mistake is told by class, step and what is expected.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from fsmflow.choices import OPTION_ID_LIMIT, wrong_with_sections
from fsmflow.errors import FlowDefinitionError
from fsmflow.messages import Buttons, ListMenu, Option, Section, Text, options_of
from fsmflow.per_channel import PerChannel
from fsmflow.state import FAILED, HANDOVER, RESERVED_DATA_KEYS, TERMINAL_STATES
from fsmflow.step import AS_THE_FLOW, Route, Step, StepType
from fsmflow.wording import folded

STEP_ID_LIMIT: Final = 64


def check_steps(flow: str, steps: Sequence[Step]) -> None:
    """Checks what can be seen from the steps alone.

    Args:
        flow: The name of the flow's class, for the error.
        steps: The steps.

    Raises:
        FlowDefinitionError: There are none, or an id, a type, an option or a target is wrong.
    """
    if not steps:
        raise FlowDefinitionError(flow, None, "a flow needs at least one step")
    seen: set[str] = set()
    for step in steps:
        if not isinstance(step, Step):
            raise FlowDefinitionError(flow, None, f"steps holds Step objects, not {type(step).__name__}")
        _check_id(flow, step.id, seen)
        if not isinstance(step.type, StepType) or (step.type is StepType.FLOW) is not (step.flow is not None):
            raise FlowDefinitionError(flow, step.id, "type must be StepType.TEXT, BUTTON or LIST")
        _check_words(flow, step)
        seen.add(step.id)
    for step in steps:
        _check_options(flow, step, seen)
        _check_ways(flow, step, seen)
    if steps[0].skip_when is not None:
        raise FlowDefinitionError(flow, steps[0].id, "the first step is always asked: skip_when is for later ones")


def _check_id(flow: str, step_id: Any, seen: set[str]) -> None:
    if not isinstance(step_id, str) or not step_id.isascii() or not step_id.isidentifier():
        raise FlowDefinitionError(flow, str(step_id), "a step id is a Python identifier in ASCII")
    if len(step_id) > STEP_ID_LIMIT:
        raise FlowDefinitionError(flow, step_id, f"a step id has at most {STEP_ID_LIMIT} characters")
    if step_id in RESERVED_DATA_KEYS or step_id in TERMINAL_STATES:
        raise FlowDefinitionError(flow, step_id, "this id is reserved: choose another")
    if step_id in seen:
        raise FlowDefinitionError(flow, step_id, "a step id is unique within its flow")


def _check_words(flow: str, step: Step) -> None:
    if step.type is StepType.ACTION:
        return
    if step.flow is not None:
        if getattr(step.flow, "_compiled", None) is None:
            raise FlowDefinitionError(flow, step.id, "a SubFlow takes a Flow class that has its steps")
        try:
            inspect.signature(step.flow.__init__).bind(None, member_id="", channel=None)
        except TypeError:
            wanted = "a SubFlow is made with member_id and channel, which its __init__ must take"
            raise FlowDefinitionError(flow, step.id, wanted) from None
        return
    for said in step.message.forms if isinstance(step.message, PerChannel) else (step.message,):
        _check_form(flow, step, said)
    if not isinstance(step.refusal, (str, type(None))):
        raise FlowDefinitionError(flow, step.id, "refusal must be words")
    if not all(isinstance(example, str) for example in (*step.examples, *step.counterexamples)):
        raise FlowDefinitionError(flow, step.id, "examples and counterexamples are what a member would type")


def _check_form(flow: str, step: Step, said: Any) -> None:
    if isinstance(said, (Text, Buttons, ListMenu)):
        if not step.has_choices and not isinstance(said, Text):
            raise FlowDefinitionError(flow, step.id, "a TEXT step is asked with a str or a Text")
        if options_of(said):
            raise FlowDefinitionError(flow, step.id, "the options belong to the step, not to its message")
        said = said.body
    if not callable(said) and not isinstance(said, str):
        raise FlowDefinitionError(flow, step.id, "message must be words, a message, or a callable that gives one")
    if isinstance(said, str) and not said.strip():
        raise FlowDefinitionError(flow, step.id, "message must not be empty")


def check_silences(flow: str, steps: Sequence[Step], timeout: timedelta | None) -> None:
    """Checks how long the steps of a flow wait.

    Args:
        flow: The name of the flow's class, for the error.
        steps: The steps.
        timeout: The flow's own timeout.

    Raises:
        FlowDefinitionError: One is no length of time, or a reminder would not come before the end.
    """
    for step in steps:
        own: Any = step.timeout
        if not (own is AS_THE_FLOW or own is None or (isinstance(own, timedelta) and own > timedelta())):
            raise FlowDefinitionError(flow, step.id, "timeout is a timedelta above zero, or None for never")
        reminder: Any = step.reminder
        if reminder is None:
            continue
        if not isinstance(reminder, timedelta) or reminder <= timedelta():
            raise FlowDefinitionError(flow, step.id, "reminder is a timedelta above zero, or None for never")
        silence = timeout if own is AS_THE_FLOW else own
        if silence is not None and reminder >= silence:
            raise FlowDefinitionError(flow, step.id, "reminder must be shorter than the timeout")


def _check_options(flow: str, step: Step, step_ids: set[str]) -> None:
    if not step.has_choices and step.offered != ():
        raise FlowDefinitionError(flow, step.id, "a TEXT step has no options: use BUTTON or LIST")
    if step.live is not None:
        _check_live(flow, step, step_ids)
        return
    if step.when_empty is not None or step.empty_message is not None:
        wanted = "when_empty and empty_message are for options that a callable gives"
        raise FlowDefinitionError(flow, step.id, wanted)
    if not step.has_choices:
        return
    _check_sections(flow, step)
    if not step.options:
        raise FlowDefinitionError(flow, step.id, f"a {step.type.name} needs options")
    _check_fixed(flow, step, step_ids)


def _check_fixed(flow: str, step: Step, step_ids: set[str]) -> None:
    ids: set[str] = set()
    titles: set[str] = set()
    for option in step.options:
        if not isinstance(option, Option):
            raise FlowDefinitionError(flow, step.id, f"options holds Option objects, not {type(option).__name__}")
        option_id: Any = option.id
        if not isinstance(option_id, str) or not option_id.isprintable():
            raise FlowDefinitionError(flow, step.id, "an option id is a str without control characters")
        if not 1 <= len(option_id.encode()) <= OPTION_ID_LIMIT:
            raise FlowDefinitionError(flow, step.id, f"an option id has 1 to {OPTION_ID_LIMIT} bytes")
        if option.id in ids:
            raise FlowDefinitionError(flow, step.id, f"the option id {option.id!r} is used twice")
        title: Any = option.title
        if not isinstance(title, str) or not title.strip():
            raise FlowDefinitionError(flow, step.id, f"the option {option.id!r} needs a title")
        if folded(option.title) in titles:
            raise FlowDefinitionError(flow, step.id, f"two options have the title {option.title!r}")
        if option.to is not None and str(option.to) not in step_ids | TERMINAL_STATES:
            wanted = f"the option {option.id!r} leads to {option.to!r}, which is no step and no end of this flow"
            raise FlowDefinitionError(flow, step.id, wanted)
        ids.add(option.id)
        titles.add(folded(option.title))


def _check_sections(flow: str, step: Step) -> None:
    sections = [item for item in step.offered if isinstance(item, Section)]
    if not sections:
        return
    wrong = wrong_with_sections(sections)
    if len(sections) < len(step.offered):
        wrong = "options holds Option objects or Section objects, not both"
    elif not all(section.options for section in sections):
        wrong = "a section needs options"
    if wrong is not None:
        raise FlowDefinitionError(flow, step.id, wrong)


def _check_live(flow: str, step: Step, step_ids: set[str]) -> None:
    if inspect.isasyncgenfunction(getattr(step.live, "__func__", step.live)):
        raise FlowDefinitionError(flow, step.id, "options must be given at once: let it return a list, not yield")
    if not isinstance(step.empty_message, (str, type(None))) and not callable(step.empty_message):
        raise FlowDefinitionError(flow, step.id, "empty_message must be words, or a callable that gives them")
    if isinstance(step.empty_message, str) and not step.empty_message.strip():
        raise FlowDefinitionError(flow, step.id, "empty_message must not be empty")
    if step.when_empty is None:
        if step.empty_message is not None:
            raise FlowDefinitionError(flow, step.id, "empty_message needs when_empty: where to go then")
    elif step.when_empty not in step_ids | TERMINAL_STATES:
        wanted = f"when_empty is {step.when_empty!r}, which is no step and no end of this flow"
        raise FlowDefinitionError(flow, step.id, wanted)


def _check_ways(flow: str, step: Step, step_ids: set[str]) -> None:
    for route in step.routes:
        if not isinstance(route, Route):
            raise FlowDefinitionError(flow, step.id, f"routes holds Route objects, not {type(route).__name__}")
        if str(route.to) not in step_ids | TERMINAL_STATES:
            raise FlowDefinitionError(flow, step.id, f"a route leads to {route.to!r}, which is no step and no end")
    if any(route.when is None for route in step.routes[:-1]):
        raise FlowDefinitionError(flow, step.id, "a route without a predicate is the last: none after it is tried")
    if not isinstance(step.optional, bool):
        raise FlowDefinitionError(flow, step.id, "optional is True or False")
    attempts: object = step.max_attempts
    if (attempts is None) is not (step.on_exhausted is None):
        raise FlowDefinitionError(flow, step.id, "max_attempts and on_exhausted belong together")
    if attempts is None:
        return
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        raise FlowDefinitionError(flow, step.id, "max_attempts is a number from 1")
    if str(step.on_exhausted) not in (step_ids - {step.id}) | {FAILED, HANDOVER}:
        wanted = f"on_exhausted is another step, {FAILED!r} or {HANDOVER!r}, not {step.on_exhausted!r}"
        raise FlowDefinitionError(flow, step.id, wanted)
