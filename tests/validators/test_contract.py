"""What each ready validator promises: its good answers are accepted and come back typed, its bad ones are refused."""

# ruff: noqa: RUF001 - digits and signs of other scripts and widths, as members type them

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsmflow.callbacks import understand
from fsmflow.errors import Refused, Unsuitable
from fsmflow.flow import Flow
from fsmflow.refusals import Refusals
from fsmflow.storable import check_storable, restore_answer, store_answer
from fsmflow.validators import Validator
from tests.validators.ready import READY, named

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
each_ready = pytest.mark.parametrize("validator", READY, ids=named)

ODD = (
    *("", " ", "\x00", "a\x00b", "\ud800", "\ufffe", "\u202e", "1\u202e2", "e\u0301" * 40, "a" + "\u0301" * 4000),
    *("😀", "½", "1e5", "NaN", "-Infinity", "9" * 4000, "-0", "0x10", "1_000", "٣", "２", "²", "１２／０３／２０２６"),
    *("%s{0}{x}", "'; --", "2026-02-30", "0000-00-00", "99999-99-99", "24:00", "10", "+", "+1", "@", "a@b"),
    *("(" * 2000, "a" * 4096, "מחר", "غدا"),
)  # fmt: skip


def refused(validator: Validator[Any], answer: str) -> Refused | None:
    """How an answer is refused; None if it is accepted. Anything else that is raised fails the test."""
    try:
        assert validator(answer) is True
    except Refused as refusal:
        return refusal
    return None


def annotation(validator: Validator[Any]) -> Any:
    """What a stored answer is structured to, as a flow finds it."""
    return understand(Flow, "step", "transformer", validator.transformer, arguments=1, returns=True).returns


@each_ready
def test_its_examples_are_accepted_and_its_counterexamples_refused(validator: Validator[Any]) -> None:
    assert validator.examples
    assert validator.counterexamples
    assert [answer for answer in validator.examples if refused(validator, answer)] == []
    assert [answer for answer in validator.counterexamples if not refused(validator, answer)] == []


@each_ready
@SLOW
@given(data=st.data())
def test_a_good_answer_is_accepted_and_its_value_comes_back_from_the_store(
    validator: Validator[Any], data: Any
) -> None:
    answer = data.draw(validator.good_answers(st))
    assert refused(validator, answer) is None
    assert validator.accepts(answer)
    value = validator.transformer(answer)
    kind = annotation(validator)
    assert type(value) is kind
    check_storable("Sample", "step", value, kind)
    assert restore_answer(store_answer(value), kind) == value == validator.parse(answer)


@each_ready
@SLOW
@given(data=st.data())
def test_a_bad_answer_is_refused_with_an_example_that_is_accepted(validator: Validator[Any], data: Any) -> None:
    answer = data.draw(validator.bad_answers(st))
    assert not validator.accepts(answer)
    refusal = refused(validator, answer)
    assert refusal is not None
    assert refusal.reason.strip()
    if isinstance(refusal, Unsuitable):
        assert refusal.values["example"] == validator.example
        assert refused(validator, str(refusal.values["example"])) is None
        assert Refusals().said(refusal) == refusal.reason


@each_ready
@SLOW
@given(answer=st.text() | st.text("0123456789 .,-:/+@$USDeEa٣２\u200f\u0301", max_size=30) | st.sampled_from(ODD))
def test_whatever_is_typed_is_accepted_or_refused_and_nothing_else(validator: Validator[Any], answer: str) -> None:
    refusal = refused(validator, answer)
    assert validator.accepts(answer) is (refusal is None)
    if refusal is None:
        kind = annotation(validator)
        check_storable("Sample", "step", validator.transformer(answer), kind)


@each_ready
def test_what_was_typed_is_never_said_again(validator: Validator[Any]) -> None:
    for answer in ODD:
        refusal = refused(validator, f"{answer}4711sesame")
        assert refusal is None or "4711sesame" not in repr(refusal) + refusal.reason


@each_ready
def test_the_longest_answers_that_a_channel_lets_through_are_judged_like_any_other(validator: Validator[Any]) -> None:
    """Digits beyond Python's own limit, and accents, marks and spaces without end among them."""
    for part in ("9", "-", "1,", "1 ", "a", "a@", "\u0301\u0316", "é", "(", "\u200f", "😀", "1/1/"):
        longest = part * (4096 // len(part))
        assert validator.accepts(longest) is (refused(validator, longest) is None)


@each_ready
def test_it_is_a_value_with_a_name_for_diagrams(validator: Validator[Any]) -> None:
    assert attrs.has(type(validator))
    assert validator.__name__.isprintable()
    assert understand(Flow, "step", "validator", validator, arguments=1, returns=False).name == validator.__name__
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        validator.minimum = 5  # type: ignore[attr-defined] # it cannot be set, whatever has it


def test_a_refusal_survives_pickling() -> None:
    refusal = refused(READY[0], "\x00")
    assert isinstance(refusal, Unsuitable)
    back = pickle.loads(pickle.dumps(refusal))
    assert (back.reason, back.sentence, back.values) == (refusal.reason, refusal.sentence, refusal.values)
