"""How long and how many: a channel's limits as data, and the check of a message against them.

A message over a limit is found before the turn is committed, not when the channel refuses it: then the member's answer
would be saved and the reply lost. So everything that a channel is known to refuse is checked here, and rendering checks
it once more. The numbers themselves stand, with their sources, in the channel's own module.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from attrs import frozen

from fsmflow.channels.numbered import as_text
from fsmflow.errors import LimitExceeded, UnsendableMessage
from fsmflow.messages import ApprovedTemplate, Buttons, ListMenu, Location, Media, Message, Text


def length(words: str) -> int:
    """How long a text is, in UTF-16 code units.

    No channel says whether the "characters" of its limits are code points or code units. An emoji is one of the former
    and two of the latter; the larger reading is safe under both.
    """
    return len(words) if words.isascii() else len(words) + sum(character > "\uffff" for character in words)


@frozen
class Limits:
    """What a channel refuses. Lengths are in UTF-16 code units, counts in items; None is no limit.

    Args:
        channel: The channel's type.
        numbers_choices: True where choices are shown as a numbered menu within the text, and are answered by number.
            Then only `text_body` counts, for the whole of it.
        refuses_faulty: True where the channel refuses a message with an empty part, choices that repeat an id or a
            button's title, or a medium without a source; False where such a message is shown as it is.
        text_body: The body of a plain text.
        interactive_body: The body above buttons or a list.
        header: The header of either.
        footer: The footer of either.
        buttons: How many buttons.
        button_title: The title of a button.
        button_id: The id of a button.
        list_button: The label that opens a list.
        list_sections: How many sections.
        list_rows: How many rows, in all sections together.
        section_title: The title of a section.
        row_title: The title of a row.
        row_description: The description of a row.
        row_id: The id of a row.
        page_rows: How many rows are shown at once of options that live, those that turn the page among them.
        media_caption: The caption of a medium.
        captioned_media: The kinds of media that take a caption; None is all.
        template_header: A text parameter in an approved template's header.
        template_body: A text parameter in its body.
        template_buttons: How many of its components are buttons.
        window: How long after a member's last message one that was not asked for is taken; None is for ever.
    """

    channel: str
    numbers_choices: bool = False
    refuses_faulty: bool = False
    text_body: int | None = None
    interactive_body: int | None = None
    header: int | None = None
    footer: int | None = None
    buttons: int | None = None
    button_title: int | None = None
    button_id: int | None = None
    list_button: int | None = None
    list_sections: int | None = None
    list_rows: int | None = None
    section_title: int | None = None
    row_title: int | None = None
    row_description: int | None = None
    row_id: int | None = None
    page_rows: int | None = None
    media_caption: int | None = None
    captioned_media: tuple[str, ...] | None = None
    template_header: int | None = None
    template_body: int | None = None
    template_buttons: int | None = None
    window: timedelta | None = None

    def check(self, message: Message) -> None:
        """Say whether the channel takes a message.

        Args:
            message: A message with its options in it. Buttons without options are a text.

        Raises:
            LimitExceeded: For the first part that is too long or too many.
            UnsendableMessage: For the first part that the channel refuses for another reason.
        """
        if isinstance(message, Location):
            self._check_location(message)
        if self.numbers_choices or isinstance(message, Text) or (isinstance(message, Buttons) and not message.options):
            if self.refuses_faulty or self.text_body is not None:  # else any words do, and need not be put together
                self._words("body", as_text(message), self.text_body)
        elif isinstance(message, Buttons):
            self._check_buttons(message)
        elif isinstance(message, ListMenu):
            self._check_list(message)
        elif isinstance(message, Media):
            self._check_media(message)
        elif isinstance(message, ApprovedTemplate):
            self._check_template(message)

    def _check_buttons(self, message: Buttons) -> None:
        self._check_frame(message)
        self._count("buttons", len(message.options), self.buttons)
        for place, option in _numbered("buttons", message.options):
            self._words(f"{place}.title", option.title, self.button_title)
            self._words(f"{place}.id", option.id, self.button_id)
        self._unlike("title", "buttons", [option.title for option in message.options])
        self._unlike("id", "buttons", [option.id for option in message.options])

    def _check_list(self, message: ListMenu) -> None:
        self._check_frame(message)
        self._words("button", message.button, self.list_button)
        self._need(bool(message.sections), "sections", "at least one section with a row")
        self._count("sections", len(message.sections), self.list_sections)
        rows = [*(option for section in message.sections for option in section.options), *message.turns]
        self._count("rows", len(rows), self.list_rows)
        for place, section in _numbered("sections", message.sections):
            self._need(bool(section.options), f"{place}.rows", "at least one row")
            if len(message.sections) > 1 or section.title.strip():
                self._words(f"{place}.title", section.title, self.section_title)
            for row_place, option in _numbered(f"{place}.rows", section.options):
                self._words(f"{row_place}.title", option.title, self.row_title)
                self._optional_words(f"{row_place}.description", option.description, self.row_description)
                self._words(f"{row_place}.id", option.id, self.row_id)
        for place, option in _numbered("turns", message.turns):
            self._words(f"{place}.title", option.title, self.row_title)
            self._words(f"{place}.id", option.id, self.row_id)
        self._unlike("id", "rows", [option.id for option in rows])

    def _check_frame(self, message: Buttons | ListMenu) -> None:
        self._optional_words("header", message.header, self.header)
        self._words("body", message.body, self.interactive_body)
        self._optional_words("footer", message.footer, self.footer)

    def _check_media(self, message: Media) -> None:
        self._need(bool(message.link) != bool(message.id), "link", "a link or an id of an upload, one of the two")
        if message.caption and self.captioned_media is not None:
            self._need(message.kind in self.captioned_media, "caption", f"none: the kind {message.kind!r} takes none")
        self._optional_words("caption", message.caption, self.media_caption)

    def _check_location(self, message: Location) -> None:
        for name, degrees, most in (("latitude", message.latitude, 90), ("longitude", message.longitude, 180)):
            if not math.isfinite(degrees) or abs(degrees) > most:
                raise UnsendableMessage(name, f"degrees between -{most} and {most}", self.channel)

    def _check_template(self, message: ApprovedTemplate) -> None:
        """Check what is known here: the template's own words, into which the parameters go, are not."""
        self._words("name", message.name, None)
        self._words("language", message.language, None)
        by_type = {"header": self.template_header, "body": self.template_body}
        buttons = sum(component.get("type") == "button" for component in message.components)
        self._count("components", buttons, self.template_buttons)
        for place, component in _numbered("components", message.components):
            limit = by_type.get(str(component.get("type")))
            for parameter_place, parameter in _numbered(f"{place}.parameters", component.get("parameters", ())):
                self._optional_words(f"{parameter_place}.text", _text_of(parameter), limit)

    def _words(self, field: str, words: str, limit: int | None) -> None:
        self._need(bool(words.strip()), field, "some words: the channel refuses it empty")
        self._optional_words(field, words, limit)

    def _optional_words(self, field: str, words: str | None, limit: int | None) -> None:
        if words is not None:
            self._count(field, length(words), limit)

    def _count(self, field: str, count: int, limit: int | None) -> None:
        if limit is not None and count > limit:
            raise LimitExceeded(field, limit, count, self.channel)

    def _unlike(self, part: str, field: str, values: list[str]) -> None:
        for index, value in enumerate(values):
            self._need(value not in values[:index], f"{field}[{index}].{part}", f"another {part} than the ones before")

    def _need(self, is_so: bool, field: str, expected: str) -> None:
        if self.refuses_faulty and not is_so:
            raise UnsendableMessage(field, expected, self.channel)


def _numbered(field: str, items: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(f"{field}[{index}]", item) for index, item in enumerate(items)]


def _text_of(parameter: Mapping[str, Any]) -> str | None:
    text = parameter.get("text")
    return text if isinstance(text, str) else None
