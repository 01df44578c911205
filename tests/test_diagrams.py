"""Diagrams: deterministic, escaped, complete when asked, and nothing of a conversation in them."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsmflow.diagrams import dot, json, mermaid
from fsmflow.diagrams.graph import NodeKind, WayKind, one_line
from fsmflow.diagrams.survey import QUESTION_LENGTH, graph_of
from fsmflow.errors import FlowDefinitionError, MissingExtra
from fsmflow.flow import Flow
from fsmflow.machine import all_transitions
from fsmflow.messages import Buttons, Option
from fsmflow.step import Step, StepType

ROOT = Path(__file__).parent.parent
NASTY = 'a "b" <i>c</i> {d|e} \\N \\l --> ;%% #35; &amp; `x` *y* _z_ ]] )) |f| \n%%{init: {}}%%\nend ☃ أ style:#a;'


class TicketFlow(Flow):
    """Sells a ticket.

    What follows the first paragraph is not shown.
    """

    flow_type = "ticket"
    keywords = ("ticket", "buy")

    def known_city(self, value: str) -> bool:  # noqa: ARG002 - the signature of a validator
        raise AssertionError("a diagram runs no code of the flow")

    def summary(self) -> str:
        raise AssertionError("a diagram runs no code of the flow")

    steps = (
        Step(id="city", type=StepType.TEXT, message="Where to?", validator=known_city),
        Step(
            id="fare",
            type=StepType.LIST,
            message="Which fare?",
            options=tuple(Option(f"f{number}", f"Fare {number}") for number in range(6)),
        ),
        Step(
            id="pin", type=StepType.TEXT, message="Your PIN?", validator=lambda value: len(value) == 4, sensitive=True
        ),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message=summary,
            options=(
                Option("yes", "Buy it"),
                Option("city", "Another city", to="city"),
                Option("refused", "No", to="cancelled"),
            ),
        ),
    )


class SeatFlow(Flow):
    """Builds its steps itself, with words that only its member may read."""

    def __init__(self, flow_type: str, state: dict[str, Any] | None = None) -> None:
        member_id = (state or {}).get("member_id")
        options = (Option(f"seat-of-{member_id}", f"Seat of {member_id}"),)
        steps = [Step(id="seat", type=StepType.BUTTON, message=f"Which seat, {member_id}?", options=options)]
        super().__init__(f"{flow_type}_{member_id}", steps)


class PickyFlow(SeatFlow):
    """Cannot be constructed without its ticket."""

    def __init__(self, flow_type: str, state: dict[str, Any] | None = None) -> None:
        if "ticket" not in (state or {}):
            raise LookupError("no ticket")
        super().__init__(flow_type, state)


def one_question(words: str) -> type[Flow]:
    class Question(Flow):
        flow_type = "question"
        steps = (Step(id="end", type=StepType.BUTTON, message=Buttons(words), options=(Option("a", f"x{words}"),)),)

    Question.__doc__ = words
    return Question


def dot_labels(source: str) -> Iterator[str]:
    """Each label of a DOT source as the words that are read in the picture: it fails where one is no markup."""
    for rest in source.split("label=<")[1:]:
        depth = accumulate({"<": 1, ">": -1}.get(mark, 0) for mark in f"<{rest}")
        markup = rest[: next(index for index, level in enumerate(depth) if level == 0) - 1]
        words = "".join(ElementTree.fromstring(f"<x>{markup}</x>").itertext())
        assert re.search(r"(?<!\\)(\\\\)*\\(?!\\)", words) is None, "a lone backslash is an escape of Graphviz"
        yield words.replace("\\\\", "\\")


def told_in_dot(source: str) -> Iterator[tuple[str, str]]:
    """Each transition that a DOT source shows, by an arrow or in the list beside a step: from where to where."""
    for line in source.splitlines():
        arrow = re.match(r"\t\t(\w+) -> (\w+) \[label=<(.*)>", line)
        listed = re.match(r'\t+"(\w+) ways" \[label=<(.*)> ', line)
        if arrow is not None:
            ends = (arrow[1], arrow[2])
            yield from (ends[::-1] if "dir=back" in line else ends for _ in arrow[3].split("<BR/>"))
        if listed is not None:
            for row in re.findall(r"([^<>]*)<BR ALIGN='LEFT'/>", listed[2]):
                yield listed[1], row.partition(" → ")[2] or listed[1]


def mermaid_labels(source: str) -> list[str]:
    """Each label of a Mermaid source, its entities resolved, its line breaks as blanks."""
    found = re.findall(r'"([^"\n]*)"', source)
    return [html.unescape(re.sub(r"#(\d+);", r"&#\1;", re.sub("<br/>|</?b>", " ", label))) for label in found]


def squeezed(text: str) -> str:
    return "".join(text.split())


# -- what is drawn -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [dot, mermaid])
def test_a_diagram_names_steps_types_questions_guards_options_ends_and_what_starts_it(draw: Any) -> None:
    source = draw(TicketFlow)
    labels = " ".join(dot_labels(source) if draw is dot else mermaid_labels(source))
    for words in (
        *("ticket (TicketFlow)", "1 · city", "TEXT", "Where to?", "[known_city]", "2 · fare", "LIST"),
        *("Fare 0 / Fare 1 / Fare 2 / … (6 options)", "pin", "sensitive", "[pin_validator]", "(summary)", "Buy it"),
        *("Another city", "No", "completed", "cancelled", "buy"),
    ):
        assert squeezed(words) in squeezed(labels), words


def test_what_is_the_same_at_every_question_is_folded_and_the_legend_says_so() -> None:
    labels = mermaid_labels(mermaid(TicketFlow))
    legend = next(label for label in labels if "Not drawn" in label)
    told = ("refused", "back →", "cancel → cancelled", "restart → city", "expire (after 5 minutes) → expired")
    for words in told:
        assert words in legend
    assert mermaid(TicketFlow).count("-->") == 1 + 6  # the start, and a way for each thing that can be answered
    assert "-.-" not in mermaid(TicketFlow)
    assert dot(TicketFlow).count(" -> ") == 1 + 6


def test_unfolded_every_transition_of_the_machine_is_told_once() -> None:
    transitions = [(found.source, found.dest or found.source) for _, found in all_transitions(TicketFlow().machine)]
    told = list(told_in_dot(dot(TicketFlow, all=True)))
    assert set(told) == set(transitions)
    assert (
        told.count(("city", "cancelled")) == told.count(("city", "city")) - 1 == told.count(("fare", "city")) - 1 == 1
    )
    way = r"^ +(?:step|end)_(\w+) -\S*\|.*\| (?:step|end)_(\w+)$"
    arrows = re.findall(way, mermaid(TicketFlow, all=True), re.MULTILINE)
    assert Counter(arrows) == Counter(transitions)


def test_unfolded_an_arrow_names_all_that_it_stands_for() -> None:
    class Menu(Flow):
        flow_type = "menu"
        steps = (
            Step(
                id="which",
                type=StepType.LIST,
                message="?",
                options=tuple(Option(f"o{place}", f"Dish {place}", to="completed") for place in range(7)),
            ),
        )

    assert "Dish 6" not in dot(Menu)
    assert "… (7 options)" in dot(Menu)
    assert all(f"Dish {place}" in dot(Menu, all=True) for place in range(7))


def test_an_option_that_is_called_like_a_refusal_is_drawn_as_an_option() -> None:
    way = next(way for way in graph_of(TicketFlow).ways if way.source == "confirm" and way.dest == "cancelled")
    assert (way.label, way.folded) == ("No", False)


def test_what_a_machine_has_besides_is_read_from_it_and_drawn() -> None:
    class Later(TicketFlow):
        flow_type = "later"

    machine = Later().machine
    machine.add_state("waiting")
    machine.add_transition("nudge", "waiting", "completed", name="nudge")
    machine.add_transition("nudge", "pin", "waiting", name="nudge")
    for step in ("city", "fare", "pin", "confirm"):
        machine.add_transition("pause", step, "expired", name="pause")
    graph = graph_of(Later)
    assert [(wait.id, wait.kind) for wait in graph.waits] == [("waiting", NodeKind.PENDING)]
    assert graph.ends == graph_of(TicketFlow).ends
    added = [(way.trigger, way.source, way.kind, way.folded) for way in graph.ways if way.trigger in ("nudge", "pause")]
    assert added[:2] == [("nudge", "waiting", WayKind.OTHER, False), ("nudge", "pin", WayKind.OTHER, False)]
    assert set(added[2:]) == {("pause", step, WayKind.OTHER, True) for step in ("city", "fare", "pin", "confirm")}
    assert "pause →expired" in "".join(dot_labels(dot(Later))).replace("→ ", "→")


def test_a_flow_without_a_timeout_is_not_said_to_expire() -> None:
    class Patient(TicketFlow):
        timeout = None

    assert "expire" in mermaid(TicketFlow)
    assert "expire" not in mermaid(Patient)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\n\nlines\t", "two lines"),
        ("x" * 200, "x" * (QUESTION_LENGTH - 1) + "…"),
        ("x" * 60 + " " + "y" * 40, "x" * 60 + "…"),
        ("word " * 15 + "last more", "word " * 15 + "last…"),
        ("word " * 15 + "longer", "word " * 14 + "word…"),
        ("left\u202eright\x00\ud800", "left right"),
        ("नमस्ते \U0001f469\u200d\U0001f33e", "नमस्ते \U0001f469\u200d\U0001f33e"),
    ],
)
def test_a_question_is_one_short_line_of_what_can_be_seen(text: str, shown: str) -> None:
    assert one_line(text, QUESTION_LENGTH) == shown


# -- which flow is drawn -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [dot, mermaid])
def test_a_class_an_instance_and_an_instance_in_the_middle_give_one_diagram(draw: Any) -> None:
    flow = TicketFlow(member_id="m1")
    flow.data["city"] = "an answer"
    flow.state = "pin"
    assert draw(flow) == draw(TicketFlow)


@pytest.mark.parametrize("draw", [dot, mermaid])
def test_a_class_that_builds_its_steps_is_drawn_with_its_flow_type(draw: Any) -> None:
    assert "take a seat" in draw(SeatFlow, "take_a_seat")
    flow = SeatFlow("take_a_seat", {"member_id": "ama"})
    assert draw(flow) == draw(SeatFlow, "take_a_seat")


@pytest.mark.parametrize("draw", [dot, mermaid])
@pytest.mark.parametrize("flow_class", [SeatFlow, PickyFlow])
def test_nothing_of_a_conversation_is_in_a_diagram(draw: Any, flow_class: type[Flow]) -> None:
    made: Any = flow_class
    drawn = draw(made("seat", {"member_id": "ama", "ticket": 7}))
    assert "Which seat" not in drawn or flow_class is SeatFlow
    assert "Seat of ama" not in drawn
    assert "Which seat, ama" not in drawn


def test_a_class_that_cannot_be_constructed_is_named() -> None:
    with pytest.raises(FlowDefinitionError, match="PickyFlow"):
        dot(PickyFlow, "seat")


# -- how it is spelled -------------------------------------------------------------------------------------------------


@given(st.text(min_size=1).filter(str.strip))
@example(NASTY)
@example("1. one")
@example("- one")
@example("\\")
def test_whatever_a_flow_says_is_read_as_it_was_said_and_is_never_markup(words: str) -> None:
    flow = one_question(words)
    shown, title = squeezed(one_line(words, QUESTION_LENGTH)), squeezed(one_line(f"x{words}", 24))
    in_dot = [squeezed(label) for label in dot_labels(dot(flow))]
    in_mermaid = [squeezed(label) for label in mermaid_labels(mermaid(flow))]
    for labels in (in_dot, in_mermaid):
        assert any(label.endswith(f"BUTTON{shown}") for label in labels)
        assert title in labels
    for line in mermaid(flow).splitlines()[2:]:
        label = "".join(re.findall(r'"([^"]*)"', line))
        assert re.search(r"[{}`*~&\\%]|-->|:\S|;(?<!\d;)", re.sub("<br/>|</?b>", "", label)) is None, label


def test_the_same_flow_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import sys; from tests.test_diagrams import TicketFlow, dot, json, mermaid; "
        "sys.stdout.buffer.write((dot(TicketFlow) + mermaid(TicketFlow, all=True) + json(TicketFlow)).encode())"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert drawn == {(dot(TicketFlow) + mermaid(TicketFlow, all=True) + json(TicketFlow)).encode()}


@pytest.mark.parametrize("step_id", ["graph", "node", "edge", "strict", "start", "end", "subgraph", "legend", "class"])
def test_a_step_may_be_called_like_a_word_of_the_language(step_id: str) -> None:
    class Named(Flow):
        flow_type = "named"
        steps = (Step(id=step_id, type=StepType.TEXT, message="?"),)

    node = f'"{step_id}"' if step_id in ("graph", "node", "edge", "strict", "subgraph") else step_id
    assert f'\t\t"(start)" -> {node} [' in dot(Named)
    assert f"| step_{step_id}\n" in mermaid(Named)


@pytest.mark.parametrize("name", ["a\nb", "\u202eabc", "x | y", "</title><script>", '"]; evil [', "%%{init: {}}%%"])
def test_a_class_may_have_any_name(name: str) -> None:
    step = Step(id="one", type=StepType.TEXT, message="?")
    flow = type(name, (Flow,), {"flow_type": "odd", "steps": (step,)})
    for labels in (list(dot_labels(dot(flow))), mermaid_labels(mermaid(flow))):
        assert any(squeezed(one_line(name, 60)) in squeezed(label) for label in labels)
    assert all(line.count('"') in (0, 2) for line in mermaid(flow).splitlines())


@given(st.text(min_size=1, max_size=40).filter(lambda name: not any(mark.isspace() for mark in name)))
@example('-->"]};</svg>')
@example("a\\")
@example("\ud800")
@example("0A")
def test_a_flow_type_may_be_any_word(flow_type: str) -> None:
    named = type(
        "Named", (Flow,), {"flow_type": flow_type, "steps": (Step(id="one", type=StepType.TEXT, message="?"),)}
    )
    for labels in (list(dot_labels(dot(named))), mermaid_labels(mermaid(named))):
        assert any(squeezed(one_line(flow_type, 60)) in squeezed(label) for label in labels)
    assert re.match(
        r"// .*\ndigraph (\w+|\"(node|edge|graph|subgraph|strict|digraph|\d\w*)\") \{\n", dot(named), re.IGNORECASE
    )
    assert mermaid(named).encode()
    assert dot(named).encode()


# -- what is not installed ---------------------------------------------------------------------------------------------


def test_without_the_package_graphviz_dot_names_the_extra_and_the_others_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(MissingExtra, match=r"pip install 'fsmflow\[diagrams\]'"):
        dot(TicketFlow)
    assert mermaid(TicketFlow).startswith("flowchart TD\n")
    assert json(TicketFlow).startswith("{\n")
