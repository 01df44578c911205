"""A repository of git with a flow in it, for tests that look at its past."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

OFFER = '''
from fsmflow import Flow, Option, Step, StepType


class OfferFlow(Flow):
    """A member offers credex."""

    flow_type = "offer"
    steps = (
        Step(id="amount", type=StepType.TEXT, message="How much?", examples=("100",)),
        Step(id="confirm", type=StepType.BUTTON, message="Sure?",
             options=(Option("yes", "Yes"), Option("no", "No", to="cancelled"))),
    )
'''
_NOBODY = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")


class Repository:
    """A new repository.

    Args:
        folder: Where; it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """What git says, without the settings of who runs the test."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            ["git", *_NOBODY, *arguments],
            cwd=self.folder,
            env={**environment, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            check=True,
            text=True,
        ).stdout

    def write(self, files: Mapping[str, str]) -> None:
        """Writes files, by their path."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def commit(self, files: Mapping[str, str]) -> None:
        """Writes files and makes them a revision."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a revision")

    def snapshot(self) -> dict[str, bytes]:
        """Every file, those of git itself too."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in found}
