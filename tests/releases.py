"""Two releases of a flow, for tests that hold one against the other: one is easily made from a few words.

`survey("a", "b!", c=("x", "y>a", "z>cancelled"))` is a flow of three steps: two of text, and one of three options, of
which one leads back and one out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fsmflow import Flow, Option, Step, StepType
from fsmflow.diagrams.compatibility import Lost, Release, lost_runs, release_of
from fsmflow.registry import sample_flow


def made(*steps: Step, flow_type: str = "survey", **attributes: Any) -> type[Flow]:
    return type("Survey", (Flow,), {"flow_type": flow_type, "steps": steps, **attributes})


def text(step_id: str, *examples: str, parser: Callable[[str], Any] | None = None, **named: Any) -> Step:
    return Step(id=step_id, type=StepType.TEXT, message=f"{step_id}?", transformer=parser, examples=examples, **named)


def choice(step_id: str, *options: str, **named: Any) -> Step:
    """A choice; ``x>b`` is an option of which choosing leads to the step (or end) b."""
    offered = []
    for each in options:
        name, _, to = each.partition(">")
        offered.append(Option(name, name.upper(), to=to or None))
    return Step(id=step_id, type=StepType.LIST, message=f"{step_id}?", options=tuple(offered), **named)


def release(flow: type[Flow]) -> Release:
    return release_of(flow, flow.flow_type, f"shop:{flow.__name__}")


def lost(old: type[Flow], new: type[Flow]) -> tuple[Lost, ...]:
    return lost_runs(release(old), sample_flow(new))
