"""A folder of diagrams: what is in it, whether it is up to date.

Here belong the files that ``fsmflow diagrams`` writes, as values: for each flow one in each form that is asked for, and
the index. The same flows give the same bytes on every machine: no time, no absolute path, no order of a file system;
SVG and PNG apart, which are as good as the hash of the DOT that they were drawn from. Which flows there are belongs to
`fsmflow.discovery`, what a picture looks like to `fsmflow.diagrams`, what the index says to `index`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from attrs import frozen

from fsmflow.diagrams.freshness import changes
from fsmflow.diagrams.index import INDEX, SUFFIXES, Chapter, Options, index_page, read_index, without_lines
from fsmflow.diagrams.interchange import FORMAT
from fsmflow.diagrams.pictures import MADE_BY, dot, json, mermaid
from fsmflow.diagrams.rendering import drawn, hash_in, hash_of
from fsmflow.diagrams.survey import graph_of
from fsmflow.discovery import FoundFlow
from fsmflow.errors import BadTarget


@frozen
class Page:
    """One file of the folder.

    Args:
        name: Its name.
        flow: The flow that it is of, as messages call it; None for the index.
        content: What is in it; for a picture the DOT that it is drawn from.
        form: The form that ``dot`` draws it in, or None for a text.
    """

    name: str
    flow: str | None
    content: str
    form: str | None = None

    @property
    def subject(self) -> str:
        """What it shows, in words."""
        return "the index" if self.flow is None else f"flow {self.flow}"

    def is_at(self, path: Path) -> bool:
        """True if a file is this page. Of a picture the hash is compared, of an index all but the lines of classes."""
        there = path.read_bytes()
        if self.form is not None:
            return hash_in(there) == hash_of(self.content)
        here = self.content.encode()
        return here == there or (self.name == INDEX and without_lines(here) == without_lines(there))


@frozen
class Gallery:
    """What a folder should hold.

    Args:
        folder: Where.
        options: What it is made of.
        chapters: What is said of each flow, sorted by flow type.
        pages: The files, the index last.
    """

    folder: Path
    options: Options
    chapters: tuple[Chapter, ...]
    pages: tuple[Page, ...]

    @classmethod
    def of(
        cls,
        flows: Iterable[FoundFlow],
        folder: Path,
        options: Options | None = None,
        *,
        began: Callable[[str], None] = lambda _: None,
    ) -> Gallery:
        """Draws the flows, all but what the program ``dot`` draws.

        Args:
            flows: The flows.
            folder: Where they will be: sources beside it are linked to.
            options: What it is made of.
            began: Told the name of each file that is next, for who waits.

        Raises:
            FlowDefinitionError: A flow cannot be constructed.
            MissingExtra: The extra ``diagrams`` is not installed.
            BadTarget: Two flow types differ only in case, so that one file would be the other's on some machines.
        """
        chosen = options or Options()
        names: dict[str, FoundFlow] = {}
        pages: list[Page] = []
        chapters: list[Chapter] = []
        for found in sorted(flows, key=lambda each: each.flow_type):
            other = names.setdefault(found.flow_type.casefold(), found)
            if other is not found:
                same = f"the flow type {found.flow_type!r} differs from {other.flow_type!r} in case only"
                raise BadTarget(found.place, same)
            began(found.flow_type)
            graph = graph_of(found.flow, found.flow_type)
            chapter = Chapter(found, graph, mermaid(graph, all=chosen.unfolded), _stem(found.flow_type))
            chapters.append(chapter)
            pages.extend(_pages(chapter, chosen))
        index = Page(INDEX, None, index_page(chapters, folder, chosen))
        return cls(folder, chosen, tuple(chapters), (*pages, index))

    def differences(self) -> tuple[str, ...]:
        """What is not up to date in the folder: each step and way that changed, then each file; empty if all is."""
        found = []
        for page in self.pages:
            path = self.folder / page.name
            if not path.is_file():
                found.append(f"{path}: missing ({page.subject})")
            elif not page.is_at(path):
                found.append(f"{path}: differs ({page.subject})")
        found += [f"{path}: left over, not among what was asked for" for path in self.left_over()]
        return (*changes(self.chapters, read_index(self.folder)), *found) if found else ()

    def write(self, *, prune: bool = False, began: Callable[[str], None] = lambda _: None) -> tuple[Path, ...]:
        """Writes the folder; it is made if it is not there. A picture that is up to date stays as it is.

        Args:
            prune: True removes diagrams of other flows. They may be gone, or only not among those that were asked for.
            began: Told the name of each file that is next, for who waits.

        Returns:
            The diagrams of other flows that are still there.

        Raises:
            BadTarget: There is an index already that was not made by this, and would be lost; or it cannot be written.
            MissingProgram: Graphviz is not installed; all but the pictures is written.
            DrawingFailed: Graphviz could not draw a picture; all texts are written.
        """
        index = self.folder / INDEX
        with _told(self.folder):
            if index.is_file() and MADE_BY.encode() not in index.read_bytes():
                raise BadTarget(str(index), "was not made by fsmflow and would be overwritten: choose another folder")
            self.folder.mkdir(parents=True, exist_ok=True)
            others = self.left_over()
            for page in self.pages:
                if page.form is None:
                    (self.folder / page.name).write_bytes(page.content.encode())
            for path in others if prune else ():
                path.unlink()
            for page in self.pages:
                path = self.folder / page.name
                if page.form is not None and not (path.is_file() and page.is_at(path)):
                    began(page.name)
                    path.write_bytes(drawn(page.content, page.form))
        return () if prune else others

    def left_over(self) -> tuple[Path, ...]:
        """The diagrams in the folder that none of the flows has. What was not made by fsmflow is nobody's affair."""
        names = {page.name for page in self.pages}
        candidates = (path for suffix in SUFFIXES.values() for path in sorted(self.folder.glob(f"*{suffix}")))
        return tuple(path for path in candidates if path.name not in names and _ours(path))


def options_of(folder: Path) -> Options | None:
    """What a folder says that it is made of, or None if it does not."""
    with _told(folder):
        return read_index(folder).options


def _pages(chapter: Chapter, options: Options) -> Iterator[Page]:
    graph, forms = chapter.graph, options.forms
    source = dot(graph, all=options.unfolded) if {"dot", "svg", "png"} & {*forms} else ""
    texts = {"dot": lambda: source, "mermaid": lambda: chapter.mermaid, "json": lambda: json(graph)}
    for form, suffix in SUFFIXES.items():
        if form in forms:
            text = texts.get(form)
            yield Page(chapter.stem + suffix, graph.title, text() if text else source, None if text else form)


def _ours(path: Path) -> bool:
    content = path.read_bytes()
    if path.suffix == SUFFIXES["json"]:
        return f'"format": "{FORMAT}"'.encode() in content[:100]
    return hash_in(content) is not None or MADE_BY.encode() in content


def _stem(flow_type: str) -> str:
    """A flow type as a file's name: what is not plain in it becomes ``%XX``, so two never meet."""
    return quote(flow_type, safe="", errors="surrogatepass")


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise BadTarget(str(fault.filename or folder), (fault.strerror or str(fault)).lower()) from fault
