"""Where a flow and its steps are written: file and line, read from the source.

Here belongs the finding of places, for a class that is there and for one that could not be made. A step is a value and
knows no line, so its call of ``Step`` is looked for by its id: in the class, in its bases, in their modules. Where
there is none, or more than one, the place is that of the class: better a line too high than one of another step.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from fsmflow.checks.findings import Place
from fsmflow.errors import FlowDefinitionError
from fsmflow.flow import Flow
from fsmflow.step import Step

_PACKAGE: Final = Path(__file__).resolve().parent.parent  # all of fsmflow, whose frames are not the flow's


@frozen
class FlowPlaces:
    """Where a flow is written.

    Args:
        flow: The place of its class.
        steps: The places of the steps that were found, by id.
    """

    flow: Place
    steps: Mapping[str, Place]

    @classmethod
    def of(cls, flow: type[Flow[Any]]) -> FlowPlaces:
        """Looks for a class and its steps in their source."""
        bases = [base for base in flow.__mro__[: flow.__mro__.index(Flow)] if issubclass(base, Flow)]
        steps: dict[str, Place] = {}
        for source in (_of_module, _of_class):  # what stands nearer takes the place of what stands further away
            for base in reversed(bases):
                tree, begin = source(base)
                if tree is not None and begin.line is not None:
                    first = begin.line - 1
                    steps.update({each: Place(begin.file, first + line) for each, line in _steps_in(tree).items()})
        return cls(_of_class(flow)[1], steps)

    def at(self, step_id: str | None) -> Place:
        """The place of a step, or that of the class where it was not found, or none is meant."""
        return self.flow if step_id is None else self.steps.get(step_id, self.flow)


def place_of_error(error: FlowDefinitionError) -> Place:
    """Where the class was being made that is written wrongly, by the traceback of its error.

    Args:
        error: The error, as it was raised.

    Returns:
        The place of its step, its class, or the statement that made it; nothing known for an error without a trace.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not Path(frame.filename).is_relative_to(_PACKAGE) and Path(frame.filename).is_file()
    ]
    if not frames:
        return Place()
    place = Place(Path(frames[-1].filename).resolve(), frames[-1].lineno)
    tree = _parsed(Path(frames[-1].filename).read_text(encoding="utf-8", errors="replace"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)] if tree is not None else []
    named = [node for node in classes if node.name == error.flow]
    if len(named) != 1:
        return place
    line = None if error.step is None else _steps_in(named[0]).get(error.step)
    return Place(place.file, line or named[0].lineno)


def _of_class(flow: type) -> tuple[ast.AST | None, Place]:
    """The source of a class, and where it begins."""
    try:
        lines, start = inspect.getsourcelines(flow)
    except (OSError, TypeError):
        return None, Place(_file_of(flow))
    return _parsed(textwrap.dedent("".join(lines))), Place(_file_of(flow), start)


def _of_module(flow: type) -> tuple[ast.AST | None, Place]:
    file = _file_of(flow)
    if file is None or not file.is_file():
        return None, Place(file)
    return _parsed(file.read_text(encoding="utf-8", errors="replace")), Place(file, 1)


def _file_of(flow: type) -> Path | None:
    try:
        file = inspect.getsourcefile(flow)
    except TypeError:
        return None
    return None if file is None else Path(file).resolve()


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None  # a class within a function may hold a text whose lines begin further left than the class


def _steps_in(tree: ast.AST) -> dict[str, int]:
    """The lines of the calls of ``Step``, by id, of each id that there is one call with."""
    lines: dict[str, list[int]] = {}
    for node in ast.walk(tree):
        step_id = _step_made_by(node)
        if step_id is not None:
            lines.setdefault(step_id, []).append(getattr(node, "lineno", 1))
    return {step_id: found[0] for step_id, found in lines.items() if len(found) == 1}


def _step_made_by(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    named = [keyword.value for keyword in node.keywords if keyword.arg == "id"] or node.args[:1]
    if called != Step.__name__ or not named or not isinstance(named[0], ast.Constant):
        return None
    return str(named[0].value)
