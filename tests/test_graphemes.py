# ruff: noqa: RUF001 - names in many scripts, some letters of which look like Latin ones

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.graphemes import ELLIPSIS, cut, length, units


@given(st.text(max_size=40), st.integers(1, 30))
def test_what_is_cut_is_within_the_limit_and_begins_as_it_did(words: str, limit: int) -> None:
    kept = cut(words, limit)
    assert len(kept.encode("utf-16-le", "surrogatepass")) // 2 == units(kept) <= limit
    if units(words) <= limit:
        assert kept == words
        return
    assert kept.endswith(ELLIPSIS)
    before = kept[: -len(ELLIPSIS)]
    assert words.startswith(before)
    left = words[len(before) :].lstrip()
    assert not left or not before or unicodedata.category(words[len(before)])[0] != "M"


@pytest.mark.parametrize(
    ("words", "limit", "kept"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abc def", 5, "abc…"),
        ("abe\u0301f", 4, "ab…"),
        ("ab\U0001f44d\U0001f3fdcd", 6, "ab…"),
        ("ab\U0001f468\u200d\U0001f469\u200d\U0001f467c", 8, "ab…"),
        ("\U0001f1ec\U0001f1ed\U0001f1f0\U0001f1ea!", 7, "\U0001f1ec\U0001f1ed…"),
        ("\U0001f1ec\U0001f1ed\U0001f1f0\U0001f1ea!!", 9, "\U0001f1ec\U0001f1ed\U0001f1f0\U0001f1ea…"),
        ("a" + "\u0301" * 50, 20, "…"),
    ],
)
def test_what_is_read_as_one_is_not_parted(words: str, limit: int, kept: str) -> None:
    assert cut(words, limit) == kept


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("Nguyễn", 6),
        ("한국", 2),
        ("\u1112\u1161\u11ab", 1),  # the parts of one syllable of Hangul
        ("नि", 1),  # a letter of Devanagari and its vowel sign
        ("தமிழ்", 3),
        ("👍", 1),
        ("👍🏽", 1),
        ("❤\ufe0f", 1),
        ("👨\u200d👩\u200d👧", 1),
        ("🇬🇭", 1),
        ("🇬🇭🇰🇪", 2),
        ("🇬🇭🇰", 2),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 1),
        ("a👍b", 3),
        ("می\u200cخواهم", 7),  # a joiner of Persian is no sign of its own
    ],
)
def test_a_text_is_as_long_as_its_reader_sees_it(text: str, count: int) -> None:
    assert length(text) == count


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.text("abé漢", max_size=10))
def test_what_stands_before_other_letters_counts_as_much_as_alone(text: str, more: str) -> None:
    assert length(text + more) == length(text) + length(more)
