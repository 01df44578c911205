from __future__ import annotations

import inspect
import multiprocessing
import pickle
import re
from typing import Any

import attrs
import pytest

from fsmflow import errors
from fsmflow.errors import (
    AsyncFlowError,
    AuthenticatorFailed,
    BadOptions,
    BadTarget,
    Contended,
    DrawingFailed,
    EffectOpen,
    EffectRefused,
    FlowDefinitionError,
    FlowEnded,
    FlowFault,
    FsmflowError,
    InvalidMemberId,
    InvalidState,
    LimitExceeded,
    MissingExtra,
    MissingProgram,
    NewerState,
    NoOptions,
    NotYetAnswered,
    OutcomeNotTaken,
    PayloadError,
    Refused,
    StoreUnavailable,
    UnexpectedOutcome,
    UnexpectedVerdict,
    UnsendableMessage,
    UnstorableAnswer,
    Unsuitable,
)
from fsmflow.flow import Flow
from fsmflow.state import check_member_id
from fsmflow.step import Step, StepType

SECRET = "4711-sesame"

ONE_OF_EACH: list[FsmflowError] = [
    FsmflowError("odd"),
    FlowDefinitionError("Offer", "amount", "a step id"),
    AsyncFlowError("Offer", None, "check must be awaited"),
    Refused("At most 100."),
    Unsuitable("At most 100.", "smaller", {"most": "100"}),
    EffectRefused("There is not enough money."),
    EffectOpen("m1", "run:payment:2"),
    FlowFault("odd"),
    UnexpectedVerdict("Offer", "amount", "valid", "Match"),
    NotYetAnswered("Offer", "amount"),
    UnstorableAnswer("Offer", "amount", "set", "an annotation"),
    OutcomeNotTaken("run:pay:1", "KeyError", "bot:words:1"),
    UnexpectedOutcome("Offer", "pay", "pays", "str", "Done or Accepted"),
    BadOptions("Offer", "amount", "option 2: its id is that of an option before it"),
    NoOptions("Offer", "amount"),
    LimitExceeded("body", 10, 11, "whatsapp"),
    UnsendableMessage("body", "words", "whatsapp"),
    FlowEnded("offer_m1", "completed"),
    InvalidState("channel", "an object"),
    InvalidMemberId("member_id", "1 to 128 characters"),
    PayloadError("entry", "a list"),
    StoreUnavailable("no answer"),
    AuthenticatorFailed("it raised"),
    Contended("others"),
    NewerState("newer"),
    MissingExtra("memory", "in_memory"),
    MissingProgram("dot", "drawing", "apt install graphviz"),
    DrawingFailed("SVG", "syntax error"),
    BadTarget("bot:flows", "no such module"),
    MissingProgram("dot", "a picture", "apt install graphviz"),
    BadTarget("offer.py", "holds no flow"),
]


def classes() -> set[type[FsmflowError]]:
    found = (each for _, each in inspect.getmembers(errors, inspect.isclass))
    return {each for each in found if issubclass(each, FsmflowError)}


def fields_of(error: FsmflowError) -> dict[str, Any]:
    return attrs.asdict(error) if attrs.has(type(error)) else {}  # type: ignore[arg-type]  # not every one has fields


def test_the_samples_of_this_file_are_one_of_each() -> None:
    assert {type(error) for error in ONE_OF_EACH} == classes()


def drawn_tree() -> dict[str, str]:
    """For each class in the drawing of the module's docstring the one that it hangs under."""
    above: list[str] = []
    parents: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)\b", line)
        if found is None:
            continue
        depth = len(found[1]) // 4 + (1 if "── " in line else 0)
        del above[depth:]
        if above:
            parents[found[2]] = above[-1]
        above.append(found[2])
    return parents


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    real = {each.__name__: each.__base__.__name__ for each in classes() - {FsmflowError} if each.__base__}
    assert drawn_tree() == real


def test_every_error_has_one_parent_only() -> None:
    assert all(len(each.__bases__) == 1 for each in classes())


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_with_its_fields_and_its_words(error: FsmflowError) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(error, protocol))
        assert type(back) is type(error)
        assert fields_of(back) == fields_of(error)
        assert (str(back), back.args) == (str(error), error.args)


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_an_error_says_all_its_fields_in_its_words(error: FsmflowError) -> None:
    told = fields_of(error)
    if isinstance(error, Unsuitable):
        told = {"reason": error.reason}  # the others say how it is made anew in another language
    for value in told.values():
        assert value is None or str(value) in str(error)


def test_an_error_of_a_worker_process_arrives_whole() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(InvalidMemberId) as caught:
            pool.apply(check_member_id, ("with space",))
        assert caught.value.field == "member_id"
        back = pool.map(repr, ONE_OF_EACH)
    assert back == [repr(error) for error in ONE_OF_EACH]


def test_errors_can_be_told_apart_and_kept_in_sets() -> None:
    assert len({*ONE_OF_EACH, *ONE_OF_EACH}) == len(ONE_OF_EACH)
    assert Refused("a") != Refused("a")  # two events, not two values


@pytest.mark.parametrize("reason", [None, 5, ValueError(SECRET)])
def test_a_refusal_takes_words_only(reason: Any) -> None:
    with pytest.raises(TypeError):
        Refused(reason)


def echo(value: str) -> Any:
    return {value}


@pytest.mark.parametrize(
    ("callables", "expected"),
    [({"validator": echo}, UnexpectedVerdict), ({"transformer": echo}, UnstorableAnswer)],
)
def test_what_is_raised_about_an_answer_does_not_quote_it(
    callables: dict[str, Any], expected: type[FsmflowError]
) -> None:
    class Pin(Flow):
        flow_type = "pin"
        steps = (Step(id="pin", type=StepType.TEXT, message="PIN?", **callables),)

    flow = Pin()
    with pytest.raises(expected) as caught:
        flow.process_input(SECRET)
    told = " ".join([str(caught.value), repr(caught.value), repr(fields_of(caught.value)), repr(caught.value.args)])
    assert SECRET not in told
    assert "Pin" in told
    assert "pin" in told


def test_an_answer_that_comes_too_late_is_not_quoted() -> None:
    class Name(Flow):
        flow_type = "name"
        steps = (Step(id="name", type=StepType.TEXT, message="Name?"),)

    flow = Name(member_id="m1")
    flow.process_input("Ada")
    with pytest.raises(FlowEnded) as caught:
        flow.process_input(SECRET)
    assert (caught.value.flow_id, caught.value.state) == ("name_m1", "completed")
    assert str(caught.value) == "name_m1 is completed: it takes no more answers"
