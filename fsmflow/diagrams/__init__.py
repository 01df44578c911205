"""Pictures of flows: what is drawn of one, how it is spelled, what has changed, which way a member went.

Here are the functions that people call; the rest, from the ground up: `graph` (a flow as values), `overlay` (what is
said of it besides), `arrows`, `survey` (reads a flow), `digraph` (DOT), `flowchart` (Mermaid), `interchange` (JSON),
`rendering` (the program ``dot``), `pictures`; `changes`, `stored_runs`, `compatibility` and `comparison` (two releases
of a flow), `journey` (a member's way); `markdown`, `index`, `freshness` and `gallery` (a folder of pictures),
`reports` and `revisions` (a change, for a pull request).
"""

from fsmflow.diagrams.pictures import MADE_BY, dot, json, mermaid, png, svg

__all__ = ["MADE_BY", "dot", "json", "mermaid", "png", "svg"]
