# ruff: noqa: RUF001 - names in many scripts, some letters of which look like Latin ones

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.graphemes import MARKS_LIMIT, is_seen
from fsmflow.validators import Length, Letters, Pattern
from tests.validators.saying import outcome


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("Ama", "Ama"),
        (" Ama\u200f ", "Ama"),
        ("e\u0301e\u0301", "éé"),
        ("👨\u200d👩\u200d👧👍🏽", "👨\u200d👩\u200d👧👍🏽"),
        ("é", "<longer>"),
        ("e\u0301", "<longer>"),
        ("🇬🇭", "<longer>"),
        ("abcdef", "<shorter>"),
        ("a\x00b", "<unseen>"),
        ("a\nb", "<unseen>"),
        ("a\u202eb", "<unseen>"),
        ("a\ud800", "<unseen>"),
        ("a\ufffe", "<unseen>"),
        ("\u200f", "<unseen>"),
        ("", "<unseen>"),
        ("a" + "\u0301" * (MARKS_LIMIT + 1), "<unseen>"),
    ],
)
def test_a_length_is_counted_in_signs_and_nothing_unseen_is_kept(answer: str, kept: str) -> None:
    assert outcome(Length(2, 5), answer) == kept


def test_several_lines_are_taken_where_they_are_asked_for() -> None:
    assert outcome(Length(1, 50, lines=True), "12 High Street\nAccra") == "12 High Street\nAccra"


@given(st.text())
def test_what_is_kept_is_composed(text: str) -> None:
    if Length(lines=True).accepts(text):
        kept = Length(lines=True).parse(text)
        assert unicodedata.is_normalized("NFC", kept)
        assert is_seen(kept, lines=True)


@pytest.mark.parametrize(
    "name",
    ["Ama", "Ama K. Mensah", "O’Neill", "Jean-Luc", "José", "Jose\u0301", "محمد", "דוד", "प्रिया", "தமிழ்",
     "李小龍", "さくら", "민준",
     "Ελένη", "Юлия", "می\u200cخواهم"],
)  # fmt: skip
def test_letters_of_every_script_make_a_name(name: str) -> None:
    assert outcome(Letters(), name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", ["4711", "Ama1", "a_b", "-Ama", "😀", "Ama😀", "٣", "a@b", "½", "€"])
def test_what_is_no_letter_makes_none(name: str) -> None:
    assert outcome(Letters(), name) == "<letters>"


def test_what_else_a_name_may_have_can_be_said() -> None:
    assert outcome(Letters(""), "Jean-Luc") == "<letters>"
    assert outcome(Letters("_"), "a_b") == "a_b"


def test_a_pattern_matches_from_end_to_end_and_shows_itself_to_nobody() -> None:
    ticket = Pattern(r"[A-Z]{2}[0-9]{4}", "AB1234")
    assert outcome(ticket, "ZW0001") == "ZW0001"
    for answer in ("ZW00012", "aZW0001", "zw0001", "ZW0001\nZW0001"):
        assert not ticket.accepts(answer)
    with pytest.raises(Exception, match=r"Please send it in this form: AB1234."):
        ticket("zw")


def test_a_pattern_is_shown_no_more_than_its_maximum() -> None:
    letters = Pattern("a+", "aaa", maximum=5)
    assert outcome(letters, "aaaaa") == "aaaaa"
    assert outcome(letters, "aaaaaa") == "<form>"
    assert outcome(Pattern("a+", "aaa"), "a" * 201) == "<form>"


def test_what_cannot_be_meant_is_an_error_when_it_is_made() -> None:
    for minimum, maximum in ((0, 5), (-1, None), (5, 4)):
        with pytest.raises(ValueError, match=r"a length is 1 or more"):
            Length(minimum, maximum)
    for made in (lambda: Length(3, example="ab"), lambda: Letters(example="4711"), lambda: Pattern("a", "b")):
        with pytest.raises(ValueError, match=r"the example '.*' must be accepted itself"):
            made()
    with pytest.raises(re.error):
        Pattern("(", "(")
