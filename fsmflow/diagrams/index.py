"""The index of a folder of diagrams: a README.md that shows each flow, its steps and its transitions.

Here belongs the page, and the reading of one that was written before: its tables are what a flow was when its pictures
were made, so `freshness` can say what has changed since without a file for that alone. It also keeps which
forms the folder is in, so that nobody has to repeat them.

Nothing that a flow says is markup here. The page is the same on every machine: no time, no absolute path.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from attrs import field, frozen

from fsmflow.diagrams.graph import NAME_LENGTH, FlowGraph, NodeKind, WayKind, one_line
from fsmflow.diagrams.markdown import fenced, plain, rows_of, table, understood
from fsmflow.diagrams.pictures import MADE_BY
from fsmflow.discovery import FoundFlow

INDEX: Final = "README.md"
"""The name of the file."""

SUFFIXES: Final[Mapping[str, str]] = {"dot": ".dot", "mermaid": ".mmd", "json": ".json", "svg": ".svg", "png": ".png"}
"""The forms that a folder may be in, in their order, and how their files end."""

_STEP_HEAD: Final = ("", "Step", "Type", "Question", "Answer")
_WAY_HEAD: Final = ("From", "Trigger", "When", "To")
_ANYTHING: Final = dict.fromkeys(NodeKind, "any text") | {NodeKind.SUBFLOW: "what it collects"}
_ANCHOR: Final = re.compile(r"[a-z0-9_-]+")
_LINE: Final = re.compile(r":[0-9]+(?=\]\()|#L[0-9]+(?=\))")
_OPTIONS: Final = re.compile(rf"<!-- {re.escape(MADE_BY)} In: ([a-z, ]+)\. -->")


@frozen
class Options:
    """What a folder of diagrams is made of.

    Args:
        forms: The forms that each flow is in, of `SUFFIXES`.
        unfolded: True if every transition is drawn.
    """

    forms: tuple[str, ...] = ("dot", "mermaid")
    unfolded: bool = False

    def __str__(self) -> str:
        return ", ".join((*self.forms, *(["all"] if self.unfolded else [])))


@frozen
class Chapter:
    """What the index says of one flow.

    Args:
        found: The flow.
        graph: As values.
        mermaid: Its Mermaid source.
        stem: What its files' names begin with.
    """

    found: FoundFlow
    graph: FlowGraph
    mermaid: str
    stem: str

    @property
    def name(self) -> str:
        """The flow type, as it is shown."""
        return one_line(self.found.flow_type, NAME_LENGTH)

    @property
    def tables(self) -> Tables:
        """Its steps and its transitions, in words."""
        return Tables(
            {row[1]: row for row in _step_rows(self.graph)},
            tuple(_way_rows(self.graph)),
        )


@frozen
class Tables:
    """What an index says of one flow's steps and transitions, in words.

    Args:
        steps: By the step's id: its number, id, type, question and answer.
        ways: For each transition where from, its trigger, when, where to.
    """

    steps: Mapping[str, tuple[str, ...]]
    ways: tuple[tuple[str, ...], ...]


@frozen
class Index:
    """An index that was written before.

    Args:
        options: What the folder was made of, or None if it does not say.
        flows: What it says of each flow, by the flow type as it is shown.
    """

    options: Options | None = None
    flows: Mapping[str, Tables] = field(factory=dict)


def index_page(chapters: Sequence[Chapter], folder: Path, options: Options) -> str:
    """Writes an index.

    Args:
        chapters: What it says of each flow.
        folder: Where it will be: sources beside it are linked to.
        options: What the folder is made of.
    """
    lines = [*_opening(chapters, options)]
    for chapter in chapters:
        lines += _chapter(chapter, folder, options)
    return "\n".join(lines)


def read_index(folder: Path) -> Index:
    """Reads the index of a folder; what is not there or not as it would be written now is left out."""
    path = folder / INDEX
    if not path.is_file():
        return Index()
    text = path.read_text(encoding="utf-8", errors="replace")
    named = _OPTIONS.search(text)
    flows: dict[str, Tables] = {}
    for chapter in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = chapter.partition("\n")
        steps = {row[1]: row for row in rows_of(rest, _STEP_HEAD)}
        flows[understood(name)] = Tables(steps, tuple(rows_of(rest, _WAY_HEAD)))
    return Index(None if named is None else _options(named[1]), flows)


def without_lines(page: bytes) -> bytes:
    """An index without the lines at which classes are defined: they move with every comment above them."""
    return _LINE.sub("", page.decode(errors="replace")).encode()


# -- the page ----------------------------------------------------------------------------------------------------------


def _opening(chapters: Sequence[Chapter], options: Options) -> Iterator[str]:
    yield from ("# Flows", "", f"<!-- {MADE_BY} In: {options}. -->", "")
    yield from ("Made by `fsmflow diagrams`; the same command with `--check` says whether it is up to date.", "")
    for chapter in chapters:
        name, flow_type = plain(chapter.name), chapter.found.flow_type
        yield f"- [{name}](#{flow_type})" if _ANCHOR.fullmatch(flow_type) else f"- {name}"
    yield ""


def _chapter(chapter: Chapter, folder: Path, options: Options) -> Iterator[str]:
    graph, stem = chapter.graph, quote(chapter.stem)
    yield from (f"## {plain(chapter.name)}", "")
    if graph.summary:
        yield from (plain(graph.summary), "")
    links = [f"[{_FORM_NAMES[form]}]({stem}{SUFFIXES[form]})" for form in SUFFIXES if form in options.forms]
    yield from (" · ".join([_defined_in(chapter.found, folder), *links]), "")
    yield from _picture(chapter, options)
    yield from table(_STEP_HEAD, _step_rows(graph))
    yield from (f"<details><summary>All {len(graph.ways)} transitions</summary>", "")
    yield from table(_WAY_HEAD, _way_rows(graph))
    yield from ("</details>", "")


_FORM_NAMES: Final = {"dot": "DOT", "mermaid": "Mermaid", "json": "JSON", "svg": "SVG", "png": "PNG"}


def _picture(chapter: Chapter, options: Options) -> Iterator[str]:
    drawn = next((form for form in ("svg", "png") if form in options.forms), None)
    source = chapter.mermaid
    if drawn is not None:
        yield f"![The flow {plain(chapter.name)}]({quote(chapter.stem)}{SUFFIXES[drawn]})"
    else:
        yield from fenced(source) or [
            "This flow is larger than what Mermaid draws: `--format svg` gives a picture of it."
        ]
    yield ""


def _defined_in(found: FoundFlow, folder: Path) -> str:
    """Where the class is; as a link if it is beside the folder, so that no path of a machine gets into the file."""
    shown = one_line(found.flow.__name__, NAME_LENGTH)
    name = f"`{shown}`" if shown.isidentifier() else plain(shown)
    if found.source is None or not found.source.is_relative_to(folder.resolve().parent):
        return f"{name} in `{found.module}`"
    link = Path(os.path.relpath(found.source, folder.resolve())).as_posix()
    line = _line_of(found)
    here, there = (f":{line}", f"#L{line}") if line else ("", "")
    return f"{name} in [{plain(link.removeprefix('../'))}{here}]({quote(link)}{there})"


def _line_of(found: FoundFlow) -> int | None:
    try:
        return inspect.getsourcelines(found.flow)[1]
    except (OSError, TypeError):  # a class that was made by a program has no line
        return None


def _step_rows(graph: FlowGraph) -> Iterator[tuple[str, ...]]:
    guards: dict[str, str] = {}
    for way in graph.ways:
        if way.kind is WayKind.ANSWER and way.guard is not None:
            guards.setdefault(way.source, way.guard)
    for node in graph.steps:
        guard = f"[{guards[node.id]}]" if node.id in guards else ""
        answer = f"{' / '.join(node.choices)} {guard}".strip() or _ANYTHING[node.kind]
        more = "".join(f" ({word})" for word in node.told.split(" · ")[1:])
        yield (str(node.number), node.id, node.type, node.words, f"{answer}{more}")


def _way_rows(graph: FlowGraph) -> Iterator[tuple[str, ...]]:
    for way in graph.ways:
        when = "" if way.guard is None else f"[{way.guard}]"
        if way.leads_on:
            when = way.label
        elif way.kind is WayKind.REFUSED:
            when = "any other answer"
        yield (way.source, way.trigger, when, way.dest)


def _options(words: str) -> Options | None:
    names = words.split(", ")
    forms = tuple(name for name in names if name != "all")
    return Options(forms, "all" in names) if set(forms) <= SUFFIXES.keys() else None
