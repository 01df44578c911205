"""What was fired, as values: counted, added up, spelled as an overlay."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import pytest

from fsmflow.diagrams.overlay import Mark
from fsmflow.discovery import FoundFlow, find_flows
from fsmflow.flow import Flow
from fsmflow.machine import WITNESSES, all_transitions
from fsmflow.messages import Option
from fsmflow.step import Step, StepType
from fsmflow.testing import paths_of
from fsmflow.testing.coverage import FlowCoverage, Recorder, as_json, coverage_of, percent_of


class Ask(Flow):
    """One question that may be asked again."""

    flow_type = "ask"
    steps = (
        Step(
            id="a", type=StepType.BUTTON, message="?", options=(Option("on", "On"), Option("out", "Out", to="failed"))
        ),
        Step(id="b", type=StepType.TEXT, message="?"),
    )


@pytest.fixture
def recorder() -> Any:
    """Counts what the test fires."""
    counting = Recorder()
    WITNESSES.append(counting)
    yield counting
    WITNESSES.remove(counting)


ASK = FoundFlow("ask", Ask, __name__, Path(__file__))


def test_every_transition_that_is_fired_is_counted_and_no_other(recorder: Recorder) -> None:
    flow = Ask()
    flow.process_input("nothing")
    flow.process_input("on")
    flow.back()
    flow.process_input("on")
    [coverage] = coverage_of([ASK], recorder.rows())
    counted = {coverage.names[way]: count for way, count in coverage.fired.items() if count}
    assert counted == {"a-refused": 1, "a-submit-b": 2, "b-back-a": 1}
    keys = [
        (trigger, each.name, each.source, each.dest or each.source) for trigger, each in all_transitions(flow.machine)
    ]
    assert list(coverage.fired) == keys
    assert (coverage.covered, coverage.percent, coverage.others) == (3, 18, 0)


def test_what_several_processes_counted_is_added_up_and_survives_json(recorder: Recorder) -> None:
    Ask().process_input("out")
    rows = json.loads(json.dumps(recorder.rows()))
    [coverage] = coverage_of([ASK], [*rows, *rows, *rows])
    assert coverage.fired["submit", "out", "a", "failed"] == 3


def test_a_hundred_is_only_what_misses_nothing(recorder: Recorder) -> None:
    flows = find_flows(["examples/offer.py", "examples/registration.py"])
    for found in flows:
        for path in paths_of(found.flow).tour():
            path.run()
    rows = recorder.rows()
    assert percent_of(coverage_of(flows, rows)) == 100
    one_less = coverage_of(flows, rows[1:])
    assert percent_of(one_less) == 98  # 51 of 52
    assert sum(len(each.missing) for each in one_less) == 1
    assert json.loads(as_json(one_less))["percent"] == 98
    assert percent_of([]) == 100
    many = {("submit", "submit", f"s{number}", "completed"): min(number, 1) for number in range(400)}
    assert FlowCoverage(ASK, many, dict.fromkeys(many, "")).percent == 99


def test_an_overlay_marks_what_the_picture_shows(recorder: Recorder) -> None:
    flow = Ask()
    flow.process_input("on")
    flow.cancel()
    [coverage] = coverage_of([ASK], recorder.rows())
    overlay = coverage.overlay()
    assert overlay.steps == {
        **{"a": Mark.COVERED, "b": Mark.COVERED},
        **{"completed": Mark.UNCOVERED, "failed": Mark.UNCOVERED},
    }
    assert {way for way, mark in overlay.ways.items() if mark is Mark.COVERED} == set(overlay.notes)
    assert overlay.ways.keys() == coverage.fired.keys()
    assert overlay.notes["submit", "submit", "a", "b"] == "1×"
    assert overlay.heading == "2 of 16 transitions fired by the tests"
    assert [line[0] for line in overlay.legend] == [Mark.COVERED.sign, Mark.UNCOVERED.sign]


def test_counting_keeps_no_flow_alive(recorder: Recorder) -> None:
    made = type("Made", (Flow,), {"flow_type": "made", "steps": (Step(id="a", type=StepType.TEXT, message="?"),)})
    made().cancel()
    gone = weakref.ref(made)
    del made
    gc.collect()
    assert gone() is None
    assert [row[2] for row in recorder.rows()] == ["made"]
