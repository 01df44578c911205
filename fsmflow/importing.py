"""Imports what somebody names, and says in a line what went wrong.

A file is imported by the name that it has for the code around it (``examples.offer``), so that a class is not there
twice: from the folder that holds its topmost package, else the project (the nearest ``pyproject.toml`` above), else
the working directory, else its own folder. That folder is put on ``sys.path`` and stays there, for what the module
imports later. Which flows a module holds belongs to `fsmflow.discovery`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from fsmflow.diagrams.graph import one_line
from fsmflow.errors import BadTarget, FsmflowError

FAULT_LENGTH: Final = 200
"""How many characters are told of what an import died of."""

_NOT_FLOWS: Final = ("_*", ".*", "setup.py", "conftest.py", "test_*.py")  # what a folder's search passes by


def files_in(folder: Path) -> list[Path]:
    """The Python files below a folder that may hold flows, sorted; tests, private and hidden ones are passed by."""

    def passed(path: Path) -> bool:
        parts = [Path(part) for part in path.relative_to(folder).parts if part != "__init__.py"]
        return any(part.match(pattern) for part in parts for pattern in _NOT_FLOWS)

    return sorted(path for path in folder.rglob("*.py") if not passed(path))


def import_file(path: Path, target: str) -> ModuleType:
    """Imports a file.

    Args:
        path: The file.
        target: What the error calls it.

    Raises:
        BadTarget: It is no Python module, or it does not import.
    """
    path = path.resolve()
    root = _root_of(path)
    parts = path.relative_to(root).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
    if path.suffix != ".py" or not all(part.isidentifier() for part in parts):
        raise BadTarget(target, "is no Python module: its name must be an identifier, with .py")
    _put_on_path(root, path.parent)
    name = ".".join(parts)
    known = sys.modules.get(name)
    spec = None if known is not None else _spec_of(name, target)
    file = known.__file__ if known is not None else None if spec is None else spec.origin
    if file is not None and Path(file).resolve() == path:
        return _import(name, target)
    return _import_alone(path, target)  # the name belongs to another module: a namesake of an installed one


def _spec_of(name: str, target: str) -> Any:
    """Where a module would be imported from; this imports the packages that it is in."""
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    except (Exception, SystemExit) as fault:
        raise BadTarget(target, _told(fault)) from fault


def _root_of(path: Path) -> Path:
    package = path.parent
    if (package / "__init__.py").exists():
        while (package.parent / "__init__.py").exists():
            package = package.parent
        return package.parent
    project = next((folder for folder in path.parents if (folder / "pyproject.toml").exists()), None)
    return project or (Path.cwd() if path.is_relative_to(Path.cwd()) else path.parent)


def _put_on_path(*folders: Path) -> None:
    for folder in reversed([str(folder) for folder in folders]):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    importlib.invalidate_caches()


def import_modules(name: str, set_aside: Callable[[BadTarget], object] | None = None) -> Iterator[ModuleType]:
    """Imports a module, and what is in it if it is a package.

    Args:
        name: Its dotted name.
        set_aside: Is given the error of a module that does not import, and may raise it; the others are imported all
            the same. By default the first is raised.

    Raises:
        BadTarget: There is no such module, or one does not import.
    """
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadTarget(name, "is no file, no folder and no module")
    _put_on_path(Path.cwd())
    try:
        module = _import(name, name)
    except BadTarget as bad:
        if set_aside is None:
            raise
        set_aside(bad)
        return
    yield module
    for inner in sorted(pkgutil.iter_modules(getattr(module, "__path__", ())), key=lambda each: each.name):
        if not inner.name.startswith("_"):
            yield from import_modules(f"{name}.{inner.name}", set_aside)


def import_named(target: str) -> Any:
    """What a target names: a module or a file, a colon, and a name in it.

    Raises:
        BadTarget: There is no such thing.
    """
    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise BadTarget(target, "must be a module (or a file), a colon, and a name in it")
    module = import_file(Path(place), place) if Path(place).is_file() else next(iter(import_modules(place)))
    if not hasattr(module, name):
        raise BadTarget(target, f"there is no {name} in it")
    return getattr(module, name)


def _import(name: str, target: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is not None and (name == missing.name or name.startswith(f"{missing.name}.")):
            raise BadTarget(target, "there is no such module") from missing
        raise BadTarget(target, _told(missing)) from missing
    except (Exception, SystemExit) as fault:
        raise BadTarget(target, _told(fault)) from fault


def _import_alone(path: Path, target: str) -> ModuleType:
    name = f"fsmflow_target_{path.stem}"
    while name in sys.modules:
        known = sys.modules[name]
        if known.__file__ == str(path):
            return known
        name += "_"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - there is always one for a file ending in .py
    assert spec.loader is not None  # noqa: S101 - as above
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as fault:
        del sys.modules[name]
        raise BadTarget(target, _told(fault)) from fault
    return module


def _told(fault: BaseException) -> str:
    """What an import died of, in a line: where in the module, and what was said."""
    if isinstance(fault, FsmflowError):
        return str(fault)
    if isinstance(fault, SyntaxError):
        return f"line {fault.lineno}: {fault.msg}"
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if "importlib" not in frame.filename]
    line = f"line {frames[-1].lineno} of {Path(frames[-1].filename).name}: " if frames else ""
    words = one_line(_words_of(fault), FAULT_LENGTH)
    return f"does not import: {line}{type(fault).__name__}{': ' if words else ''}{words}"


def _words_of(fault: BaseException) -> str:
    try:
        return str(fault)
    except Exception:  # noqa: BLE001 - an error of somebody's own may fail at this, too
        return ""
