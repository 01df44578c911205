"""A flow's graph in Mermaid's language, as GitHub and GitLab show it in Markdown.

Here belongs Mermaid's spelling and nothing else; it needs no package. A flowchart was chosen over Mermaid's state
diagram, whose labels take no quotes and so cannot say what a flow may say. Ids are prefixed (``step_end``): a bare
``end`` would end the subgraph. See https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from fsmflow.graph import Arrow, FlowGraph, StepNode, wrapped

_WIDTH: Final = 36  # characters of a line in a node or on an arrow
# Everything but what Mermaid takes for text wherever it stands: quotes end a label, # ; & make entities, % { } make
# comments and directives, < > HTML, * ` ~ Markdown, and a colon after the word "style" swallows a semicolon. What
# begins like an item of a list is shown as "Unsupported markdown: list".
_SPECIAL: Final = re.compile(r"^(?:[-+]|[0-9]+[.)])|[^\w :,!?.'/()\[\]=+–—…“”’·-]|:(?! )|(?<![^\W_])_|_(?![^\W_])")
_LOOKS: Final = (
    "classDef start fill:#222222,stroke:#222222",
    "classDef ending stroke-width:4px",
    "classDef sensitive stroke-dasharray:6 3",
    "classDef legend fill:none,stroke:none",
    "class start start",
    "class legend legend",
)


def flowchart(graph: FlowGraph, *, unfolded: bool = False, note: str = "") -> str:
    """Spells a graph.

    Args:
        graph: The flow.
        unfolded: True draws every transition of the machine.
        note: A comment for those who read the source.

    Returns:
        The source, ending in a newline.
    """
    arrows = graph.arrows(unfolded=unfolded)
    ends = graph.ends_of(arrows)
    steps = frozenset(node.id for node in graph.steps)
    sensitive = [f"step_{node.id}" for node in graph.steps if node.sensitive]
    last = f"end_{ends[0]}" if ends else f"step_{graph.steps[-1].id}"
    inside = [
        '  start((" "))',
        *(f'  step_{node.id}["{_step(node)}"]' for node in graph.steps),
        *(f'  end_{end}(["{end}"])' for end in ends),
        f'  start -->|"{_lines(graph.starters)}"| step_{graph.steps[0].id}',
        *(_arrow(arrow, steps) for arrow in arrows),
        f'  legend["{_lines(graph.legend(unfolded=unfolded), 2 * _WIDTH)}"]',
        f"  {last} ~~~ legend",
    ]
    looks = [
        *_LOOKS,
        *([f"class {','.join(f'end_{end}' for end in ends)} ending"] if ends else []),
        *([f"class {','.join(sensitive)} sensitive"] if sensitive else []),
    ]
    lines = ["flowchart TD", f"  %% {note}", f'  subgraph flow["{_escaped(graph.title)}"]']
    lines += [*(f"  {line}" for line in inside), "  end", *(f"  {line}" for line in looks)]
    return "\n".join(lines) + "\n"


def _step(node: StepNode) -> str:
    kind = f"{node.type} · sensitive" if node.sensitive else node.type
    return f"<b>{_escaped(f'{node.number} · {node.id}')}</b> · {kind}<br/>{_lines([node.words])}"


def _arrow(arrow: Arrow, steps: frozenset[str]) -> str:
    dest = f"step_{arrow.dest}" if arrow.dest in steps else f"end_{arrow.dest}"
    line = "-.->" if arrow.folded else "-->"
    return f'  step_{arrow.source} {line}|"{_lines(arrow.labels)}"| {dest}'


def _lines(texts: Iterable[str], width: int = _WIDTH) -> str:
    return "<br/>".join(_escaped(line) for text in texts for line in wrapped(text, width))


def _escaped(line: str) -> str:
    """A line in which nothing has a meaning to Mermaid, to Markdown or to HTML."""
    return _SPECIAL.sub(lambda found: "".join(f"#{ord(mark)};" for mark in found[0]), line)
