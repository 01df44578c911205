"""What has changed since pictures were made is said in words, from the tables of the index."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsmflow.diagrams.gallery import Gallery
from fsmflow.diagrams.index import Chapter, Options, index_page, read_index
from fsmflow.diagrams.survey import graph_of
from fsmflow.discovery import FoundFlow
from fsmflow.flow import Flow
from fsmflow.messages import Option
from fsmflow.step import Step, StepType
from tests.test_diagrams import NASTY

AMOUNT = Step(id="amount", type=StepType.TEXT, message="How much?")
HANDLE = Step(id="handle", type=StepType.TEXT, message="To whom?")
YES, NO = Option("yes", "Confirm"), Option("no", "Decline", to="cancelled")


def confirm(*options: Option, message: str = "Sure?") -> Step:
    return Step(id="confirm", type=StepType.BUTTON, message=message, options=options or (YES, NO))


def valid(value: str) -> bool:
    return bool(value)


def gallery(folder: Path, *steps: Step, flow_type: str = "offer") -> Gallery:
    flow = type("OfferFlow", (Flow,), {"flow_type": flow_type, "steps": steps})
    return Gallery.of([FoundFlow(flow_type, flow, "shop", None)], folder)


def told(folder: Path, before: tuple[Step, ...], now: tuple[Step, ...]) -> list[str]:
    gallery(folder, *before).write()
    return [line for line in gallery(folder, *now).differences() if not line.startswith(str(folder))]


BASE = (AMOUNT, HANDLE, confirm())


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ((AMOUNT, HANDLE, confirm(YES)), ["offer: step 'confirm' lost the way 'Decline' to cancelled"]),
        (
            (AMOUNT, HANDLE, confirm(YES, NO, Option("again", "Again", to="amount"))),
            [
                "offer: step 'amount' has a new way, 'back' to confirm",
                "offer: step 'confirm' has a new way, 'Again' to amount",
            ],
        ),
        (
            (AMOUNT, HANDLE, confirm(YES, Option("no", "Decline", to="failed"))),
            ["offer: step 'confirm': the way 'Decline' led to cancelled and leads to failed"],
        ),
        (
            (AMOUNT, Step(id="handle", type=StepType.TEXT, message="Whose?"), confirm()),
            ["offer: step 'handle' asked “To whom?” and asks “Whose?”"],
        ),
        (
            (AMOUNT, Step(id="handle", type=StepType.TEXT, message="To whom?", validator=valid), confirm()),
            [
                "offer: step 'handle' lost the way 'any text' to confirm",
                "offer: step 'handle' has a new way, '[valid]' to confirm",
            ],
        ),
        (
            (AMOUNT, Step(id="handle", type=StepType.TEXT, message="To whom?", sensitive=True), confirm()),
            ["offer: step 'handle' was answered by any text and is by any text (sensitive)"],
        ),
        (
            (AMOUNT, Step(id="handle", type=StepType.BUTTON, message="To whom?", options=(YES,)), confirm()),
            [
                "offer: step 'handle' was TEXT and is BUTTON",
                "offer: step 'handle' lost the way 'any text' to confirm",
                "offer: step 'handle' has a new way, 'Confirm' to confirm",
            ],
        ),
    ],
)
def test_what_changed_is_said_step_by_step_and_way_by_way(
    tmp_path: Path, now: tuple[Step, ...], said: list[str]
) -> None:
    assert told(tmp_path, BASE, now) == said


def test_steps_that_are_gone_new_or_in_another_order_are_named(tmp_path: Path) -> None:
    lines = told(tmp_path, BASE, (HANDLE, Step(id="note", type=StepType.TEXT, message="A note?"), confirm()))
    assert lines[:2] == ["offer: step 'amount' is gone", "offer: step 'note' is new"]
    assert "offer: step 'handle' lost the way 'any text' to confirm" not in lines
    assert "offer: step 'handle': the way 'any text' led to confirm and leads to note" in lines
    assert "offer: the steps are in another order: handle, amount, confirm" in told(
        tmp_path, BASE, (HANDLE, AMOUNT, confirm())
    )


def test_a_flow_that_nothing_changed_in_has_nothing_said_of_it(tmp_path: Path) -> None:
    assert told(tmp_path, BASE, BASE) == []
    (tmp_path / "offer.dot").unlink()
    assert gallery(tmp_path, *BASE).differences() == (f"{tmp_path / 'offer.dot'}: missing (flow offer (OfferFlow))",)


def test_a_flow_that_the_index_does_not_have_is_named(tmp_path: Path) -> None:
    gallery(tmp_path, *BASE).write()
    assert gallery(tmp_path, *BASE, flow_type="bid").differences()[0] == "bid: is not in the index"


def test_of_very_many_changes_the_first_are_told(tmp_path: Path) -> None:
    many = tuple(Step(id=f"q{place}", type=StepType.TEXT, message="?") for place in range(100))
    lines = told(tmp_path, BASE, many)
    assert len(lines) == 21
    assert lines[-1] == "offer: and 83 changes more"


@pytest.mark.parametrize(
    "index", ["", "# Flows\n", "## offer\n", "## offer\n\n| From | Trigger | When | To |\n| a |\n", "\x00"]
)
def test_an_index_of_another_make_says_nothing_and_breaks_nothing(tmp_path: Path, index: str) -> None:
    pages = gallery(tmp_path, *BASE)
    (tmp_path / "README.md").write_text(index)
    assert f"{tmp_path / 'README.md'}: differs (the index)" in pages.differences()


@given(st.text(), st.text(min_size=1).filter(str.strip))
@example("- one", NASTY)
@example("12) x", "| a | b |")
@example("\\", "\\|")
def test_what_the_index_says_is_read_back_as_it_was_said(summary: str, words: str) -> None:
    step = Step(id="one", type=StepType.BUTTON, message=f"x{words}", options=(Option("a", f"y{words}"),))
    flow = type("WordyFlow", (Flow,), {"__doc__": summary, "flow_type": "wordy", "steps": (step,)})
    chapter = Chapter(FoundFlow("wordy", flow, "shop", None), graph_of(flow), "", "wordy")
    page = index_page([chapter], Path("diagrams"), Options(("svg",), unfolded=True))
    assert page.count("\n## ") == 1
    folder = MemoryFolder(page)
    assert read_index(folder).flows == {"wordy": chapter.tables}  # type: ignore[arg-type] # all that is asked of it
    assert read_index(folder).options == Options(("svg",), unfolded=True)  # type: ignore[arg-type] # as above


class MemoryFolder:
    """A folder with one text in it, for tests that look at hundreds."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __truediv__(self, name: str) -> MemoryFolder:
        return self

    def is_file(self) -> bool:
        return True

    def read_text(self, **_: str) -> str:
        return self.text
