"""Reads the flows of two releases: of files as they are, or as they were at a revision of git (``git:REV:path``).

Here belong the tree of a revision, as files in a temporary folder, and the process that imports them: two versions of
one module cannot both be in this one. What comes back are values, as JSON; which runs of the old release the new one
goes on with is tried over there, where its code is (`compatibility`).

The whole tree is written out, since a module imports others of its time; where ``sys.path`` leads into the repository,
it leads into the tree instead. That is done with an index of its own and ``git checkout-index``: nothing of the
repository is touched, and what ``git archive`` leaves out by attribute is there. There is no shell, and nothing that
could be taken for an option.

The process knows the fsmflow of this one, whatever fsmflow a tree holds: both releases are judged by one set of rules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final

from attrs import field, frozen
from cattrs.preconf.json import make_converter

from fsmflow.diagrams.comparison import Comparison, compare
from fsmflow.diagrams.compatibility import Lost, Release, lost_runs, release_of
from fsmflow.diagrams.graph import one_line
from fsmflow.discovery import FoundFlow, find_flows
from fsmflow.errors import BadTarget, FsmflowError, MissingProgram
from fsmflow.importing import FAULT_LENGTH
from fsmflow.registry import sample_flow

REVISION: Final = "git:"
"""What a target begins with that is of a revision."""

SECONDS_AT_MOST: Final = 120
"""How long git, or an import, may take."""

# -I: what lies in the folder at hand must not be imported for a module of Python's
_PYTHON: Final = ("-I", "-B", "-c")
_PROGRAM: Final = (
    "import json, sys\n"
    "with open(sys.argv[1]) as asked:\n"
    "    sys.path[:] = json.load(asked)['path']\n"
    "from fsmflow.diagrams.revisions import answer\n"
    "answer(sys.argv[1])\n"
)

_converter: Final = make_converter()
_converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
_converter.register_structure_hook(timedelta, lambda seconds, _: timedelta(seconds=seconds))


@frozen
class Reading:
    """What was read of one release.

    Args:
        releases: Its flows, by flow type.
        lost: For each flow that is also in the other release the points at which its members do not go on.
    """

    releases: Mapping[str, Release] = field(factory=dict)
    lost: Mapping[str, tuple[Lost, ...]] = field(factory=dict)


@frozen
class _Place:
    """Where a release is read.

    Args:
        named: What was named, as errors call it.
        target: The same, as it is found from the folder.
        folder: Where it is looked for.
        path: What ``sys.path`` is while it is imported.
    """

    named: str
    target: str
    folder: Path
    path: tuple[str, ...]


def comparisons(old: str, new: str) -> tuple[Comparison, ...]:
    """Compares the flows of two releases.

    Args:
        old: A target, as `fsmflow.discovery.find_flows` takes it, or ``git:REV:target``.
        new: Likewise.

    Returns:
        A comparison for each flow type, in the order of the new release; those that are gone come last.

    Raises:
        BadTarget: One of them cannot be found or imported or holds no flow; or there is no such revision.
        MissingProgram: A revision is named, and git is not installed.
    """
    with _place_of(old) as place:
        before = _read(place, {})
    with _place_of(new) as place:
        after = _read(place, before.releases)
    return tuple(
        compare(
            before.releases.get(flow_type),
            after.releases.get(flow_type),
            after.lost.get(flow_type, ()),
            labels=(old, new),
        )
        for flow_type in dict.fromkeys([*after.releases, *before.releases])
    )


# -- the tree of a revision --------------------------------------------------------------------------------------------


@contextmanager
def _place_of(named: str) -> Iterator[_Place]:
    here = Path.cwd()
    path = tuple(str(here / entry) for entry in sys.path)
    if not named.startswith(REVISION):
        yield _Place(named, named, here, path)
        return
    revision, _, target = named.removeprefix(REVISION).partition(":")
    _check(named, revision, target)
    top = Path(_git(named, here, "rev-parse", "--show-toplevel").rstrip("\n"))
    if target.startswith("./"):  # as git has it: all else is named from the top
        target = _git(named, here, "rev-parse", "--show-prefix").rstrip("\n") + target[2:]
    with tempfile.TemporaryDirectory(prefix="fsmflow-") as folder:
        tree = Path(folder).resolve() / "tree"
        tree.mkdir()
        _write_out(named, revision, top, tree)
        yield _Place(named, target, tree, tuple(_moved(entry, top, tree) for entry in path))


def _check(named: str, revision: str, target: str) -> None:
    if not revision or not target:
        raise BadTarget(named, "a revision is named as git:REV:path")
    if revision.startswith("-") or not revision.isprintable():
        raise BadTarget(named, "that is no name of a revision")
    path = PurePosixPath(target)
    if path.is_absolute() or ".." in path.parts or not target.isprintable():
        raise BadTarget(named, "at a revision a path is named from the top of the repository, and stays in it")


def _write_out(named: str, revision: str, top: Path, tree: Path) -> None:
    try:
        known = _git(named, top, "rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}").strip()
    except BadTarget as unknown:
        raise BadTarget(named, f"there is no revision {revision!r} in this repository") from unknown
    index = {"GIT_INDEX_FILE": str(tree.parent / "index")}
    _git(named, top, "read-tree", known, **index)
    _git(named, top, "checkout-index", "--all", "--force", f"--prefix={tree}/", **index)


def _moved(entry: str, top: Path, tree: Path) -> str:
    """An entry of ``sys.path``, in the tree where it is of the repository; what git does not know stays where it is."""
    path = Path(entry)
    if not path.is_relative_to(top):
        return entry
    there = tree / path.relative_to(top)
    return str(there) if there.is_dir() else entry


def _git(named: str, folder: Path, *arguments: str, **environment: str) -> str:
    try:
        ran = subprocess.run(  # noqa: S603 - no shell, and what was typed is checked to be no option
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the one on the PATH is the one that is meant
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SECONDS_AT_MOST,
        )
    except FileNotFoundError as missing:
        raise MissingProgram("git", "a flow of a revision", "install git, or name two files") from missing
    except (OSError, ValueError, subprocess.TimeoutExpired) as fault:
        raise BadTarget(named, f"git could not be asked: {type(fault).__name__}") from fault
    if ran.returncode != 0:
        raise BadTarget(named, one_line(f"git: {os.fsdecode(ran.stderr) or 'no'}", FAULT_LENGTH))
    return os.fsdecode(ran.stdout)


# -- the process that imports it ---------------------------------------------------------------------------------------


def _read(place: _Place, against: Mapping[str, Release]) -> Reading:
    with tempfile.TemporaryDirectory(prefix="fsmflow-") as folder:
        request, response = Path(folder) / "asked.json", Path(folder) / "told.json"
        asked = {
            "path": [str(Path.cwd() / entry) for entry in sys.path],
            "then": list(place.path),
            "folder": str(place.folder),
            "target": place.target,
            "response": str(response),
            "against": _converter.unstructure(dict(against), dict[str, Release]),
        }
        request.write_text(json.dumps(asked), encoding="ascii")
        status = _run(place, [sys.executable, *_PYTHON, _PROGRAM, str(request)])
        if not response.exists():
            raise BadTarget(place.named, f"does not import: Python ended with {status}")
        told = json.loads(response.read_text(encoding="ascii"))
    if "refused" in told:
        raise BadTarget(place.named, told["refused"])
    return _converter.structure(told, Reading)


def _run(place: _Place, command: Sequence[str]) -> int:
    try:
        return subprocess.run(  # noqa: S603 - this Python, with a program of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # an import may print whatever it likes
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=SECONDS_AT_MOST,
        ).returncode
    except subprocess.TimeoutExpired as late:
        raise BadTarget(place.named, f"was not imported within {SECONDS_AT_MOST} seconds") from late


def answer(request: str) -> None:
    """What the process does: reads the flows of a target, and tries the runs of the other release on them.

    Args:
        request: The file that says what is asked, and where the answer belongs.
    """
    asked: dict[str, Any] = json.loads(Path(request).read_text(encoding="ascii"))
    os.chdir(asked["folder"])
    sys.path[:] = asked["then"]
    response = Path(asked["response"])
    try:
        against = _converter.structure(asked["against"], dict[str, Release])
        told = _converter.unstructure(_reading(find_flows([asked["target"]]), against))
    except FsmflowError as fault:
        told = {"refused": str(fault).removeprefix(f"{asked['target']}: ")}
    written = response.with_suffix(".part")
    written.write_text(json.dumps(told), encoding="ascii")
    written.rename(response)
    os._exit(0)  # a thread that the import began would keep us here


def _reading(flows: Sequence[FoundFlow], against: Mapping[str, Release]) -> Reading:
    releases = {found.flow_type: release_of(found.flow, found.flow_type, found.place) for found in flows}
    lost = {
        found.flow_type: lost_runs(against[found.flow_type], sample_flow(found.flow, found.flow_type))
        for found in flows
        if found.flow_type in against
    }
    return Reading(releases, lost)
