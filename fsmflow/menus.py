"""A set of options as one channel shows it: as buttons or as a list, in pages, with titles that fit.

Here belongs what depends on how much room a channel has. How much that is, the channel says (`Room`); what is on
offer, the flow (`choices`); which page is shown, the run.

Fixed options are shown as they are written, and what is too long in them is told when the runner is made: their author
can mend it. Options that live are other people's words, so they are made to fit: a long title is cut and stands whole
in the description, and where two look alike then, all are numbered.
"""

from __future__ import annotations

from typing import Final, Protocol

from attrs import evolve, field, frozen

from fsmflow.choices import Offer
from fsmflow.graphemes import cut, units
from fsmflow.messages import Buttons, ListMenu, Message, Option, Section
from fsmflow.wording import Sentences, folded

Page = tuple[int, int]
"""The options of a page: from the one place up to the other."""


class Room(Protocol):
    """How much a channel has room for; None is no limit."""

    @property
    def numbers_choices(self) -> bool:
        """True if options are shown as a numbered menu, so that a number chooses one."""

    @property
    def buttons(self) -> int | None:
        """How many buttons."""

    @property
    def button_title(self) -> int | None:
        """The title of a button."""

    @property
    def row_title(self) -> int | None:
        """The title of a row."""

    @property
    def row_description(self) -> int | None:
        """The description of a row."""

    @property
    def section_title(self) -> int | None:
        """The title of a section."""

    @property
    def page_rows(self) -> int | None:
        """How many rows at once, those that turn the page among them."""


@frozen
class AllRoom:
    """The room of a channel that nothing is known of."""

    numbers_choices: bool = False
    buttons: int | None = None
    button_title: int | None = None
    row_title: int | None = None
    row_description: int | None = None
    section_title: int | None = None
    page_rows: int | None = None


ALL_ROOM: Final = AllRoom()


@frozen
class Menu:
    """What is offered at a moment, on one channel.

    Args:
        offer: What is offered.
        shown: The same options with the titles and descriptions that are shown.
        as_buttons: True if buttons can show them.
        numbered: True if the titles are numbered, because some of them look alike.
        pages: The options of each page.
        room: The channel's room.
        sentences: The library's own words.
    """

    offer: Offer = field(repr=False)
    shown: tuple[Option, ...] = field(repr=False)
    as_buttons: bool
    numbered: bool
    pages: tuple[Page, ...]
    room: Room
    sentences: Sentences

    def message(self, question: Buttons | ListMenu, page: int) -> Message:
        """The question with the options of a page; a page that is not there any more is the last one."""
        if isinstance(question, Buttons) and self.as_buttons:
            return evolve(question, options=self.shown)
        page = min(page, len(self.pages) - 1)
        start, end = self.pages[page]
        button = question.button if isinstance(question, ListMenu) else self.sentences.open_list
        sections = tuple(self._sections(start, end))
        turns = self._turns(page)
        return ListMenu(question.body, button, sections, question.header, question.footer, start + 1, turns)

    def named(self, text: str, page: int, *, by_number: bool) -> tuple[Option, ...] | int:
        """What a typed text names: options (several, where it is ambiguous), or a page that is turned to, or nothing.

        Args:
            text: What was typed.
            page: The page that is shown.
            by_number: True if the channel numbers choices.
        """
        typed = folded(text)
        placed = self.offer.at(typed) if by_number or self.numbered else None
        if placed is not None:
            return (placed,)
        pairs = zip(self.offer.options, self.shown, strict=True)
        found = tuple(option for option, shown in pairs if folded(shown.title) == typed) or self.offer.titled(typed)
        if found:
            return found
        turns = self._turns(min(page, len(self.pages) - 1)) if self.pages else ()
        return next((int(turn.id) for turn in turns if folded(turn.title) == typed), ())

    def _turns(self, page: int) -> tuple[Option, ...]:
        turns = []
        if page > 0:
            turns.append(Option(str(page - 1), self.sentences.fewer))
        if page < len(self.pages) - 1:
            turns.append(Option(str(page + 1), self.sentences.more))
        return tuple(turns)

    def _sections(self, start: int, end: int) -> list[Section]:
        """The shown options from one place to another, under the titles that they have in the whole set."""
        sections, place = [], 0
        for section in self.offer.sections:
            behind = place + len(section.options)
            options = self.shown[max(place, start) : min(behind, end)]
            if options:
                sections.append(Section(_cut(section.title, self.room.section_title), options))
            place = behind
        return sections


def menu_of(offer: Offer, room: Room, sentences: Sentences, *, as_buttons: bool) -> Menu:
    """The menu that a channel has room for.

    Args:
        offer: What is offered.
        room: The channel's room.
        sentences: The library's own words.
        as_buttons: True if buttons are wanted, where they can show it.
    """
    options = offer.options
    whole = [" ".join(option.title.split()) for option in options]
    fits_page = room.page_rows is None or len(options) <= room.page_rows
    as_buttons = as_buttons and fits_page and (room.numbers_choices or _fits_buttons(options, whole, room))
    limit = room.button_title if as_buttons else room.row_title
    titles = [_cut(title, limit) for title in whole]
    numbered = not room.numbers_choices and len({folded(title) for title in titles}) < len(titles)
    if numbered:
        titles = [_numbered(place, title, limit) for place, title in enumerate(whole, 1)]
    shown = tuple(
        [
            Option(option.id, title, _description(name, title, option.description, room, numbered=numbered))
            for option, name, title in zip(options, whole, titles, strict=True)
        ]
    )
    pages = _pages(len(options), room.page_rows)
    return Menu(offer, shown, as_buttons, numbered, pages, room, sentences)


def with_room(question: Message, room: Room, sentences: Sentences) -> Message:
    """A question with fixed options, as a list where there are more of them than the channel has buttons."""
    if not isinstance(question, Buttons) or room.buttons is None or len(question.options) <= room.buttons:
        return question
    sections = (Section("", question.options),)
    return ListMenu(question.body, sentences.open_list, sections, question.header, question.footer)


def _fits_buttons(options: tuple[Option, ...], titles: list[str], room: Room) -> bool:
    """True if buttons show all that there is: they have no second line, and must not look alike."""
    if room.buttons is not None and len(options) > room.buttons:
        return False
    if any(option.description.strip() for option in options) or len({*map(folded, titles)}) < len(titles):
        return False
    return room.button_title is None or all(units(title) <= room.button_title for title in titles)


def _numbered(place: int, title: str, limit: int | None) -> str:
    number = f"{place}. "
    return number + (title if limit is None else cut(title, limit - len(number)))


def _description(name: str, title: str, description: str, room: Room, *, numbered: bool) -> str:
    """The second line: the whole title where it had to be cut, as far as there is room beside what stands there."""
    limit = room.row_description
    if title == name or (numbered and title.endswith(f" {name}")):
        return _cut(description, limit)
    if not description.strip():
        return _cut(name, limit)
    both = f"{name} – {description}"
    return both if limit is None or units(both) <= limit else _cut(description, limit)


def _pages(count: int, rows: int | None) -> tuple[Page, ...]:
    """Where each page begins and ends: each has as many options as the rows that turn the page leave room for."""
    pages: list[Page] = []
    start = 0
    while start < count:
        room = count if rows is None else rows - (start > 0)
        end = count if count - start <= room else start + max(1, room - 1)
        pages.append((start, end))
        start = end
    return tuple(pages)


def _cut(words: str, limit: int | None) -> str:
    return words if limit is None else cut(words, limit)
