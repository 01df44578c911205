"""Where a case's input comes from: what the step names, what its validator offers, what every step takes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st

from fsmflow.errors import FlowFault
from fsmflow.flow import Flow
from fsmflow.messages import Option, Text
from fsmflow.step import Step, StepType
from fsmflow.testing import TransitionCase, transitions_of


def offering(function: Callable[..., Any], **offers: Any) -> Callable[..., Any]:
    """The same function, with what it offers as attributes."""
    for name, offer in offers.items():
        setattr(function, name, offer)
    return function


def fresh_digits(**offers: Any) -> Callable[..., Any]:
    return offering(lambda value: value.isascii() and value.isdigit(), **offers)


def flow_with(*steps: Step, **attributes: Any) -> type[Flow]:
    return type("MadeFlow", (Flow,), {"flow_type": "made", "steps": steps, **attributes})


def asking(validator: Any, **named: Any) -> type[Flow]:
    return flow_with(Step(id="age", type=StepType.TEXT, message="?", validator=validator, **named))


def case_of(flow: type[Flow], name: str) -> TransitionCase:
    return {str(case): case for case in transitions_of(flow)}[name]


def values_of(flow: type[Flow]) -> list[str | None]:
    """What is sent to be accepted, and what to be refused."""
    return [case_of(flow, "age-submit-completed").value, case_of(flow, "age-refused").value]


GOOD = st.from_regex("[0-9]{2,4}", fullmatch=True)
BAD = st.text(st.characters(categories=["Lu"]), max_size=5)


def test_where_a_step_names_nothing_its_validators_strategies_are_drawn_from() -> None:
    flow = asking(fresh_digits(good_answers=GOOD, bad_answers=BAD))
    assert [case.lacks for case in transitions_of(flow)] == [None] * 8
    assert case_of(flow, "age-submit-completed").fire().flow.state == "completed"
    assert case_of(flow, "age-refused").fire().flow.refusal is not None


def test_what_is_drawn_is_the_same_each_time_and_in_each_process() -> None:
    program = (
        "from tests.test_testing_inputs import *; "
        "print(values_of(asking(fresh_digits(good_answers=GOOD, bad_answers=BAD))))"
    )
    here = values_of(asking(fresh_digits(good_answers=GOOD, bad_answers=BAD)))
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert there.stdout.strip() == str(here)


def test_what_a_step_names_goes_before_what_its_validator_offers() -> None:
    flow = asking(fresh_digits(good_answers=GOOD, bad_answers=BAD), examples="77", counterexamples="none")
    assert values_of(flow) == ["77", "none"]


def test_an_offer_may_be_made_from_hypothesis_strategies_so_that_who_makes_it_need_not_import_them() -> None:
    flow = asking(fresh_digits(good_answers=lambda given: given.just("12"), bad_answers=lambda given: given.just("x")))
    assert values_of(flow) == ["12", "x"]


class Named(Flow):
    """Its validator is a method."""

    flow_type = "named"

    def known(self, value: str) -> bool:
        return value == "ama"

    known.good_answers = st.just("ama")  # type: ignore[attr-defined] # a function takes any attribute
    known.bad_answers = st.just("kofi")  # type: ignore[attr-defined] # as above
    steps = (Step(id="age", type=StepType.TEXT, message="?", validator=known),)


class Renamed(Named):
    """Overrides it."""

    def known(self, value: str) -> bool:
        return value == "yaw"

    known.good_answers = st.just("yaw")  # type: ignore[attr-defined] # as above


def test_the_offer_is_that_of_what_is_really_called() -> None:
    assert values_of(Named) == ["ama", "kofi"]
    assert case_of(Renamed, "age-submit-completed").value == "yaw"
    assert case_of(Renamed, "age-refused").lacks is not None


def test_a_partial_offers_what_its_function_does_and_a_transformer_offers_too() -> None:
    def at_least(least: int, value: str) -> bool:
        return int(value) >= least

    offering(at_least, good_answers=st.just("9"), bad_answers=st.just("1"))
    assert values_of(asking(partial(at_least, 5))) == ["9", "1"]
    step = Step(
        id="age", type=StepType.TEXT, message="?", transformer=offering(lambda value: int(value) + 1, good_answers=GOOD)
    )
    assert case_of(flow_with(step), "age-submit-completed").fire().flow.data["age"] >= 1


@pytest.mark.parametrize(
    ("offer", "told"),
    [
        (st.just("  "), "be texts that are not blank"),
        (st.integers(), "be texts that are not blank"),
        (st.nothing(), "be texts that are not blank"),
        (("12",), "be a hypothesis strategy"),
        (lambda _: "12", "be a hypothesis strategy"),
    ],
)
def test_an_offer_that_gives_no_answer_is_said_to_be_missing(offer: Any, told: str) -> None:
    case = case_of(asking(fresh_digits(good_answers=offer)), "age-submit-completed")
    assert case.lacks == f"step 'age' has no examples: name an answer that it accepts, or let its good_answers {told}"
    with pytest.raises(AssertionError, match="age-submit-completed cannot be tried"):
        case.fire()


def test_hypothesis_is_imported_only_for_an_offer() -> None:
    program = (
        "import sys; from fsmflow import Flow, Step, StepType; from fsmflow.testing import transitions_of, paths_of\n"
        "class Plain(Flow):\n"
        "    flow_type = 'plain'\n"
        "    steps = (Step(id='age', type=StepType.TEXT, message='?', validator=str.isdigit, examples='1',"
        " counterexamples='x'),)\n"
        "[case.fire() for case in transitions_of(Plain)]; [path.run() for path in paths_of(Plain).tour()]\n"
        "print(sorted({'hypothesis', 'pytest', '_pytest'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "[]"


def test_a_choice_that_is_checked_is_refused_by_its_counterexamples_too() -> None:
    options = (Option("a", "A"), Option("b", "B"))
    step = Step(
        id="age", type=StepType.BUTTON, message="?", options=options, validator=lambda value: value == "a",
        counterexamples="b",
    )  # fmt: skip
    case = case_of(flow_with(step), "age-refused")
    assert case.value not in ("a", "b")
    assert case.fire().flow.refusal is not None


# -- what must be awaited ---------------------------------------------------------------------------------------------


class Looked(Flow):
    """A flow whose every callable must be awaited, on one loop."""

    flow_type = "looked"
    loops: list[asyncio.AbstractEventLoop] = []  # noqa: RUF012 - emptied by the test

    async def greeting(self) -> str:
        await asyncio.sleep(0)
        return "How much?"

    async def valid_amount(self, value: str) -> bool:
        await asyncio.sleep(0)
        self.loops.append(asyncio.get_running_loop())
        return value.isdigit()

    async def parse_amount(self, value: str) -> int:
        await asyncio.sleep(0)
        return int(value)

    async def complete(self) -> str:
        await asyncio.sleep(0)
        return f"{self.data['amount']}, then."

    steps = (
        Step(
            id="amount",
            type=StepType.TEXT,
            message=greeting,
            validator=valid_amount,
            transformer=parse_amount,
            examples="5",
            counterexamples="lots",
        ),
        Step(
            id="sure", type=StepType.TEXT, message="Sure?", validator=valid_amount, examples="1", counterexamples="no"
        ),
    )


@pytest.mark.parametrize("case", transitions_of(Looked), ids=str)
def test_a_flow_that_must_be_awaited_is_tried_like_any_other(case: TransitionCase) -> None:
    result = case.fire()
    assert result.flow.state == case.dest
    assert (result.flow.refusal is not None) is (case.name == "refused")


def test_its_words_are_awaited_too_and_one_case_has_one_loop_which_is_closed() -> None:
    Looked.loops.clear()
    assert case_of(Looked, "sure-submit-completed").fire().message == Text("5, then.")
    assert case_of(Looked, "amount-restart-amount").fire().message == Text("How much?")
    first, second = Looked.loops
    assert first is second
    assert first.is_closed()


def test_within_an_event_loop_it_is_said_that_a_case_needs_its_own() -> None:
    case = case_of(Looked, "amount-refused")

    async def fires() -> None:
        case.fire()

    with pytest.raises(AssertionError, match="on an event loop of its own, and one is running here"):
        asyncio.run(fires())
    assert case_of(Named, "age-cancel-cancelled").fire().flow.state == "cancelled"


def test_a_coroutine_that_was_not_seen_is_a_fault_as_it_is_in_a_conversation() -> None:
    async def known(value: str) -> bool:
        return bool(value)

    flow = asking(lambda value: known(value + value), examples="1")
    with pytest.raises(Exception, match="must be awaited") as caught:
        case_of(flow, "age-submit-completed").fire()
    assert not isinstance(caught.value, FlowFault)
