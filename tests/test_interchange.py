"""JSON for other tools: what `fsmflow.diagrams.interchange` promises, and nothing less."""

from __future__ import annotations

import json as language
import re

from fsmflow.diagrams import interchange, json
from fsmflow.diagrams.overlay import Mark, Overlay, key_of
from fsmflow.diagrams.survey import graph_of
from fsmflow.machine import all_transitions
from tests.made_up import EVERYTHING, WAYS
from tests.test_diagrams import NASTY, TicketFlow, one_question


def test_the_form_has_the_fields_that_it_promises_and_no_others() -> None:
    promised = re.findall(r'"(\w+)":', interchange.__doc__ or "")
    form = language.loads(json(EVERYTHING))
    parts = [form, form["steps"][0], form["waits"][0], form["ends"][0], form["ways"][0]]
    assert {key for part in parts for key in part} == set(promised)
    assert list(form)[:2] == ["format", "version"]
    assert (form["format"], form["version"]) == ("fsmflow-graph", 1)


def test_every_transition_is_in_it_with_what_it_stands_for_and_where_it_leads() -> None:
    form = language.loads(json(TicketFlow))
    told = [(way["trigger"], way["name"], way["source"], way["dest"]) for way in form["ways"]]
    assert told == [
        (trigger, found.name, found.source, found.dest or found.source)
        for trigger, found in all_transitions(TicketFlow().machine)
    ]
    city = form["ways"][0]
    assert (city["kind"], city["guard"], city["label"], city["folded"]) == (
        "answer",
        "known_city",
        "[known_city]",
        False,
    )
    assert (form["start"], form["timeout_seconds"], form["starters"]) == ("city", 300.0, ["ticket", "buy"])
    assert [step["sensitive"] for step in form["steps"]] == [False, False, True, False]
    assert form["ends"][0] == {"id": "completed", "mark": None, "note": None}


def test_marks_and_notes_are_in_it() -> None:
    overlay = Overlay({"amount": Mark.ADDED}, {key_of(WAYS[0]): Mark.REMOVED}, {key_of(WAYS[0]): "12×"}, "news", ("x",))
    form = language.loads(json(EVERYTHING, overlay=overlay))
    assert form["steps"][0]["mark"] == "added"
    assert (form["ways"][0]["mark"], form["ways"][0]["note"]) == ("removed", "12×")
    assert (form["heading"], form["legend"]) == ("news", ["x"])
    bare = language.loads(json(EVERYTHING))
    assert (bare["heading"], bare["legend"], bare["steps"][0]["mark"]) == (None, [], None)


def test_whatever_a_flow_says_comes_back_as_it_was_shown() -> None:
    flow = one_question(NASTY)
    form = language.loads(json(flow))
    assert form["steps"][0]["words"] == graph_of(flow).steps[0].words
    assert json(flow).isascii()
