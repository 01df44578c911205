"""A flow's graph in Graphviz's language, DOT.

Here belongs DOT's spelling: shapes, lines, labels. The package ``graphviz`` puts the quotes; it is imported by
`fsmflow.diagrams` alone, which passes an empty picture. What stands for what:

- a disc: the start; two lines round a rounded box: an end;
- a box: a question, dashed if its answer is sensitive; six sides: an action; a folder: a sub-flow; a dotted ellipse:
  a pending action; eight sides: an unknown outcome;
- a whole line: an answer; a dashed one: the question is left out; a dotted one: past a question; dashed and dotted
  ones with an arrowhead of their own: what is the same at every question, attempts, timeouts and the
  outcomes of an action; a double one: into a sub-flow and out of it.

So nothing hangs on a colour, in print and for who sees no colours. Marks (`overlay`) go by the same rule:
a sign before the words, and a line that is thick, doubled or dotted.

What leads upward is written the other way round (``dir=back``), because Graphviz ranks nodes by the direction in which
an edge is written, and a way back to an earlier step could otherwise put that step below.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any, Final

from fsmflow.diagrams.arrows import FAR, LONG, Arrow, ends_of, lay_out, marked, told_in_box
from fsmflow.diagrams.graph import FlowGraph, NodeKind, StepNode, Way, WayKind, wrapped
from fsmflow.diagrams.overlay import Mark, Overlay, key_of

LOOKS: Final[dict[str, dict[str, str]]] = {
    "graph_attr": {"fontname": "Helvetica", "fontsize": "9", "nodesep": "0.4", "ranksep": "0.12", "labelloc": "b"},
    "node_attr": {"fontname": "Helvetica", "fontsize": "10", "shape": "box", "margin": "0.1,0.04", "height": "0.3"},
    "edge_attr": {"fontname": "Helvetica", "fontsize": "9", "arrowsize": "0.7"},
}
"""What a picture is made with."""

_WIDTH: Final = 36  # characters of a line in a node or on an arrow
_WIDE: Final = 90  # characters of a line above and below the picture
_START: Final = "(start)"  # no state is called this: a step's id is an identifier
_BESIDE: Final = "{} ways"  # as above
_Looks = dict[str, str]

_SHAPES: Final[dict[NodeKind, _Looks]] = {
    NodeKind.QUESTION: {},
    NodeKind.ACTION: {"shape": "hexagon"},
    NodeKind.SUBFLOW: {"shape": "folder"},
    NodeKind.PENDING: {"shape": "ellipse", "style": "dotted"},
    NodeKind.UNKNOWN: {"shape": "octagon", "style": "dotted"},
}
_LINES: Final[dict[WayKind, _Looks]] = {
    WayKind.ANSWER: {},
    WayKind.SKIP: {"style": "dashed"},
    WayKind.PASSING: {"style": "dotted", "penwidth": "1.5"},
    WayKind.REFUSED: {"style": "dotted", "arrowhead": "tee"},
    WayKind.BACK: {"style": "dashed", "arrowhead": "onormal"},
    WayKind.CANCEL: {"style": "dashed", "arrowhead": "obox"},
    WayKind.RESTART: {"style": "dashed", "arrowhead": "vee"},
    WayKind.TIMEOUT: {"style": "dotted", "arrowhead": "odot"},
    WayKind.RESUME: {"style": "dotted", "arrowhead": "onormal"},
    WayKind.ATTEMPTS: {"style": "dotted", "arrowhead": "teetee"},
    WayKind.RUN: {"arrowhead": "dotnormal"},
    WayKind.DONE: {"arrowhead": "normalnormal"},
    WayKind.FAILED: {"style": "dashed", "arrowhead": "box"},
    WayKind.UNKNOWN: {"style": "dotted", "arrowhead": "odiamond"},
    WayKind.ENTER: {"color": "black:white:black"},
    WayKind.LEAVE: {"color": "black:white:black", "arrowhead": "vee"},
    WayKind.PAGE: {"style": "dotted", "arrowhead": "vee"},
    WayKind.EMPTY: {"style": "dashed", "arrowhead": "normalodot"},
    WayKind.OTHER: {"style": "dashed", "arrowhead": "diamond"},
}
_SIGNS: Final[dict[WayKind, str]] = {  # the same in characters, for a list
    WayKind.ANSWER: "─▶",
    WayKind.SKIP: "╌▶",
    WayKind.PASSING: "┄▶",
    WayKind.REFUSED: "┄⊣",
    WayKind.BACK: "╌▷",
    WayKind.CANCEL: "╌□",
    WayKind.RESTART: "╌⊳",
    WayKind.TIMEOUT: "┄○",
    WayKind.RESUME: "┄▷",
    WayKind.ATTEMPTS: "⊣⊣",
    WayKind.RUN: "•▶",
    WayKind.DONE: "▶▶",
    WayKind.FAILED: "╌■",
    WayKind.UNKNOWN: "┄◇",
    WayKind.ENTER: "═▶",
    WayKind.LEAVE: "═⊳",
    WayKind.PAGE: "┄⊳",
    WayKind.EMPTY: "╌○▶",
    WayKind.OTHER: "╌◆",
}
_MARKED: Final[dict[Mark, _Looks]] = {
    Mark.ADDED: {"penwidth": "3", "color": "#1a7f37"},
    Mark.REMOVED: {"penwidth": "1.5", "color": "#b42318", "style": "dotted"},
    Mark.CHANGED: {"penwidth": "2.5", "color": "#9a6700", "style": "dashed"},
    Mark.PASSED: {"penwidth": "2.5", "color": "#0550ae"},
    Mark.CURRENT: {"penwidth": "2.5", "color": "#0550ae"},
    Mark.REFUSED: {"penwidth": "1.5", "color": "#b42318", "style": "dotted"},
    Mark.COVERED: {"penwidth": "2.5", "color": "#1a7f37"},
    Mark.UNCOVERED: {"penwidth": "1.5", "color": "#b42318", "style": "dotted"},
}


def spell(picture: Any, graph: FlowGraph, overlay: Overlay, *, unfolded: bool) -> None:
    """Writes a graph into a picture.

    Args:
        picture: A ``graphviz.Digraph`` with `LOOKS`.
        graph: The flow.
        overlay: What is said of its parts besides.
        unfolded: True lists beside each step what is folded.
    """
    is_long = len(graph.steps) > LONG
    layout = lay_out(graph, overlay, unfolded=unfolded, far=FAR if is_long else None)
    legend = [*overlay.legend, *graph.legend(unfolded=unfolded)]
    picture.attr(label=_label(_left(legend, size=8, width=_WIDE)), labeljust="l")
    if is_long:  # a good layout soon, not the best after minutes
        picture.attr(nslimit="2", nslimit1="2", mclimit="0.2")
    with picture.subgraph(name="cluster_flow") as inner:
        inner.attr(label=_label(_heading(graph, overlay)), labelloc="t", labeljust="l", color="none")
        inner.node(_START, label="", shape="circle", style="filled", fillcolor="black", width="0.16", height="0.16")
        for node in graph.steps:
            told = [] if unfolded or not overlay.ways else told_in_box(layout.listed.get(node.id, ()), overlay)
            _step(inner, node, told, overlay)
        for wait in graph.waits:
            inner.node(_name(wait.id), label=_label(_head(wait.id, "", overlay)), **_looks(wait.id, wait.kind, overlay))
        for end in ends_of(graph, layout.arrows, overlay, listed=layout.listed if unfolded else ()):
            _end(inner, end, overlay)
        inner.edge(_START, _name(graph.steps[0].id), label=_label(_centred([_typed(graph)])))
        for arrow in layout.arrows:
            _arrow(inner, arrow)
        for source, ways in layout.listed.items():
            shown = ways if unfolded else [way for way in ways if not way.folded]
            if shown:
                _list_beside(inner, source, shown, overlay)


# -- nodes -------------------------------------------------------------------------------------------------------------


def _step(picture: Any, node: StepNode, told: Sequence[str], overlay: Overlay) -> None:
    head = _head(node.id, f"{node.number} · ", overlay, node.told)
    looks = _looks(node.id, node.kind, overlay)
    if node.sensitive:
        looks = {"style": "dashed", "penwidth": "1.5", **looks}
    picture.node(node.id, label=_label(head + _left([node.words, *told], size=9)), **looks)


def _end(picture: Any, end: str, overlay: Overlay) -> None:
    looks = _looks(end, NodeKind.QUESTION, overlay)
    looks["style"] = f"rounded,{looks['style']}" if "style" in looks else "rounded"
    note = overlay.notes.get(end, "")
    picture.node(_name(end), label=_label(_words(end, overlay.steps.get(end), note)), **{"peripheries": "2", **looks})


def _head(state: str, number: str, overlay: Overlay, kind: str = "") -> str:
    mark, note = overlay.steps.get(state), overlay.notes.get(state, "")
    name = f"<B>{_words(number + state, mark, '')}</B>"
    small = " · ".join(filter(None, (kind, note)))
    return f"{name}  <FONT POINT-SIZE='8'>{_text(small)}</FONT><BR ALIGN='LEFT'/>" if small else name


def _looks(state: str, kind: NodeKind, overlay: Overlay) -> _Looks:
    mark = overlay.steps.get(state)
    if mark is None:
        return {**_SHAPES[kind]}
    current = {"peripheries": "2"} if mark is Mark.CURRENT else {}
    return {**_SHAPES[kind], **_MARKED[mark], **current}


def _list_beside(picture: Any, source: str, ways: Sequence[Way], overlay: Overlay) -> None:
    """A list of ways at the right of a step: a line and an arrowhead in characters for each, and where it leads.

    Arrows of Graphviz's own to the rows were tried: between neighbours of one rank its older versions mix up ports and
    arrowheads.
    """
    name, rows = _BESIDE.format(_name(source)), []
    for way in ways:
        key = key_of(way)
        mark, note = overlay.ways.get(key), overlay.notes.get(key, "")
        rows.append(f"{_SIGNS[way.kind]} {_words(way.told, mark, note)}<BR ALIGN='LEFT'/>")
    with picture.subgraph() as rank:
        rank.attr(rank="same")
        rank.node(_name(source))
        rank.node(name, label=_label("".join(rows)), shape="plain", fontsize="9")
    picture.edge(_name(source), name, style="dotted", arrowhead="none")


# -- arrows ------------------------------------------------------------------------------------------------------------


def _arrow(picture: Any, arrow: Arrow) -> None:
    looks = {**_LINES[arrow.kind], **(_MARKED[arrow.mark] if arrow.mark is not None else {})}
    source, dest = _name(arrow.source), _name(arrow.dest)
    if arrow.upward:
        looks["weight"] = "0"
        if source != dest:
            head = looks.pop("arrowhead", None)
            looks |= {"dir": "back", "arrowtail": head} if head else {"dir": "back"}
            source, dest = dest, source
    elif arrow.next:
        looks["weight"] = "8"
    struck = arrow.mark is Mark.REMOVED
    picture.edge(source, dest, label=_label(_centred(arrow.labels, struck=struck)), **looks)


def _typed(graph: FlowGraph) -> str:
    return " or ".join(f"“{word}”" for word in graph.starters[:3])


# -- labels, in Graphviz's HTML: https://graphviz.org/doc/info/shapes.html#html --------------------------------------


def _label(markup: str) -> str:
    return f"<{markup}>"


def _heading(graph: FlowGraph, overlay: Overlay) -> str:
    words = " · ".join(filter(None, (graph.title, overlay.heading)))
    title = f"<FONT POINT-SIZE='14'><B>{_text(words)}</B></FONT><BR ALIGN='LEFT'/>"
    return title + _left([graph.summary], size=9, width=_WIDE)


def _words(words: str, mark: Mark | None, note: str) -> str:
    """Words with the sign of a mark and a note; those of what is gone are struck through."""
    if mark is not Mark.REMOVED:
        return _text(marked(words, mark, note))
    return f"{mark.sign} <S>{_text(words)}</S>{_text(f' · {note}') if note else ''}"


def _left(texts: Iterable[str], *, size: int, width: int = _WIDTH) -> str:
    lines = "".join(f"{_text(line)}<BR ALIGN='LEFT'/>" for text in texts for line in wrapped(text, width))
    return f"<FONT POINT-SIZE='{size}'>{lines}</FONT>" if lines else ""


def _centred(texts: Iterable[str], *, struck: bool = False) -> str:
    # blanks at both ends keep the words off the line that they are about
    lines = (_text(line) for text in texts for line in wrapped(text, _WIDTH))
    return "<BR/>".join(f" <S>{line}</S> " if struck else f" {line} " for line in lines)


def _text(line: str) -> str:
    """A line in which nothing is markup; a single backslash would be Graphviz's own, which puts in names by it."""
    return html.escape(line, quote=True).replace("\\", "&#92;&#92;")


def _name(state: str) -> str:
    """A state as a node's name: a colon would be the beginning of a port."""
    return state.replace("%", "%25").replace(":", "%3A") if ":" in state or "%" in state else state
