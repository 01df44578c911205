"""The README holds: every block of it is run, or compared with what makes it.

Python blocks and sessions are run in order, in one namespace, as a reader would type them. A block in a language that
no test here knows is a failure, so that none is left out by mistake.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from fsmflow import FlowStateManager
from fsmflow.diagrams import mermaid

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@frozen
class Block:
    """A fenced block: its language, what it holds, and the line that it starts on."""

    language: str
    text: str
    line: int


def blocks() -> list[Block]:
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [Block(each[1], each[2], README[: each.start()].count("\n") + 2) for each in found]


def of(language: str) -> list[Block]:
    return [block for block in blocks() if block.language == language]


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is known after all Python blocks and sessions were run, in order."""
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "readme"}
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    for block in blocks():
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.text, "README.md", "exec"), names)
        elif block.language == "pycon":
            session = doctest.DocTestParser().get_doctest(block.text, names, "README.md", "README.md", block.line)
            said: list[str] = []
            runner.run(session, out=said.append, clear_globs=False)
            assert not said, "".join(said)
            names = session.globs
    return names


def test_every_block_is_in_a_language_that_a_test_here_runs() -> None:
    assert {block.language for block in blocks()} == {"python", "pycon", "sh", "mermaid"}


def test_every_python_block_and_session_runs_and_says_what_it_shows(namespace: dict[str, Any]) -> None:
    assert isinstance(namespace["runner"].manager, FlowStateManager)


def test_the_test_that_is_shown_passes_for_each_transition(namespace: dict[str, Any]) -> None:
    check = namespace["test_each_transition_leads_where_it_should"]
    (mark,) = check.pytestmark
    assert mark.args[0] == "case"
    assert len(mark.args[1]) >= 10
    for case in mark.args[1]:
        check(case)


def test_the_conversation_that_is_shown_goes_as_it_says(namespace: dict[str, Any]) -> None:
    namespace["test_an_offer_is_made_once_whatever_happens_to_its_messages"]()


def test_the_diagram_is_the_one_that_the_flow_draws(namespace: dict[str, Any]) -> None:
    (drawn,) = of("mermaid")
    assert drawn.text.strip() == mermaid(namespace["OfferFlow"]).strip()


def test_both_commands_are_one_line_and_start_from_a_bare_python() -> None:
    commands = [block.text.strip() for block in of("sh")]
    assert len(commands) == 2
    for command in commands:
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install --quiet '.[")


def test_the_first_command_talks_to_a_flow() -> None:
    """The command's last part, as it is written, in this environment: the one before it installs from a network."""
    program, *arguments = shlex.split(of("sh")[0].text.split("&&")[-1])
    assert program == ".venv/bin/fsmflow"
    run = subprocess.run(
        [sys.executable, "-m", "fsmflow", *arguments],
        input="100\nama\n1\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    assert "100" in run.stdout
    assert "ama" in run.stdout
    assert "Confirm" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_every_test_that_the_table_of_terms_names_exists() -> None:
    table = README.split("## The terms of the framework")[1].split("\n## ")[0]
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", table)
    assert len(named) >= 15
    for path, name in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in source, f"{path}::{name}"


def test_every_file_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:examples|fsmflow|tests|diagrams)/[\w./-]+)`", README):
        assert (ROOT / path).exists(), path
