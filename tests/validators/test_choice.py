from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from fsmflow.validators import Choice, YesNo
from tests.validators.ready import Size
from tests.validators.saying import outcome


class Colour(Enum):
    """Members that are no words."""

    DARK_RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    ("choice", "answer", "kept"),
    [
        (Choice(("small", "large")), " SMALL ", "small"),
        (Choice(("small", "large")), "Large.", "large"),
        (Choice(("small", "large")), "smal", "<choice>"),
        (Choice(("small", "large")), "small large", "<choice>"),
        (Choice(("café",)), "CAFE\u0301", "café"),
        (Choice(Size), "Very  Large", Size.VERY_LARGE),
        (Choice(Size), "VERY_LARGE", "<choice>"),
        (Choice(Colour), "dark red", Colour.DARK_RED),
        (Choice({"one": 1, "a": 1, "two": 2}), "A", 1),
        (Choice({"one": 1, "a": 1, "two": 2}), "", "<choice>"),
    ],
)
def test_a_choice_is_the_word_or_none(choice: Choice, answer: str, kept: Any) -> None:
    assert outcome(choice, answer) == kept


def test_the_refusal_names_the_first_word_of_each_choice() -> None:
    with pytest.raises(Exception, match=r"Please send one of one, two."):
        Choice({"one": 1, "a": 1, "two": 2})("three")


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        *[(answer, True) for answer in ("yes", "YES", "Yes!", " y ", "yep.", "👍")],
        *[(answer, False) for answer in ("no", "NO.", "Nope", "n", "👎")],
        *[
            (answer, "<yes_or_no>")
            for answer in ("", "yes no", "not yes", "1", "true", "oui", "?", "yes?", "yess", "ye\x00s")
        ],
    ],
)
def test_yes_and_no_are_a_few_words_in_any_case(answer: str, kept: Any) -> None:
    assert outcome(YesNo(), answer) == kept


def test_yes_and_no_have_words_in_every_language() -> None:
    french = YesNo(("oui", "o"), "non")
    assert (outcome(french, "Oui"), outcome(french, "NON"), outcome(french, "yes")) == (True, False, "<yes_or_no>")
    with pytest.raises(Exception, match=r"Please send oui or non."):
        french("no")


def test_what_cannot_be_meant_is_an_error_when_it_is_made() -> None:
    for made in (lambda: Choice(()), lambda: Choice("ab"), lambda: Choice(("a", "A")),
                 lambda: Choice({"a": 1, "b": "2"}),
                 lambda: Choice((".", "a")), lambda: YesNo((), ("no",)), lambda: YesNo("si", "SI"),
                 lambda: YesNo(("!",), ("no",))):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            made()
