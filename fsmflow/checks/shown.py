"""Rules on what a member is shown: what a channel would refuse, and what asks for a secret.

Here belong the rules that read messages. The questions whose words are fixed are read whether or not the flow's
examples lead to them, the others and the closing words where they do; each against the limits of the channel that it
was said on.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from fsmflow.channels.limits import Limits, length
from fsmflow.checks.findings import Severity
from fsmflow.checks.rules import Remark, Subject, rule
from fsmflow.checks.sensitivity import secret_in_id, secret_in_words
from fsmflow.errors import FlowFault
from fsmflow.messages import Buttons, ListMenu, Message, Section, options_of
from fsmflow.questions import with_option_ids
from fsmflow.step import StepType
from fsmflow.taps import NONCE_LENGTH, wire_id
from fsmflow.wording import folded


@rule(Severity.ERROR)
def title_limit(subject: Subject) -> Iterator[Remark]:
    """An option's title is over a limit of a channel: the question would not be sent there."""
    for limits, state, message in subject.questions:
        limit = _title_limit(limits, message)
        for option in options_of(message):
            if limit is not None and length(option.title) > limit:
                words = f"the title {option.title!r} is {length(option.title)} long, the limit is {limit}"
                yield subject.remark(f"{limits.channel}: {words}", state)


@rule(Severity.WARNING)
def titles_alike(subject: Subject) -> Iterator[Remark]:
    """Titles of one step are alike once they are cut to a limit of a channel: a member could not tell them apart."""
    for limits, state, message in subject.questions:
        limit = _title_limit(limits, message)
        known: dict[str, str] = {}
        for option in options_of(message) if limit is not None else ():
            other = known.setdefault(folded(_cut(option.title, limit or 0)), option.title)
            if other != option.title:
                words = f"{other!r} and {option.title!r} are alike in their first {limit} characters"
                yield subject.remark(f"{limits.channel}: the titles {words}", state)


@rule(Severity.ERROR)
def message_limit(subject: Subject) -> Iterator[Remark]:
    """A channel refuses a question, a refusal or the closing words: too long, too many options, an empty part."""
    for limits, state, message in subject.questions:
        for each, told in (
            (message, subject.what_is_said(state)),
            *((text, "the refusal") for text in subject.refusals(state)),
        ):
            try:
                limits.check(with_option_ids(_plainly_titled(each, limits), partial(wire_id, "0" * NONCE_LENGTH)))
            except FlowFault as fault:
                yield subject.remark(f"{told}: {fault}", state)
            except Exception as fault:  # noqa: BLE001 - a body that is no text, say, which nothing refused before
                yield subject.remark(f"{told} cannot be sent to {limits.channel}: {type(fault).__name__}", state)


@rule(Severity.WARNING)
def not_sensitive(subject: Subject) -> Iterator[Remark]:
    """A step seems to ask for a secret, such as a PIN or a password, and is not `sensitive`."""
    for step in subject.flow.steps:
        if step.type is StepType.TEXT and not step.sensitive:
            texts = [_words_of(message) for _, state, message in subject.questions if state == step.id]
            found = secret_in_id(step.id) or secret_in_words(texts)
            if found is not None:
                wanted = "the audit trail and refusals may hold its answer: say sensitive=True"
                yield Remark(f"it seems to ask for a secret ({found!r}); {wanted}", step.id)


def _title_limit(limits: Limits, message: Message) -> int | None:
    """How long a title may be; None where there is no limit, or where titles are but lines of the body."""
    if limits.numbers_choices or not isinstance(message, (Buttons, ListMenu)):
        return None
    return limits.button_title if isinstance(message, Buttons) else limits.row_title


def _cut(title: str, limit: int) -> str:
    """As much of a title as is within a limit, which counts as the channels do."""
    kept = title
    while length(kept) > limit:
        kept = kept[:-1]
    return kept


def _plainly_titled(message: Message, limits: Limits) -> Message:
    """The message with titles that every channel takes: what is wrong with its own is told by the rules on titles."""
    if limits.numbers_choices or not isinstance(message, (Buttons, ListMenu)):
        return message
    numbers = {option.id: str(number) for number, option in enumerate(options_of(message), 1)}

    def titled(section: Section) -> Section:
        return evolve(section, options=tuple(evolve(each, title=numbers[each.id]) for each in section.options))

    if isinstance(message, Buttons):
        return evolve(message, options=titled(Section("", message.options)).options)
    return evolve(message, sections=tuple(map(titled, message.sections)))


def _words_of(message: Message) -> str:
    parts = (getattr(message, name, None) for name in ("header", "body", "footer"))
    return "\n".join(part for part in parts if isinstance(part, str))
