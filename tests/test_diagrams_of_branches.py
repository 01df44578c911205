"""Pictures of flows that branch, leave questions out, end by attempts, and hold other flows."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Callable

import pytest

from fsmflow import Flow, Option, Route, Step, StepType, SubFlow
from fsmflow.diagrams import dot, json, mermaid, svg
from fsmflow.diagrams.comparison import Comparison, compare
from fsmflow.diagrams.compatibility import lost_runs
from fsmflow.diagrams.graph import FlowGraph, NodeKind, WayKind
from fsmflow.diagrams.journey import journey_of, runs_in
from fsmflow.diagrams.overlay import Mark, key_of
from fsmflow.diagrams.survey import graph_of
from fsmflow.discovery import FoundFlow
from fsmflow.machine import WITNESSES
from fsmflow.registry import sample_flow
from fsmflow.testing import transitions_of
from fsmflow.testing.coverage import Recorder, coverage_of
from tests.branching_flows import FLOWS, Address, Country, Order, Posted
from tests.releases import made, release, text
from tests.talking import in_memory

GRAPH = graph_of(Order)


def labels(graph: FlowGraph, source: str) -> list[tuple[str, str, WayKind]]:
    return [(way.label, way.dest, way.kind) for way in graph.ways if way.source == source and way.leads_on]


@pytest.mark.parametrize("flow", FLOWS)
def test_no_two_ways_are_called_the_same(flow: type[Flow]) -> None:
    keys = [key_of(way) for way in graph_of(flow).ways]
    assert len(set(keys)) == len(keys)


def test_ways_that_would_be_called_the_same_are_told_apart_by_a_number() -> None:
    def made_for(letter: str) -> Callable[[str], bool]:
        def go(value: str) -> bool:
            return value == letter

        return go

    choice = Step(
        id="a",
        type=StepType.LIST,
        message="?",
        options=(Option("go", "Go", to="c"), Option("p", "P"), Option("q", "Q"), Option("r", "R")),
        routes=(Route("c", when=made_for("p")), Route("c", when=made_for("q"))),
    )
    flow = made(choice, text("b"), text("c"))
    names = [way.name for way in graph_of(flow).ways if (way.source, way.dest) == ("a", "c")]
    assert names == ["go", "go 2", "go 3"]
    cases = {case.name: case.value for case in transitions_of(flow) if (case.source, case.dest) == ("a", "c")}
    assert cases == {"go": "go", "go 2": "p", "go 3": "q"}


def test_a_label_tells_the_option_or_the_predicate_first_and_which_way_is_left() -> None:
    assert labels(GRAPH, "amount") == [
        ("[is_large] [is_amount]", "why", WayKind.ANSWER),
        ("else [is_amount]", "how", WayKind.ANSWER),
    ]
    assert labels(GRAPH, "why") == [
        ("[is_gift] [is_single] [why_validator]", "confirm", WayKind.PASSING),
        ("[is_gift] [why_validator]", "note", WayKind.ANSWER),
        ("else [why_validator]", "how", WayKind.ANSWER),
        ("skip", "how", WayKind.SKIP),
        ("after 3 refusals", "failed", WayKind.ATTEMPTS),
    ]
    assert labels(GRAPH, "how") == [
        ("I fetch it [is_single]", "confirm", WayKind.PASSING),
        ("I fetch it", "note", WayKind.ANSWER),
        ("Not at all", "cancelled", WayKind.ANSWER),
        ("Send it", "address", WayKind.ANSWER),
        ("after 1 refusal [is_single]", "confirm", WayKind.ATTEMPTS),
        ("after 1 refusal", "note", WayKind.ATTEMPTS),
    ]
    assert labels(GRAPH, "address") == [
        ("[goes_south]", "confirm", WayKind.LEAVE),
        ("else [is_single]", "confirm", WayKind.PASSING),
        ("else", "note", WayKind.LEAVE),
        ("cancelled", "cancelled", WayKind.LEAVE),
        ("handover", "handover", WayKind.LEAVE),
    ]
    assert labels(graph_of(Posted), "country")[0] == ("completed", "street", WayKind.LEAVE)


def test_a_flow_within_says_whose_picture_to_look_at_and_a_step_what_may_become_of_it() -> None:
    nodes = {node.id: node for node in GRAPH.steps}
    assert (nodes["address"].kind, nodes["address"].words) == (NodeKind.SUBFLOW, "address (Address)")
    assert [nodes[each].told for each in ("address", "why", "how")] == [
        "FLOW",
        "TEXT · optional · 3 attempts",
        "BUTTON · 1 attempt",
    ]


def test_what_is_the_same_everywhere_is_folded_and_attempts_only_where_they_fail() -> None:
    folded = {(way.kind, way.dest) for way in GRAPH.ways if way.folded}
    assert (WayKind.ENTER, "address") in folded
    assert {dest for kind, dest in folded if kind is WayKind.ATTEMPTS} == {"failed"}
    assert [way.dest for way in graph_of(Address).ways if way.kind is WayKind.ATTEMPTS and not way.folded] == [
        "handover"
    ]


def test_the_legend_tells_of_what_is_drawn_and_of_nothing_else() -> None:
    told, plain = " ".join(GRAPH.legend()), " ".join(graph_of(Country).legend())
    for words in ("[name] must hold", "A folder is", "leaves the question out", "passed over", "are used up."):
        assert words in told
        assert words not in plain
    assert "push" not in told
    assert "the attempts at an answer used up → failed" in told


def edges(source: str, first: str, second: str) -> list[str]:
    return [line for line in source.splitlines() if re.match(rf"\s*{first} -> {second}\b", line)]


def test_each_kind_has_its_line_in_dot_and_an_end_by_handover_is_an_end() -> None:
    drawn = dot(Order)
    skip = [line for line in edges(drawn, "why", "how") if "skip" in line]
    passing = [line for line in edges(drawn, "how", "confirm") if "I fetch it" in line]
    plain = [line for line in edges(drawn, "how", "note") if "I fetch it" in line]
    assert "style=dashed" in skip[0]
    assert "style=dotted" in passing[0]
    assert "style=" not in plain[0]
    assert "arrowhead=teetee" in next(line for line in edges(drawn, "how", "note") if "after 1 refusal" in line)
    assert "shape=folder" in next(line for line in drawn.splitlines() if line.strip().startswith("address ["))
    assert "peripheries=2" in next(line for line in drawn.splitlines() if line.strip().startswith("handover ["))
    assert "push" not in drawn
    assert "push: its first question is asked" in dot(Order, all=True)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("unfolded", [False, True])
def test_every_form_is_the_same_each_time_and_can_be_drawn(flow: type[Flow], unfolded: bool) -> None:
    assert dot(flow, all=unfolded) == dot(flow, all=unfolded)
    assert mermaid(flow, all=unfolded) == mermaid(flow, all=unfolded)
    assert json(flow) == json(flow)
    assert "<svg" in svg(flow, all=unfolded)


def test_mermaid_and_json_tell_the_same() -> None:
    drawn = mermaid(Order)
    assert 'step_address[["' in drawn
    assert "[is_large] [is_amount]" in drawn
    assert "after 3 refusals" not in drawn
    assert "skip" in drawn
    ways = json_module.loads(json(Order))["ways"]
    large = next(way for way in ways if way["name"] == "is_large")
    assert (large["predicates"], large["guard"], large["otherwise"]) == (["is_large"], "is_amount", False)
    used_up = next(way for way in ways if way["kind"] == "attempts")
    assert (used_up["refusals"], used_up["dest"], used_up["folded"]) == (3, "failed", True)
    steps = {step["id"]: step for step in json_module.loads(json(Order))["steps"]}
    assert (steps["address"]["kind"], steps["why"]["optional"], steps["how"]["attempts"]) == ("subflow", True, 1)


# -- what is said of it besides ----------------------------------------------------------------------------------------


def compared(old: tuple[Step, ...], new: tuple[Step, ...]) -> Comparison:
    before, after = release(made(*old)), release(made(*new))
    return compare(before, after, lost_runs(before, sample_flow(made(*new))))


def is_x(value: object) -> bool:
    return value == "x"


def test_a_route_that_is_added_is_a_compatible_change_and_one_that_is_removed_is_not() -> None:
    plain = (text("a"), text("b"), text("c"))
    routed = (text("a", routes=Route("c", when=is_x)), text("b"), text("c"))
    added, removed = compared(plain, routed), compared(routed, plain)
    way = ("submit", "is_x", "a", "c")
    assert (added.compatible, added.overlay.ways[way]) == (True, Mark.ADDED)
    assert (removed.compatible, removed.overlay.ways[way]) == (False, Mark.REMOVED)
    assert [change.words for change in removed.changes] == ["from 'a' to 'c', “[is_x]”"]


def test_what_becomes_of_a_step_that_a_flow_answers_is_told() -> None:
    found = compared((text("a"), SubFlow("b", Country)), (text("a", optional=True), SubFlow("b", Address)))
    told = [change.words for change in found.changes]
    assert "'a' may be left out now" in told
    assert any("was “country (Country)” and is “address (Address)”" in words for words in told)
    entered = compared((text("a"), text("b")), (text("a"), SubFlow("b", Country)))
    assert not any("push" in change.words for change in (*found.changes, *entered.changes))
    assert dot(found.graph, overlay=found.overlay)


def test_a_members_way_leads_through_a_flow_within_and_what_happened_there_is_told() -> None:
    talk = in_memory([Order])
    talk.says("order", "5", "Send it", "12", "Main Road", "South Africa", "North")
    entries = talk.manager.history(talk.member_id)
    runs = runs_in(entries)
    assert len(runs) == 1
    journey = journey_of(GRAPH, next(iter(runs.values())))
    told = [(event.state, event.words) for event in journey.events]
    assert told == [
        ("amount", "began"),
        ("amount", "→ 'how'"),
        ("how", "→ 'address'"),
        ("address", "its flow begins"),
        ("address.street", "refused"),
        ("address.street", "→ 'country'"),
        ("address.country", "push → 'country'"),
        ("address.country.country", "→ 'completed'"),
        ("address.country", "pop → 'depot'"),
        ("address.depot", "→ 'completed'"),
        ("address", "pop → 'note'"),
    ]
    assert journey.state == "note"
    assert journey.overlay.steps["address"] is Mark.PASSED
    assert journey.overlay.notes["address"] == "1 refused within"
    assert journey.overlay.ways["pop", "pop", "address", "note"] is Mark.PASSED
    assert dot(GRAPH, overlay=journey.overlay)


def test_who_was_handed_over_stands_at_that_end() -> None:
    talk = in_memory([Order])
    talk.says("order", "5", "Send it", "12", "13")
    (run,) = runs_in(talk.manager.history(talk.member_id)).values()
    journey = journey_of(GRAPH, run)
    assert journey.state == "handover"
    assert journey.overlay.steps["handover"] is Mark.CURRENT


def test_coverage_marks_every_way_and_every_end_that_it_leads_to() -> None:
    recorder = Recorder()
    WITNESSES.append(recorder)
    try:
        for case in transitions_of(Address):
            case.fire()
    finally:
        WITNESSES.remove(recorder)
    found = FoundFlow("address", Address, Address.__module__, None)
    (coverage,) = coverage_of([found], recorder.rows())
    assert (coverage.missing, coverage.others) == ((), 0)
    assert coverage.overlay().steps["handover"] is Mark.COVERED
    assert all(key_of(way) in coverage.overlay().ways for way in graph_of(Address).ways)
