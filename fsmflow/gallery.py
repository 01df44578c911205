"""A folder of diagrams: what is in it, whether it is up to date.

Here belong the files that ``fsmflow diagrams`` writes, as values: ``<flow type>.dot`` and ``<flow type>.mmd`` for each
flow, and a ``README.md`` that shows them all with their steps and transitions. The same flows give the same bytes on
every machine: no time, no absolute path, no order of a file system. Which flows there are belongs to
`fsmflow.discovery`, and what a picture looks like to `fsmflow.diagrams`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from attrs import frozen

from fsmflow.diagrams import MADE_BY, dot, mermaid
from fsmflow.discovery import FoundFlow
from fsmflow.errors import BadTarget
from fsmflow.graph import FlowGraph
from fsmflow.machine import SUBMIT
from fsmflow.survey import graph_of

INDEX: Final = "README.md"
_SUFFIXES: Final = (".dot", ".mmd")
_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>#|~&]")
_ANCHOR: Final = re.compile(r"[a-z0-9_-]+")


@frozen
class Page:
    """One file of the folder.

    Args:
        name: Its name.
        flow: The flow that it is of, as messages call it; None for the index.
        content: What is in it.
    """

    name: str
    flow: str | None
    content: bytes

    @property
    def subject(self) -> str:
        """What it shows, in words."""
        return "the index" if self.flow is None else f"flow {self.flow}"


def pages_of(flows: Iterable[FoundFlow], folder: Path) -> tuple[Page, ...]:
    """The files of a folder of diagrams.

    Args:
        flows: The flows.
        folder: Where they will be: sources beside it are linked to.

    Returns:
        The files, sorted by flow type, the index last.

    Raises:
        FlowDefinitionError: A flow cannot be constructed.
        MissingExtra: The extra ``diagrams`` is not installed.
        BadTarget: Two flow types differ only in case, so that one file would be the other's on some machines.
    """
    ordered = sorted(flows, key=lambda found: found.flow_type)
    names: dict[str, FoundFlow] = {}
    pages: list[Page] = []
    chapters: list[str] = []
    for found in ordered:
        other = names.setdefault(found.flow_type.casefold(), found)
        if other is not found:
            raise BadTarget(
                found.place, f"the flow type {found.flow_type!r} differs from {other.flow_type!r} in case only"
            )
        graph = graph_of(found.flow, found.flow_type)
        drawn = mermaid(found.flow, found.flow_type)
        for suffix, source in ((".dot", dot(found.flow, found.flow_type)), (".mmd", drawn)):
            pages.append(Page(_stem(found.flow_type) + suffix, graph.title, source.encode()))
        chapters.append("\n".join(_chapter(found, graph, drawn, folder)))
    return (*pages, Page(INDEX, None, "\n".join([*_opening(ordered), *chapters]).encode()))


def differences(pages: Sequence[Page], folder: Path) -> tuple[str, ...]:
    """What is not up to date in a folder, a line for each file; empty if all is.

    Args:
        pages: What should be there.
        folder: Where.
    """
    found = []
    for page in pages:
        path = folder / page.name
        if not path.is_file():
            found.append(f"{path}: missing ({page.subject})")
        elif path.read_bytes() != page.content:
            found.append(f"{path}: differs ({page.subject})")
    return (*found, *(f"{path}: left over, no flow of the targets has it" for path in left_over(pages, folder)))


def write(pages: Sequence[Page], folder: Path, *, prune: bool = False) -> tuple[Path, ...]:
    """Writes a folder of diagrams.

    Args:
        pages: What should be there.
        folder: Where; it is made if it is not there.
        prune: True removes diagrams of other flows. They may be gone, or only not among those that were asked for.

    Returns:
        The diagrams of other flows that are still there.

    Raises:
        BadTarget: There is an index already that was not made by this, and would be lost.
    """
    index = folder / INDEX
    if index.is_file() and MADE_BY.encode() not in index.read_bytes():
        raise BadTarget(str(index), "was not made by fsmflow and would be overwritten: choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages:
        (folder / page.name).write_bytes(page.content)
    others = left_over(pages, folder)
    if not prune:
        return others
    for path in others:
        path.unlink()
    return ()


def left_over(pages: Sequence[Page], folder: Path) -> tuple[Path, ...]:
    """The diagrams in a folder that none of the flows has. What was not made by fsmflow is nobody's affair."""
    names = {page.name for page in pages}
    candidates = sorted(path for suffix in _SUFFIXES for path in folder.glob(f"*{suffix}"))
    return tuple(path for path in candidates if path.name not in names and MADE_BY.encode() in path.read_bytes())


def _stem(flow_type: str) -> str:
    """A flow type as a file's name: what is not plain in it becomes ``%XX``, so two never meet."""
    return quote(flow_type, safe="")


# -- the index ---------------------------------------------------------------------------------------------------------


def _opening(flows: Sequence[FoundFlow]) -> Iterator[str]:
    yield from ("# Flows", "", f"<!-- {MADE_BY} -->", "")
    yield from ("Made by `fsmflow diagrams`; the same command with `--check` says whether it is up to date.", "")
    for found in flows:
        name = _plain(found.flow_type)
        yield f"- [{name}](#{found.flow_type})" if _ANCHOR.fullmatch(found.flow_type) else f"- {name}"
    yield ""


def _chapter(found: FoundFlow, graph: FlowGraph, drawn: str, folder: Path) -> Iterator[str]:
    stem = quote(_stem(found.flow_type))
    yield from (f"## {_plain(found.flow_type)}", "")
    if graph.summary:
        yield from (_plain(graph.summary), "")
    yield from (f"{_defined_in(found, folder)} · [DOT]({stem}.dot) · [Mermaid]({stem}.mmd)", "")
    yield from ("```mermaid", drawn.rstrip("\n"), "```", "")
    yield from _table(("", "Step", "Type", "Question", "Answer"), _step_rows(graph))
    yield from (f"<details><summary>All {len(graph.ways)} transitions</summary>", "")
    yield from _table(("From", "Trigger", "When", "To"), _way_rows(graph))
    yield from ("</details>", "")


def _defined_in(found: FoundFlow, folder: Path) -> str:
    """Where the class is; as a link if it is beside the folder, so that no path of a machine gets into the file."""
    name = f"`{found.flow.__name__}`"
    if found.source is None or not found.source.is_relative_to(folder.resolve().parent):
        return f"{name} in `{found.module}`"
    link = Path(os.path.relpath(found.source, folder.resolve())).as_posix()
    return f"{name} in [{_plain(link.removeprefix('../'))}]({quote(link)})"


def _step_rows(graph: FlowGraph) -> Iterator[tuple[str, ...]]:
    for node in graph.steps:
        guards = [way.guard for way in graph.ways if way.source == node.id and way.trigger == SUBMIT and way.guard]
        answer = " / ".join(node.choices) or ("" if guards else "any text")
        answer = f"{answer} [{guards[0]}]".strip() if guards else answer
        yield (str(node.number), node.id, node.type, node.words, f"{answer} (sensitive)" if node.sensitive else answer)


def _way_rows(graph: FlowGraph) -> Iterator[tuple[str, ...]]:
    for way in graph.ways:
        guard = "" if way.guard is None else f"[{way.guard}]"
        when = guard if way.trigger != SUBMIT else "any other answer" if way.folded else way.label
        yield (way.source, way.trigger, when, way.dest)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"
    yield ""


def _plain(text: str) -> str:
    """A text in which nothing is Markdown or HTML."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};" if found[0] in "|<>&" else f"\\{found[0]}", text)
