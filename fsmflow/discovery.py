"""Finds the flows of what somebody names: a file, a folder, a module, ``module:Class``.

Here belongs the rule for which flows a module holds:

- what its variable ``flows`` says, the same list or mapping that a runner is given;
- without one, every subclass of `Flow` that is defined in it and has ``steps``.

What its actions work with may stand beside it, in a variable ``services``: for a conversation in a terminal.

A class that builds its steps in ``__init__`` stands for as many flows as it is registered as, which only ``flows``
can say.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import evolve, field, frozen

from fsmflow.errors import BadTarget
from fsmflow.flow import Flow
from fsmflow.importing import files_in, import_file, import_modules


@frozen
class FoundFlow:
    """A flow that was found.

    Args:
        flow_type: Which flow it is.
        flow: Its class.
        module: The name of the module that defines the class.
        source: The file of that module, or None where it has none.
        services: What the module in which it was found holds as ``services``; None where it holds none.
    """

    flow_type: str
    flow: type[Flow[Any]]
    module: str = field(eq=False)
    source: Path | None = field(eq=False)
    services: Any = field(default=None, eq=False, repr=False)

    @property
    def place(self) -> str:
        """Where it is, as somebody would name it: ``module:Class``."""
        return f"{self.module}:{self.flow.__name__}"


def find_flows(
    targets: Iterable[str], *, set_aside: Callable[[BadTarget], object] | None = None
) -> tuple[FoundFlow, ...]:
    """Finds flows.

    Args:
        targets: Files, folders, dotted modules, or either of the first and the last with ``:Class``.
        set_aside: Is given the error of each module that does not import, and may raise it; the flows of the others
            are found all the same. By default the first is raised.

    Returns:
        The flows, in the order of the targets and of their definition, each once.

    Raises:
        BadTarget: A target cannot be found or imported, or holds no flow; or two flows have one flow type.
    """
    found: dict[str, FoundFlow] = {}
    for target in targets:
        for flow in _flows_of(target, set_aside):
            other = found.setdefault(flow.flow_type, flow)
            if other != flow:
                raise BadTarget(target, f"{flow.place} and {other.place} have the same flow type, {flow.flow_type!r}")
    return tuple(found.values())


def _flows_of(target: str, set_aside: Callable[[BadTarget], object] | None) -> Iterator[FoundFlow]:
    aside: list[BadTarget] = []

    def put_aside(bad: BadTarget) -> None:
        if set_aside is None:
            raise bad
        set_aside(bad)
        aside.append(bad)

    place, _, name = target.rpartition(":") if _names_a_class(target) else (target, "", "")
    path = Path(place)
    if path.is_dir():
        if name:
            raise BadTarget(target, "a class is named with its module, not with a folder")
        modules = [module for each in files_in(path) for module in _imported(each, str(each), put_aside)]
    elif path.is_file():
        modules = list(_imported(path, place, put_aside))
    elif path.suffix == ".py" or "/" in place or "\\" in place:
        raise BadTarget(place, "there is no such file or folder")
    else:
        modules = list(import_modules(place, put_aside))
    if aside and not modules:
        return
    if name:
        yield from _with_services(modules[0], _named(modules[0], name, target))
        return
    flows = [flow for module in modules for flow in _with_services(module, _held_by(module))]
    if not flows and not aside:
        raise BadTarget(target, _why_none(modules))
    yield from flows


def _imported(path: Path, target: str, put_aside: Callable[[BadTarget], object]) -> Iterator[ModuleType]:
    try:
        yield import_file(path, target)
    except BadTarget as bad:
        put_aside(bad)


def _names_a_class(target: str) -> bool:
    place, colon, name = target.rpartition(":")
    return bool(colon and place) and name.isidentifier()


# -- what a module holds -----------------------------------------------------------------------------------------------


def _held_by(module: ModuleType) -> list[FoundFlow]:
    declared = getattr(module, "flows", None)
    if declared is None or isinstance(declared, ModuleType):
        return [_found(flow.flow_type, flow) for flow in _defined_in(module) if flow._compiled is not None]
    if isinstance(declared, Mapping):
        pairs: list[tuple[Any, Any]] = list(declared.items())
    elif isinstance(declared, (list, tuple)):
        pairs = [(getattr(flow, "flow_type", ""), flow) for flow in declared]
    else:
        pairs = [("", declared)]
    for flow_type, flow in pairs:
        if not (isinstance(flow, type) and issubclass(flow, Flow) and isinstance(flow_type, str) and flow_type):
            raise BadTarget(module.__name__, "flows must be flow classes, or a mapping of flow types to flow classes")
    return [_found(flow_type, flow) for flow_type, flow in pairs]


def _with_services(module: ModuleType, flows: list[FoundFlow]) -> list[FoundFlow]:
    services = getattr(module, "services", None)
    if services is None or isinstance(services, ModuleType):  # a folder of that name, which was imported
        return flows
    return [evolve(flow, services=services) for flow in flows]


def _defined_in(module: ModuleType) -> list[type[Flow[Any]]]:
    """The flow classes that a module defines, without what it imports."""
    held = dict.fromkeys(value for value in vars(module).values() if isinstance(value, type))
    flows = [each for each in held if issubclass(each, Flow) and each is not Flow]
    return [flow for flow in flows if flow.__module__ == module.__name__]


def _named(module: ModuleType, name: str, target: str) -> list[FoundFlow]:
    flow = getattr(module, name, None)
    if not isinstance(flow, type) or not issubclass(flow, Flow):
        raise BadTarget(target, f"{name} is no flow class of {module.__name__}")
    declared = [found for found in _held_by(module) if found.flow is flow]
    if declared:
        return declared
    if not flow.flow_type:
        raise BadTarget(target, _why_none([module]))
    return [_found(flow.flow_type, flow)]


def _found(flow_type: str, flow: type[Flow[Any]]) -> FoundFlow:
    file = getattr(sys.modules.get(flow.__module__), "__file__", None)
    return FoundFlow(flow_type, flow, flow.__module__, None if file is None else Path(file).resolve())


def _why_none(modules: list[ModuleType]) -> str:
    unfinished = [flow.__name__ for module in modules for flow in _defined_in(module)]
    if not unfinished:
        return "holds no flow"
    return f'{unfinished[0]} has no steps of its own: say flows = {{"<flow type>": {unfinished[0]}}} in its module'
