"""`fsmflow diagrams --diff` and `--member`: what is printed, what is written, and what the command exits with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fsmflow import Channel, FlowRunner, FlowStateManager, Inbound
from fsmflow.cli import fsmflow
from fsmflow.discovery import find_flows
from tests.repositories import OFFER, Repository

ROOT = Path(__file__).parent.parent
SECRET = "hush-hush"
LONGER = OFFER.replace("steps = (", 'steps = (\n        Step(id="name", type=StepType.TEXT, message="Your name?"),')
REWORDED = OFFER.replace("How much?", "What sum?")

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(fsmflow(), ["diagrams", *arguments])


def refused(*arguments: str) -> str:
    """What is said, in one line, of what cannot be done."""
    asked = invoke(*arguments)
    assert (asked.exit_code, asked.stdout) == (2, "")
    assert asked.stderr.count("\n") == 1
    assert asked.stderr.startswith("Error: ")
    return asked.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with three releases of a flow; what is imported of it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, source in (("offer", OFFER), ("longer", LONGER), ("reworded", REWORDED)):
        (tmp_path / f"{name}.py").write_text(source)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


# -- a change ----------------------------------------------------------------------------------------------------------


def test_a_change_that_members_do_not_notice_exits_with_0(shop: Path) -> None:
    shown = invoke("--diff", "offer.py", "reworded.py")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "## offer: compatible\n" in shown.stdout
    assert "| \\~ changed | step | 'amount' asked “How much?” and asks “What sum?” |\n" in shown.stdout
    assert "```mermaid\nflowchart TD\n" in shown.stdout
    assert sorted(path.name for path in shop.iterdir()) == ["longer.py", "offer.py", "reworded.py"]


def test_a_change_that_holds_up_members_exits_with_1_and_says_whom(shop: Path) -> None:
    assert shop.is_dir()
    shown = invoke("--diff", "offer.py", "longer.py")
    assert (shown.exit_code, shown.stderr) == (1, "")
    assert "## offer: NOT compatible with members in the middle of it\n" in shown.stdout
    assert "| amount | the flow begins with 'name' now | is asked 'name', from the beginning |\n" in shown.stdout


def test_one_flow_of_several_that_holds_up_members_is_enough(shop: Path) -> None:
    other = OFFER.replace('"offer"', '"other"').replace("OfferFlow", "OtherFlow")
    for name, source in (("before", OFFER), ("after", LONGER)):
        (shop / f"{name}.py").write_text(source + other)
    shown = invoke("--diff", "before.py", "after.py")
    assert shown.exit_code == 1
    assert "## other: no change\n" in shown.stdout


def test_the_fingerprints_are_those_of_the_state(shop: Path) -> None:
    before, after = (find_flows([name])[0].flow().definition.fingerprint for name in ("offer.py", "longer.py"))
    assert shop.is_dir()
    assert (
        f"Fingerprint in the stored state: `{before}`, then `{after}`.\n"
        in invoke(*("--diff", "offer.py", "longer.py")).stdout
    )
    same = invoke("--diff", "offer.py", "reworded.py").stdout
    assert f"Fingerprint in the stored state: `{before}`, the same.\n" in same


def test_the_same_release_twice_is_no_change(shop: Path) -> None:
    assert shop.is_dir()
    shown = invoke("--diff", "offer.py", "offer.py")
    assert shown.exit_code == 0
    assert "## offer: no change\n" in shown.stdout
    assert "mermaid" not in shown.stdout


@needs_git
def test_a_revision_is_compared_with_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Repository(tmp_path / "project")
    repository.commit({"offer.py": OFFER})
    repository.write({"offer.py": LONGER})
    monkeypatch.chdir(repository.folder)
    assert invoke("--diff", "git:HEAD:offer.py", "offer.py").exit_code == 1
    assert invoke("--diff", "git:HEAD:offer.py", "git:HEAD:offer.py").exit_code == 0
    assert refused("--diff", "git:gone:offer.py", "offer.py") == (
        "git:gone:offer.py: there is no revision 'gone' in this repository"
    )
    assert refused("--diff", "offer.py", "git:--help:offer.py") == "git:--help:offer.py: that is no name of a revision"
    repository.commit({"offer.py": "def"})
    assert refused("--diff", "git:HEAD:offer.py", "git:HEAD~1:offer.py") == (
        "git:HEAD:offer.py: line 1: invalid syntax"
    )


@needs_dot
def test_the_page_and_the_pictures_are_written_where_it_is_said(shop: Path) -> None:
    written = invoke("--diff", "offer.py", "longer.py", "--out", "change", "--format", "svg,dot,json,mermaid")
    assert (written.exit_code, written.stdout) == (
        1,
        "5 files in change\noffer: NOT compatible with members in the middle of it\n",
    )
    folder = shop / "change"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("changes.md", "offer.dot", "offer.json", "offer.mmd", "offer.svg")
    ]
    assert "+ 1 · name" in (folder / "offer.svg").read_text()
    assert (folder / "changes.md").read_text() == invoke("--diff", "offer.py", "longer.py").stdout.removesuffix("\n")
    one = invoke("--diff", "offer.py", "longer.py", "--out", "page")
    assert one.stdout.startswith("1 file in page\n")
    assert not (shop / "diagrams").exists()


def test_with_all_what_is_the_same_at_every_question_is_shown_too(shop: Path) -> None:
    assert shop.is_dir()
    folded, unfolded = (invoke("--diff", "offer.py", "reworded.py", *more).stdout for more in ([], ["--all"]))
    assert '|"cancel"|' not in folded
    assert '|"cancel"|' in unfolded


def test_without_the_program_dot_all_else_is_written_and_the_exit_is_no_verdict(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    said = refused("--diff", "offer.py", "reworded.py", "--out", "change", "--format", "svg,dot")
    assert said.startswith("a picture in SVG needs the program dot")
    assert sorted(path.name for path in (shop / "change").iterdir()) == ["changes.md", "offer.dot"]


def test_a_folder_that_cannot_be_written_is_said_in_a_line(shop: Path) -> None:
    (shop / "taken").write_text("")
    assert refused("--diff", "offer.py", "reworded.py", "--out", "taken/in") == "taken/in: not a directory"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--diff", "offer.py", "longer.py", "offer.py"), "--diff takes two targets, and no others"),
        (("--diff", "offer.py", "longer.py", "--check"), "--check and --diff cannot be asked for together"),
        (("--diff", "offer.py", "longer.py", "--prune"), "--prune and --diff cannot be asked for together"),
        (("--diff", "offer.py", "longer.py", "--member", "ann"), "--diff and --member cannot be asked for together"),
        (("--diff", "offer.py", "longer.py", "--format", "svg"), "--format says what is written into a folder"),
        (("--diff", "offer.py"), "requires 2 arguments"),
        (("offer.py", "--run", "r1"), "--run and --redis belong to --member"),
        (("offer.py", "--redis", f"redis://:{SECRET}@h"), "--run and --redis belong to --member"),
        (("offer.py", "--member", "ann"), "--member needs --redis"),
        (("--member", "ann", "--redis", f"redis://:{SECRET}@h"), "Missing argument 'TARGET...'"),
        (("offer.py", f"redis://:{SECRET}@h", "--member", "ann"), "an address is no TARGET"),
        (("--diff", f"redis://:{SECRET}@h", "offer.py"), "an address is no TARGET"),
        ((), "Missing argument 'TARGET...'"),
    ],
)
def test_what_cannot_be_asked_together_is_said_and_no_password(shop: Path, asked: tuple[str, ...], said: str) -> None:
    shown = invoke(*asked)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert said in shown.stderr
    assert SECRET not in shown.stderr
    assert not (shop / "diagrams").exists()


# -- a member's way ----------------------------------------------------------------------------------------------------

MEMBER = "ann"


def talked(url: str, prefix: str, *said: str, source: str = "offer.py", run_id: str | None = None) -> None:
    """A member's conversation with a flow of the shop."""
    (found,) = find_flows([source])
    manager = FlowStateManager.from_url(url, prefix=prefix)
    runner = FlowRunner(manager, {found.flow_type: found.flow})
    for number, words in enumerate(said):
        channel = Channel("console", "me")
        inbound = Inbound(channel, f"{source}{run_id}{number}", words, member_id=MEMBER)
        if number == 0:
            runner.start(found.flow_type, inbound, run_id=run_id)
        else:
            runner.handle(inbound)
    manager.close()


def test_a_members_way_is_shown(shop: Path, redis_url: str, prefix: str) -> None:
    source = OFFER.replace('("100",)', '("100",), validator=str.isdigit')
    (shop / "offer.py").write_text(f"{source}\nprint('imported')\n")
    talked(redis_url, prefix, "offer", "much", "77777")
    del sys.modules["offer"]
    shown = invoke("offer.py", "--member", MEMBER, "--redis", redis_url, "--prefix", prefix)
    assert shown.exit_code == 0
    assert shown.stdout.startswith("# offer: a member's way\n\nRun ")
    assert ", in confirm.\n" in shown.stdout
    assert "| confirm |" not in shown.stdout
    assert "#10007; refused (1#215;)" in shown.stdout
    assert "| amount | → 'confirm' |\n" in shown.stdout
    assert MEMBER not in shown.stdout
    assert "77777" not in shown.stdout


def test_another_run_is_shown_where_it_is_named(shop: Path, redis_url: str, prefix: str) -> None:
    talked(redis_url, prefix, "offer", "100", "yes", run_id="first")
    talked(redis_url, prefix, "offer", run_id="second")
    asked = ("offer.py", "--member", MEMBER, "--redis", redis_url, "--prefix", prefix)
    assert "Run second, in amount.\n" in invoke(*asked).stdout
    assert "Run first, in completed.\n" in invoke(*asked, "--run", "first").stdout
    assert refused(*asked, "--run", "third") == (
        "the member ann has no such run: second of offer_ann, first of offer_ann"
    )
    written = invoke(*asked, "--run", "first", "--out", "way", "--format", "mermaid")
    assert (written.exit_code, written.stdout) == (0, "2 files in way\n")
    assert sorted(path.name for path in (shop / "way").iterdir()) == ["offer.mmd", "way.md"]


def test_a_run_of_a_flow_that_is_gone_from_the_code_is_said_with_its_name(
    shop: Path, redis_url: str, prefix: str
) -> None:
    (shop / "other.py").write_text(OFFER.replace('"offer"', '"other"'))
    talked(redis_url, prefix, "offer", "100", "yes", run_id="r1")
    asked = ("--member", MEMBER, "--redis", redis_url, "--prefix", prefix)
    assert refused("other.py", *asked) == "no TARGET holds the flow of this member's runs: r1 of offer_ann"
    assert refused("other.py", *asked, "--run", "r1") == (
        "no TARGET holds the flow of this member's run: r1 of offer_ann"
    )
    talked(redis_url, prefix, "other", source="other.py", run_id="r2")
    assert "Run r1, in completed.\n" in invoke("offer.py", *asked).stdout


def test_a_member_who_never_wrote_and_one_that_cannot_be_are_said(shop: Path, redis_url: str, prefix: str) -> None:
    assert shop.is_dir()
    asked = ("offer.py", "--redis", redis_url, "--prefix", prefix, "--member")
    assert refused(*asked, "nobody") == "nothing is recorded of the member nobody there"
    assert refused(*asked, "a b").startswith("member_id: ")


@pytest.mark.parametrize(
    "url",
    [
        f"http://:{SECRET}@127.0.0.1:1/0",
        f"{SECRET}@127.0.0.1",
        f"redis://:{SECRET}@127.0.0.1:port/0",
        f"redis://:pass?{SECRET}=word@127.0.0.1:1/0",
        f"redis://:{SECRET}@127.0.0.1:1/0?db={SECRET}",
        f"redis://127.0.0.1:1/0?{SECRET}=1",
        f"redis://:{SECRET}@{'h' * 70}:1/0",
        f"redis://:{SECRET}@[127.0.0.1:1/0",
    ],
)
def test_an_address_that_is_none_is_said_without_the_password(shop: Path, url: str) -> None:
    assert shop.is_dir()
    said = refused("offer.py", "--member", MEMBER, "--redis", url)
    assert said.startswith(("--redis: that is no address of a store", "Redis did not do XRANGE: "))
    assert SECRET not in said


def test_a_redis_that_is_away_is_said_without_the_password(shop: Path) -> None:
    asked = ["diagrams", "offer.py", "--member", MEMBER, "--redis", f"redis://:{SECRET}@127.0.0.1:1/0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fsmflow", *asked]
    ran = subprocess.run(command, cwd=shop, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Error: Redis did not do XRANGE: ")
    assert ran.stderr.count("\n") == 1
    assert SECRET not in ran.stderr
