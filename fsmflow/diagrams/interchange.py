"""A flow's graph as JSON, for other tools.

Here belongs the form, which is a promise to programs that are not fsmflow: ``format`` and ``version`` come first, a
field that is there stays and keeps its meaning, and a change that breaks this raises ``version``. New fields and new
values of ``kind`` may come without one: a reader passes over what it does not know.

::

    {
      "format": "fsmflow-graph", "version": 1,
      "flow_type": "offer", "class": "OfferFlow", "summary": "A member offers …",
      "starters": ["offer"],            what a member types to start it
      "timeout_seconds": 300.0,         the silence after which it expires; null for never
      "start": "amount",                the id of the first step
      "steps": [{"id": "amount", "number": 1, "kind": "question", "type": "TEXT", "words": "How much?",
                 "choices": [], "sensitive": false, "optional": false, "attempts": null, "mark": null,
                 "note": null}, …],
      "waits": [{"id": …, "kind": "pending", "mark": null, "note": null}, …],
      "ends": [{"id": "completed", "mark": null, "note": null}, …],
      "ways": [{"trigger": "submit", "name": "refused", "kind": "refused", "source": "amount", "dest": "amount",
                "choices": [], "guard": null, "predicates": [], "otherwise": false, "refusals": null,
                "label": "refused", "folded": true, "mark": null, "note": null}, …],
      "heading": null, "legend": []     what the marks are about and mean; see fsmflow.diagrams.overlay
    }

``words`` are shortened, as in a picture; a callable's name stands in parentheses. ``ways`` are all transitions of the
machine, in the order in which they are tried. ``kind`` is a value of `NodeKind` or `WayKind`, ``mark`` of `Mark`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from fsmflow.diagrams.graph import FlowGraph
from fsmflow.diagrams.overlay import NOTHING, Overlay, WayKey, key_of

FORMAT: Final = "fsmflow-graph"
VERSION: Final = 1


def graph_json(graph: FlowGraph, overlay: Overlay = NOTHING) -> str:
    """Spells a graph.

    Args:
        graph: The flow.
        overlay: What is said of its parts besides.

    Returns:
        The JSON, indented, ending in a newline.
    """
    form = {
        "format": FORMAT,
        "version": VERSION,
        "flow_type": graph.flow_type,
        "class": graph.class_name,
        "summary": graph.summary,
        "starters": list(graph.starters),
        "timeout_seconds": None if graph.timeout is None else graph.timeout.total_seconds(),
        "start": graph.steps[0].id,
        "steps": [
            {
                "id": node.id,
                "number": node.number,
                "kind": node.kind.value,
                "type": node.type,
                "words": node.words,
                "choices": list(node.choices),
                "sensitive": node.sensitive,
                "optional": node.optional,
                "attempts": node.attempts,
                **_said(node.id, overlay),
            }
            for node in graph.steps
        ],
        "waits": [{"id": wait.id, "kind": wait.kind.value, **_said(wait.id, overlay)} for wait in graph.waits],
        "ends": [{"id": end, **_said(end, overlay)} for end in graph.ends],
        "ways": [
            {
                "trigger": way.trigger,
                "name": way.name,
                "kind": way.kind.value,
                "source": way.source,
                "dest": way.dest,
                "choices": list(way.choices),
                "guard": way.guard,
                "predicates": list(way.predicates),
                "otherwise": way.otherwise,
                "refusals": way.refusals,
                "label": way.label,
                "folded": way.folded,
                **_said(key_of(way), overlay),
            }
            for way in graph.ways
        ],
        "heading": overlay.heading or None,
        "legend": list(overlay.legend),
    }
    return json.dumps(form, indent=1, ensure_ascii=True) + "\n"


def _said(part: str | WayKey, overlay: Overlay) -> dict[str, Any]:
    mark = overlay.steps.get(part) if isinstance(part, str) else overlay.ways.get(part)
    return {"mark": None if mark is None else mark.value, "note": overlay.notes.get(part)}
