"""Pictures of a flow, made from its machine: DOT, Mermaid, SVG.

Here belong the three functions that people call, and DOT's spelling; Mermaid's is in `fsmflow.mermaid`, and what is
drawn at all is decided in `fsmflow.survey` and `fsmflow.graph`. The output is the same byte for byte for the same
flow, so it can be committed and compared. The start and the ends are told by their shapes, what is secondary by
dashes, what is sensitive by the word: nothing hangs on a colour.

DOT is spelled by the ``graphviz`` package (the extra ``diagrams``), and needs no program; SVG needs the program
``dot``; Mermaid needs neither. `transitions` draws too, but its GraphMachine needs a model bound to the machine, and
cannot tell what is the same at every step from what makes this flow.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any, Final

from fsmflow.errors import MissingExtra, MissingProgram
from fsmflow.flow import Flow
from fsmflow.graph import Arrow, FlowGraph, StepNode, wrapped
from fsmflow.mermaid import flowchart
from fsmflow.survey import graph_of

MADE_BY: Final = "Made by fsmflow from the machine of the flow: changes here are lost."
"""What a diagram's source says of itself."""

_WIDTH: Final = 36  # characters of a line in a node or on an arrow
_START: Final = "(start)"  # no step is called this: a step's id is an identifier
_LOOKS: Final[dict[str, dict[str, str]]] = {
    "graph_attr": {"fontname": "Helvetica", "fontsize": "10", "nodesep": "0.5", "ranksep": "0.35", "labelloc": "b"},
    "node_attr": {"fontname": "Helvetica", "fontsize": "11", "shape": "box", "margin": "0.12,0.06"},
    "edge_attr": {"fontname": "Helvetica", "fontsize": "10", "arrowsize": "0.8"},
}


def dot(flow: type[Flow] | Flow, flow_type: str | None = None, *, all: bool = False) -> str:  # noqa: A002 - what is drawn: all
    """A flow in Graphviz's language.

    Args:
        flow: A flow class, or a flow.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        all: True draws every transition of the machine; by default what is the same at every question is told in a
            legend.

    Returns:
        The source, ending in a newline.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
        MissingExtra: The extra ``diagrams`` is not installed.
    """
    return str(_digraph(graph_of(flow, flow_type), unfolded=all).source)


def mermaid(flow: type[Flow] | Flow, flow_type: str | None = None, *, all: bool = False) -> str:  # noqa: A002 - as above
    """A flow as a Mermaid flowchart, which GitHub and GitLab draw where it stands in Markdown.

    Args:
        flow: A flow class, or a flow.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        all: True draws every transition of the machine.

    Returns:
        The source, ending in a newline.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    return flowchart(graph_of(flow, flow_type), unfolded=all, note=MADE_BY)


def svg(flow: type[Flow] | Flow, flow_type: str | None = None, *, all: bool = False) -> str:  # noqa: A002 - as above
    """A flow as an SVG picture, drawn by the program ``dot``.

    Args:
        flow: A flow class, or a flow.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        all: True draws every transition of the machine.

    Returns:
        The SVG document. Versions of Graphviz draw it differently: compare DOT, show SVG.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
        MissingExtra: The extra ``diagrams`` is not installed.
        MissingProgram: Graphviz itself is not installed.
    """
    graph = _digraph(graph_of(flow, flow_type), unfolded=all)
    try:
        return str(graph.pipe(format="svg", encoding="utf-8"))
    except _graphviz().ExecutableNotFound as missing:
        hint = "install Graphviz (apt install graphviz, brew install graphviz), or use dot() or mermaid()"
        raise MissingProgram("dot", "an SVG picture", hint) from missing


def _graphviz() -> Any:
    try:
        import graphviz
    except ImportError as missing:
        raise MissingExtra("diagrams", "a diagram in DOT or SVG") from missing
    return graphviz


def _digraph(graph: FlowGraph, *, unfolded: bool) -> Any:
    arrows = graph.arrows(unfolded=unfolded)
    legend = _left(graph.legend(unfolded=unfolded), size=9, width=2 * _WIDTH)
    picture = _graphviz().Digraph(graph.flow_type, comment=MADE_BY, **_LOOKS)
    picture.attr(label=_label(legend), labeljust="l")
    with picture.subgraph(name="cluster_flow") as inner:
        inner.attr(label=_label(_heading(graph)), labelloc="t", labeljust="l", color="none")
        inner.node(_START, label="", shape="circle", style="filled", fillcolor="black", width="0.2")
        for node in graph.steps:
            style = {"style": "dashed", "penwidth": "1.5"} if node.sensitive else {}
            inner.node(node.id, label=_label(_step(node)), **style)
        for end in graph.ends_of(arrows):
            inner.node(end, label=_label(_text(end)), style="rounded", peripheries="2")
        inner.edge(_START, graph.steps[0].id, label=_label(_centred([_typed(graph)])))
        for arrow in arrows:
            inner.edge(arrow.source, arrow.dest, label=_label(_centred(arrow.labels)), **_line(arrow, graph))
    return picture


def _line(arrow: Arrow, graph: FlowGraph) -> dict[str, str]:
    """How an arrow is drawn: the way from each step to the next is kept straight, a way up bends around it."""
    looks = {"style": "dashed", "fontcolor": "gray30", "color": "gray40"} if arrow.folded else {}
    if arrow.upward:
        return {**looks, "weight": "0"}
    order = [node.id for node in graph.steps]
    place = order.index(arrow.source)
    following = order[place + 1] if place + 1 < len(order) else None
    return {**looks, "weight": "8"} if arrow.dest == following or following is None else looks


def _typed(graph: FlowGraph) -> str:
    return " or ".join(f"“{word}”" for word in graph.starters[:3])


# -- labels, in Graphviz's HTML: https://graphviz.org/doc/info/shapes.html#html --------------------------------------


def _label(markup: str) -> str:
    return f"<{markup}>"


def _heading(graph: FlowGraph) -> str:
    title = f"<FONT POINT-SIZE='14'><B>{_text(graph.title)}</B></FONT><BR ALIGN='LEFT'/>"
    return title + _left([graph.summary], size=10, width=2 * _WIDTH)


def _step(node: StepNode) -> str:
    kind = f"{node.type} · sensitive" if node.sensitive else node.type
    head = f"<B>{node.number} · {_text(node.id)}</B>  <FONT POINT-SIZE='9'>{kind}</FONT><BR ALIGN='LEFT'/>"
    return head + _left([node.words], size=10)


def _left(texts: Iterable[str], *, size: int, width: int = _WIDTH) -> str:
    lines = "".join(f"{_text(line)}<BR ALIGN='LEFT'/>" for text in texts for line in wrapped(text, width))
    return f"<FONT POINT-SIZE='{size}'>{lines}</FONT>" if lines else ""


def _centred(texts: Iterable[str]) -> str:
    # blanks at both ends keep the words off the line that they are about
    return "<BR/>".join(f" {_text(line)} " for text in texts for line in wrapped(text, _WIDTH))


def _text(line: str) -> str:
    """A line in which nothing is markup; a single backslash would be Graphviz's own, which puts in names by it."""
    return html.escape(line, quote=True).replace("\\", "&#92;&#92;")
