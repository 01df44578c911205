"""A review of flows: each rule over each flow, and what they found in one report.

Here belongs the way from targets to a report. What is looked for stands in `fsmflow.checks`, how it is told in
`fsmflow.findings`. A flow of which no class could be made, or which cannot be constructed, is a finding of its own; the
others of a folder or a package are looked at all the same, those of its own module are not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from fsmflow.audit import place_of
from fsmflow.channels.limits import Limits
from fsmflow.checks.catalogue import RULES
from fsmflow.checks.findings import CheckedFlow, Finding, Place, Report, Severity
from fsmflow.checks.places import FlowPlaces, place_of_error
from fsmflow.checks.rules import Rule, Subject
from fsmflow.checks.trials import try_flow
from fsmflow.choices import Offer
from fsmflow.discovery import FoundFlow, find_flows
from fsmflow.errors import BadTarget, FlowDefinitionError
from fsmflow.menus import menu_of, with_room
from fsmflow.messages import Buttons, ListMenu, Message, Option, Section
from fsmflow.per_channel import PerChannel
from fsmflow.questions import compose
from fsmflow.registry import Registry, sample_flow
from fsmflow.runner import CHANNELS
from fsmflow.step import Step, StepType
from fsmflow.wording import Sentences

DEFINITION: Final = "definition"
"""What a finding is called that no rule found: no class could be made of a flow."""

_LIMITS: Final = tuple(module.limits for module in CHANNELS)
_UNSAID: Final = "?"  # stands for words that only a callable knows: what stands around them can be looked at
_ANY_OFFER: Final = Offer((Section("", (Option("any", "?"),)),))  # stands for options that only a callable knows


def review(targets: Iterable[str], *, ignored: Collection[str] = ()) -> Report:
    """Looks at flows.

    Args:
        targets: Files, folders, dotted modules, or either of the first and the last with ``:Class``.
        ignored: The names of rules that are not applied.

    Returns:
        What was found.

    Raises:
        BadTarget: A target cannot be found or imported, or holds no flow; or two flows have one flow type.
    """
    wrong: list[Finding] = []

    def set_aside(bad: BadTarget) -> None:
        fault = bad.__cause__
        if not isinstance(fault, FlowDefinitionError):
            raise bad
        wrong.append(_definition(fault, None, place_of_error(fault)))

    flows = find_flows(targets, set_aside=set_aside)
    rules = [rule for rule in RULES if rule.name not in ignored]
    return review_flows(flows, rules=rules, already=wrong)


def review_flows(
    flows: Iterable[FoundFlow], *, rules: Sequence[Rule] = RULES, already: Iterable[Finding] = ()
) -> Report:
    """Looks at flows that were found.

    Args:
        flows: The flows.
        rules: What is looked for.
        already: What was found of flows that could not be made.

    Returns:
        What was found.
    """
    found: list[Finding] = [*already]
    checked: list[CheckedFlow] = []
    starts: dict[str, str] = {}
    for each in flows:
        places = FlowPlaces.of(each.flow)
        checked.append(CheckedFlow(each.flow_type, each.flow.__name__, places.flow))
        try:
            subject = _subject(each, starts)
        except FlowDefinitionError as error:
            found.append(_definition(error, each, places.at(error.step), error.__cause__))
            continue
        except SystemExit as left:  # no exception of the kind that the making of a flow is ready for
            wrong = FlowDefinitionError(each.flow.__name__, None, "making one must not leave the process")
            found.append(_definition(wrong, each, places.flow, left))
            continue
        for keyword in subject.keywords:
            starts.setdefault(keyword, each.flow_type)
        found += _found_in(each, subject, rules, places)
    ignored = tuple(rule.name for rule in RULES if rule not in rules)
    ordered = sorted(dict.fromkeys(found), key=lambda one: (str(one.place.file or ""), one.place.line or 0))
    return Report(tuple(checked), tuple(ordered), ignored)


def _found_in(each: FoundFlow, subject: Subject, rules: Sequence[Rule], places: FlowPlaces) -> list[Finding]:
    return [
        Finding(
            rule=rule.name,
            severity=rule.severity,
            flow_type=each.flow_type,
            class_name=each.flow.__name__,
            step=remark.step,
            words=remark.words,
            place=places.at(remark.step),
        )
        for rule in rules
        for remark in rule.find(subject)
    ]


def _definition(
    error: FlowDefinitionError, each: FoundFlow | None, place: Place, cause: BaseException | None = None
) -> Finding:
    why = "" if cause is None else f" ({type(cause).__name__} at {place_of(cause)})"
    flow_type, name = (None, error.flow) if each is None else (each.flow_type, each.flow.__name__)
    return Finding(DEFINITION, Severity.ERROR, flow_type, name, error.step, f"{error.expected}{why}", place)


def _subject(each: FoundFlow, starts: dict[str, str]) -> Subject:
    flow = sample_flow(each.flow, each.flow_type)
    registered = Registry.of({each.flow_type: each.flow}, asynchronous=True).registrations[each.flow_type]
    trials = {limits.channel: try_flow(each.flow, each.flow_type, limits.channel) for limits in _LIMITS}
    questions: list[tuple[Limits, str, Message]] = []
    for limits in _LIMITS:
        # what a flow within asks, it asks itself; of an action that says nothing the library says something
        for step in flow.steps:
            if step.flow is not None or (step.type is StepType.ACTION and not step.message):
                continue  # the question is another flow's, or the words are the library's
            form = step.message.on(limits.channel) if isinstance(step.message, PerChannel) else step.message
            words = _UNSAID if callable(form) else form
            question = compose(each.flow.__name__, step, words, None if step.live is None else _ANY_OFFER)
            questions.append((limits, step.id, _with_room(step, question, limits)))
        for said in trials[limits.channel].said:
            if said.message is not None:
                asked = next((step for step in flow.steps if step.id == said.state), None)
                questions.append((limits, said.state, _with_room(asked, said.message, limits)))
    return Subject(flow, each.flow_type, registered.keywords, tuple(questions), trials, dict(starts))


def _with_room(step: Step | None, message: Message, limits: Limits) -> Message:
    """A message as the channel has room for it: of options that live the first page."""
    if step is None or not isinstance(message, (Buttons, ListMenu)):
        return message
    if step.live is None:
        return with_room(message, limits, Sentences())
    sections = message.sections if isinstance(message, ListMenu) else (Section("", message.options),)
    menu = menu_of(Offer(sections), limits, Sentences(), as_buttons=isinstance(message, Buttons))
    return menu.message(message, 0)
