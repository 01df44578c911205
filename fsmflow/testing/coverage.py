"""Which transitions of a flow were fired: counted by the machines' own callback, added up over processes.

Here belong the counting (`Recorder`), the adding up of what several processes counted, and what it comes to for a flow
(`FlowCoverage`), as values, as JSON and as an overlay of its picture. When it is counted, and what is told of it in a
test run, belongs to `fsmflow.testing.reporting`.

A flow is known by the file of its class, the class's name and the flow type, since each process has its own class, and
one may have it under another module's name. A subclass is another flow: its code is another.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import frozen

from fsmflow.alphabet import LEADING_ON
from fsmflow.diagrams.overlay import Mark, Overlay, WayKey
from fsmflow.discovery import FoundFlow
from fsmflow.machine import FlowTransition, Model, all_transitions
from fsmflow.registry import sample_flow
from fsmflow.state import EXPIRED
from fsmflow.testing.inputs import Inputs
from fsmflow.testing.moves import Way

FlowKey: TypeAlias = tuple[str, str, str]
"""A flow: the file of its class (or the module, where that has none), the class's qualified name, the flow type."""

Row: TypeAlias = Sequence[Any]
"""What was counted of one transition, ready to be sent: `FlowKey`, then `WayKey`, then how often."""

LEGEND: Final = ("✓ fired by the tests (how often)", "✗ not fired by any test")


class Recorder:
    """Counts the transitions that are made, of every flow. It is one of the machines' witnesses."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str, str, str, str]] = Counter()

    def __call__(self, model: Model, trigger: str, transition: FlowTransition) -> None:
        """Takes note of a transition."""
        owner, source = type(model), transition.source
        # words, not the objects: these would keep every flow of every test alive
        flow = (owner.__module__, owner.__qualname__, model.flow_type)
        key = (*flow, trigger, transition.name, source, transition.dest or source)
        self._counts[key] += 1

    def rows(self) -> list[Row]:
        """What was counted, as lists of strings and numbers, which go from one process to another."""
        return [[_file_of(module), *rest, count] for (module, *rest), count in self._counts.items()]


@frozen
class FlowCoverage:
    """Which transitions of one flow were fired.

    Args:
        found: The flow.
        fired: For each transition of its machine, in the order of definition, how often it was fired.
        names: What a transition case of each is called.
        others: How many transitions were fired that the machine does not have: of a class that builds its steps by its
            member, other members may have others.
    """

    found: FoundFlow
    fired: Mapping[WayKey, int]
    names: Mapping[WayKey, str]
    others: int = 0

    @property
    def covered(self) -> int:
        """How many of the transitions were fired."""
        return sum(1 for count in self.fired.values() if count)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of those that were not."""
        return tuple(self.names[way] for way, count in self.fired.items() if not count)

    @property
    def percent(self) -> int:
        """How much that is, in whole percent; 100 only where nothing is missing."""
        return percent_of([self])

    def overlay(self) -> Overlay:
        """What is told of it in the flow's picture."""
        marks = {way: Mark.COVERED if count else Mark.UNCOVERED for way, count in self.fired.items()}
        steps = dict.fromkeys(source for _, _, source, _ in self.fired if source != EXPIRED)
        # an end that no answer leads to is not in the picture, which leaves out what is the same at every question
        ends = dict.fromkeys(dest for trigger, _, _, dest in self.fired if trigger in LEADING_ON)
        met = {state for (_, _, *both), count in self.fired.items() if count for state in both}
        return Overlay(
            steps={state: Mark.COVERED if state in met else Mark.UNCOVERED for state in {**steps, **ends}},
            ways=marks,
            notes={way: f"{count}×" for way, count in self.fired.items() if count},
            heading=f"{self.covered} of {len(self.fired)} transitions fired by the tests",
            legend=LEGEND,
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as what JSON holds."""
        names = ("trigger", "name", "source", "dest")
        return {
            "flow_type": self.found.flow_type,
            "flow": self.found.place,
            "transitions": len(self.fired),
            "covered": self.covered,
            "percent": self.percent,
            "missing": list(self.missing),
            "fired": [
                {**dict(zip(names, way, strict=True)), "case": self.names[way], "times": count}
                for way, count in self.fired.items()
            ],
        }


def coverage_of(flows: Iterable[FoundFlow], rows: Iterable[Row]) -> tuple[FlowCoverage, ...]:
    """What was fired of some flows.

    Args:
        flows: The flows.
        rows: What the processes counted.

    Raises:
        FlowDefinitionError: A flow cannot be constructed.
    """
    counted: dict[FlowKey, Counter[WayKey]] = {}
    for file, owner, flow_type, trigger, name, source, dest, count in rows:
        counted.setdefault((file, owner, flow_type), Counter())[trigger, name, source, dest] += count
    return tuple(_coverage(found, counted.get(_key_of(found), Counter())) for found in flows)


def percent_of(coverages: Iterable[FlowCoverage]) -> int:
    """How much of some flows was fired, in whole percent; 100 only where nothing is missing."""
    several = list(coverages)
    total = sum(len(each.fired) for each in several)
    return 100 * sum(each.covered for each in several) // total if total else 100


def as_json(coverages: Iterable[FlowCoverage]) -> str:
    """The coverage of some flows as a JSON document, for other tools."""
    several = list(coverages)
    found = {"percent": percent_of(several), "flows": [each.to_dict() for each in several]}
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _coverage(found: FoundFlow, counted: Counter[WayKey]) -> FlowCoverage:
    machine = sample_flow(found.flow, found.flow_type).machine
    names: dict[WayKey, str] = {}
    for trigger, each in all_transitions(machine):
        key = (trigger, each.name, str(each.source), str(each.dest or each.source))
        names[key] = str(Way(trigger, each, Inputs()).move())
    return FlowCoverage(found, {way: counted[way] for way in names}, names, len(counted.keys() - names.keys()))


def _key_of(found: FoundFlow) -> FlowKey:
    return (_file_of(found.flow.__module__), found.flow.__qualname__, found.flow_type)


def _file_of(module: str) -> str:
    file = getattr(sys.modules.get(module), "__file__", None)
    return module if file is None else str(Path(file).resolve())
