"""The sentences of the ready validators, which a runner may be given in another language.

Here belong the sentences (`Refusals`), how one is told (`said`) and the check of the fields in braces, to which
`wording` holds its own sentences as well. When which is said belongs to the validator that says it, in
`fsmflow.validators`.

Each sentence says what is wanted and gives an example; none quotes what was answered, which may be a secret. The
fields are filled in with what the validator wants, so that a translation needs no code:
``Sentences(refusals=Refusals(whole="…"))``. Rejected: words at each validator. A flow is written once, and run in
several languages by several runners.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

from attrs import fields, frozen

from fsmflow.errors import Unsuitable

# What is filled into a sentence besides its example, with a value to try it with.
_FILLED_IN: Final[Mapping[str, Mapping[str, object]]] = {
    "longer": {"least": 2},
    "shorter": {"most": 40},
    "larger": {"least": "1"},
    "smaller": {"most": "10"},
    "digits": {"most": 30},
    "decimals": {"most": 2},
    "denomination": {"denominations": "USD, CAD"},
    "later": {"earliest": "2026-03-24"},
    "earlier": {"latest": "2026-03-24"},
    "choice": {"choices": "small, large"},
    "yes_or_no": {"yes": "yes", "no": "no"},
}
_EXAMPLE: Final[Mapping[str, object]] = {"example": "7"}


@frozen
class Refusals:
    """What is said where a ready validator refuses. A sentence may leave its fields out; each has ``{example}``.

    Args:
        longer: A text is too short. ``{least}``: characters.
        shorter: A text is too long. ``{most}``: characters.
        unseen: A text has characters that nobody sees, or accents without end.
        letters: Something else than letters was sent.
        form: A text has not the form that is wanted.
        whole: No whole number was sent.
        number: No number was sent.
        unclear: A number has a mark that stands for decimals to some and for thousands to others.
        larger: A number is too small. ``{least}``.
        smaller: A number is too large. ``{most}``.
        digits: A number has too many digits. ``{most}``.
        decimals: A number has too many decimals. ``{most}``.
        amount: No amount of money was sent.
        nothing: An amount is zero or less.
        denomination: An amount is in something else, or does not say in what. ``{denominations}``: what it may be in.
        date: No date was sent.
        time: No time of day was sent.
        moment: No date with a time of day was sent.
        skipped: The clocks are put forward over this moment, or back to it, so that it is there never or twice.
        later: A moment is too early. ``{earliest}``.
        earlier: A moment is too late. ``{latest}``.
        phone: No phone number was sent.
        email: No email address was sent.
        choice: None of the choices was sent. ``{choices}``.
        yes_or_no: Neither yes nor no was sent. ``{yes}``, ``{no}``: the first word for each.
        narrowed: A condition of the flow's own, which has no words of its own, does not hold.

    Raises:
        ValueError: A sentence says nothing, or has braces that are none of its fields; it names the sentence.
    """

    longer: str = "Please send at least {least} characters, such as {example}."
    shorter: str = "Please send at most {most} characters, such as {example}."
    unseen: str = "Please use only characters that can be seen, such as {example}."
    letters: str = "Please use letters only, such as {example}."
    form: str = "Please send it in this form: {example}."
    whole: str = "Please send a whole number, such as {example}."
    number: str = "Please send a number, such as {example}."
    unclear: str = "Please write the number so that thousands and decimals are not mistaken, such as {example}."
    larger: str = "Please send {least} or more, such as {example}."
    smaller: str = "Please send {most} or less, such as {example}."
    digits: str = "Please use at most {most} digits, such as {example}."
    decimals: str = "Please use at most {most} decimals, such as {example}."
    amount: str = "Please send an amount, such as {example}."
    nothing: str = "Please send an amount of more than zero, such as {example}."
    denomination: str = "Please name one of {denominations} with the amount, such as {example}."
    date: str = "Please send a date with day, month and year, such as {example}."
    time: str = "Please send a time of day, such as {example}."
    moment: str = "Please send a date and a time of day, such as {example}."
    skipped: str = "The clocks are changed at that time. Please send another, such as {example}."
    later: str = "Please send {earliest} or later, such as {example}."
    earlier: str = "Please send {latest} or earlier, such as {example}."
    phone: str = "Please send a phone number, such as {example}."
    email: str = "Please send an email address, such as {example}."
    choice: str = "Please send one of {choices}."
    yes_or_no: str = "Please send {yes} or {no}."
    narrowed: str = "That answer cannot be used. Please try another, such as {example}."

    def __attrs_post_init__(self) -> None:
        for each in fields(Refusals):
            sentence = getattr(self, each.name)
            if sentence is not each.default:
                check_sentence(each.name, sentence, {**_FILLED_IN.get(each.name, {}), **_EXAMPLE})

    def said(self, refused: Unsuitable) -> str:
        """The words for a refusal; its own where it names no sentence, or has other values than that fills in."""
        sentence = getattr(self, refused.sentence, None)
        try:
            return sentence.format(**refused.values) if isinstance(sentence, str) else refused.reason
        except (ValueError, LookupError):  # made by hand: those of the ready validators fit
            return refused.reason


_ENGLISH: Final = Refusals()


def unsuitable(sentence: str, **values: object) -> Unsuitable:
    """The refusal that says a sentence.

    Args:
        sentence: The name of a field of `Refusals`.
        **values: What is filled in, the example among it. Never anything of the answer.
    """
    words: Any = getattr(_ENGLISH, sentence)
    return Unsuitable(words.format(**values), sentence, values)


def check_sentence(name: str, sentence: object, values: Mapping[str, object] | None) -> None:
    """Raises what a member would run into, while the application can still be told.

    Args:
        name: What the sentence is called.
        sentence: The sentence.
        values: What is filled into it, with a value to try it with; None for nothing.

    Raises:
        ValueError: It says nothing, or has braces that are none of its fields.
    """
    if not isinstance(sentence, str) or not sentence.strip():
        raise ValueError(f"the sentence {name!r} must be a text that is not blank")
    if values is None:
        if "{" in sentence or "}" in sentence:
            raise ValueError(f"the sentence {name!r} must have no braces: nothing is filled in")
        return
    try:
        known = {found for _, found, _, _ in Formatter().parse(sentence) if found is not None} <= values.keys()
        if known:
            sentence.format(**values)  # what stands after a colon, or an exclamation mark, can be wrong as well
    except (ValueError, LookupError):
        known = False
    if not known:
        allowed = " and ".join(f"{{{field_name}}}" for field_name in values)
        raise ValueError(f"the sentence {name!r} must have no other fields in braces than {allowed}")
