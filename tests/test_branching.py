"""The asking of predicates: how often, how far, with what before them, and what becomes of one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmflow import (
    AsyncFlowError,
    AsyncFlowRunner,
    AsyncFlowStateManager,
    Flow,
    FlowRunner,
    FlowStateManager,
    Option,
    Refused,
)
from fsmflow.errors import UnexpectedVerdict
from fsmflow.messages import Channel, Inbound
from fsmflow.step import Route, SubFlow
from tests.branched import YES_NO, Address, choice, text
from tests.talking import in_memory, words

Asked = list[tuple[str, Any, dict[str, Any]]]
TROUBLE: dict[str, Callable[[], Any]] = {
    "raises": lambda: 1 // 0,
    "refuses": lambda: (_ for _ in ()).throw(Refused("a predicate cannot refuse")),
    "says a ValueError": lambda: int("x"),
    "says None": lambda: None,
    "says a number": lambda: 1,
    "says a word": lambda: "yes",
}


def asking(holds: dict[str, bool]) -> tuple[type[Flow], Asked]:
    """A flow whose predicates say as they are told, and what each of them was asked."""
    asked: Asked = []

    class Asking(Flow):
        flow_type = "asking"

        def first(self, value: str) -> bool:
            asked.append(("first", value, dict(self.data)))
            return holds["first"]

        def second(self, value: str) -> bool:
            asked.append(("second", value, dict(self.data)))
            return holds["second"]

        def past_c(self) -> bool:
            asked.append(("past_c", None, dict(self.data)))
            return holds["past_c"]

        def past_d(self) -> bool:
            asked.append(("past_d", None, dict(self.data)))
            return holds["past_d"]

        steps = (
            text("a", routes=(Route("c", first), Route("c", second), Route("b"))),
            text("b"),
            text("c", skip_when=past_c),
            text("d", skip_when=past_d),
            text("e"),
        )

    return Asking, asked


@given(st.fixed_dictionaries({name: st.booleans() for name in ("first", "second", "past_c", "past_d")}))
def test_each_predicate_is_asked_at_most_once_and_only_as_far_as_it_decides(holds: dict[str, bool]) -> None:
    made, asked = asking(holds)
    flow = made()
    flow.process_input("x")
    led = "e" if holds["past_d"] else "d"
    past = ["past_c", "past_d"] if holds["past_c"] else ["past_c"]
    past_c = led if holds["past_c"] else "c"
    if holds["first"]:
        wanted, dest = ["first", *past], past_c
    elif holds["second"]:
        wanted, dest = ["first", "second", *past], past_c
    else:
        wanted, dest = ["first", "second"], "b"
    assert ([name for name, _, _ in asked], flow.state) == (wanted, dest)


def test_a_predicate_sees_the_value_and_the_data_with_the_answer_in_it() -> None:
    made, asked = asking({"first": False, "second": True, "past_c": False, "past_d": False})
    flow = made()
    flow.process_input(" x ")
    assert asked == [("first", "x", {"a": "x"}), ("second", "x", {"a": "x"}), ("past_c", None, {"a": "x"})]
    assert flow.data == {"a": "x"}


def test_a_refused_answer_asks_no_predicate() -> None:
    made, asked = asking({"first": True, "second": True, "past_c": True, "past_d": True})
    flow = made()
    flow.process_input("")
    assert (asked, flow.state) == ([], "a")


def test_what_a_predicate_puts_into_the_data_is_not_kept() -> None:
    class Meddling(Flow):
        flow_type = "meddling"

        def meddles(self, _: str) -> bool:
            self.data["a"] = self.data["z"] = "other"
            return True

        steps = (text("a", routes=(Route("b", meddles),)), text("b"))

    flow = Meddling()
    flow.process_input("x")
    assert (flow.state, flow.data) == ("b", {"a": "x"})


def troubled(trouble: Callable[[], Any], where: str) -> type[Flow]:
    """A flow with a predicate that fails: of a route, of a skipped step; after an answer, a flow, a word, refusals."""

    class Troubled(Flow):
        flow_type = "troubled"

        def fails(self, _: Any) -> Any:
            return trouble()

        def fails_alone(self) -> Any:
            return trouble()

        steps = {
            "a route": (text("a"), text("b", routes=(Route("c", fails),)), text("c")),
            "a step skipped": (text("a"), text("b"), text("c", skip_when=fails_alone)),
            "an option": (text("a"), choice("b"), text("c", skip_when=fails_alone)),
            "skip": (text("a"), text("b", optional=True), text("c", skip_when=fails_alone)),
            "pop": (text("a"), SubFlow("b", Address, routes=(Route("c", fails),)), text("c")),
            "exhausted": (
                text("a"),
                text("b", validator=lambda _: False, max_attempts=1, on_exhausted="c"),
                text("c", skip_when=fails_alone),
            ),
        }[where]

    return Troubled


ANSWERS = {"an option": "Yes", "skip": "skip", "pop": "Rome"}
WHERE = ("a route", "a step skipped", "an option", "skip", "pop", "exhausted")


@pytest.mark.usefixtures("side")
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_predicate_that_fails_is_a_fault_of_the_flow_and_the_member_stays_where_they_were(
    trouble: str, where: str
) -> None:
    talk = in_memory([troubled(TROUBLE[trouble], where)])
    talk.says("troubled", *(("x", "Main") if where == "pop" else ("x",)))
    before = talk.fields
    reply = talk.says(ANSWERS.get(where, "y"))
    assert (reply.status, words(reply)) == ("error", talk.runner.conversation.sentences.apology)
    assert (talk.fields["flow_data"], talk.fields["previous"]) == (before["flow_data"], before["previous"])
    error = next(each for each in talk.manager.history(talk.member_id) if each.event_type == "error")
    assert error.error in ("ZeroDivisionError", "Refused", "ValueError", "UnexpectedVerdict")
    assert "y" not in (error.reason or "").split()


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_in_memory_it_comes_out_of_the_flow_and_all_is_as_it_was(trouble: str, where: str) -> None:
    flow = troubled(TROUBLE[trouble], where)()
    flow.process_input("x")
    if where == "pop":
        flow.process_input("Main")
    before = (flow.snapshot(), flow.previous, len(flow.entries), len(flow.innermost.entries), flow.question)
    with pytest.raises((ZeroDivisionError, Refused, ValueError, UnexpectedVerdict)):
        flow.trigger("skip" if where == "skip" else "submit", ANSWERS.get(where, "y"))
    assert before == (
        flow.snapshot(),
        flow.previous,
        len(flow.entries),
        len(flow.innermost.entries),
        flow.question,
    )


class Waiting(Flow):
    """Predicates that must be awaited."""

    flow_type = "waiting"

    async def is_long(self, value: str) -> bool:
        await asyncio.sleep(0)
        return len(value) > 3

    async def is_known(self) -> bool:
        await asyncio.sleep(0)
        return bool(self.data["a"] == "known")

    steps = (text("a", routes=(Route("c", is_long), Route("b"))), text("b"), text("c", skip_when=is_known), text("d"))


@pytest.mark.parametrize(("said", "asked"), [("x", "b?"), ("xxxx", "c?"), ("known", "d?")])
def test_a_predicate_may_be_awaited(said: str, asked: str) -> None:
    async def talked() -> str:
        runner = AsyncFlowRunner(AsyncFlowStateManager.in_memory(), [Waiting])
        for number, each in enumerate(("waiting", said)):
            reply = await runner.handle(Inbound(Channel("console", "ann"), str(number), each))
        return words(reply)

    assert asyncio.run(talked()) == asked


def test_one_that_must_be_awaited_is_no_flow_for_a_synchronous_runner_nor_one_within_another() -> None:
    class Around(Flow):
        flow_type = "around"
        steps = (SubFlow("within", Waiting),)

    with pytest.raises(AsyncFlowError, match="is_long, is_known"):
        FlowRunner(FlowStateManager.in_memory(), [Waiting])
    with pytest.raises(AsyncFlowError, match=r"within\.is_long, within\.is_known"):
        FlowRunner(FlowStateManager.in_memory(), [Around])


def test_a_subclass_that_overrides_a_predicate_is_obeyed() -> None:
    class Plain(Flow):
        flow_type = "plain"

        def leads(self, _: str) -> bool:
            return False

        steps = (text("a", routes=(Route("c", leads),)), text("b"), text("c"))

    class Other(Plain):
        flow_type = "other"

        def leads(self, _: str) -> bool:
            return True

    plain, other = Plain(), Other()
    plain.process_input("x")
    other.process_input("x")
    assert (plain.state, other.state) == ("b", "c")


class Built(Flow):
    """Builds its steps for each member, with bound methods that decide."""

    def __init__(self, flow_type: str, state: dict[str, Any] | None = None, limit: int = 10) -> None:
        self.limit = limit
        super().__init__(
            f"{flow_type}_{'' if state is None else state['member_id']}",
            (
                text("a", routes=(Route("c", self.over), Route("b"))),
                text("b"),
                text("c", skip_when=self.under),
                text("d"),
            ),
        )

    def over(self, value: str) -> bool:
        return int(value) > self.limit

    def under(self) -> bool:
        return int(self.data["a"]) > 2 * self.limit


def test_of_flows_that_build_their_steps_each_is_asked_its_own_predicates() -> None:
    low, high = Built("built", limit=10), Built("built", limit=100)
    for flow in (low, high):
        flow.process_input("15")
    assert (low.state, high.state) == ("c", "b")
    assert low.machine is high.machine


@pytest.mark.usefixtures("side")
def test_a_flow_that_builds_its_steps_branches_in_a_conversation_too() -> None:
    talk = in_memory({"built": Built})
    assert words(talk.says("built", "15")) == "c?"
    assert words(talk.says("back", "5")) == "b?"
    assert words(talk.says("back", "25")) == "d?"


def test_a_target_of_another_option_decides_nothing_for_the_one_that_was_chosen() -> None:
    class Choosing(Flow):
        flow_type = "choosing"

        def is_no(self, value: str) -> bool:
            assert value != "out"
            return value == "no"

        def never(self) -> bool:
            return False

        steps = (
            choice("a", Option("out", "Out", to="d"), *YES_NO, routes=(Route("c", is_no),)),
            text("b"),
            text("c"),
            text("d", skip_when=never),
        )

    led = {}
    for option in ("out", "yes", "no"):
        flow = Choosing()
        flow.process_input(option)
        led[option] = flow.state
    assert led == {"out": "d", "yes": "b", "no": "c"}
