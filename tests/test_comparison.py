"""Two releases of a flow side by side: what a picture marks, and what is said of each thing that has changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from fsmflow import Flow, Step
from fsmflow.diagrams import dot, json, mermaid
from fsmflow.diagrams.changes import Change
from fsmflow.diagrams.comparison import Comparison, compare
from fsmflow.diagrams.compatibility import GONE, Release, lost_runs
from fsmflow.diagrams.graph import WaitNode, Way, WayKind
from fsmflow.diagrams.overlay import Mark
from fsmflow.registry import sample_flow
from tests.releases import choice, made, release, text


def as_number(value: str) -> int:
    return int(value)


def compared(old: type[Flow], new: type[Flow]) -> Comparison:
    before, after = release(old), release(new)
    return compare(before, after, lost_runs(before, sample_flow(new)), labels=("old.py", "new.py"))


def change(old: tuple[Step, ...], new: tuple[Step, ...]) -> Comparison:
    return compared(made(*old), made(*new))


def test_the_same_flow_has_no_change_and_no_marks() -> None:
    found = change((text("a"), choice("b", "p>a", "q")), (text("a"), choice("b", "p>a", "q")))
    assert (found.verdict, found.compatible, found.changes, found.lost) == ("no change", True, (), ())
    assert (found.overlay.steps, found.overlay.ways, found.overlay.notes) == ({}, {}, {})
    assert found.old is not None
    assert found.new is not None
    assert found.old.fingerprint == found.new.fingerprint


def test_a_step_in_between_marks_itself_and_the_ways_around_it_and_nothing_that_every_step_has() -> None:
    found = change((text("a"), text("c")), (text("a"), text("b"), text("c")))
    assert found.overlay.steps == {"b": Mark.ADDED}
    assert found.overlay.ways == {
        ("submit", "submit", "a", "c"): Mark.REMOVED,
        ("submit", "submit", "a", "b"): Mark.ADDED,
        ("submit", "submit", "b", "c"): Mark.ADDED,
    }
    assert found.changes == (
        Change(Mark.ADDED, "step", "'b' (TEXT): “b?”"),
        Change(Mark.CHANGED, "transition", "from 'a', “any text”: led to 'c' and leads to 'b'"),
        Change(Mark.ADDED, "transition", "from 'b' to 'c', “any text”"),
    )
    assert found.verdict == "NOT compatible with members in the middle of it"
    assert found.overlay.notes == {"c": "some here do not go on"}


def test_what_is_gone_is_put_back_in_its_place_and_the_steps_are_numbered_as_they_stand_in_the_picture() -> None:
    found = change((text("x"), text("a"), text("y"), text("z"), text("b")), (text("a"), text("n"), text("b")))
    assert [(node.number, node.id) for node in found.graph.steps] == [
        *((1, "x"), (2, "a"), (3, "y"), (4, "z"), (5, "n"), (6, "b"))
    ]
    assert [state for state, mark in found.overlay.steps.items() if mark is Mark.REMOVED] == ["x", "y", "z"]
    assert all(not way.folded for way in found.graph.ways if way.source in "xyz")


@pytest.mark.parametrize(
    ("old", "new", "note", "words"),
    [
        (text("a"), choice("a", "p"), "was TEXT", "'a' was TEXT and is LIST"),
        (text("a"), text("a", sensitive=True), "was not sensitive", "'a' is sensitive now"),
        (text("a", sensitive=True), text("a"), "was sensitive", "'a' is not sensitive any more"),
        (
            text("a", "1"),
            text("a", "1", parser=as_number),
            "kept text",
            "'a' kept its answer as text and keeps it as int",
        ),
    ],
)
def test_a_step_that_has_changed_says_what_it_was(old: Step, new: Step, note: str, words: str) -> None:
    found = change((old, text("b")), (new, text("b")))
    assert found.overlay.steps["a"] is Mark.CHANGED
    assert str(found.overlay.notes["a"]).startswith(note)
    assert Change(Mark.CHANGED, "step", words) in found.changes


def test_other_words_are_told_and_change_no_fingerprint() -> None:
    old, new = made(text("a")), made(Step(id="a", type=text("a").type, message="How are you?"))
    found = compared(old, new)
    assert found.changes == (Change(Mark.CHANGED, "step", "'a' asked “a?” and asks “How are you?”"),)
    assert (found.verdict, found.overlay.notes) == ("compatible", {"a": "other words"})
    assert release(old).fingerprint == release(new).fingerprint


def test_a_way_that_leads_elsewhere_is_two_in_the_picture_and_one_sentence() -> None:
    old = (choice("a", "p>c", "q"), text("b"), text("c"))
    found = change(old, (choice("a", "p>cancelled", "q"), *old[1:]))
    assert found.overlay.ways == {
        ("submit", "p", "a", "c"): Mark.REMOVED,
        ("submit", "p", "a", "cancelled"): Mark.ADDED,
    }
    assert [each.words for each in found.changes] == ["from 'a', “P”: led to 'c' and leads to 'cancelled'"]


@pytest.mark.parametrize(
    ("options", "note"),
    [
        (("p", "r"), "was Q"),
        (("p", "q", "r"), "+ R"),
        (("p",), "− Q"),  # noqa: RUF001 - the sign of what is removed
        (("q", "p"), "in another order"),
    ],
)
def test_a_way_that_others_take_now_is_changed(options: tuple[str, ...], note: str) -> None:
    found = change((choice("a", "p", "q"), text("b")), (choice("a", *options), text("b")))
    assert found.overlay.ways == {("submit", "submit", "a", "b"): Mark.CHANGED}
    assert found.overlay.notes[("submit", "submit", "a", "b")] == note
    assert found.compatible


def test_another_guard_is_told() -> None:
    def valid_a(value: str) -> bool:
        return bool(value)

    guarded = (text("a", validator=valid_a), text("b"))
    assert change((text("a"), text("b")), guarded).overlay.notes[("submit", "submit", "a", "b")] == "now [valid_a]"
    assert change(guarded, (text("a"), text("b"))).overlay.notes[("submit", "submit", "a", "b")] == "was [valid_a]"


def test_what_every_step_has_is_told_once_where_it_has_changed_everywhere() -> None:
    found = change((text("a"), choice("b", "p>a", "q")), (text("n"), text("a"), choice("b", "p>a", "q")))
    told = [each.words for each in found.changes if "restart" in each.words]
    assert told == ["restart at every step: led to 'a' and leads to 'n'"]
    assert {key[0] for key in found.overlay.ways} == {"submit"}


def with_ways(of: Release, *ways: Way) -> Release:
    """A release whose machine has more transitions than flows of today have."""
    return evolve(of, graph=evolve(of.graph, ways=(*of.graph.ways, *ways)))


def exhausted(source: str, dest: str) -> Way:
    return Way("exhausted", "exhausted", source, dest, (), None, folded=True, kind=WayKind.ATTEMPTS)


def test_what_is_folded_is_marked_where_it_has_changed_at_some_steps_only() -> None:
    only = release(made(text("a"), text("b"), text("c")))
    old = with_ways(only, exhausted("a", "failed"), exhausted("b", "failed"))
    new = with_ways(only, exhausted("a", "cancelled"), exhausted("c", "failed"))
    found = compare(old, new)
    assert found.overlay.ways == {
        ("exhausted", "exhausted", "a", "cancelled"): Mark.CHANGED,
        ("exhausted", "exhausted", "b", "failed"): Mark.REMOVED,
        ("exhausted", "exhausted", "c", "failed"): Mark.ADDED,
    }
    assert [(each.mark, each.words) for each in found.changes] == [
        (Mark.CHANGED, "exhausted at 'a': led to 'failed' and leads to 'cancelled'"),
        (Mark.REMOVED, "exhausted at 'b', to 'failed'"),
        (Mark.ADDED, "exhausted at 'c', to 'failed'"),
    ]
    assert {(way.source, way.dest) for way in found.graph.ways if way.trigger == "exhausted"} == {
        *(("a", "cancelled"), ("b", "failed"), ("c", "failed"))
    }


def test_what_one_step_of_several_has_now_is_not_told_of_every_step() -> None:
    only = release(made(text("a"), text("b")))
    found = compare(only, with_ways(only, exhausted("b", "failed")))
    assert found.overlay.ways == {("exhausted", "exhausted", "b", "failed"): Mark.ADDED}
    assert found.changes == (Change(Mark.ADDED, "transition", "exhausted at 'b', to 'failed'"),)


def test_ways_back_of_what_is_gone_are_no_part_of_the_picture() -> None:
    found = change((text("a"), text("b")), (text("b"),))
    assert [way for way in found.graph.ways if way.kind is WayKind.BACK] == []
    assert found.overlay.notes == {"b": "some here do not go on"}


def test_a_trigger_that_every_step_has_now_marks_no_step() -> None:
    only = release(made(text("a"), text("b")))
    found = compare(only, with_ways(only, exhausted("a", "failed"), exhausted("b", "failed")))
    assert found.overlay.ways == {}
    assert found.changes == (Change(Mark.ADDED, "transition", "exhausted at every step, to 'failed'"),)


def test_a_state_that_waits_is_marked_where_it_is_gone() -> None:
    only = release(made(text("a")))
    waiting = evolve(only, graph=evolve(only.graph, waits=(WaitNode("pending"),)))
    assert compare(waiting, only).overlay.steps == {"pending": Mark.REMOVED}
    assert compare(waiting, only).graph.waits == (WaitNode("pending"),)
    assert compare(only, waiting).overlay.steps == {"pending": Mark.ADDED}


def test_the_flows_own_attributes_are_told() -> None:
    new = made(text("a"), text("b"), timeout=timedelta(minutes=9), keywords=("hi", "hello"), revision=3)
    found = compared(made(text("a"), text("b")), new)
    assert [each.words for each in found.changes] == [
        "timeout: was 5 minutes of silence, is 9 minutes of silence",
        "keywords: was survey, is hi, hello",
        "revision: was 0, is 3",
    ]
    assert compared(made(text("a")), made(text("a"), timeout=None)).changes[0].words.endswith("is none")


def test_another_order_of_the_steps_is_told() -> None:
    first = choice("a", "p>b", "q>c")
    found = change((first, text("b"), text("c")), (first, text("c"), text("b")))
    assert Change(Mark.CHANGED, "flow", "the steps are in another order: a, c, b") in found.changes


def test_an_end_that_is_new_is_marked() -> None:
    found = change((choice("a", "p", "q"),), (choice("a", "p", "q>failed"),))
    assert found.overlay.steps == {"failed": Mark.ADDED}


def test_a_flow_that_is_new_or_gone_is_marked_as_a_whole() -> None:
    only = release(made(text("a"), text("b")))
    new, gone = compare(None, only), compare(only, None)
    assert (new.verdict, new.compatible, new.lost) == ("new", True, ())
    assert gone.verdict.startswith("NOT compatible")
    assert gone.lost == (GONE,)
    for found, mark in ((new, Mark.ADDED), (gone, Mark.REMOVED)):
        assert set(found.overlay.steps.values()) == set(found.overlay.ways.values()) == {mark}
        assert found.changes == (Change(mark, "flow", "flow survey (shop:Survey)"),)
    with pytest.raises(ValueError, match="at least one"):
        compare(None, None)


def test_a_change_is_drawn_in_every_form() -> None:
    found = change((text("a"), text("x"), text("b")), (text("a"), text("b"), choice("c", "p>a", "q")))
    drawings = [form(found.graph, overlay=found.overlay) for form in (dot, mermaid)]
    for drawing, sign in zip(drawings, ("−", "#8722;"), strict=True):  # noqa: RUF001 - the sign of what is removed
        assert f"{sign} " in drawing
        assert "NOT compatible" in drawing
        assert "old.py" in drawing
    assert json(found.graph, overlay=found.overlay).count('"mark": "removed"') == 4
