"""All that reads machines, held to flows that use every trigger at once."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings

from fsmflow import Flow, Option, Step, StepType, SubFlow, alphabet
from fsmflow.alphabet import EMPTY, EXPIRE, PAGE, POP, RESUME
from fsmflow.checks.review import review
from fsmflow.diagrams import dot, json, mermaid, svg
from fsmflow.diagrams.graph import WayKind
from fsmflow.diagrams.journey import journey_of, runs_in
from fsmflow.diagrams.overlay import Mark, key_of
from fsmflow.diagrams.survey import graph_of
from fsmflow.discovery import FoundFlow
from fsmflow.machine import WITNESSES, all_transitions
from fsmflow.state import EXPIRED
from fsmflow.testing import Chat, TransitionCase, paths_of, transitions_of
from fsmflow.testing.coverage import Recorder, coverage_of
from tests import whole_alphabet
from tests.releases import lost, made, text
from tests.talking import in_memory
from tests.whole_alphabet import FLOWS, SHOPS, Pickup, Whole

CASES = [case for flow in FLOWS for case in transitions_of(flow)]
OF_ACTIONS = {
    "run",
    "done",
    "failed",
    "unknown",
}  # what comes of them is no member's doing: tests/test_effects_shown.py
NAMES = {value for name, value in vars(alphabet).items() if name.isupper() and isinstance(value, str)}
TRIGGERS = NAMES - {"refused", *OF_ACTIONS}


def all_of(flow: type[Flow]) -> set[tuple[str, str, str, str]]:
    return {
        (trigger, each.name, str(each.source), str(each.dest or each.source))
        for trigger, each in all_transitions(flow().machine)
    }


def shop(step_id: str, **named: Any) -> Step:
    return Step(step_id, StepType.LIST, "Which?", options=whole_alphabet.shops, examples="shop1", **named)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    found = Recorder()
    WITNESSES.append(found)
    yield found
    WITNESSES.remove(found)


@pytest.fixture
def no_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_alphabet, "SHOPS", ())


def test_they_use_every_trigger_there_is() -> None:
    assert {trigger for trigger, _ in all_transitions(Whole().machine)} == TRIGGERS
    assert TRIGGERS - {trigger for trigger, _ in all_transitions(Pickup().machine)} == {"push", "pop"}


# -- cases and paths ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_transition_has_a_case_that_fires_it(case: TransitionCase) -> None:
    assert case.lacks is None
    assert case.start().state == case.source
    fired = case.fire()
    assert (fired.fired.name, fired.flow.state) == (case.name, case.dest)


@pytest.mark.parametrize("flow", FLOWS)
def test_there_is_one_case_for_each_transition_each_with_its_own_name(flow: type[Flow]) -> None:
    cases = transitions_of(flow)
    assert {(case.trigger, case.name, case.source, case.dest) for case in cases} == all_of(flow)
    assert len({str(case) for case in cases}) == len(cases) == len(list(all_transitions(flow().machine)))


@pytest.mark.parametrize("flow", FLOWS)
def test_a_tour_takes_every_transition(recorder: Recorder, flow: type[Flow]) -> None:
    for path in paths_of(flow).tour():
        assert path.lacks is None
        assert path.run().state == path.moves[-1].dest
    (coverage,) = coverage_of([FoundFlow(flow.flow_type, flow, flow.__module__, None)], recorder.rows())
    assert coverage.missing == ()
    assert {tuple(row[3:7]) for row in recorder.rows() if row[1] == flow.__qualname__} == all_of(flow)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("channel", ["console", "whatsapp"])
def test_a_member_can_follow_what_is_offered_and_all_else_is_nobodys_doing(flow: type[Flow], channel: str) -> None:
    followed: set[tuple[str, str]] = set()
    for path in paths_of(flow).tour():
        if path.is_offered:
            chat = Chat(flow, channel=channel).follow(path)
            chat.close()
            followed |= {(move.trigger, move.source) for move in path.moves}
    left = {(trigger, source) for trigger, _, source, _ in all_of(flow)} - followed
    # what only emptiness leads to is asked of nobody while there is something to choose from
    assert left == {(trigger, source) for trigger, _, source, _ in all_of(flow) if trigger == EMPTY}


@pytest.mark.parametrize("flow", FLOWS)
def test_every_path_and_every_walk_leads_where_it_says(flow: type[Flow]) -> None:
    for state, path in paths_of(flow).shortest().items():
        assert (path.lacks, path.run().state) == (None, state)
    for path in islice(paths_of(flow).simple(), 60):
        states = [path.moves[0].source, *(move.dest for move in path.moves)]
        assert len(set(states)) == len(states)
        assert EXPIRED not in states[:-1]
        assert path.run().state == states[-1]

    @settings(max_examples=60, deadline=None)
    @given(paths_of(flow).walks(longest=12))
    def walked(walk: Any) -> None:
        assert walk.is_offered
        assert walk.run().state == walk.moves[-1].dest
        chat = Chat(flow).follow(walk)
        chat.close()

    walked()


def test_walks_go_on_after_a_silence_and_turn_pages() -> None:
    met: set[str] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(paths_of(Pickup).walks())
    def walked(walk: Any) -> None:
        met.update(move.trigger for move in walk.moves)

    walked()
    assert met == TRIGGERS - {EMPTY, "push", "pop"}


def test_a_member_turns_a_page_by_what_is_shown_for_it_and_where_all_is_shown_nothing_is_done() -> None:
    page = next(case for case in transitions_of(Pickup) if (case.trigger, case.source) == (PAGE, "shop"))
    path = next(each for each in paths_of(Pickup).tour() if page.move in each.moves)
    told = str(Chat(Pickup).follow(path).transcript)
    assert "[More]" in told.partition("[Shop 1]")[2]
    few = made(Step("a", StepType.LIST, "?", options=lambda: SHOPS[:2], examples="shop1"))
    turning = next(each for each in paths_of(few).tour() if any(move.trigger == PAGE for move in each.moves))
    assert "[More]" not in str(Chat(few).follow(turning).transcript)


def test_where_nothing_is_on_offer_its_case_is_fired_and_a_member_meets_it_unasked(no_shop: None) -> None:  # noqa: ARG001 - what is on offer
    cases = [case for flow in FLOWS for case in transitions_of(flow) if case.trigger == EMPTY]
    assert len(cases) == 4
    for case in cases:
        if case.source != "branch":  # which follows on a choice
            assert case.fire().flow.state == case.dest
    path = next(each for each in paths_of(Whole).tour() if each.moves[-1].trigger == EMPTY or not each.is_offered)
    upto = next(number for number, move in enumerate(path.moves, 1) if move.trigger == EMPTY)
    shortened = type(path)(Whole, "whole", path.moves[:upto])
    assert Chat(Whole).follow(shortened).step == path.moves[upto - 1].dest


def test_a_path_through_emptiness_that_is_none_is_told() -> None:
    path = next(each for each in paths_of(Whole).tour() if not each.is_offered and each.moves[-1].source != EXPIRED)
    with pytest.raises(AssertionError, match="step is 'kind', not"):
        Chat(Whole).follow(path)


def test_a_flow_within_that_only_emptiness_ends_so_is_left_by_it() -> None:
    inner = made(shop("which", when_empty="handover"), text("why"), flow_type="inner")
    flow = made(SubFlow("a", inner), text("b"))
    out = next(case for case in transitions_of(flow) if (case.trigger, case.dest) == (POP, "handover"))
    assert [move.trigger for move in out.move.within] == [EMPTY]
    assert out.fire().flow.state == "handover"
    assert all(path.run().state == path.moves[-1].dest for path in paths_of(flow).tour())
    walks = {move for path in paths_of(flow).tour() if path.is_offered for move in path.moves}
    assert out.move not in walks


def test_back_leads_past_what_was_left_as_it_was_empty() -> None:
    flow = made(text("a"), shop("b", when_empty="c"), text("c"))
    back = next(case for case in transitions_of(flow) if (case.trigger, case.source, case.dest) == ("back", "c", "a"))
    assert [move.trigger for move in back.path] == ["submit", EMPTY]
    assert back.fire().flow.state == "a"


def test_a_silence_is_an_end_to_paths_also_where_it_may_be_left() -> None:
    for path in paths_of(made(text("a"), text("b"))).simple("cancelled"):
        assert EXPIRED not in [move.source for move in path.moves]


def test_turning_a_page_gives_no_attempt_back() -> None:
    flow = made(shop("a", max_attempts=2, on_exhausted="b"), text("b"))
    met: set[tuple[str, ...]] = set()

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(paths_of(flow).walks(longest=5))
    def walked(walk: Any) -> None:
        assert walk.run().state == walk.moves[-1].dest
        met.add(tuple(move.name for move in walk.moves[:2]))

    walked()
    assert ("refused", PAGE) in met


def test_after_a_silence_a_flow_within_is_gone_on_with() -> None:
    back = next(case for case in transitions_of(Whole) if (case.trigger, case.dest) == (RESUME, "pickup"))
    assert [move.trigger for move in back.path][-1] == EXPIRE
    assert back.fire().flow.place == "pickup.shop"


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", FLOWS)
def test_each_way_has_its_own_name_and_a_picture_is_drawn_of_each(flow: type[Flow]) -> None:
    keys = [key_of(way) for way in graph_of(flow).ways]
    assert len(set(keys)) == len(keys)
    for unfolded in (False, True):
        assert "<svg" in svg(flow, all=unfolded)
        assert mermaid(flow, all=unfolded) == mermaid(flow, all=unfolded)
    assert {way["trigger"] for way in json_module.loads(json(flow))["ways"]} == {way[0] for way in all_of(flow)}


def test_emptiness_is_drawn_with_a_ring_and_what_is_the_same_everywhere_is_folded() -> None:
    drawn = dot(Whole)
    rings = [line for line in drawn.splitlines() if "normalodot" in line]
    assert [re.findall(r"(\w+) -> (\w+)", line)[0] for line in rings] == [("kind", "sure"), ("kind", "note")]
    labels = {(way.dest, way.label) for way in graph_of(Whole).ways if way.kind is WayKind.EMPTY}
    assert labels == {("sure", "empty [is_single]"), ("note", "empty")}
    folded = {way.kind for way in graph_of(Whole).ways if way.folded}
    assert {WayKind.PAGE, WayKind.RESUME, WayKind.ENTER, WayKind.TIMEOUT} <= folded
    assert not re.search(r"expired \[|-> expired|kind -> kind", drawn)
    assert "resume → kind" in dot(Whole, all=True)
    assert re.search(r"expired \[.*peripheries=2", dot(Whole, all=True))


def test_the_legend_tells_of_emptiness_pages_and_silence_where_there_are_any() -> None:
    told = " ".join(graph_of(Whole).legend())
    plain = " ".join(graph_of(made(text("a"))).legend())
    for words in ("a ring: there is nothing to choose from", "another page of them"):
        assert words in told
        assert words not in plain
    assert "resume → the question that was open" in told
    assert "at when after 1 hour" in " ".join(graph_of(Pickup).legend())


def test_a_members_way_through_emptiness_and_silence_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = in_memory([Whole])
    monkeypatch.setattr(whole_alphabet, "SHOPS", ())
    talk.says("whole", "5")
    (run,) = runs_in(talk.manager.history(talk.member_id)).values()
    journey = journey_of(graph_of(Whole), run)
    assert journey.state == "note"
    assert ("kind", "empty → 'note'") in [(event.state, event.words) for event in journey.events]
    assert journey.overlay.ways[EMPTY, EMPTY, "kind", "note"] is Mark.PASSED
    assert (EMPTY, "is_single", "kind", "sure") not in journey.overlay.ways
    assert dot(graph_of(Whole), overlay=journey.overlay)


def test_who_came_past_an_empty_question_is_told_of_where_that_way_is_no_more() -> None:
    old = made(text("first"), shop("a", when_empty="why"), text("sure"), text("why"))
    assert lost(old, old) == ()
    told = lost(old, made(text("first"), shop("a"), text("sure"), text("why")))
    assert [(each.state, each.why) for each in told] == [
        ("why", "the way that led from 'first' to 'why' does not any more")
    ]


def test_a_review_finds_nothing_to_say_and_nothing_that_it_cannot_read() -> None:
    report = review([f"{Whole.__module__}:{flow.__name__}" for flow in FLOWS])
    assert [finding.words for finding in report.findings if finding.rule == "definition"] == []


def test_an_option_may_be_called_as_anything_is() -> None:
    choice = Step("a", StepType.BUTTON, "?", options=(Option("empty", "E", to="b"), Option("page", "P")))
    flow = made(choice, shop("b", when_empty="completed"))
    names = [str(case) for case in transitions_of(flow)]
    assert len(set(names)) == len(names)
    for case in transitions_of(flow):
        assert case.fire().flow.state == case.dest
