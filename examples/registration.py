"""A registration: two names and a confirmation.

It shows one validator and one transformer, plain functions, shared by two steps; refusals that say what to do; data
that a type checker knows the type of; and text of any script taken for what it is. A name is what its bearer says it
is, so little is refused: letters of every script, with the accents and vowel signs that belong to them, apostrophes,
hyphens and spaces.
"""

from __future__ import annotations

import re
import unicodedata

from attrs import frozen

from fsmflow import Buttons, Flow, Refused, Step, StepType, Text, templates

NAME_LIMIT = 50  # characters
_APOSTROPHES = "'’‘`´"  # noqa: RUF001 - what keyboards offer for an apostrophe
_HYPHENS = "-‐‑"  # noqa: RUF001 - with Unicode's own hyphens
# Invisible, but without them names of Persian and of the scripts of India and Sri Lanka are misspelt.
_JOINERS = "\u200c\u200d"
_STRAY_JOINER = re.compile(rf"(?:^|[ '-])[{_JOINERS}]|[{_JOINERS}](?!\w)")  # nobody would see that it is there
_ACCEPTED = "Please use letters, spaces, apostrophes and hyphens only."


def tidy_name(text: str) -> str:
    """A name as it is kept: composed characters, one kind of apostrophe and hyphen, single spaces.

    Args:
        text: The name as it was typed.

    Returns:
        The same name; tidying it again changes nothing.
    """
    composed = unicodedata.normalize("NFC", text)
    alike = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_HYPHENS, "-")})
    return " ".join(composed.translate(alike).split())


def valid_name(text: str) -> bool:
    """True for a name.

    Args:
        text: The name as it was typed.

    Raises:
        Refused: It is none, and what to do.
    """
    name = tidy_name(text)
    if len(name) > NAME_LIMIT:
        raise Refused(f"Please use at most {NAME_LIMIT} characters.")
    if not any(map(_is_letter, name)):
        raise Refused(f"That has no letters. {_ACCEPTED}")
    if _STRAY_JOINER.search(name) or not all(_is_letter(mark) or _goes_with_letters(mark) for mark in name):
        raise Refused(_ACCEPTED)
    if not (_is_letter(name[0]) or name[0] == "'") or name[-1] == "-":
        raise Refused("A name begins with a letter, and does not end with a hyphen.")
    return True


def _is_letter(character: str) -> bool:
    return unicodedata.category(character).startswith("L")


def _goes_with_letters(character: str) -> bool:
    is_accent = unicodedata.category(character) in ("Mn", "Mc")
    return is_accent or character in " '-" or character in _JOINERS


@frozen
class Member:
    """What is collected of a new member."""

    first_name: str
    last_name: str

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first_name} {self.last_name}"


class RegistrationFlow(Flow[Member]):
    """A new member says who they are."""

    flow_type = "registration"
    keywords = ("register", "join")

    def last_name_prompt(self) -> str:
        return f"Thank you, {templates.shown(self, self.data.first_name)}. And what is your last name?"

    def confirmation(self) -> Buttons:
        lines = [("First name", self.data.first_name), ("Last name", self.data.last_name)]
        return templates.confirmation(self, "Your name", lines, question="Is this right?")

    def complete(self) -> Text:
        return templates.receipt(self, "Welcome", [("You are registered as", self.data.name)])

    steps = (
        Step(
            id="first_name",
            type=StepType.TEXT,
            message="What is your first name?",
            validator=valid_name,
            transformer=tidy_name,
            examples=("Ama", "José María", "N'Golo", "ශ්\u200dරී"),
            counterexamples=("Ama2", "---", "-Ama", "A" * (NAME_LIMIT + 1), "<b>Ama</b>"),
        ),
        Step(
            id="last_name",
            type=StepType.TEXT,
            message=last_name_prompt,
            validator=valid_name,
            transformer=tidy_name,
            examples=("Mensah", "O’Neill", "Lloyd-Jones", "’t Hooft", "李"),
            counterexamples=("12", "Mensah!", "Mensah-"),
        ),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=confirmation,
            options=templates.confirm_or_decline(),
        ),
    )


flows = [RegistrationFlow]
