"""Whether an answer is accepted: the choice, the validator, the transformer, in this order.

Here belongs the judgement of one answer to one step, as a generator of calls, so that it is written once: a
synchronous caller runs the calls on the spot, an asynchronous one awaits them. What follows from the verdict belongs
to the machine.

A refusal is a value. Only three exceptions of a flow's code mean one: `Refused`, whose words the member sees, and
``ValueError`` and ``ArithmeticError``, which are what parsing raises and whose words the member never sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Union

from attrs import field, frozen

from fsmflow.callbacks import Callback, callable_of
from fsmflow.calls import Calls
from fsmflow.choices import Offer, read_offer
from fsmflow.edges import Predicate
from fsmflow.errors import BadOptions, Refused, UnexpectedVerdict, Unsuitable
from fsmflow.messages import Option
from fsmflow.per_channel import PerChannel
from fsmflow.step import Step
from fsmflow.storable import check_storable
from fsmflow.wording import Sentences, folded

# WhatsApp and Telegram let a member send 4,096 characters; a validator's regular expression should not meet more.
ANSWER_LIMIT: Final = 4096


@frozen
class Answer:
    """What a member sent in answer to a question.

    Args:
        text: What was typed, or the title of what was tapped.
        option_id: The id of the option that was tapped, as the flow knows it.
        kind: ``"text"``, ``"option"``, or the channel's word for anything else.
        numbered: True if the options were shown as a numbered menu, so that a number chooses one.
    """

    text: str | None = field(default=None, repr=False)
    option_id: str | None = field(default=None, repr=False)
    kind: str = "text"
    numbered: bool = False


@frozen
class Accepted:
    """An answer that counts.

    Args:
        value: What is kept of it.
        option: The option that was chosen, if it was a choice.
        holds: The predicates that were found to hold.
    """

    value: Any = field(repr=False)
    option: Option | None = field(default=None, repr=False)
    holds: frozenset[Predicate] = frozenset()


@frozen
class Refusal:
    """An answer that does not count.

    Args:
        reason: What the member is told.
    """

    reason: str


Verdict = Union[Accepted, Refusal]


@frozen
class StepCallbacks:
    """The callables of a step, understood; None where the step has none.

    Args:
        message: Says the words of the question.
        validator: Accepts or refuses.
        transformer: Makes what is kept.
        kept_as: The type that an answer is kept as: what the transformer says that it returns, or the type of the
            field that holds it; None where nothing says.
        options: Gives what is on offer.
        empty: Says that nothing is.
        on_channel: What says the words on the channels that have words of their own; None where they are fixed there.
    """

    message: Callback | None
    validator: Callback | None
    transformer: Callback | None
    kept_as: Any = None
    options: Callback | None = None
    empty: Callback | None = None
    on_channel: Mapping[str, Callback | None] = field(factory=dict)

    @property
    def all(self) -> tuple[Callback | None, ...]:
        """Every callable of the step."""
        return (
            self.message,
            *self.on_channel.values(),
            self.options,
            self.validator,
            self.transformer,
            self.empty,
        )


def judge(
    flow: object,
    step: Step,
    callbacks: StepCallbacks,
    answer: Answer,
    sentences: Sentences,
    offer: Offer | None = None,
) -> Calls[Verdict]:
    """Judges one answer to one step.

    Args:
        flow: The flow that asks; its class and its callables are used.
        step: The step that was asked.
        callbacks: The step's callables.
        answer: What was sent.
        sentences: The library's own words.
        offer: What is offered now, of a step whose options live.

    Yields:
        The calls of the validator and the transformer.

    Returns:
        The verdict.

    Raises:
        UnexpectedVerdict: The validator returned neither True nor False.
        UnstorableAnswer: What the transformer made would not come back from the store as it is.
        Exception: Whatever else the flow's code raised: a fault of the flow.
    """
    option = None
    if step.has_choices:
        found = chosen(step, answer) if offer is None else chosen_now(offer, answer, sentences)
        if not isinstance(found, Option):
            return found or Refusal(sentences.choose)
        option = found
        value: Any = option.id
    else:
        if answer.kind not in ("text", "option") or answer.text is None:
            return Refusal(sentences.text_wanted)
        if len(answer.text) > ANSWER_LIMIT:
            return Refusal(sentences.too_long.format(limit=ANSWER_LIMIT))
        value = answer.text.strip()
        if not value:
            return Refusal(sentences.empty)
    name = type(flow).__name__
    try:
        if callbacks.validator is not None:
            verdict = yield callbacks.validator.call(flow, callable_of(step.validator), value)
            if verdict is False:
                return Refusal(step.refusal or sentences.not_accepted)
            if verdict is not True and not (verdict is None and callbacks.validator.own):
                raise UnexpectedVerdict(name, step.id, callbacks.validator.name, type(verdict).__name__)
        if callbacks.transformer is not None:
            value = yield callbacks.transformer.call(flow, callable_of(step.transformer), value)
    except Refused as refused:
        return Refusal(_reason(step, refused, sentences) or step.refusal or sentences.not_accepted)
    except (ValueError, ArithmeticError):
        return Refusal(step.refusal or sentences.not_accepted)
    check_storable(name, step.id, value, callbacks.kept_as)
    return Accepted(value, option)


def _reason(step: Step, refused: Refused, sentences: Sentences) -> str:
    """What a refusal says itself. A ready validator's words are the library's: a step's own go before them."""
    if isinstance(refused, Unsuitable):
        return step.refusal or sentences.refusals.said(refused)
    return refused.reason.strip()


def chosen(step: Step, answer: Answer) -> Option | None:
    """The option that an answer chooses: by its id if it was tapped, else by its number or its title as typed.

    A number means the place that was shown, also where another option's title is that number: of "1. 2" and "2. 1" the
    second is 2.
    """
    if not step.options:
        return None
    if answer.option_id is not None:
        return next((option for option in step.options if option.id == answer.option_id), None)
    if answer.kind != "text" or answer.text is None or len(answer.text) > ANSWER_LIMIT:
        return None
    typed = folded(answer.text)
    if answer.numbered and typed.isascii() and typed.isdigit() and len(typed) <= len(str(len(step.options))):
        position = int(typed)
        if 1 <= position <= len(step.options):
            return step.options[position - 1]
    return next((option for option in step.options if folded(option.title) == typed), None)


def chosen_now(offer: Offer, answer: Answer, sentences: Sentences) -> Option | Refusal | None:
    """The option of a set that an answer chooses, or why it chooses none: likewise, but that titles may be alike."""
    if answer.option_id is not None:
        return offer.by_id(answer.option_id) or Refusal(sentences.gone)
    if answer.kind != "text" or answer.text is None or len(answer.text) > ANSWER_LIMIT:
        return None
    typed = folded(answer.text)
    placed = offer.at(typed) if answer.numbered else None
    found = offer.titled(typed) if placed is None else (placed,)
    if len(found) > 1:
        return Refusal(sentences.which_one)
    return next(iter(found), None)


def words_of(flow: object, step: Step, callbacks: StepCallbacks, channel_type: str) -> Calls[Any]:
    """What a step's message says on a channel."""
    said, callback = step.message, callbacks.message
    if isinstance(said, PerChannel):
        callback = callbacks.on_channel.get(channel_type, callback)
        said = said.on(channel_type)
    return said if callback is None else (yield callback.call(flow, callable_of(said)))


def offer_of(flow: object, step: Step, callbacks: StepCallbacks) -> Calls[Offer]:
    """What a step whose options live offers at this moment.

    Raises:
        BadOptions: What its callable gave cannot be offered.
        Exception: Whatever else the flow's code raised.
    """
    assert callbacks.options is not None  # noqa: S101 - the caller has seen that they live
    given = yield callbacks.options.call(flow, callable_of(step.live))
    return read_offer(type(flow).__name__, step.id, given)


def empty_words_of(flow: object, step: Step, callbacks: StepCallbacks) -> Calls[str]:
    """What a step says where it has nothing to choose from; empty if it says nothing."""
    said: Any = step.empty_message
    if callbacks.empty is not None:
        said = yield callbacks.empty.call(flow, callable_of(said))
    if not isinstance(said, (str, type(None))):
        raise BadOptions(type(flow).__name__, step.id, f"empty_message must give words, not {type(said).__name__}")
    return said or ""
