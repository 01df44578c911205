"""``fsmflow check``: what it prints and what it exits with, for people and for other tools."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fsmflow.checks.catalogue import RULES
from fsmflow.cli import fsmflow

pytestmark = pytest.mark.usefixtures("shop")

ROOT = Path(__file__).parent.parent
HEAD = "from fsmflow import Flow, Step, StepType\n\n\n"
GOOD = """class GoodFlow(Flow):
    flow_type = "good"
    steps = (Step(id="name", type=StepType.TEXT, message="Your name?", examples=("Ama",)),)
"""
NOTED = GOOD.replace('"good"\n', '"good"\n    timeout = None\n')
BARE = GOOD.replace(', examples=("Ama",)', "")
WRONG = GOOD.replace('"good"\n', '"good"\n    keywords = "good"\n')
NOISY = "print('imported')\n\n\n" + GOOD.replace(
    'message="Your name?"', "message=lambda: print('asked') or 'Your name?'"
)
MISSING = (
    "flow.py:6: warning: good (GoodFlow), step 'name': it has no examples: say examples=(…), answers that it accepts"
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of its own; what is imported of it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def check(source: str, *options: str) -> Result:
    Path("flow.py").write_text(HEAD + source)
    return CliRunner().invoke(fsmflow(), ["check", "flow.py", *options])


@pytest.mark.parametrize(
    ("source", "options", "code", "last"),
    [
        (GOOD, (), 0, "1 flow checked: nothing found"),
        (GOOD, ("--strict",), 0, "1 flow checked: nothing found"),
        (NOTED, (), 0, "1 flow checked: 1 note"),
        (NOTED, ("--strict",), 1, "1 flow checked: 1 note"),
        (NOTED, ("--strict", "--ignore", "timeout-none"), 0, "1 flow checked: nothing found"),
        (BARE, (), 1, "1 flow checked: 1 warning"),
        (BARE, ("--ignore", "timeout-none"), 1, "1 flow checked: 1 warning"),
        (BARE, ("--ignore", "timeout-none", "--ignore", "examples-missing"), 0, "1 flow checked: nothing found"),
        (WRONG, (), 1, "0 flows checked: 1 error"),
    ],
)
def test_the_exit_status_says_whether_there_is_something_to_mend(
    source: str, options: tuple[str, ...], code: int, last: str
) -> None:
    ran = check(source, *options)
    assert (ran.exit_code, ran.stderr) == (code, "")
    assert ran.stdout.splitlines()[-1] == last
    assert json.loads(check(source, *options, "--format", "json").stdout)["passed"] is (code == 0)


def test_a_finding_is_told_with_file_line_and_rule() -> None:
    assert check(BARE).stdout.splitlines()[0] == f"{MISSING} [examples-missing]"


def test_the_structure_goes_to_standard_output_alone() -> None:
    ran = check(BARE, "--format", "json", "--ignore", "timeout-none")
    told = json.loads(ran.stdout)
    assert (ran.exit_code, ran.stderr) == (1, "")
    assert (told["version"], told["passed"], told["ignored"]) == (1, False, ["timeout-none"])
    assert [(found["rule"], found["file"], found["line"]) for found in told["findings"]] == [
        ("examples-missing", "flow.py", 6)
    ]


def test_what_a_target_prints_is_no_part_of_the_report() -> None:
    ran = check(NOISY, "--format", "json")
    assert json.loads(ran.stdout)["passed"] is True
    assert {"imported", "asked"} <= set(ran.stderr.split())


def test_a_title_with_half_a_surrogate_pair_can_be_told_in_either_form() -> None:
    source = BARE.replace('"Your name?"', '"\\ud800" * 5000')
    assert check(source).exit_code == 1
    assert json.loads(check(source, "--format", "json").stdout)["passed"] is False


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "Error: flow.py: holds no flow\n"),
        ("1 / 0\n", "Error: flow.py: does not import: line 4 of flow.py: ZeroDivisionError: division by zero\n"),
        ("import gone\n", "Error: flow.py: does not import: line 4 of flow.py: ModuleNotFoundError: No module named"),
        ("raise SystemExit(0)\n", "Error: flow.py: does not import: line 4 of flow.py: SystemExit: 0\n"),
        ("def\n", "Error: flow.py: line 4: "),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_target_of_which_nothing_can_be_looked_at_is_one_line_and_exits_with_two(
    source: str, said: str, form: str
) -> None:
    ran = check(source, "--format", form)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(said)
    assert ran.stderr.count("\n") == 1


def test_a_rule_that_does_not_exist_cannot_be_ignored() -> None:
    ran = check(BARE, "--ignore", "definition")
    assert ran.exit_code == 2
    assert "'definition' is not one of" in ran.stderr


def test_the_help_names_every_rule() -> None:
    told = CliRunner().invoke(fsmflow(), ["check", "--help"]).output
    assert [rule.name for rule in RULES if rule.name not in told] == []


def test_the_examples_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ran = CliRunner().invoke(fsmflow(), ["check", "examples", "--strict"])
    assert (ran.exit_code, ran.stdout) == (0, "10 flows checked: nothing found\n")
