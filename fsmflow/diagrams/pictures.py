"""Pictures of a flow, made from its machine: DOT, Mermaid, JSON, SVG, PNG.

Here belong the functions that people call. What is drawn at all is decided in `survey` and `graph`;
each form's spelling stands in a module of its own: `digraph` (DOT), `flowchart`, `interchange`
(JSON). DOT, Mermaid and JSON are the same byte for byte for the same flow, so they can be committed and compared.

DOT is spelled by the ``graphviz`` package (the extra ``diagrams``), and needs no program; SVG and PNG need the program
``dot``; Mermaid and JSON need neither. `transitions` draws too, but its GraphMachine needs a model bound to the
machine, and cannot tell what is the same at every step from what makes this flow.

Each function takes a flow class, or a flow; which flow it is, for a class that builds its steps in ``__init__``; and
an `Overlay`: what the picture says of the flow's parts besides (a change, a member's way, coverage).
"""

from __future__ import annotations

import re
from typing import Any, Final

from fsmflow.diagrams.digraph import LOOKS, spell
from fsmflow.diagrams.flowchart import flowchart
from fsmflow.diagrams.graph import FlowGraph
from fsmflow.diagrams.interchange import graph_json
from fsmflow.diagrams.overlay import NOTHING, Overlay
from fsmflow.diagrams.rendering import drawn
from fsmflow.diagrams.survey import graph_of
from fsmflow.errors import MissingExtra
from fsmflow.flow import Flow

MADE_BY: Final = "Made by fsmflow from the machine of the flow: changes here are lost."
"""What a diagram's source says of itself."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+")


def dot(
    flow: type[Flow[Any]] | Flow[Any] | FlowGraph,
    flow_type: str | None = None,
    *,
    all: bool = False,  # noqa: A002 - what is drawn: all
    overlay: Overlay = NOTHING,
) -> str:
    """A flow in Graphviz's language.

    Args:
        flow: A flow class, a flow, or a graph.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        all: True shows every transition of the machine; by default what is the same at every question is told in a
            legend.
        overlay: What is said of its parts besides.

    Returns:
        The source, ending in a newline.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
        MissingExtra: The extra ``diagrams`` is not installed.
    """
    graph = _graph(flow, flow_type)
    # the name is shown by nothing, and would be a second place that a flow type could break out of
    name = graph.flow_type if _PLAIN.fullmatch(graph.flow_type) else "flow"
    picture = _graphviz().Digraph(name, comment=MADE_BY, **LOOKS)
    spell(picture, graph, overlay, unfolded=all)
    return str(picture.source)


def mermaid(
    flow: type[Flow[Any]] | Flow[Any] | FlowGraph,
    flow_type: str | None = None,
    *,
    all: bool = False,  # noqa: A002 - as above
    overlay: Overlay = NOTHING,
) -> str:
    """A flow as a Mermaid flowchart, which GitHub and GitLab draw where it stands in Markdown.

    Args:
        flow: A flow class, a flow, or a graph.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        all: True draws every transition of the machine.
        overlay: What is said of its parts besides.

    Returns:
        The source, ending in a newline.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    return flowchart(_graph(flow, flow_type), overlay, unfolded=all, note=MADE_BY)


def json(
    flow: type[Flow[Any]] | Flow[Any] | FlowGraph, flow_type: str | None = None, *, overlay: Overlay = NOTHING
) -> str:
    """A flow as JSON, in the form that `interchange` promises. Every transition is in it.

    Args:
        flow: A flow class, a flow, or a graph.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        overlay: What is said of its parts besides.

    Returns:
        The JSON, ending in a newline.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
    """
    return graph_json(_graph(flow, flow_type), overlay)


def svg(
    flow: type[Flow[Any]] | Flow[Any] | FlowGraph,
    flow_type: str | None = None,
    *,
    all: bool = False,  # noqa: A002 - as above
    overlay: Overlay = NOTHING,
) -> str:
    """A flow as an SVG picture, drawn by the program ``dot``.

    Args:
        flow: A flow class, a flow, or a graph.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        all: True shows every transition of the machine.
        overlay: What is said of its parts besides.

    Returns:
        The SVG document. Versions of Graphviz draw it differently: compare DOT, show SVG.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
        MissingExtra: The extra ``diagrams`` is not installed.
        MissingProgram: Graphviz itself is not installed.
        DrawingFailed: Graphviz could not draw it.
    """
    return drawn(dot(flow, flow_type, all=all, overlay=overlay), "svg").decode()


def png(
    flow: type[Flow[Any]] | Flow[Any] | FlowGraph,
    flow_type: str | None = None,
    *,
    all: bool = False,  # noqa: A002 - as above
    overlay: Overlay = NOTHING,
) -> bytes:
    """A flow as a PNG picture, drawn by the program ``dot``.

    Args:
        flow: A flow class, a flow, or a graph.
        flow_type: Which flow it is, for a class that builds its steps in ``__init__``.
        all: True shows every transition of the machine.
        overlay: What is said of its parts besides.

    Returns:
        The picture.

    Raises:
        FlowDefinitionError: The flow is written wrongly, or cannot be constructed.
        MissingExtra: The extra ``diagrams`` is not installed.
        MissingProgram: Graphviz itself is not installed.
        DrawingFailed: Graphviz could not draw it.
    """
    return drawn(dot(flow, flow_type, all=all, overlay=overlay), "png")


def _graph(flow: type[Flow[Any]] | Flow[Any] | FlowGraph, flow_type: str | None) -> FlowGraph:
    return flow if isinstance(flow, FlowGraph) else graph_of(flow, flow_type)


def _graphviz() -> Any:
    try:
        import graphviz
    except ImportError as missing:
        raise MissingExtra("diagrams", "a diagram in DOT, SVG or PNG") from missing
    return graphviz
