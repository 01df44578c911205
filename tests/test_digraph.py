"""DOT: a shape and a line for each kind of thing, the way forward downward, and long flows that can be drawn."""

from __future__ import annotations

import random
import re
import shutil
import subprocess

import pytest
from attrs import evolve

from fsmflow.diagrams import dot, mermaid, svg
from fsmflow.diagrams.arrows import FAR, LONG
from fsmflow.diagrams.graph import FlowGraph, NodeKind, WayKind
from fsmflow.diagrams.overlay import Mark, Overlay, key_of
from fsmflow.diagrams.survey import graph_of
from fsmflow.flow import Flow
from fsmflow.messages import Option
from fsmflow.step import Step, StepType
from tests.made_up import EVERYTHING, WAYS

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed: no `dot` on the PATH")


def attributes(line: str) -> dict[str, str]:
    """What a line of DOT says of a node or an edge besides its label."""
    return dict(re.findall(r'(\w+)=("[^"]*"|[\w.]+)', re.sub(r"label=(<.*>|\"\")( |\])", "", line)))


def line_of(source: str, name: str) -> str:
    found = [line for line in source.splitlines() if re.match(rf'\s*"?{re.escape(name)}"? \[label', line)]
    assert len(found) == 1, found
    return found[0]


def without_colour(looks: dict[str, str]) -> frozenset[tuple[str, str]]:
    """A double line is spelled as a colour between two others: that it is double is kept."""
    return frozenset(
        (key, "double" if ":" in value else value) for key, value in looks.items() if key != "color" or ":" in value
    )


def random_flow(steps: int, jumps: int, seed: int) -> type[Flow]:
    chance = random.Random(seed)

    def options() -> tuple[Option, ...]:
        others = (Option(f"o{place}", f"To {place}", to=f"q{chance.randrange(steps)}") for place in range(jumps))
        mixed = [*others, Option("n", "Next")]
        chance.shuffle(mixed)
        return tuple(mixed)

    made = tuple(
        Step(id=f"q{place}", type=StepType.LIST, message=f"Question {place}?", options=options())
        for place in range(steps)
    )
    return type("RandomFlow", (Flow,), {"flow_type": "random", "steps": made})


# -- what stands for what ----------------------------------------------------------------------------------------------


def test_each_kind_of_node_has_a_shape_of_its_own_and_none_hangs_on_a_colour() -> None:
    source = dot(EVERYTHING)
    nodes = ["(start)", "amount", "address", "transfer", "transfer%3Apending", "transfer%3Aunknown", "completed"]
    looks = [attributes(line_of(source, name)) for name in nodes]
    shapes = [tuple(found.get(key, "") for key in ("shape", "style", "peripheries")) for found in looks]
    assert len(set(shapes)) == len(nodes), shapes


def test_each_kind_of_way_has_a_line_of_its_own_and_none_hangs_on_a_colour() -> None:
    edges = [line for line in dot(EVERYTHING).splitlines() if "amount -> address" in line]
    lines = {}
    for kind in WayKind:
        (line,) = [line for line in edges if f" n_{kind.value} " in line]
        lines[kind] = without_colour({key: value for key, value in attributes(line).items() if key != "weight"})
    assert len(set(lines.values())) == len(WayKind), lines


def test_each_kind_of_way_has_a_sign_of_its_own_in_a_list() -> None:
    folded = evolve(EVERYTHING, ways=tuple(evolve(each, folded=True) for each in WAYS))
    listed = line_of(dot(folded, all=True), "amount ways")
    rows = re.findall(r"(?:<|/>)([^\s<>]+) n_(\w+)", listed)
    assert [kind for _, kind in rows] == [kind.value for kind in WayKind]
    assert len({sign for sign, _ in rows}) == len(WayKind)


def test_each_kind_of_node_has_a_shape_of_its_own_in_mermaid() -> None:
    source = mermaid(EVERYTHING)
    names = ("start", "step_amount", "step_address", "step_transfer", "wait_1", "wait_2", "end_completed")
    shapes = [re.search(rf'^ +{name}([(\[{{]+)"', source, re.MULTILINE) for name in names]
    assert len({shape[1] for shape in shapes if shape is not None}) == len(names)


def test_the_legend_explains_the_shapes_that_are_in_the_picture_and_no_others() -> None:
    assert "six sides" in dot(EVERYTHING)
    assert "six sides" in mermaid(EVERYTHING)
    only_questions = evolve(EVERYTHING, steps=EVERYTHING.steps[:1], waits=(), ways=())
    assert not any(words in dot(only_questions) for words in ("six sides", "folder", "ellipse", "eight-sided"))
    kinds = [*(node.kind for node in EVERYTHING.steps), *(wait.kind for wait in EVERYTHING.waits)]
    assert {*kinds} == {*NodeKind}


def test_a_way_that_nothing_has_a_name_for_is_drawn() -> None:
    assert " n_other " in dot(EVERYTHING)
    assert '|"n_other"|' in mermaid(EVERYTHING).replace("#95;", "_")


# -- the way forward ---------------------------------------------------------------------------------------------------


@needs_dot
@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_the_way_forward_reads_from_top_to_bottom(seed: int, unfolded: bool) -> None:
    flow = random_flow(9, 2, seed)
    plain = subprocess.run(
        ["dot", "-Tplain"], input=dot(flow, all=unfolded), capture_output=True, text=True, check=True
    ).stdout
    height = {name: float(y) for name, y in re.findall(r"^node (q\d+) \S+ (\S+)", plain, re.MULTILINE)}
    assert len(height) == 9
    for above, below in zip(range(8), range(1, 9), strict=True):
        assert height[f"q{above}"] > height[f"q{below}"]


def test_a_way_up_is_written_downward_and_points_up() -> None:
    graph = graph_of(random_flow(5, 3, 1))
    upward = {
        (way.source, way.dest) for way in graph.ways if not way.folded and way.dest < way.source and way.dest[0] == "q"
    }
    written = re.findall(r"^\t\t(q\d) -> (q\d) \[.*dir=back", dot(graph), re.MULTILINE)
    assert {(source, dest) for dest, source in written} == upward
    assert upward


# -- long flows --------------------------------------------------------------------------------------------------------


def test_in_a_long_flow_what_leads_far_away_is_listed_beside_its_step() -> None:
    flow = random_flow(LONG + 1, 2, 3)
    place = {step.id: number for number, step in enumerate(flow.steps)}
    ways = [way for way in graph_of(flow).ways if not way.folded]
    far = {(way.source, way.dest) for way in ways if abs(place.get(way.dest, LONG + 1) - place[way.source]) > FAR}
    source = dot(flow)
    listed = set()
    for line in source.splitlines():
        beside = re.match(r'\s*"(q\d+) ways" \[', line)
        if beside is not None:
            listed |= {(beside[1], dest) for dest in re.findall(r" → (\w+)<", line)}
    assert listed == far
    assert len(far) > 20
    drawn = re.findall(r"^\t\t(q\d+) -> (\w+) \[label", source, re.MULTILINE)
    assert all(abs(place.get(one, LONG + 1) - place.get(other, LONG + 1)) <= FAR for one, other in drawn)
    assert {frozenset(ends) for ends in (*drawn, *far)} == {frozenset((way.source, way.dest)) for way in ways}
    assert " ways" not in dot(random_flow(LONG, 2, 3))


@needs_dot
@pytest.mark.parametrize("unfolded", [False, True])
def test_three_hundred_steps_that_lead_anywhere_are_drawn(unfolded: bool) -> None:
    drawn = svg(random_flow(300, 2, 5), all=unfolded)
    assert all(f"<title>q{place}</title>" in drawn for place in range(300))


# -- marks -------------------------------------------------------------------------------------------------------------


def overlaid(mark: Mark) -> Overlay:
    return Overlay(
        {"amount": mark},
        {key_of(WAYS[0]): mark},
        {"amount": "a <note>", key_of(WAYS[0]): "12×"},
        "what it is",
        ("a legend",),
    )


@pytest.mark.parametrize("mark", list(Mark))
def test_a_mark_is_told_by_its_sign_and_its_note_at_a_step_and_at_a_way(mark: Mark) -> None:
    overlay = overlaid(mark)
    source = dot(EVERYTHING, overlay=overlay)
    assert re.search(rf"<B>{re.escape(mark.sign)} (<S>)?1 · amount", source)
    assert "TEXT · a &lt;note&gt;" in source
    assert re.search(rf" (<S>)?{re.escape(mark.sign)} n_answer · 12×(</S>)? ", source)
    assert "what it is" in source
    assert "a legend" in source
    drawn = mermaid(EVERYTHING, overlay=overlay)
    assert f"#{ord(mark.sign)};" in drawn or mark.sign in drawn
    for words in ("what it is", "a legend", "12#215;", "a #60;note#62;"):
        assert words in drawn
    assert f"class step_amount {mark.value}\n" in drawn


def test_marks_of_one_picture_are_told_apart_by_their_lines_too() -> None:
    def looks(mark: Mark) -> tuple[object, object]:
        source = dot(EVERYTHING, overlay=overlaid(mark))
        (edge,) = [line for line in source.splitlines() if "n_answer" in line]
        return without_colour(attributes(line_of(source, "amount"))), without_colour(attributes(edge))

    for group in (
        (Mark.ADDED, Mark.REMOVED, Mark.CHANGED),
        (Mark.PASSED, Mark.REFUSED),
        (Mark.COVERED, Mark.UNCOVERED),
    ):
        steps, ways = zip(*map(looks, group), strict=True)
        assert len({*steps, without_colour(attributes(line_of(dot(EVERYTHING), "amount")))}) == len(group) + 1
        assert len(set(ways)) == len(group)
    for one, other in ((Mark.ADDED, Mark.REMOVED), (Mark.PASSED, Mark.REFUSED), (Mark.COVERED, Mark.UNCOVERED)):
        lines = [
            re.search(r'step_amount (\S+)\|"[^"]*n#95;answer|step_amount (\S+)\|"[^"]*n_answer', drawn)
            for drawn in (mermaid(EVERYTHING, overlay=overlaid(mark)) for mark in (one, other))
        ]
        assert len({line[1] or line[2] for line in lines if line is not None}) == 2
    assert looks(Mark.CURRENT)[0] != looks(Mark.PASSED)[0]


def folded_with(mark: Mark, note: str = "") -> tuple[FlowGraph, Overlay]:
    graph = graph_of(random_flow(3, 1, 1))
    way = next(way for way in graph.ways if way.trigger == "cancel" and way.source == "q1")
    return graph, Overlay(ways={key_of(way): mark}, notes={key_of(way): note} if note else {})


@pytest.mark.parametrize("mark", [Mark.ADDED, Mark.REMOVED, Mark.CHANGED, Mark.REFUSED, Mark.UNCOVERED])
@pytest.mark.parametrize("draw", [dot, mermaid])
def test_a_folded_way_with_such_a_mark_is_told_in_the_box_of_its_step(draw: object, mark: Mark) -> None:
    assert callable(draw)
    graph, overlay = folded_with(mark, "2×")
    bare, told = draw(graph).splitlines(), draw(graph, overlay=overlay).splitlines()
    changed = [line for line, other in zip(told, bare, strict=True) if line != other]
    assert len(changed) == 1
    assert "q1" in changed[0]
    assert "cancel (2" in changed[0]


@pytest.mark.parametrize("draw", [dot, mermaid])
def test_a_folded_way_that_a_member_took_is_drawn_and_a_covered_one_stays_folded(draw: object) -> None:
    assert callable(draw)
    graph, overlay = folded_with(Mark.PASSED)
    added = set(draw(graph, overlay=overlay).splitlines()) - set(draw(graph).splitlines())
    assert any(re.search(r"q1 .*cancel.*", line) and "cancelled" in line for line in added)
    graph, overlay = folded_with(Mark.COVERED)
    assert draw(graph, overlay=overlay) == draw(graph)


def test_marks_of_what_is_not_in_the_flow_are_passed_over() -> None:
    overlay = Overlay({"gone": Mark.ADDED}, {("submit", "x", "gone", "y"): Mark.ADDED}, {"gone": "a note"})
    assert dot(EVERYTHING, overlay=overlay) == dot(EVERYTHING)
    assert mermaid(EVERYTHING, overlay=overlay).replace("  classDef added stroke-width:3px\n", "") == mermaid(
        EVERYTHING
    )
