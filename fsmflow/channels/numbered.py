"""Any message as plain words, its choices as a numbered menu: for channels that show nothing but text.

The numbers run through all sections, in the order of `fsmflow.messages.options_of`: that order is what a number typed
in answer counts in; of a list in pages they go on from page to page. What turns the page has no number, which would be
another one's on the next page: its title is what is typed. The form ``1. Title`` is the one of vumi's and
vaccine-eligibility's menus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
)


def as_text(message: Message) -> str:
    """The message in words.

    Args:
        message: Any message.

    Returns:
        Its parts, blank ones left out, with an empty line between them; empty if there is nothing to say.
    """
    if isinstance(message, Text):
        return message.body
    if isinstance(message, Buttons):
        return _paragraphs((message.header, message.body, _lines(_choices(message.options)), message.footer))
    if isinstance(message, ListMenu):
        menu = _menu(message.sections, message.first - 1)
        turns = " ".join(f"[{option.title}]" for option in message.turns)
        return _paragraphs((message.header, message.body, menu, turns, message.footer))
    if isinstance(message, Media):
        name = f"[{message.kind}: {message.filename}]" if message.filename else f"[{message.kind}]"
        return _lines((name, message.link, message.caption))
    if isinstance(message, Location):
        return _lines((message.name, message.address, f"{message.latitude}, {message.longitude}"))
    return _template(message)


def _menu(sections: Iterable[Section], already: int) -> str:
    lines: list[str] = []
    for section in sections:
        lines += [section.title, *_choices(section.options, already)]
        already += len(section.options)
    return _lines(lines)


def _choices(options: Sequence[Option], already: int = 0) -> list[str]:
    return [_choice(number, option) for number, option in enumerate(options, already + 1)]


def _choice(number: int, option: Option) -> str:
    description = f" – {option.description}" if option.description.strip() else ""
    return f"{number}. {option.title}{description}"


def _template(message: ApprovedTemplate) -> str:
    """The name and the parameters' texts: the words between them are known to the other channel only."""
    texts = [
        parameter["text"]
        for component in message.components
        for parameter in component.get("parameters", ())
        if isinstance(parameter.get("text"), str)
    ]
    return _lines((f"[{message.name}, {message.language}]", *texts))


def _paragraphs(parts: Iterable[str | None]) -> str:
    return "\n\n".join(part for part in parts if part is not None and part.strip())


def _lines(parts: Iterable[str | None]) -> str:
    return "\n".join(part for part in parts if part is not None and part.strip())
