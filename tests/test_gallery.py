"""The folder of diagrams: the same bytes anywhere, honest about what is out of date, careful with others' files."""

from __future__ import annotations

from pathlib import Path

import pytest

from fsmflow.diagrams import dot, mermaid
from fsmflow.discovery import FoundFlow
from fsmflow.errors import BadTarget
from fsmflow.flow import Flow
from fsmflow.gallery import differences, pages_of, write
from fsmflow.messages import Option
from fsmflow.step import Step, StepType


class OfferFlow(Flow):
    """Offers | something, <b>quickly</b>."""

    flow_type = "offer"

    def valid_amount(self, value: str) -> bool:
        return value.isdigit()

    steps = (
        Step(id="amount", type=StepType.TEXT, message="How `much` | <i>now</i>?", validator=valid_amount),
        Step(
            id="confirm",
            type=StepType.BUTTON,
            message="Sure?",
            options=(Option("no", "No", to="cancelled"), Option("yes", "Yes")),
            sensitive=True,
        ),
    )


def found(flow_type: str = "offer", source: Path | None = None) -> FoundFlow:
    return FoundFlow(flow_type, OfferFlow, "shop.offer", source)


def index_of(folder: Path, *flows: FoundFlow) -> str:
    return pages_of(flows, folder)[-1].content.decode()


def test_there_are_two_files_for_each_flow_and_an_index(tmp_path: Path) -> None:
    pages = {page.name: page.content.decode() for page in pages_of([found()], tmp_path)}
    assert list(pages) == ["offer.dot", "offer.mmd", "README.md"]
    assert pages["offer.dot"] == dot(OfferFlow)
    assert pages["offer.mmd"] == mermaid(OfferFlow)


def test_the_index_shows_each_flow_its_steps_and_every_transition_of_its_machine(tmp_path: Path) -> None:
    index = index_of(tmp_path, found())
    assert f"```mermaid\n{mermaid(OfferFlow)}```\n" in index
    assert "| 1 | amount | TEXT | How \\`much\\` &#124; &#60;i&#62;now&#60;/i&#62;? | \\[valid\\_amount\\] |\n" in index
    assert "| 2 | confirm | BUTTON | Sure? | No / Yes (sensitive) |\n" in index
    assert "All 12 transitions" in index
    for row in (
        *("| amount | submit | \\[valid\\_amount\\] | confirm |", "| amount | submit | any other answer | amount |"),
        *("| confirm | submit | No | cancelled |", "| confirm | back | \\[came\\_from\\_amount\\] | amount |"),
        *("| confirm | cancel |  | cancelled |", "| amount | expire |  | expired |"),
    ):
        assert f"{row}\n" in index
    assert sum(row in index for row in ("| amount | restart |  | amount |", "| confirm | restart |  | amount |")) == 2
    assert "Offers &#124; something, &#60;b&#62;quickly&#60;/b&#62;." in index


def test_the_index_links_to_a_source_beside_it_and_names_the_module_of_any_other(tmp_path: Path) -> None:
    beside = index_of(tmp_path / "diagrams", found(source=tmp_path / "shop" / "offer.py"))
    assert "`OfferFlow` in [shop/offer.py](../shop/offer.py)" in beside
    assert str(tmp_path) not in beside
    elsewhere = index_of(tmp_path / "project" / "diagrams", found(source=tmp_path / "shop" / "offer.py"))
    assert "`OfferFlow` in `shop.offer`" in elsewhere
    assert str(tmp_path) not in elsewhere


def test_the_order_in_which_flows_are_named_changes_nothing(tmp_path: Path) -> None:
    one, two = found("one"), found("two")
    assert pages_of([one, two], tmp_path) == pages_of([two, one], tmp_path)


@pytest.mark.parametrize("flow_type", ["../../etc", "a/b", "a:b", "..", "ä"])
def test_a_flow_type_is_never_a_way_out_of_the_folder(tmp_path: Path, flow_type: str) -> None:
    folder = tmp_path / "diagrams"
    write(pages_of([found(flow_type)], folder), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["diagrams"]
    assert len(list(folder.iterdir())) == 3
    assert differences(pages_of([found(flow_type)], folder), folder) == ()


def test_flow_types_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="'offer' differs from 'Offer' in case only"):
        pages_of([found("offer"), found("Offer")], tmp_path)


def test_what_is_missing_what_differs_and_what_is_left_over_is_told_file_by_file(tmp_path: Path) -> None:
    write(pages_of([found(), found("gone"), found("kept")], tmp_path), tmp_path)
    (tmp_path / "offer.dot").unlink()
    (tmp_path / "offer.mmd").write_bytes(b"flowchart TD\n")
    (tmp_path / "by_hand.dot").write_text("digraph {}\n")
    pages = pages_of([found(), found("kept")], tmp_path)
    assert differences(pages, tmp_path) == (
        f"{tmp_path / 'offer.dot'}: missing (flow offer (OfferFlow))",
        f"{tmp_path / 'offer.mmd'}: differs (flow offer (OfferFlow))",
        f"{tmp_path / 'README.md'}: differs (the index)",
        f"{tmp_path / 'gone.dot'}: left over, no flow of the targets has it",
        f"{tmp_path / 'gone.mmd'}: left over, no flow of the targets has it",
    )


def test_the_diagrams_of_other_flows_stay_and_are_told_unless_they_are_to_be_pruned(tmp_path: Path) -> None:
    write(pages_of([found(), found("gone")], tmp_path), tmp_path)
    (tmp_path / "by_hand.dot").write_text("digraph {}\n")
    pages = pages_of([found()], tmp_path)
    others = (tmp_path / "gone.dot", tmp_path / "gone.mmd")
    assert write(pages, tmp_path) == others
    assert all(path.exists() for path in others)
    assert len(differences(pages, tmp_path)) == 2
    assert write(pages, tmp_path, prune=True) == ()
    assert not any(path.exists() for path in others)
    assert (tmp_path / "by_hand.dot").exists()
    assert differences(pages, tmp_path) == ()


def test_an_index_that_was_written_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    with pytest.raises(BadTarget, match="was not made by fsmflow and would be overwritten"):
        write(pages_of([found()], tmp_path), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "# My project\n"
