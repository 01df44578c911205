"""What a picture's source costs: a flow of ten steps with branches, read from its machine and spelled.

Run them on a quiet machine: ``pytest tests/benchmarks/test_diagrams.py``. Two rows of one group, in one run, are a
ratio: reading the machine is a part of each of the others. No test here asserts a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fsmflow import Flow, Option, Step, StepType
from fsmflow.diagrams import dot, json, mermaid
from fsmflow.diagrams.survey import graph_of

YES_OR_BACK = (Option("yes", "Yes"), Option("change", "Change it", to="q0"), Option("no", "No", to="cancelled"))


def valid(value: str) -> bool:
    return bool(value)


class TenFlow(Flow):
    """Ten questions, three of which branch."""

    flow_type = "ten"
    steps = tuple(
        Step(id=f"q{place}", type=StepType.BUTTON, message="Is that right?", options=YES_OR_BACK)
        if place % 3 == 2
        else Step(id=f"q{place}", type=StepType.TEXT, message="What would you like to do next?", validator=valid)
        for place in range(10)
    )


@pytest.mark.parametrize("draw", [graph_of, mermaid, dot, json], ids=lambda draw: draw.__name__)
@pytest.mark.benchmark(group="ten steps")
def test_a_source_of_ten_steps(benchmark: BenchmarkFixture, draw: Callable[[type[Flow]], Any]) -> None:
    assert benchmark(draw, TenFlow)
