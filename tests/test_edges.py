"""Which step follows on which, as it is read from a flow's steps; and the mistakes that are found in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fsmflow import Flow, FlowDefinitionError, Option, Step
from fsmflow.alphabet import EXHAUSTED, POP, SKIP, SUBMIT
from fsmflow.definition import DEPTH_LIMIT
from fsmflow.edges import Edge, Predicate, ways_on
from fsmflow.step import Route, SubFlow
from tests.branched import YES_NO, Address, choice, text


def never(_: Any) -> bool:
    return False


def of_two(_: Any, __: Any) -> bool:
    return False


def unless() -> bool:
    return False


class MadeOtherwise(Address):
    """Cannot be made as a flow within another is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)


def ways(*steps: Step, of: str) -> list[tuple[str, str, str | None, tuple[Predicate, ...]]]:
    return [(each.trigger, each.dest, each.option, each.predicates) for each in ways_on(steps) if each.source == of]


def test_a_step_without_routes_leads_to_the_next_and_the_last_one_to_the_end() -> None:
    assert ways_on((text("a"), text("b"))) == (Edge("a", "b"), Edge("b", "completed"))


def test_routes_are_tried_in_their_order_and_the_next_step_after_them() -> None:
    steps = (text("a", routes=(Route("c", never), Route("failed", never))), text("b"), text("c"))
    assert ways(*steps, of="a") == [
        (SUBMIT, "c", None, (Predicate("a", 0),)),
        (SUBMIT, "failed", None, (Predicate("a", 1),)),
        (SUBMIT, "b", None, ()),
    ]


def test_after_a_route_for_everybody_none_is_tried() -> None:
    steps = (text("a", routes=(Route("c", never), Route("c"))), text("b"), text("c"))
    assert ways(*steps, of="a") == [(SUBMIT, "c", None, (Predicate("a", 0),)), (SUBMIT, "c", None, ())]


def test_the_way_past_a_step_that_may_be_skipped_is_tried_before_the_way_to_it_and_the_furthest_first() -> None:
    steps = (text("a"), text("b", skip_when=unless), text("c", skip_when=unless))
    past_b, past_c = Predicate("b"), Predicate("c")
    assert ways(*steps, of="a") == [
        (SUBMIT, "completed", None, (past_b, past_c)),
        (SUBMIT, "c", None, (past_b,)),
        (SUBMIT, "b", None, ()),
    ]


def test_a_route_to_a_step_that_may_be_skipped_asks_its_own_predicate_first() -> None:
    steps = (text("a", routes=(Route("c", never),)), text("b"), text("c", skip_when=unless), text("d"))
    assert ways(*steps, of="a") == [
        (SUBMIT, "d", None, (Predicate("a", 0), Predicate("c"))),
        (SUBMIT, "c", None, (Predicate("a", 0),)),
        (SUBMIT, "b", None, ()),
    ]


def test_an_option_with_a_target_stands_beside_the_routes_which_are_for_the_others() -> None:
    asked = choice("a", *YES_NO, Option("out", "Out", to="failed"), routes=(Route("c", never),))
    assert ways(asked, text("b"), text("c"), of="a") == [
        (SUBMIT, "failed", "out", ()),
        (SUBMIT, "c", None, (Predicate("a", 0),)),
        (SUBMIT, "b", None, ()),
    ]


def test_where_every_option_has_a_target_there_is_no_other_way() -> None:
    asked = choice("a", Option("x", "X", to="b"), Option("y", "Y", to="failed"))
    assert [option for _, _, option, _ in ways(asked, text("b"), of="a")] == ["x", "y"]


def test_an_optional_step_is_left_the_way_of_an_answer_for_which_no_predicate_holds() -> None:
    plain = (text("a", optional=True), text("b"))
    routed = (text("a", optional=True, routes=(Route("b", never), Route("c"))), text("b"), text("c"))
    open_ended = (text("a", optional=True, routes=(Route("c", never),)), text("b"), text("c"))
    found = [[way for way in ways(*steps, of="a") if way[0] == SKIP] for steps in (plain, routed, open_ended)]
    assert found == [[(SKIP, "b", None, ())], [(SKIP, "c", None, ())], [(SKIP, "b", None, ())]]


def test_used_up_attempts_and_a_flow_within_are_left_by_triggers_of_their_own() -> None:
    steps = (text("a", max_attempts=2, on_exhausted="b"), SubFlow("b", Address), text("c", skip_when=unless))
    assert (EXHAUSTED, "b", None, ()) in ways(*steps, of="a")
    assert ways(*steps, of="b") == [(POP, "completed", None, (Predicate("c"),)), (POP, "c", None, ())]


WRONG: dict[str, tuple[Callable[[], tuple[Any, ...]], str | None, str]] = {
    "a route to nowhere": (lambda: (text("a", routes=(Route("z", never),)), text("b")), "a", "no step and no end"),
    "no step is reached": (lambda: (text("a", routes=(Route("c"),)), text("b"), text("c")), "b", "no answer leads to"),
    "in circles": (lambda: (text("a"), text("b", routes=(Route("a"),))), "a", "no answer leads from this step to an"),
    "an end only by refusals": (
        lambda: (text("a", routes=(Route("a"),), max_attempts=2, on_exhausted="failed"),),
        "a",
        "no answer leads from this step to an end",
    ),
    "an island": (
        lambda: (text("a", routes=(Route("completed"),)), text("b", routes=(Route("c"),)), text("c")),
        "b",
        "no answer leads to this step",
    ),
    "the first one skipped": (lambda: (text("a", skip_when=unless), text("b")), "a", "the first step is always asked"),
    "a route after one for everybody": (
        lambda: (text("a", routes=(Route("c"), Route("b", never))), text("b"), text("c")),
        "a",
        "a route without a predicate is the last",
    ),
    "no Route": (lambda: (text("a", routes=("b",)), text("b")), "a", "routes holds Route objects, not str"),
    "a predicate of two": (
        lambda: (text("a", routes=(Route("b", of_two),)), text("b")),
        "a",
        "(self, value)",
    ),
    "a predicate that is none": (lambda: (text("a", routes=(Route("b", 5),)), text("b")), "a", "must be callable"),  # type: ignore[arg-type] # that is refused
    "a skip_when that takes a value": (lambda: (text("a"), text("b", skip_when=never)), "b", "(self)"),
    "no limit": (lambda: (text("a", on_exhausted="b"), text("b")), "a", "belong together"),
    "no way out": (lambda: (text("a", max_attempts=2), text("b")), "a", "belong together"),
    "no attempt": (lambda: (text("a", max_attempts=0, on_exhausted="failed"),), "a", "a number from 1"),
    "an attempt of no number": (lambda: (text("a", max_attempts=True, on_exhausted="failed"),), "a", "a number from"),
    "used up to itself": (lambda: (text("a", max_attempts=1, on_exhausted="a"),), "a", "on_exhausted is another step"),
    "used up to success": (lambda: (text("a", max_attempts=1, on_exhausted="completed"),), "a", "on_exhausted is"),
    "used up to nowhere": (lambda: (text("a", max_attempts=1, on_exhausted="z"),), "a", "on_exhausted is another"),
    "optional by a word": (lambda: (text("a", optional="yes"),), "a", "optional is True or False"),
    "a flow that is none": (lambda: (SubFlow("a", Step),), "a", "a SubFlow takes a Flow class"),
    "a flow without steps": (lambda: (SubFlow("a", Flow),), "a", "a SubFlow takes a Flow class that has its steps"),
    "a flow made otherwise": (lambda: (SubFlow("a", MadeOtherwise),), "a", "its __init__ must take"),
    "a step of type FLOW": (lambda: (Step("a", SubFlow("b", Address).type, "a?"),), "a", "type must be StepType.TEXT"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_is_told_when_the_class_is_made_with_class_and_step_and_what_is_expected(wrong: str) -> None:
    made, step_id, wanted = WRONG[wrong]
    with pytest.raises(FlowDefinitionError) as found:
        type("WrongFlow", (Flow,), {"flow_type": "wrong", "steps": made()})
    assert str(found.value).startswith(f"WrongFlow, step '{step_id}': ")
    assert wanted in str(found.value)


def test_flows_stand_in_each_other_up_to_a_depth_and_no_deeper() -> None:
    within: type[Flow] = Address
    for depth in range(2, DEPTH_LIMIT + 1):
        within = type(f"Deep{depth}", (Flow,), {"flow_type": f"deep{depth}", "steps": (SubFlow("within", within),)})
    with pytest.raises(FlowDefinitionError, match=f"at most {DEPTH_LIMIT} deep"):
        type("TooDeep", (Flow,), {"flow_type": "too_deep", "steps": (SubFlow("within", within),)})
    flow = within()
    assert flow.process_input("Main").body == "town?"  # type: ignore[union-attr] # anything but a question fails
    assert flow.innermost.flow_type == "address"
