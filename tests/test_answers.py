from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from fsmflow.answers import ANSWER_LIMIT, Accepted, Answer, Refusal, Verdict, chosen
from fsmflow.calls import run_calls
from fsmflow.codec import dump_flow_data, load_flow_data
from fsmflow.errors import FlowFault, Refused, UnexpectedVerdict, UnstorableAnswer
from fsmflow.flow import Flow
from fsmflow.messages import Option
from fsmflow.step import Step, StepType
from fsmflow.wording import Sentences

SAY = Sentences()
SECRET = "4711-sesame"


def flow_with(**named: Any) -> Flow:
    """A flow of one TEXT step with these callables, and one more step after it."""
    step: dict[str, Any] = {"id": "amount", "type": StepType.TEXT, "message": "How much?", **named}
    steps = (Step(**step), Step(id="rest", type=StepType.TEXT, message="And?"))
    made: type[Flow] = type("OfferFlow", (Flow,), {"flow_type": "offer", "steps": steps})
    return made()


def verdict_on(answer: Answer, **named: Any) -> Verdict:
    return run_calls(flow_with(**named).judges(answer))


def answering(result: Any) -> Callable[[str], Any]:
    def answer(value: str) -> Any:
        if isinstance(result, BaseException):
            raise result
        assert value == SECRET
        return result

    return answer


# -- what reaches the callables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(""), SAY.empty),
        (Answer(" \t\n\u00a0\u2003"), SAY.empty),
        (Answer("x" * (ANSWER_LIMIT + 1)), SAY.too_long.format(limit=4096)),
        (Answer(" " * (ANSWER_LIMIT + 1)), SAY.too_long.format(limit=4096)),
        (Answer(None), SAY.text_wanted),
        (Answer(None, kind="image"), SAY.text_wanted),
        (Answer("a caption", kind="image"), SAY.text_wanted),
        (Answer("here", kind="location"), SAY.text_wanted),
        (Answer(None, "yes", "option"), SAY.text_wanted),
    ],
)
def test_what_is_no_text_is_refused_before_any_code_of_the_flow_sees_it(answer: Answer, reason: str) -> None:
    def never(value: str) -> bool:
        raise AssertionError(value)

    assert verdict_on(answer, validator=never, transformer=never, refusal="Own words.") == Refusal(reason)


def test_the_longest_text_a_channel_sends_is_taken() -> None:
    assert verdict_on(Answer("x" * ANSWER_LIMIT)) == Accepted("x" * ANSWER_LIMIT)


def test_the_value_is_the_stripped_text() -> None:
    seen: list[str] = []
    assert verdict_on(Answer("  a  b \n"), validator=lambda value: not seen.append(value)) == Accepted("a  b")  # type: ignore[func-returns-value]  # its None is what makes it True
    assert seen == ["a  b"]


def test_the_title_of_a_tap_may_answer_a_text_question() -> None:
    assert verdict_on(Answer("Yes", "yes", "option")) == Accepted("Yes")


# -- verdicts ------------------------------------------------------------------------------------------------------


def test_true_accepts_and_false_refuses() -> None:
    assert verdict_on(Answer(SECRET), validator=answering(True)) == Accepted(SECRET)
    assert verdict_on(Answer(SECRET), validator=answering(False)) == Refusal(SAY.not_accepted)
    assert verdict_on(Answer(SECRET), validator=answering(False), refusal="A number.") == Refusal("A number.")


def test_nothing_accepts_if_the_validator_is_the_flows_own() -> None:
    def checks(self: Flow, value: str) -> None:
        assert self.state == "amount"
        assert value == SECRET

    assert verdict_on(Answer(SECRET), validator=checks) == Accepted(SECRET)


@pytest.mark.parametrize("result", [None, 1, 0, "yes", "", [], pytest.param(object(), id="object"), NotImplemented])
def test_any_other_verdict_is_a_fault_that_names_the_validator(result: Any) -> None:
    flow = flow_with(validator=answering(result))
    with pytest.raises(UnexpectedVerdict) as caught:
        flow.process_input(SECRET)
    found = caught.value
    expected = ("OfferFlow", "amount", "answer", type(result).__name__)
    assert (found.flow, found.step, found.validator, found.returned) == expected


@pytest.mark.parametrize(("value", "returned"), [("12", "Match"), ("x", "NoneType")])
def test_a_regular_expression_is_no_validator_by_itself(value: str, returned: str) -> None:
    with pytest.raises(UnexpectedVerdict) as caught:
        flow_with(validator=re.compile("[0-9]+").match).process_input(value)
    assert (caught.value.validator, caught.value.returned) == ("match", returned)


@pytest.mark.parametrize("role", ["validator", "transformer"])
def test_a_refusal_in_the_flows_own_words_is_shown(role: str) -> None:
    flow = flow_with(**{role: answering(Refused("At most 100."))}, refusal="A number.")
    assert flow.process_input(SECRET) == flow_with(message="At most 100.\n\nHow much?").question
    assert flow.refusal == "At most 100."


@pytest.mark.parametrize(
    ("reason", "refusal", "shown"), [("", "A number.", "A number."), (" ", None, SAY.not_accepted)]
)
def test_a_refusal_without_words_gets_the_steps(reason: str, refusal: str | None, shown: str) -> None:
    assert verdict_on(Answer(SECRET), validator=answering(Refused(reason)), refusal=refusal) == Refusal(shown)


@pytest.mark.parametrize("role", ["validator", "transformer"])
@pytest.mark.parametrize("fault", [ValueError, ArithmeticError, ZeroDivisionError, OverflowError, UnicodeError])
@pytest.mark.parametrize(("refusal", "shown"), [("A number.", "A number."), (None, SAY.not_accepted)])
def test_what_parsing_raises_refuses_and_its_text_is_never_shown(
    role: str, fault: type[Exception], refusal: str | None, shown: str
) -> None:
    flow = flow_with(**{role: answering(fault(SECRET))}, refusal=refusal)
    said = flow.process_input(SECRET)
    assert flow.refusal == shown
    assert SECRET not in repr((said, flow.validation, flow.entries, flow.snapshot()))


class OwnFault(Exception):
    pass


@pytest.mark.parametrize("role", ["validator", "transformer"])
@pytest.mark.parametrize(
    "fault",
    [
        OwnFault("x"),
        KeyError("x"),
        TypeError("x"),
        AssertionError("x"),
        OSError("x"),
        KeyboardInterrupt(),
        SystemExit(1),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_anything_else_comes_out_as_it_is_with_everything_as_it_was(role: str, fault: BaseException) -> None:
    flow = flow_with(**{role: answering(fault)})
    flow.process_input(" ")
    before = (flow.snapshot(), flow.previous, flow.refusal, list(flow.entries))
    with pytest.raises(type(fault)) as caught:
        flow.process_input(SECRET)
    assert caught.value is fault
    assert (flow.snapshot(), flow.previous, flow.refusal, list(flow.entries)) == before


def test_an_exhausted_iterator_in_a_validator_is_a_fault_and_no_verdict() -> None:
    flow = flow_with(validator=lambda value: next(mark for mark in "" if mark == value))
    with pytest.raises(RuntimeError) as caught:
        flow.process_input(SECRET)
    assert isinstance(caught.value.__cause__, StopIteration)
    assert (flow.state, flow.data) == ("amount", {})


def test_a_refused_answer_is_not_transformed_and_a_fault_of_the_flow_is_no_refusal() -> None:
    assert verdict_on(Answer(SECRET), validator=answering(False), transformer=answering(OwnFault())) == Refusal(
        SAY.not_accepted
    )
    with pytest.raises(FlowFault):
        verdict_on(Answer(SECRET), validator=answering(FlowFault()))


# -- choices -------------------------------------------------------------------------------------------------------

MENU = Step(
    id="menu",
    type=StepType.LIST,
    message="Which?",
    options=(Option("send", "Send  Money"), Option("two", "2"), Option("straße", "STRASSE")),
)


@pytest.mark.parametrize(
    ("answer", "option_id"),
    [
        (Answer("send money"), "send"),
        (Answer(" SEND\nmoney "), "send"),
        (Answer("straße"), "straße"),
        (Answer("Strasse"), "straße"),
        (Answer("send"), None),  # an id is not typed
        (Answer(None, "send", "option"), "send"),
        (Answer("STRASSE", "send", "option"), "send"),  # the tap counts, not its title
        (Answer("Send Money", "SEND", "option"), None),
        (Answer("Send Money", "gone", "option"), None),
        (Answer("Send Money", None, "image"), None),
        (Answer("Send Money", None, "option"), None),
        (Answer(None), None),
        (Answer(""), None),
        (Answer("1"), None),  # nobody showed numbers
        (Answer("2"), "two"),  # a title
        (Answer("1", numbered=True), "send"),
        (Answer(" 3 ", numbered=True), "straße"),
        (Answer("2", numbered=True), "two"),
        (Answer("0", numbered=True), None),
        (Answer("4", numbered=True), None),
        (Answer("01", numbered=True), None),
        (Answer("-1", numbered=True), None),
        (Answer("1.", numbered=True), None),
        (Answer("\N{ARABIC-INDIC DIGIT ONE}", numbered=True), None),
        (Answer("\N{FULLWIDTH DIGIT ONE}", numbered=True), None),
        (Answer("\N{SUPERSCRIPT TWO}", numbered=True), None),
        (Answer("9" * 4096, numbered=True), None),
        (Answer("send money" + " " * 4096), None),
    ],
)
def test_an_option_is_chosen_by_tap_by_title_or_by_a_number_that_was_shown(
    answer: Answer, option_id: str | None
) -> None:
    found = chosen(MENU, answer)
    assert (None if found is None else found.id) == option_id


@pytest.mark.parametrize(
    ("typed", "numbered", "option_id"),
    [
        ("1", True, "first"),
        ("2", True, "second"),
        ("3", True, "third"),
        ("10", True, "third"),  # no place: a title like any other
        ("1", False, "second"),  # where nobody showed numbers, it can only be the title
        ("2", False, "first"),
    ],
)
def test_a_number_is_the_place_that_was_shown_also_where_another_title_is_that_number(
    typed: str, numbered: bool, option_id: str
) -> None:
    options = (Option("first", "2"), Option("second", "1"), Option("third", "10"))
    found = chosen(Step(id="size", type=StepType.LIST, message="?", options=options), Answer(typed, numbered=numbered))
    assert found is not None
    assert found.id == option_id


def test_the_value_of_a_choice_is_the_options_id_and_no_choice_is_refused() -> None:
    seen: list[str] = []
    named = {"type": StepType.LIST, "options": MENU.options, "refusal": "Own words."}
    accepted = verdict_on(Answer("send money"), validator=lambda value: not seen.append(value), **named)  # type: ignore[func-returns-value]  # as above
    assert accepted == Accepted("send", MENU.options[0])
    assert seen == ["send"]
    assert verdict_on(Answer("what?"), **named) == Refusal(SAY.choose)


@given(st.text(max_size=5))
def test_whatever_is_typed_at_a_numbered_menu_chooses_one_or_none(text: str) -> None:
    found = chosen(MENU, Answer(text, numbered=True))
    assert found is None or found in MENU.options


# -- what is kept --------------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "r"
    BLUE = "b"


@frozen
class Money:
    amount: Decimal
    on: date
    tags: tuple[str, ...] = ()


def as_int(value: str) -> int:
    return int(value)


def untyped(value: str):  # type: ignore[no-untyped-def]  # noqa: ANN201, RUF100 - the missing annotation is what is tested
    return value


@pytest.mark.parametrize(
    "kept",
    [
        math.nan,
        math.inf,
        {1, 2},
        frozenset(),
        (1, 2),
        b"x",
        Decimal("1.5"),
        date(2024, 2, 29),
        Colour.RED,
        Money(Decimal(1), date(2024, 1, 1)),
        2**64,
        -(2**63) - 1,
        pytest.param(object(), id="object"),
        {"a": math.nan},
        {1: "a"},
        [Decimal(1)],
        "\ud800",
    ],
    ids=repr,
)
def test_what_would_not_come_back_as_it_is_is_a_fault_while_it_can_be_told(kept: Any) -> None:
    flow = flow_with(transformer=answering(kept))
    with pytest.raises(UnstorableAnswer) as caught:
        flow.process_input(SECRET)
    assert (caught.value.flow, caught.value.step) == ("OfferFlow", "amount")
    assert caught.value.type_name == type(kept).__name__
    assert (flow.state, flow.data) == ("amount", {})


@pytest.mark.parametrize("kept", [None, True, "x", 0.5, 2**64 - 1, -(2**63), [1, "a"], {"a": [None, 0.25]}], ids=repr)
def test_what_json_gives_back_as_it_is_needs_no_annotation(kept: Any) -> None:
    flow = flow_with(transformer=answering(kept))
    flow.process_input(SECRET)
    assert flow.data == {"amount": kept}
    assert type(flow.data["amount"]) is type(kept)


def test_a_result_of_another_type_than_annotated_is_a_fault() -> None:
    def says_decimal(value: str) -> Decimal:
        return int(value)  # type: ignore[return-value]  # the mistake

    with pytest.raises(UnstorableAnswer, match="a int cannot be stored"):
        flow_with(transformer=says_decimal).process_input("5")


def comes_back(annotation: Any, value: Any) -> None:
    """The promise: an accepted answer is, after the store, the same in type and value."""

    def keep(text: str) -> Any:
        return value if text == "go" else None

    keep.__annotations__["return"] = annotation
    flow = flow_with(transformer=keep)
    flow.process_input("go")
    assert flow.refusal is None
    stored = load_flow_data(dump_flow_data(flow.snapshot()))
    assert stored is not None
    again = type(flow)()
    assert again.resume(stored)
    back = again.data["amount"]
    assert (type(back), back) == (type(value), value)
    assert repr(back) == repr(value) or isinstance(value, datetime)  # a zone comes back as its offset
    assert again.snapshot() == stored


@given(st.decimals(allow_nan=False))
def test_a_decimal_comes_back_digit_by_digit(value: Decimal) -> None:
    comes_back(Decimal, value)


@given(st.integers())
def test_a_whole_number_of_any_size_comes_back(value: int) -> None:
    comes_back(int, value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_finite_float_comes_back(value: float) -> None:
    comes_back(float, value)


@given(st.dates())
def test_a_date_comes_back(value: date) -> None:
    comes_back(date, value)


@given(
    st.datetimes(
        timezones=st.one_of(st.none(), st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes))))
    )
)
def test_a_moment_comes_back(value: datetime) -> None:
    comes_back(datetime, value)


@given(st.uuids())
def test_a_uuid_comes_back(value: UUID) -> None:
    comes_back(UUID, value)


@given(st.sampled_from(Colour))
def test_a_member_of_an_enum_comes_back(value: Colour) -> None:
    comes_back(Colour, value)


@given(
    st.builds(
        Money,
        st.decimals(allow_nan=False, allow_infinity=False),
        st.dates(),
        st.lists(st.text(st.characters(codec="utf-8"))).map(tuple),
    )
)
def test_an_attrs_object_comes_back(value: Money) -> None:
    comes_back(Money, value)


@given(
    st.one_of(st.none(), st.dates()), st.lists(st.uuids()), st.dictionaries(st.text(max_size=3), st.decimals("-9", "9"))
)
def test_annotations_that_contain_others_come_back(
    day: date | None, ids: list[UUID], prices: dict[str, Decimal]
) -> None:
    comes_back(date | None, day)
    comes_back(list[UUID], ids)
    comes_back(dict[str, Decimal], prices)


def test_an_annotated_number_may_be_larger_than_json_libraries_take() -> None:
    flow = flow_with(transformer=as_int)
    flow.process_input(str(10**30))
    assert flow.data == {"amount": 10**30}
    assert orjson.loads(dump_flow_data(flow.snapshot()))["data"] == {"amount": str(10**30)}


def test_without_a_transformer_the_text_is_kept() -> None:
    flow = flow_with(transformer=untyped)
    flow.process_input("12")
    assert flow.data == {"amount": "12"}
