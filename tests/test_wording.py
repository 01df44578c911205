from __future__ import annotations

from string import Formatter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.wording import Sentences, Words, folded

FILLED_IN = {
    "too_long": {"limit"},
    "help": {"words"},
    "expired": {"minutes", "keyword"},
    "idle": {"keywords"},
}


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(st.characters(codec="ascii")), st.sampled_from([" ", "\n", "\t ", "\u00a0"]))
def test_case_and_white_space_do_not_tell_words_apart(text: str, space: str) -> None:
    spaced = space + text.replace(" ", space) + space
    assert folded(spaced.upper()) == folded(text.lower())


def test_sharp_s_is_the_same_in_both_cases() -> None:
    assert folded("STRASSE") == folded("straße")


@pytest.mark.parametrize(
    ("typed", "meaning"),
    [
        ("cancel", "cancel"),
        ("  CANCEL ", "cancel"),
        ("Back", "back"),
        ("restart", "restart"),
        ("help", "help"),
        ("stop", None),  # on some channels it means "never write to me again"
        ("cancel it", None),
        ("", None),
    ],
)
def test_global_words_are_known_in_any_case(typed: str, meaning: str | None) -> None:
    assert Words().meaning(typed) == meaning


def test_words_can_be_others_and_be_switched_off() -> None:
    words = Words(cancel=("Ende", "Schluss  jetzt"), back=())
    assert words.meaning("ENDE") == "cancel"
    assert words.meaning("schluss jetzt") == "cancel"
    assert words.meaning("cancel") is None
    assert words.meaning("back") is None
    assert words.shown() == "ende, restart"


def test_a_lone_string_is_one_word_not_its_letters() -> None:
    words = Words(cancel="stop")
    assert words.meaning("stop") == "cancel"
    assert words.meaning("s") is None


def test_an_empty_word_does_not_make_every_picture_mean_it() -> None:
    assert Words(cancel=("", "  ", "leave")).meaning("") is None


def test_members_are_told_the_words_in_the_order_in_which_they_go_back() -> None:
    assert Words().shown() == "back, cancel, restart"


def test_each_sentence_has_the_fields_that_its_docstring_names_and_no_others() -> None:
    for name, sentence in attrs.asdict(Sentences()).items():
        assert {found for _, found, _, _ in Formatter().parse(sentence) if found} == FILLED_IN.get(name, set())


def test_no_sentence_is_empty_or_speaks_of_the_inside() -> None:
    for sentence in attrs.asdict(Sentences()).values():
        assert sentence.strip() == sentence
        assert sentence
        for word in ("step", "state", "exception", "error", "None", "flow"):
            assert word not in sentence.casefold().split()
