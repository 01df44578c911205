"""A flow's graph in Mermaid's language, as GitHub and GitLab show it in Markdown.

Here belongs Mermaid's spelling and nothing else; it needs no package. A flowchart was chosen over Mermaid's state
diagram, whose labels take no quotes and so cannot say what a flow may say. Ids are prefixed (``step_end``): a bare
``end`` would end the subgraph. See https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from fsmflow.diagrams.arrows import Arrow, ends_of, lay_out, marked, told_in_box
from fsmflow.diagrams.graph import FlowGraph, NodeKind, StepNode, Way, WayKind, wrapped
from fsmflow.diagrams.overlay import NOTHING, Mark, Overlay, key_of

_WIDTH: Final = 36  # characters of a line in a node or on an arrow
# Everything but what Mermaid takes for text wherever it stands: quotes end a label, # ; & make entities, % { } make
# comments and directives, < > HTML, * ` ~ Markdown, and a colon after the word "style" swallows a semicolon. What
# begins like an item of a list is shown as "Unsupported markdown: list".
_SPECIAL: Final = re.compile(r"^(?:[-+]|[0-9]+[.)])|[^\w :,!?.'/()\[\]=+–—…“”’·-]|:(?! )|(?<![^\W_])_|_(?![^\W_])")
_LOOKS: Final = (
    "classDef start fill:#222222,stroke:#222222",
    "classDef ending stroke-width:4px",
    "classDef sensitive stroke-dasharray:6 3",
    "classDef waiting stroke-dasharray:2 2",
    "classDef legend fill:none,stroke:none",
    "class start start",
    "class legend legend",
)

_SHAPES: Final[Mapping[NodeKind, tuple[str, str]]] = {
    NodeKind.QUESTION: ("[", "]"),
    NodeKind.ACTION: ("{{", "}}"),
    NodeKind.SUBFLOW: ("[[", "]]"),
    NodeKind.PENDING: ("(", ")"),
    NodeKind.UNKNOWN: ("{", "}"),
}
_LINES: Final[Mapping[WayKind, str]] = {
    WayKind.ANSWER: "-->",
    WayKind.SKIP: "-.->",
    WayKind.PASSING: "-.->",
    WayKind.REFUSED: "-.-x",
    WayKind.BACK: "-.->",
    WayKind.CANCEL: "-.->",
    WayKind.RESTART: "-.->",
    WayKind.TIMEOUT: "-.-o",
    WayKind.RESUME: "-.->",
    WayKind.ATTEMPTS: "-.-x",
    WayKind.RUN: "-->",
    WayKind.DONE: "-->",
    WayKind.FAILED: "--x",
    WayKind.UNKNOWN: "-.->",
    WayKind.ENTER: "==>",
    WayKind.LEAVE: "==>",
    WayKind.PAGE: "-.->",
    WayKind.EMPTY: "-.-o",
    WayKind.OTHER: "-.->",
}
_MARKED: Final[Mapping[Mark, str]] = {
    Mark.ADDED: "==>",
    Mark.REMOVED: "-.->",
    Mark.CHANGED: "==>",
    Mark.PASSED: "==>",
    Mark.CURRENT: "==>",
    Mark.REFUSED: "-.->",
    Mark.COVERED: "==>",
    Mark.UNCOVERED: "-.->",
}


def flowchart(graph: FlowGraph, overlay: Overlay = NOTHING, *, unfolded: bool = False, note: str = "") -> str:
    """Spells a graph.

    Args:
        graph: The flow.
        overlay: What is said of its parts besides.
        unfolded: True draws every transition of the machine.
        note: A comment for those who read the source.

    Returns:
        The source, ending in a newline.
    """
    layout = lay_out(graph, overlay, unfolded=unfolded)
    arrows = layout.arrows
    loose = [way for ways in layout.listed.values() for way in ways] if unfolded else []
    ends = tuple(end for end in graph.ends if end in {way.dest for way in loose} | {*ends_of(graph, arrows, overlay)})
    names = {node.id: f"step_{node.id}" for node in graph.steps}
    names |= {wait.id: f"wait_{place}" for place, wait in enumerate(graph.waits, 1)}
    names |= {end: f"end_{end}" for end in graph.ends}
    marks = layout.listed if overlay.ways and not unfolded else {}
    told = {source: told_in_box(ways, overlay) for source, ways in marks.items()}
    legend = (*overlay.legend, *graph.legend(unfolded=unfolded))
    inside = [
        'start((" "))',
        *(_step(node, told.get(node.id, []), overlay) for node in graph.steps),
        *(_shaped(names[wait.id], wait.kind, _named(wait.id, overlay)) for wait in graph.waits),
        *(f'end_{end}(["{_named(end, overlay)}"])' for end in ends),
        f'start -->|"{_lines(graph.starters)}"| step_{graph.steps[0].id}',
        *(_arrow(arrow, names) for arrow in arrows),
        *(_loose(way, names, overlay) for way in loose),
        f'legend["{_lines(legend, 2 * _WIDTH)}"]',
        f"{f'end_{ends[0]}' if ends else f'step_{graph.steps[-1].id}'} ~~~ legend",
    ]
    title = " · ".join(filter(None, (graph.title, overlay.heading)))
    lines = ["flowchart TD", f"  %% {note}", f'  subgraph flow["{_escaped(title)}"]']
    lines += [*(f"    {line}" for line in inside), "  end"]
    lines += [f"  {line}" for line in (*_LOOKS, *_classes(graph, ends, names, overlay))]
    return "\n".join(lines) + "\n"


def _step(node: StepNode, told: Sequence[str], overlay: Overlay) -> str:
    mark, note = overlay.steps.get(node.id), overlay.notes.get(node.id, "")
    head = _escaped(marked(f"{node.number} · {node.id}", mark, ""))
    kind = " · ".join(filter(None, (node.told, _escaped(note))))
    return _shaped(f"step_{node.id}", node.kind, f"<b>{head}</b> · {kind}<br/>{_lines([node.words, *told])}")


def _shaped(name: str, kind: NodeKind, label: str) -> str:
    opened, closed = _SHAPES[kind]
    return f'{name}{opened}"{label}"{closed}'


def _named(state: str, overlay: Overlay) -> str:
    return _escaped(marked(state, overlay.steps.get(state), overlay.notes.get(state, "")))


def _arrow(arrow: Arrow, names: Mapping[str, str]) -> str:
    line = _LINES[arrow.kind] if arrow.mark is None else _MARKED[arrow.mark]
    return f'{names[arrow.source]} {line}|"{_lines(arrow.labels)}"| {names[arrow.dest]}'


def _loose(way: Way, names: Mapping[str, str], overlay: Overlay) -> str:
    mark, note = overlay.ways.get(key_of(way)), overlay.notes.get(key_of(way), "")
    words = _lines([marked(way.label, mark, note)])
    return f'{names[way.source]} {_LINES[way.kind]}|"{words}"| {names[way.dest]}'


def _classes(graph: FlowGraph, ends: Sequence[str], names: Mapping[str, str], overlay: Overlay) -> Iterator[str]:
    """Which looks a node has; of those that speak of one thing, the later ones win."""
    held: dict[str, list[str]] = {
        "ending": [f"end_{end}" for end in ends],
        "sensitive": [f"step_{node.id}" for node in graph.steps if node.sensitive],
        "waiting": [names[wait.id] for wait in graph.waits],
    }
    for state, mark in overlay.steps.items():
        if state in names and (state not in graph.ends or state in ends):
            held.setdefault(mark.value, []).append(names[state])
    for mark in Mark:
        if mark.value in held:
            yield f"classDef {mark.value} {'stroke-dasharray:3 3' if _MARKED[mark] == '-.->' else 'stroke-width:3px'}"
    yield from (f"class {','.join(nodes)} {look}" for look, nodes in held.items() if nodes)


def _lines(texts: Iterable[str], width: int = _WIDTH) -> str:
    return "<br/>".join(_escaped(line) for text in texts for line in wrapped(text, width))


def _escaped(line: str) -> str:
    """A line in which nothing has a meaning to Mermaid, to Markdown or to HTML."""
    return _SPECIAL.sub(lambda found: "".join(f"#{ord(mark)};" for mark in found[0]), line)
