"""What a step offers at a moment: the options that its callable gives, checked as fixed ones are.

Here belong the set (`Offer`), the reading of what a callable gave, and what a typed text names in it. How a channel
shows it (pages, cut titles) belongs to `menus`; what a choice leads to, to the machine. Nothing of a set is stored: an
answer is judged by what is on offer when it comes.

What is wrong with a set is a fault of the flow and no member's affair. Its words name places, never ids or titles:
those are the member's own things, and an error is logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final
from zlib import crc32

from attrs import field, frozen

from fsmflow.errors import BadOptions
from fsmflow.messages import Option, Section
from fsmflow.wording import folded

# On the wire an option's id carries nine bytes more (the nonce of its question and a dot), and Telegram, the
# narrowest channel, takes 64 bytes: https://core.telegram.org/bots/api#inlinekeyboardbutton
OPTION_ID_LIMIT: Final = 55

OPTIONS_LIMIT: Final = 1000
"""How many options a step may offer at once. Nobody turns a hundred pages: a flow asks for a name first."""


@frozen
class Offer:
    """The options of one question at one moment.

    Args:
        sections: The options, in their groups; one group without a title where there are none.
        options: All of them, in order.
    """

    sections: tuple[Section, ...] = field(repr=False)
    options: tuple[Option, ...] = field(init=False, repr=False)

    @options.default
    def _all(self) -> tuple[Option, ...]:
        return tuple([option for section in self.sections for option in section.options])

    @property
    def mark(self) -> str:
        """What tells this set, in this order, from another: eight hexadecimal digits."""
        return f"{crc32(chr(0).join(option.id for option in self.options).encode()):08x}"

    def by_id(self, option_id: str) -> Option | None:
        """The option of an id."""
        return next((option for option in self.options if option.id == option_id), None)

    def at(self, typed: str) -> Option | None:
        """The option whose place in the whole set was typed, counted from 1."""
        if not typed.isascii() or not typed.isdigit() or len(typed) > len(str(len(self.options))):
            return None
        place = int(typed)
        return self.options[place - 1] if 1 <= place <= len(self.options) else None

    def titled(self, typed: str) -> tuple[Option, ...]:
        """The options whose title was typed, as `folded` compares: more than one where several are called so."""
        return tuple([option for option in self.options if folded(option.title) == typed])


def read_offer(flow: str, step_id: str, given: Any) -> Offer:
    """The set that a callable gave.

    Args:
        flow: The flow's name, for the error.
        step_id: The step.
        given: What it gave: options, or sections of them; any iterable. It may be empty.

    Raises:
        BadOptions: It is something else, too many, or an option is wrong.
        Exception: Whatever the iterable raises: it is the flow's code.
    """

    def bad(expected: str) -> BadOptions:
        return BadOptions(flow, step_id, expected)

    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)):
        raise bad(f"options must give Option or Section objects, not {type(given).__name__}")
    items = list(islice(given, OPTIONS_LIMIT + 1))
    for item in items:
        if not isinstance(item, (Option, Section)):
            raise bad(f"options must give Option or Section objects, not {type(item).__name__}")
    in_sections = {isinstance(item, Section) for item in items}
    if len(in_sections) > 1:
        raise bad("options must give Option objects or Section objects, not both")
    sections = tuple(items) if True in in_sections else (Section("", items),)
    offer = Offer(tuple([section for section in sections if section.options]))
    if len(offer.options) > OPTIONS_LIMIT or len(items) > OPTIONS_LIMIT:
        raise bad(f"at most {OPTIONS_LIMIT} options can be offered at once: ask for something to search by first")
    untitled = wrong_with_sections(offer.sections)
    if untitled is not None:
        raise bad(untitled)
    ids: set[str] = set()
    for place, option in enumerate(offer.options, 1):
        wrong = wrong_with(option)
        if wrong is None and option.to is not None:
            wrong = "an option that lives has no `to`: use the step's own ways on"
        if wrong is None and option.id in ids:
            wrong = "its id is that of an option before it"
        if wrong is not None:
            raise bad(f"option {place}: {wrong}")
        ids.add(option.id)
    return offer


def wrong_with(option: Any) -> str | None:
    """What is wrong with an option, in words that do not quote it; None if nothing is."""
    if not isinstance(option, Option):
        return f"options holds Option objects, not {type(option).__name__}"
    option_id: Any = option.id
    if not isinstance(option_id, str) or not option_id.isprintable():
        return "an option id is a str without control characters"
    if not 1 <= len(option_id.encode()) <= OPTION_ID_LIMIT:
        return f"an option id has 1 to {OPTION_ID_LIMIT} bytes"
    title: Any = option.title
    if not isinstance(title, str) or not title.strip():
        return "an option needs a title"
    description: Any = option.description
    if not isinstance(description, str):
        return "a description is a str"
    return None


def wrong_with_sections(sections: Iterable[Section]) -> str | None:
    """What is wrong with the titles of some sections, in words; None if nothing is."""
    several = list(sections)
    for section in several:
        title: Any = section.title
        if not isinstance(title, str):
            return "a section's title is a str"
        if len(several) > 1 and not title.strip():
            return "a section needs a title where there are several"
    return None
