"""What is said of a change, and of a member's way, in Markdown: for a pull request, for a ticket.

Here belong the two pages, and the pictures that go with them. What has changed is found in `comparison`, what
happened in `journey`; nothing that a flow or a trail says is markup here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from attrs import frozen

from fsmflow.diagrams.comparison import Comparison
from fsmflow.diagrams.graph import NAME_LENGTH, FlowGraph, one_line
from fsmflow.diagrams.index import SUFFIXES
from fsmflow.diagrams.journey import Journey
from fsmflow.diagrams.markdown import fenced, plain, table
from fsmflow.diagrams.overlay import Overlay
from fsmflow.diagrams.pictures import dot, json, mermaid
from fsmflow.diagrams.rendering import drawn

_TOO_LARGE: Final = "This picture is larger than what Mermaid draws: `--format svg` with `--out` gives one."


@frozen
class Report:
    """A page, and the pictures that go with it.

    Args:
        name: What its file is called.
        page: The Markdown.
        pictures: What is drawn, by the stem of its files.
    """

    name: str
    page: str
    pictures: Mapping[str, tuple[FlowGraph, Overlay]]

    def write(self, folder: Path, forms: Sequence[str], *, unfolded: bool = False) -> tuple[Path, ...]:
        """Writes the page and the pictures; the folder is made if it is not there.

        Args:
            folder: Where to.
            forms: Of `fsmflow.diagrams.index.SUFFIXES`.
            unfolded: True draws every transition.

        Returns:
            The files.

        Raises:
            OSError: One of them cannot be written.
            MissingProgram: Graphviz is not installed; all but the pictures that it draws is written.
            DrawingFailed: Graphviz could not draw a picture.
        """
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / self.name
        page.write_bytes(self.page.encode())
        written = [page]
        for form in sorted(forms, key=["dot", "mermaid", "json", "svg", "png"].index):  # what can fail comes last
            for stem, (graph, overlay) in self.pictures.items():
                path = folder / f"{stem}{SUFFIXES[form]}"
                path.write_bytes(_content(graph, overlay, form, unfolded=unfolded))
                written.append(path)
        return tuple(written)


def _content(graph: FlowGraph, overlay: Overlay, form: str, *, unfolded: bool) -> bytes:
    if form == "json":
        return json(graph, overlay=overlay).encode()
    if form == "mermaid":
        return mermaid(graph, all=unfolded, overlay=overlay).encode()
    source = dot(graph, all=unfolded, overlay=overlay)
    return source.encode() if form == "dot" else drawn(source, form)


def change_report(found: Sequence[Comparison], labels: tuple[str, str], *, unfolded: bool = False) -> Report:
    """What a pull request is shown of a change.

    Args:
        found: The flows of both releases.
        labels: What the two releases are called.
        unfolded: True draws every transition.
    """
    before, after = map(plain, labels)
    lines = ["# Flows: what has changed", "", f"From {before} to {after}.", ""]
    for comparison in found:
        lines += _comparison(comparison, unfolded=unfolded)
    pictures = {_stem(each.flow_type): (each.graph, each.overlay) for each in found if each.changes}
    return Report("changes.md", "\n".join(lines), pictures)


def _comparison(found: Comparison, *, unfolded: bool) -> Iterator[str]:
    yield from (f"## {plain(one_line(found.flow_type, NAME_LENGTH))}: {found.verdict}", "")
    if found.lost:
        yield from ("Members in the middle of this flow who do not go on as if nothing had changed:", "")
        yield from table(
            ("Asked", "Why", "Then"), ((each.state or "any step", each.why, each.then) for each in found.lost)
        )
    if found.changes:
        yield from _picture(found.graph, found.overlay, unfolded=unfolded)
        rows = ((f"{each.mark.sign} {each.mark.value}", each.what, each.words) for each in found.changes)
        yield from table(("Change", "Of", "What"), rows)
    yield from (_fingerprints(found), "")


def _fingerprints(found: Comparison) -> str:
    before, after = ("" if each is None else each.fingerprint for each in (found.old, found.new))
    if before and after and before != after:
        return f"Fingerprint in the stored state: `{before}`, then `{after}`."
    return f"Fingerprint in the stored state: `{before or after}`{', the same' if before == after else ''}."


def way_report(graph: FlowGraph, journey: Journey, *, unfolded: bool = False) -> Report:
    """What a ticket is shown of a member's way.

    Args:
        graph: The flow.
        journey: The way of one run of it.
        unfolded: True draws every transition.
    """
    name = plain(one_line(graph.flow_type, NAME_LENGTH))
    where = f"in {plain(journey.state)}" if journey.state else "in a state that the trail does not tell"
    lines = [f"# {name}: a member's way", "", f"Run {plain(one_line(journey.run_id, NAME_LENGTH))}, {where}.", ""]
    lines += _picture(graph, journey.overlay, unfolded=unfolded)
    rows = (
        (
            "" if event.time is None else f"{event.time:%Y-%m-%d %H:%M:%S}",
            event.state,
            event.words if event.times == 1 else f"{event.words} ({event.times}×)",
        )
        for event in journey.events
    )
    lines += table(("Time (UTC)", "Step", "What happened"), rows)
    return Report("way.md", "\n".join(lines), {_stem(graph.flow_type): (graph, journey.overlay)})


def _picture(graph: FlowGraph, overlay: Overlay, *, unfolded: bool) -> Iterator[str]:
    yield from fenced(mermaid(graph, all=unfolded, overlay=overlay)) or [_TOO_LARGE]
    yield ""


def _stem(flow_type: str) -> str:
    """A flow type as a file's name: what is not plain in it becomes ``%XX``, so two never meet."""
    return quote(flow_type, safe="", errors="surrogatepass")
