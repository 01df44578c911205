from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.channels.limits import Limits, length
from fsmflow.errors import LimitExceeded
from fsmflow.messages import Buttons, Option, Text


@given(st.text())
def test_a_length_is_in_utf_16_code_units(words: str) -> None:
    assert length(words) == len(words.encode("utf-16-le", "surrogatepass")) // 2


def test_where_nothing_is_limited_everything_passes() -> None:
    assert Limits("open").check(Text("")) is None  # type: ignore[func-returns-value]  # None is what is promised


def test_where_choices_are_numbered_the_menu_counts_as_text() -> None:
    limits = Limits("sms", numbers_choices=True, text_body=20)
    options = (Option("a", "Accept"), Option("b", "Decline"))
    limits.check(Buttons("Agree?"))
    with pytest.raises(LimitExceeded) as caught:
        limits.check(Buttons("Agree?", options))
    assert (caught.value.field, caught.value.length) == ("body", len("Agree?\n\n1. Accept\n2. Decline"))


def test_the_first_part_that_is_over_is_the_one_that_is_told() -> None:
    limits = Limits("odd", header=1, interactive_body=1, button_title=1)
    with pytest.raises(LimitExceeded) as caught:
        limits.check(Buttons("bb", (Option("a", "tt"),), header="h"))
    assert (caught.value.field, caught.value.limit, caught.value.length) == ("body", 1, 2)
