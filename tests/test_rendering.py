"""Pictures by the program ``dot``: each carries the hash of its source, and what goes wrong is said in a line."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fsmflow.diagrams import dot, png, rendering, svg
from fsmflow.diagrams.rendering import drawn, hash_in, hash_of
from fsmflow.diagrams.survey import graph_of
from fsmflow.errors import DrawingFailed, MissingProgram
from tests.test_diagrams import NASTY, TicketFlow, one_question, squeezed

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed: no `dot` on the PATH")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a program called ``dot`` on the PATH, alone."""

    def put(script: str) -> None:
        path = tmp_path / "dot"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


@needs_dot
@pytest.mark.parametrize("flow", [TicketFlow, one_question(NASTY)])
@pytest.mark.parametrize("unfolded", [False, True])
def test_graphviz_draws_whatever_a_flow_says_and_shows_it_as_text(flow: type[TicketFlow], unfolded: bool) -> None:
    tree = ElementTree.fromstring(svg(flow, all=unfolded).partition("?>")[2].partition(">")[2])
    words = squeezed("".join(tree.itertext()))
    for step in graph_of(flow).steps:
        assert squeezed(step.words) in words
    tags = {element.tag.partition("}")[2] for element in tree.iter()}
    assert tags <= {"svg", "g", "title", "polygon", "polyline", "path", "text", "ellipse"}


@needs_dot
def test_a_picture_carries_the_hash_of_its_dot_and_another_source_has_another() -> None:
    digest = hash_of(dot(TicketFlow))
    assert hash_in(svg(TicketFlow).encode()) == digest
    picture = png(TicketFlow)
    assert hash_in(picture) == digest
    assert hash_in(svg(TicketFlow, all=True).encode()) == hash_of(dot(TicketFlow, all=True)) != digest


@needs_dot
def test_a_png_with_a_hash_is_a_png() -> None:
    ran = subprocess.run(["dot", "-Tpng"], input=dot(TicketFlow).encode(), capture_output=True, check=True)
    assert len(png(TicketFlow)) > len(ran.stdout)
    assert png(TicketFlow).replace(rendering._chunk(b"data-dot-sha256\0" + hash_of(dot(TicketFlow)).encode()), b"") == (
        ran.stdout
    )


@pytest.mark.parametrize(
    "picture",
    [b"", b"<svg/>", b'<svg data-dot-sha256="12">', b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXtdata"],
)
def test_a_picture_that_was_not_drawn_by_this_carries_no_hash(picture: bytes) -> None:
    assert hash_in(picture) is None


@pytest.mark.parametrize("draw", [svg, png])
def test_without_the_program_it_is_said_what_to_install_and_dot_works(
    draw: Callable[[type[TicketFlow]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingProgram, match="apt install graphviz"):
        draw(TicketFlow)
    assert dot(TicketFlow)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'syntax\n error' >&2; exit 1", "a picture in SVG could not be drawn: syntax error"),
        ("exit 1", "a picture in SVG could not be drawn: dot drew nothing"),
        ("exit 0", "a picture in SVG could not be drawn: dot drew nothing"),
        ("while :; do :; done", "a picture in SVG could not be drawn: dot did not finish within 0.2 seconds"),
    ],
)
def test_what_the_program_dies_of_is_said_in_a_line(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    program(script)
    monkeypatch.setattr(rendering, "SECONDS_AT_MOST", 0.2)
    with pytest.raises(DrawingFailed) as told:
        drawn("digraph {}", "svg")
    assert str(told.value) == said


def test_a_program_that_cannot_be_run_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dot").write_text("no program")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DrawingFailed, match="could not be drawn: "):
        drawn("digraph {}", "svg")
