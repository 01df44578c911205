"""A graph of everything that a picture has a shape or a line for, most of which no flow's machine has yet."""

from __future__ import annotations

from datetime import timedelta

from fsmflow.diagrams.graph import FlowGraph, NodeKind, StepNode, WaitNode, Way, WayKind


def way(kind: WayKind, source: str, dest: str, *, folded: bool = False) -> Way:
    return Way(f"t_{kind.value}", f"n_{kind.value}", source, dest, (), None, folded, kind)


STEPS = (
    StepNode("amount", 1, "TEXT", "How much?", (), sensitive=False),
    StepNode("address", 2, "FLOW", "(address)", (), sensitive=False, kind=NodeKind.SUBFLOW),
    StepNode("transfer", 3, "ACTION", "(transfer)", (), sensitive=False, kind=NodeKind.ACTION),
)
WAITS = (WaitNode("transfer:pending"), WaitNode("transfer:unknown", NodeKind.UNKNOWN))
WAYS = tuple(way(kind, "amount", "address") for kind in WayKind)
EVERYTHING = FlowGraph(
    flow_type="pay",
    class_name="PayFlow",
    summary="",
    starters=("pay",),
    timeout=timedelta(minutes=5),
    steps=STEPS,
    ends=("completed", "cancelled"),
    ways=(*WAYS, way(WayKind.RUN, "transfer", "transfer:pending"), way(WayKind.DONE, "transfer:pending", "completed")),
    waits=WAITS,
)
