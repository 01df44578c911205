"""The folder of diagrams: the same bytes anywhere, honest about what is out of date, careful with others' files."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path

import pytest

from fsmflow.diagrams import dot, json, mermaid
from fsmflow.diagrams.gallery import Gallery, options_of
from fsmflow.diagrams.index import SUFFIXES, Options
from fsmflow.diagrams.rendering import hash_in, hash_of
from fsmflow.discovery import FoundFlow
from fsmflow.errors import BadTarget, MissingProgram
from fsmflow.flow import Flow
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


def gallery(folder: Path, *flows: FoundFlow, forms: tuple[str, ...] = ("dot", "mermaid")) -> Gallery:
    return Gallery.of(flows, folder, Options(forms))


def index_of(folder: Path, *flows: FoundFlow, forms: tuple[str, ...] = ("dot", "mermaid")) -> str:
    return gallery(folder, *flows, forms=forms).pages[-1].content


def test_there_are_two_files_for_each_flow_and_an_index(tmp_path: Path) -> None:
    pages = {page.name: page.content for page in gallery(tmp_path, found()).pages}
    assert list(pages) == ["offer.dot", "offer.mmd", "README.md"]
    assert pages["offer.dot"] == dot(OfferFlow)
    assert pages["offer.mmd"] == mermaid(OfferFlow)


def test_the_index_shows_each_flow_its_steps_and_every_transition_of_its_machine(tmp_path: Path) -> None:
    index = index_of(tmp_path, found())
    assert f"```mermaid\n{mermaid(OfferFlow)}```\n" in index
    assert "| 1 | amount | TEXT | How \\`much\\` &#124; &#60;i&#62;now&#60;/i&#62;? | \\[valid\\_amount\\] |\n" in index
    assert "| 2 | confirm | BUTTON | Sure? | No / Yes (sensitive) |\n" in index
    assert "All 16 transitions" in index
    for row in (
        *("| amount | submit | \\[valid\\_amount\\] | confirm |", "| amount | submit | any other answer | amount |"),
        *("| confirm | submit | No | cancelled |", "| confirm | back | \\[came\\_from\\_amount\\] | amount |"),
        *("| confirm | cancel |  | cancelled |", "| amount | expire |  | expired |"),
    ):
        assert f"{row}\n" in index
    assert sum(row in index for row in ("| amount | restart |  | amount |", "| confirm | restart |  | amount |")) == 2
    assert "Offers &#124; something, &#60;b&#62;quickly&#60;/b&#62;." in index


@pytest.mark.parametrize("summary", ["- one", "+ one", "= one", "1. one", "12) one", "# one", "> one", "* one", "<b>"])
def test_a_docstring_is_read_as_words_however_it_begins(tmp_path: Path, summary: str) -> None:
    flow = type("OddFlow", (OfferFlow,), {"__doc__": summary})
    index = index_of(tmp_path, FoundFlow("offer", flow, "shop", None))
    assert summary not in index.splitlines()
    escaped = next(line for line in index.splitlines() if re.sub(r"\\(.)|&#(\d+);", unescaped, line) == summary)
    assert re.match(r"[-+=#>*<]|\d+[.)]", escaped) is None


def unescaped(found: re.Match[str]) -> str:
    return found[1] or chr(int(found[2]))


def test_the_index_links_to_a_source_beside_it_and_names_the_module_of_any_other(tmp_path: Path) -> None:
    beside = index_of(tmp_path / "diagrams", found(source=tmp_path / "shop" / "offer.py"))
    line = inspect.getsourcelines(OfferFlow)[1]
    assert f"`OfferFlow` in [shop/offer.py:{line}](../shop/offer.py#L{line})" in beside
    assert str(tmp_path) not in beside
    elsewhere = index_of(tmp_path / "project" / "diagrams", found(source=tmp_path / "shop" / "offer.py"))
    assert "`OfferFlow` in `shop.offer`" in elsewhere
    assert str(tmp_path) not in elsewhere


def test_the_order_in_which_flows_are_named_changes_nothing(tmp_path: Path) -> None:
    one, two = found("one"), found("two")
    assert gallery(tmp_path, one, two).pages == gallery(tmp_path, two, one).pages


@pytest.mark.parametrize(
    "flow_type", ["../../etc", "a/b", "a:b", "..", "ä", "a\ud800", "-->", "\u202eabc", "[a](b)", "<b>", "README"]
)
def test_a_flow_type_is_never_a_way_out_of_the_folder(tmp_path: Path, flow_type: str) -> None:
    folder = tmp_path / "diagrams"
    gallery(folder, found(flow_type)).write()
    assert [path.name for path in tmp_path.iterdir()] == ["diagrams"]
    assert len(list(folder.iterdir())) == 3
    assert gallery(folder, found(flow_type)).differences() == ()


def test_flow_types_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="'offer' differs from 'Offer' in case only"):
        gallery(tmp_path, found("offer"), found("Offer"))


def test_what_is_missing_what_differs_and_what_is_left_over_is_told_file_by_file(tmp_path: Path) -> None:
    gallery(tmp_path, found(), found("gone"), found("kept")).write()
    (tmp_path / "offer.dot").unlink()
    (tmp_path / "offer.mmd").write_bytes(b"flowchart TD\n")
    (tmp_path / "by_hand.dot").write_text("digraph {}\n")
    assert gallery(tmp_path, found(), found("kept")).differences() == (
        f"{tmp_path / 'offer.dot'}: missing (flow offer (OfferFlow))",
        f"{tmp_path / 'offer.mmd'}: differs (flow offer (OfferFlow))",
        f"{tmp_path / 'README.md'}: differs (the index)",
        f"{tmp_path / 'gone.dot'}: left over, not among what was asked for",
        f"{tmp_path / 'gone.mmd'}: left over, not among what was asked for",
    )


def test_the_diagrams_of_other_flows_stay_and_are_told_unless_they_are_to_be_pruned(tmp_path: Path) -> None:
    gallery(tmp_path, found(), found("gone")).write()
    (tmp_path / "by_hand.dot").write_text("digraph {}\n")
    pages = gallery(tmp_path, found())
    others = (tmp_path / "gone.dot", tmp_path / "gone.mmd")
    assert pages.write() == others
    assert all(path.exists() for path in others)
    assert len(pages.differences()) == 2
    assert pages.write(prune=True) == ()
    assert not any(path.exists() for path in others)
    assert (tmp_path / "by_hand.dot").exists()
    assert pages.differences() == ()


def test_an_index_that_was_written_by_hand_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    with pytest.raises(BadTarget, match="was not made by fsmflow and would be overwritten"):
        gallery(tmp_path, found()).write()
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "# My project\n"


# -- forms -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def drawings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each run of ``dot`` is noted: a program that draws nothing stands in for it, on any machine."""
    program, noted = tmp_path / "bin" / "dot", tmp_path / "drawings"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat >/dev/null\necho $1 >>{noted}\necho '<svg width=\"1\"></svg>'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    noted.touch()
    return noted


def test_each_form_that_is_asked_for_is_a_file_and_the_index_shows_the_picture(tmp_path: Path, drawings: Path) -> None:
    forms = ("dot", "mermaid", "json", "svg", "png")
    folder = tmp_path / "pictures"
    shown = gallery(folder, found(), forms=forms)
    shown.write()
    assert {path.name for path in folder.iterdir()} == {"README.md", *(f"offer{end}" for end in SUFFIXES.values())}
    assert (folder / "offer.json").read_text() == json(OfferFlow)
    assert "![The flow offer](offer.svg)" in shown.pages[-1].content
    assert "```mermaid" not in shown.pages[-1].content
    assert drawings.read_text() == "-Tsvg\n-Tpng\n"


def test_a_picture_that_is_up_to_date_is_not_drawn_again_and_one_that_is_not_is(tmp_path: Path, drawings: Path) -> None:
    folder = tmp_path / "pictures"
    shown = gallery(folder, found(), found("other"), forms=("svg",))
    shown.write()
    by_another_version = (folder / "offer.svg").read_bytes().replace(b'width="1"', b'width="2"')
    (folder / "offer.svg").write_bytes(by_another_version)
    digest = hash_in((folder / "other.svg").read_bytes()) or ""
    stale = (folder / "other.svg").read_text().replace(digest, hash_of("digraph {}"))
    (folder / "other.svg").write_text(stale)
    assert shown.differences() == (f"{folder / 'other.svg'}: differs (flow other (OfferFlow))",)
    shown.write()
    assert (folder / "offer.svg").read_bytes() == by_another_version
    assert drawings.read_text().count("-Tsvg") == 3
    assert shown.differences() == ()


def test_without_the_program_pictures_are_compared_and_all_else_is_written(
    tmp_path: Path, drawings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    gallery(folder, found(), forms=("svg",)).write()
    monkeypatch.setenv("PATH", "")
    assert gallery(folder, found(), forms=("svg",)).differences() == ()
    wanted = gallery(folder, found(), found("other"), forms=("dot", "json", "svg"))
    with pytest.raises(MissingProgram, match="apt install graphviz"):
        wanted.write()
    assert wanted.differences() == (f"{folder / 'other.svg'}: missing (flow other (OfferFlow))",)
    assert drawings.read_text() == "-Tsvg\n"


def test_a_form_that_is_no_longer_asked_for_is_left_over_and_pruned_only_if_it_was_made_by_fsmflow(
    tmp_path: Path, drawings: Path
) -> None:
    folder = tmp_path / "pictures"
    gallery(folder, found(), forms=("dot", "json", "svg")).write()
    for name in ("photo.svg", "photo.png", "data.json"):
        (folder / name).write_bytes(b"by hand")
    fewer = gallery(folder, found())
    assert fewer.left_over() == (folder / "offer.json", folder / "offer.svg")
    fewer.write(prune=True)
    assert {path.name for path in folder.iterdir()} == {
        *("README.md", "offer.dot", "offer.mmd", "photo.svg", "photo.png", "data.json")
    }
    assert drawings.read_text() == "-Tsvg\n"


def test_a_folder_says_what_it_is_made_of(tmp_path: Path) -> None:
    assert options_of(tmp_path) is None
    options = Options(("mermaid", "json"), unfolded=True)
    Gallery.of([found()], tmp_path, options).write()
    assert options_of(tmp_path) == options
    index = tmp_path / "README.md"
    index.write_text(index.read_text().replace("mermaid, json", "mermaid, gif"))
    assert options_of(tmp_path) is None


def test_a_class_that_moved_in_its_file_makes_no_picture_stale(tmp_path: Path) -> None:
    shown = gallery(tmp_path, found(source=tmp_path.parent / "offer.py"))
    shown.write()
    index = tmp_path / "README.md"
    line = inspect.getsourcelines(OfferFlow)[1]
    index.write_text(index.read_text().replace(f"offer.py:{line}]", "offer.py:7]").replace(f"#L{line})", "#L7)"))
    assert "offer.py:7](../offer.py#L7)" in index.read_text()
    assert shown.differences() == ()
    index.write_text(index.read_text().replace("offer.py:7]", "sold.py:7]"))
    assert shown.differences() == (f"{index}: differs (the index)",)


def test_a_flow_that_is_too_large_for_mermaid_is_not_shown_as_an_error(tmp_path: Path) -> None:
    steps = tuple(Step(id=f"q{place}", type=StepType.TEXT, message="?") for place in range(600))
    large = type("LargeFlow", (Flow,), {"flow_type": "large", "steps": steps})
    index = index_of(tmp_path, FoundFlow("large", large, "shop", None))
    assert "```mermaid" not in index
    assert "This flow is larger than what Mermaid draws: `--format svg` gives a picture of it." in index


def test_a_folder_that_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, name in ((tmp_path / "file" / "in", "offer"), (tmp_path, "o" * 300)):
        with pytest.raises(BadTarget) as told:
            gallery(folder, found(name)).write()
        assert "\n" not in str(told.value)
