"""Reusable messages: a prompt with examples, a confirmation, a menu, an error, a receipt.

Each builder takes whom it speaks to first, so that it can write for that member's channel; a flow is such an
`Audience`, so a step's callable says ``prompt(self, "How much?", examples=("100", "USD 100"))``. What comes back is a
message that every channel takes, whatever was put in:

- **One look.** Titles, labels and examples are bold where the channel has a markup for it. The markup is the builder's
  alone: every string that is put in is shown as it was written, be it a flow's words or what a member typed.
- **Nothing smuggled in.** A member's answer that is shown back cannot forge a line of a receipt, turn the direction of
  the writing, or open a bold that ends after the amount: control and invisible characters go, a value is one line,
  and a character that would be read as markup is replaced by its look-alike. (Rejected: an invisible character beside
  it, as a channel's clients disagree on what ends a markup.) A dash or a number that opens a line stays: at worst the
  line is shown as an item of a list.
- **Never too long.** Each part has a share of the shortest limit of all channels. What is over it ends in an ellipsis;
  lines that do not fit are replaced by one.

Options are not put in: they belong to the step, and the turn puts the two together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import frozen

from fsmflow.graphemes import ELLIPSIS, JOINERS, cut, units
from fsmflow.messages import Buttons, Channel, ListMenu, Option, Text

# The shortest limits of all channels, in UTF-16 code units: today WhatsApp's (fsmflow.channels.whatsapp_outbound,
# which cites Meta). A test holds them to every channel's own.
TEXT_LIMIT = 4096
BODY_LIMIT = 1024
LABEL_LIMIT = 20
FOOTER_LIMIT = 60

# The shares of the parts. A longest title and a longest closing leave a third of a body for the lines between them.
TITLE_SHARE = 60
LINE_LABEL_SHARE = 40
VALUE_SHARE = 120
CLOSING_SHARE = 600
EXAMPLES_SHOWN = 5

_NOTHING = "–"  # stands for a blank: a channel refuses an empty body, and a label without a value looks broken
_LOOKALIKES = str.maketrans({"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"})  # each of one code unit
# WhatsApp reads a mark as markup only at the edge of a word: 5*3 and ama_k stay as they are
_MARK_AT_AN_EDGE = re.compile(r"(?<![^\W_])[*_~`]|[*_~`](?![^\W_])")
_QUOTE_AT_LINE_START = re.compile(r"^(\s*)>", re.MULTILINE)
_LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class Audience(Protocol):
    """Whom a message is for: a flow, or an `Addressee` where there is none."""

    @property
    def member_id(self) -> str:
        """The member."""

    @property
    def channel(self) -> Channel:
        """Where the member reads it."""


@frozen
class Addressee:
    """An audience by itself, for what is said outside of a flow.

    Args:
        member_id: The member.
        channel: Where the member reads it.
    """

    member_id: str
    channel: Channel


def prompt(
    audience: Audience, question: str, *, examples: Sequence[str] = (), examples_label: str = "For example"
) -> Text:
    """A question, with answers that would be accepted.

    Args:
        audience: Whom it is for.
        question: The question.
        examples: Answers that would be accepted; the first five are shown.
        examples_label: What stands before them.

    Returns:
        The question, and the examples in a line below it.
    """
    channel = audience.channel
    if not examples:
        return Text(_several_lines(question, TEXT_LIMIT, channel))
    in_bold = [_bold(_one_line(example, VALUE_SHARE, channel), channel) for example in examples[:EXAMPLES_SHOWN]]
    below = f"{_one_line(examples_label, LINE_LABEL_SHARE, channel)}: {', '.join(in_bold)}"
    return Text(_paragraphs([_several_lines(question, TEXT_LIMIT - units(below) - 2, channel), below]))


def confirmation(
    audience: Audience,
    title: str,
    lines: Sequence[tuple[str, str]],
    *,
    question: str | None = None,
    footer: str | None = None,
) -> Buttons:
    """What was collected, to be looked at before it counts.

    Args:
        audience: Whom it is for.
        title: What it is about, in a line of at most 60 UTF-16 code units.
        lines: What was collected, as labels (at most 40) and values (at most 120).
        question: What is asked, below the lines (at most 600).
        footer: A line in small print (at most 60).

    Returns:
        Buttons without options: they belong to the step. See `confirm_or_decline`.
    """
    closing = [_several_lines(question, CLOSING_SHARE, audience.channel)] if question is not None else []
    return Buttons(_with_lines(audience, title, lines, closing, BODY_LIMIT), footer=_footer(audience, footer))


def confirm_or_decline(
    confirm: str = "Confirm", decline: str = "Decline", *, to: str = "cancelled"
) -> tuple[Option, Option]:
    """The two options of a step that asks for a confirmation.

    Args:
        confirm: The title of the one that goes on, with the id ``confirm``; at most 20 UTF-16 code units.
        decline: The title of the other, with the id ``decline``; as long, and another one.
        to: The step or terminal state that declining leads to.
    """
    return Option("confirm", confirm), Option("decline", decline, to=to)


def menu(audience: Audience, body: str, *, button: str = "Choose", footer: str | None = None) -> ListMenu:
    """A choice from a list.

    Args:
        audience: Whom it is for.
        body: What is asked, at most 1024 UTF-16 code units.
        button: The label that opens the list (at most 20).
        footer: A line in small print (at most 60).

    Returns:
        A list without sections: its options belong to the step.
    """
    return ListMenu(
        _several_lines(body, BODY_LIMIT, audience.channel),
        _one_line(button, LABEL_LIMIT, audience.channel),
        footer=_footer(audience, footer),
    )


def error(audience: Audience, reason: str, *, way_on: str | None = None) -> Text:
    """What did not work, and what the member can do.

    Args:
        audience: Whom it is for.
        reason: What did not work, in the member's terms; never an exception's text.
        way_on: What to do now, at most 600 UTF-16 code units.
    """
    if way_on is None:
        return Text(_several_lines(reason, TEXT_LIMIT, audience.channel))
    below = _several_lines(way_on, CLOSING_SHARE, audience.channel)
    return Text(_paragraphs([_several_lines(reason, TEXT_LIMIT - units(below) - 2, audience.channel), below]))


def receipt(
    audience: Audience,
    title: str,
    lines: Sequence[tuple[str, str]],
    *,
    reference: str | None = None,
    reference_label: str = "Reference",
) -> Text:
    """What was done, to be kept.

    Args:
        audience: Whom it is for.
        title: What was done, in a line of at most 60 UTF-16 code units.
        lines: What it was, as labels (at most 40) and values (at most 120).
        reference: What to name when asking about it (at most 120); shown last, however many lines there are.
        reference_label: What stands before it.
    """
    closing = [_labelled(audience, reference_label, reference)] if reference is not None else []
    return Text(_with_lines(audience, title, lines, closing, TEXT_LIMIT))


def shown(audience: Audience, value: str, *, limit: int = VALUE_SHARE) -> str:
    """A value as it is safe to show within a flow's own words: one line, without markup or invisible characters.

    Args:
        audience: Whom it is for.
        value: What a member typed, or anything else from outside.
        limit: How long it may be, in UTF-16 code units; at least 1.
    """
    return _one_line(value, limit, audience.channel)


def _with_lines(
    audience: Audience, title: str, lines: Iterable[tuple[str, str]], closing: Sequence[str], limit: int
) -> str:
    """A title, as many lines as fit, and the closing, which is never what has to give way."""
    heading = _bold(_one_line(title, TITLE_SHARE, audience.channel), audience.channel)
    room = limit - units(_paragraphs([heading, "", *closing]))
    written: list[str] = []
    for label, value in lines:
        line = _labelled(audience, label, value)
        room -= units(line) + 1
        if room < len(ELLIPSIS) + 1:
            written.append(ELLIPSIS)
            break
        written.append(line)
    return _paragraphs([heading, *(["\n".join(written)] if written else []), *closing])


def _labelled(audience: Audience, label: str, value: str) -> str:
    heading = _bold(_one_line(label, LINE_LABEL_SHARE, audience.channel) + ":", audience.channel)
    return f"{heading} {_one_line(value, VALUE_SHARE, audience.channel)}"


def _footer(audience: Audience, words: str | None) -> str | None:
    return _one_line(words, FOOTER_LIMIT, audience.channel) if words is not None else None


def _paragraphs(parts: Iterable[str]) -> str:
    return "\n\n".join(parts)


def _one_line(words: str, limit: int, channel: Channel) -> str:
    """Words as one line of at most `limit`; a dash if nothing visible is left of them."""
    return _unmarked(_shortened(" ".join(_visible(_LINE_ENDS.sub(" ", words)).split()), limit), channel)


def _several_lines(words: str, limit: int, channel: Channel) -> str:
    """Words that keep their lines, and of several empty ones in a row the first."""
    lines = "\n".join(_visible(line).strip() for line in _LINE_ENDS.split(words))
    return _unmarked(_shortened(re.sub(r"\n{3,}", "\n\n", lines).strip(), limit), channel)


def _bold(line: str, channel: Channel) -> str:
    """A line in bold, where the channel has a markup for it; two code units longer there."""
    return f"*{line.replace('*', _LOOKALIKES[ord('*')])}*" if _has_markup(channel) else line


def _has_markup(channel: Channel) -> bool:
    return channel.type == "whatsapp"


def _visible(words: str) -> str:
    return "".join(_visible_character(character) for character in words)


def _visible_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"  # half of a surrogate pair, which no channel can be sent
    if character == "\t":
        return " "
    is_tag = "\U000e0020" <= character <= "\U000e007f"  # spells the flags of England, Scotland and Wales
    # Cf are the invisible ones, those that turn the direction of the writing (U+202E) among them
    if category == "Cc" or (category == "Cf" and character not in JOINERS and not is_tag):
        return ""
    return character


def _unmarked(words: str, channel: Channel) -> str:
    if not _has_markup(channel):
        return words
    without_quotes = _QUOTE_AT_LINE_START.sub("\\1\u203a", words)
    return _MARK_AT_AN_EDGE.sub(lambda mark: mark.group().translate(_LOOKALIKES), without_quotes)


def _shortened(words: str, limit: int) -> str:
    return cut(words, limit) if words.strip(JOINERS + " \n") else _NOTHING
