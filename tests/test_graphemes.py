from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.graphemes import ELLIPSIS, cut, units


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
