"""Options that live, in the alphabet of the machine: pictures, transition tests, deploys."""

from __future__ import annotations

import re
from types import new_class
from typing import Any

import pytest
from attrs import frozen

from fsmflow import Flow, FlowDefinitionError, Option, Step, StepType
from fsmflow.alphabet import EMPTY, PAGE
from fsmflow.diagrams import dot, mermaid
from fsmflow.machine import all_transitions
from fsmflow.testing import Chat, paths_of, transitions_of
from tests.on_offer import Shelf, accepting, offers


def ways_of(flow: type[Flow]) -> list[tuple[str, str, str]]:
    return [(trigger, str(way.source), str(way.dest)) for trigger, way in all_transitions(flow().machine)]


class Found(Flow):
    """A search between two questions."""

    flow_type = "found"
    found_now: Any = ()

    def found(self) -> Any:
        return self.found_now

    steps = (
        Step("name", StepType.TEXT, "Which name?"),
        Step("which", StepType.LIST, "Which of these?", options=found, when_empty="other", examples=("id2",)),
        Step("other", StepType.TEXT, "What else?"),
    )


def test_turning_the_page_and_having_nothing_are_transitions() -> None:
    ways = ways_of(Found)
    assert {way for way in ways if way[0] in (PAGE, EMPTY)} == {("page", "which", "which"), ("empty", "which", "other")}
    assert [way for way in ways if way[0] == "back"] == [
        ("back", "which", "name"),
        ("back", "other", "name"),
        ("back", "other", "which"),
    ]


def test_a_flow_without_such_options_has_neither() -> None:
    steps = (Step("which", StepType.LIST, "Which?", options=offers(2)),)
    flow = type("Fixed", (Flow,), {"flow_type": "fixed", "steps": steps})
    assert not {trigger for trigger, _, _ in ways_of(flow)} & {PAGE, EMPTY}


def test_a_step_that_only_emptiness_leads_to_can_be_reached() -> None:
    steps = (
        Step("which", StepType.LIST, "Which?", options=lambda: [], when_empty="why"),
        Step("sure", StepType.BUTTON, "Sure?", options=(Option("y", "Yes", to="completed"),)),
        Step("why", StepType.TEXT, "Why?"),
    )
    assert type("Why", (Flow,), {"flow_type": "why", "steps": steps})().definition.first == "which"


def test_every_transition_is_fired_by_its_case() -> None:
    Found.found_now = offers(3)
    cases = transitions_of(Found)
    assert [case.lacks for case in cases] == [None] * len(cases)
    fired = [case.fire() for case in cases]
    names = [(case.trigger, case.source, case.dest) for case in cases]
    assert len(fired) == len(names) == len(set(names)) + sum(case.name == "refused" for case in cases) - 3
    [chosen] = [case for case in cases if (case.source, case.trigger, case.dest) == ("which", "submit", "other")]
    assert chosen.fire().flow.data["which"] == "id2"


def test_a_tour_takes_them_all() -> None:
    Found.found_now = offers(3)
    runs = paths_of(Found).tour()
    assert [run.lacks for run in runs] == [None] * len(runs)
    assert {move.trigger for run in runs for move in run.moves} >= {PAGE, EMPTY}
    for run in runs:
        run.run()


def test_without_examples_the_sample_says_what_is_on_offer_or_the_case_says_what_it_lacks() -> None:
    shelf = Shelf(offers(2))
    chosen = {case.option or case.name: case for case in transitions_of(accepting(shelf)) if case.source == "offer"}
    assert chosen["submit"].value == "id1"
    assert chosen["submit"].fire().flow.data == {"offer": "id1"}
    for given, why in (
        (OSError("S3CRET"), "for a sample it raises OSError"),
        ([], "now it has none"),
        (5, "for a sample it raises BadOptions"),
    ):
        shelf.on_offer = given
        lacking = transitions_of(accepting(shelf))[0].lacks
        assert lacking is not None
        assert lacking.startswith("step 'offer' has no examples: name the id of an option that pending_offers offers")
        assert lacking.endswith(why)
    awaited = transitions_of(accepting(Shelf(offers(2)), awaited=True))[0].lacks
    assert awaited is not None
    assert awaited.endswith("which must be awaited")


def test_examples_stand_in_for_a_callable_that_has_nothing_to_ask_when_tests_are_collected() -> None:
    shelf = Shelf(OSError("no bank here"))
    case = transitions_of(accepting(shelf, awaited=True, examples=("id2",)))[0]
    assert case.lacks is None
    shelf.on_offer = offers(2)
    assert case.fire().flow.data == {"offer": "id2"}


@pytest.mark.parametrize("spelled", [dot, mermaid])
def test_a_picture_shows_one_way_on_guarded_by_the_callable_and_the_way_for_nothing(spelled: Any) -> None:
    shelf = Shelf(OSError("nobody is asked"))
    flow = accepting(shelf, when_empty="failed", validator=is_even)
    picture = re.sub(r"(<br/>|<BR/>|<BR ALIGN='LEFT'/>|\s)+", " ", spelled(flow), flags=re.IGNORECASE)
    assert "[pending_offers, is_even]" in picture
    assert "empty" in picture
    assert "another page of them" in picture
    assert "[pending_offers]" in spelled(accepting(shelf))
    assert shelf.looked == 0


def is_even(value: str) -> bool:
    return value == "id2"


def test_a_chat_taps_its_way_through_the_pages() -> None:
    chat = Chat(accepting(Shelf(offers(25))), channel="whatsapp")
    chat.tap("More").tap("more").tap("id25").expect(step="sure", data={"offer": "id25"})
    chat.say("back").expect(options=[f"id{number}" for number in range(1, 26)])


def test_a_field_of_what_need_not_be_answered_as_there_may_be_nothing_needs_a_default() -> None:
    @frozen
    class Needs:
        which: str

    @frozen
    class Has:
        which: str = "none"

    def flow_of(data: Any, when_empty: str) -> type[Flow]:
        step = Step("which", StepType.LIST, "Which?", options=lambda: [], when_empty=when_empty)
        return new_class("Typed", (Flow[data],), {}, lambda body: body.update({"flow_type": "typed", "steps": (step,)}))

    with pytest.raises(FlowDefinitionError, match="needs a default: the flow can be completed without it"):
        flow_of(Needs, "completed")
    assert flow_of(Needs, "cancelled")().definition.when_empty == {"which"}
    chat = Chat(flow_of(Has, "completed"))
    assert (chat.reply.status, chat.reply.data) == ("completed", Has())


def test_which_of_the_options_live_is_no_part_of_a_flows_structure_but_the_way_for_none_is() -> None:
    plain = accepting(Shelf(offers(2)))().definition.fingerprint
    assert accepting(Shelf(offers(9)))().definition.fingerprint == plain
    assert accepting(Shelf(offers(2)), when_empty="failed")().definition.fingerprint != plain
