"""What ``--flow-cov`` costs, beside the bare thing: two rows of one group, in one run, are a ratio.

Run them on a quiet machine: ``pytest tests/benchmarks``. No test here asserts a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fsmflow import Flow, Step, StepType
from fsmflow.machine import WITNESSES, Turn
from fsmflow.testing import TransitionCase, transitions_of
from fsmflow.testing.coverage import Recorder


class AskFlow(Flow):
    """One question, asked again and again."""

    flow_type = "ask"
    steps = (Step(id="amount", type=StepType.TEXT, message="How much?", examples="1"),)


@pytest.fixture(params=["bare", "counted"])
def recorder(request: pytest.FixtureRequest) -> Iterator[Recorder | None]:
    """What counts, or nothing."""
    if request.param == "bare":
        yield None
        return
    counting = Recorder()
    WITNESSES.append(counting)
    yield counting
    WITNESSES.remove(counting)


@pytest.mark.benchmark(group="one event, with and without --flow-cov")
def test_a_restart(benchmark: BenchmarkFixture, recorder: Recorder | None) -> None:
    flow, turn = AskFlow(), Turn()

    def fire() -> None:
        flow.fire("restart", turn)
        turn.entries.clear()
        flow.entries.clear()

    benchmark(fire)
    assert (flow.state, recorder is not None) == ("amount", bool(recorder and recorder.rows()))


@pytest.mark.benchmark(group="a test that only fires, with and without --flow-cov")
def test_a_transition_case(benchmark: BenchmarkFixture, recorder: Recorder | None) -> None:
    [case] = [each for each in transitions_of(AskFlow) if each.name == "submit"]
    fired = benchmark(TransitionCase.fire, case)
    assert (fired.flow.state, recorder is not None) == ("completed", bool(recorder and recorder.rows()))
