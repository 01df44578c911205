"""``fsmflow diagrams --member``: the way of a member through one run of a flow.

Here belongs which run is meant, what is printed, and what is said where there is none. What the trail tells belongs to
`fsmflow.diagrams.journey`. Nothing is written to the store.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from fsmflow.audit import AuditEntry
from fsmflow.cli.comparing import show_report
from fsmflow.cli.plainly import fail, told_plainly
from fsmflow.cli.stores import asked_of
from fsmflow.diagrams.graph import NAME_LENGTH, one_line
from fsmflow.diagrams.journey import journey_of, runs_in
from fsmflow.diagrams.reports import way_report
from fsmflow.diagrams.survey import graph_of
from fsmflow.discovery import FoundFlow, find_flows
from fsmflow.messages import Channel
from fsmflow.registry import make_flow
from fsmflow.state import check_member_id

_RUNS_TOLD = 8
_Runs = Mapping[tuple[str, str], list[AuditEntry]]


@frozen
class WayOptions:
    """Whose way is meant.

    Args:
        member: The member's id.
        run: The id of the run; None for the latest.
        url: Where the trail is.
        prefix: What the keys begin with.
    """

    member: str
    run: str | None
    url: str = field(repr=False)
    prefix: str


def show_way(
    asked: WayOptions, targets: tuple[str, ...], out: Path | None, forms: tuple[str, ...], *, unfolded: bool
) -> None:
    """Draws a member's way.

    Args:
        asked: Whose.
        targets: Where the flows are.
        out: The folder to write into; None prints the page.
        forms: The forms of the pictures in that folder.
        unfolded: True draws every transition.
    """
    with told_plainly(otherwise=2):
        check_member_id(asked.member)
        with contextlib.redirect_stdout(sys.stderr):  # what a target prints as it is imported is no part of the page
            flows = {_flow_id(found, asked.member): found for found in find_flows(targets)}
        history = asked_of(asked.url, asked.prefix, lambda manager: manager.history(asked.member))
        found, entries = _chosen(asked, flows, runs_in(history))
        graph = graph_of(found.flow, found.flow_type)
        report = way_report(graph, journey_of(graph, entries), unfolded=unfolded)
        show_report(report, out, forms, unfolded=unfolded)


def _flow_id(found: FoundFlow, member: str) -> str:
    return make_flow(found.flow, found.flow_type, member, Channel("memory", member)).id


def _chosen(asked: WayOptions, flows: Mapping[str, FoundFlow], runs: _Runs) -> tuple[FoundFlow, list[AuditEntry]]:
    if not runs:
        fail(f"nothing is recorded of the member {asked.member} there", 2)
    wanted = {key: entries for key, entries in runs.items() if asked.run in (None, key[1])}
    if not wanted:
        fail(f"the member {asked.member} has no such run: {_told(runs)}", 2)
    known = [(flow_id, run_id) for flow_id, run_id in wanted if flow_id in flows]
    if not known:
        fail(f"no TARGET holds the flow of this member's {'run' if asked.run else 'runs'}: {_told(wanted)}", 2)
    return flows[known[-1][0]], wanted[known[-1]]


def _told(runs: _Runs) -> str:
    """The latest runs, the latest first."""
    latest = list(runs)[::-1]
    told = [f"{one_line(run_id, NAME_LENGTH)} of {one_line(flow_id, NAME_LENGTH)}" for flow_id, run_id in latest]
    more = [f"and {len(told) - _RUNS_TOLD} earlier ones"] if len(told) > _RUNS_TOLD else []
    return ", ".join([*told[:_RUNS_TOLD], *more])
