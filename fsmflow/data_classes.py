"""The data class of a typed flow: which it is, and what its fields are.

Here belongs the reading of attrs classes and dataclasses, their generic bases and postponed annotations among it.
What the fields have to do with the steps of a flow belongs to `typed_data`.

Rejected: pydantic models, whose fields convert what they are given, so that what is kept would not be what the
transformer made; and typed dicts, which cannot say that something was not answered yet.
"""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, ForwardRef, get_origin

import attrs
from attrs import frozen
from typing_extensions import TypeVar

from fsmflow.callbacks import evaluated
from fsmflow.errors import FlowDefinitionError
from fsmflow.kinds import ANYTHING, arguments_of, bare, filled, name_of

DataT = TypeVar("DataT", default=dict[str, Any])
"""What the data of a flow is: a dict by step id, where the flow does not say."""

Default = Callable[[Any], Any]
"""What gives the default of a field, for the object that lacks it."""


@frozen
class DataField:
    """A field of a data class.

    Args:
        name: What it is called; the id of the step whose answer it holds.
        argument: What the constructor calls it; None where the constructor does not take it.
        kind: Its type, evaluated; None where it says nothing.
        shown: True if the class's ``repr`` shows its value as it is.
        compared: True if ``==`` looks at it.
        default: Gives its default, or None where it has none.
    """

    name: str
    argument: str | None
    kind: Any
    shown: bool
    compared: bool
    default: Default | None


@frozen
class DataClass:
    """A data class, read.

    Args:
        type: The class, without what its parameters are.
        fields: Its fields, by name.
    """

    type: type
    fields: Mapping[str, DataField]

    @property
    def name(self) -> str:
        """What it is called in an error."""
        return self.type.__qualname__


def data_class_of(flow: type) -> DataClass | None:
    """The data class of a flow class, read; None for a flow that says none.

    Args:
        flow: The flow class.

    Raises:
        FlowDefinitionError: What stands for the data is no class that can be read, or cannot be constructed from its
            fields by their names.
    """
    given = arguments_of(flow).values()
    kind = next((arguments[DataT] for arguments in given if DataT in arguments), None)
    if isinstance(kind, (str, ForwardRef)):
        kind = _named(flow, kind if isinstance(kind, str) else kind.__forward_arg__)
    kind = bare(kind)
    origin = get_origin(kind) or kind
    if kind in ANYTHING or (isinstance(origin, type) and issubclass(origin, Mapping) and not _is_typed_dict(origin)):
        return None
    if not isinstance(origin, type) or not (attrs.has(origin) or dataclasses.is_dataclass(origin)):
        wanted = f"what stands in Flow[…] is an attrs class or a dataclass, {name_of(kind)} is neither"
        raise FlowDefinitionError(flow.__name__, None, wanted)
    found = DataClass(origin, {each.name: each for each in _fields(flow, origin, kind)})
    _check_constructor(flow, found)
    return found


def _is_typed_dict(kind: type) -> bool:
    return hasattr(kind, "__total__")


def _named(flow: type, name: str) -> Any:
    try:
        return evaluated(name, vars(sys.modules[flow.__module__]))
    except Exception as fault:
        wanted = f"the data class {name!r} must exist when the flow's class is made"
        raise FlowDefinitionError(flow.__name__, None, wanted) from fault


def _fields(flow: type, origin: type, kind: Any) -> list[DataField]:
    kinds = _kinds(flow, origin, kind)
    found = []
    if attrs.has(origin):
        for each in attrs.fields(origin):
            argument = each.alias if each.init else None
            default = _attrs_default(each)
            shown, compared = each.repr is True, bool(each.eq)
            found.append(DataField(each.name, argument, kinds.get(each.name), shown, compared, default))
        return found
    for part in dataclasses.fields(origin):
        argument = part.name if part.init else None
        default = _dataclass_default(part)
        found.append(DataField(part.name, argument, kinds.get(part.name), part.repr, part.compare, default))
    return found


def _kinds(flow: type, origin: type, kind: Any) -> dict[str, Any]:
    """The types of the fields, each evaluated where its class was written, with what its class was given."""
    named: dict[str, Any] = {each.name: each.type for each in attrs.fields(origin)} if attrs.has(origin) else {}
    named.update({} if named else {each.name: each.type for each in dataclasses.fields(origin)})
    found = {name: said for name, said in named.items() if said is not None and not isinstance(said, str)}
    holder = type(origin.__name__, (), {"__orig_bases__": (kind,)})
    given = arguments_of(holder)
    for base in reversed(origin.__mro__):
        module = sys.modules.get(base.__module__)
        visible = {**vars(base), **vars(builtins), **({} if module is None else vars(module))}
        for name, raw in inspect.get_annotations(base).items():
            if name in named:
                found[name] = filled(_evaluated(flow, origin, name, raw, visible), given.get(base, {}))
    return {name: None if bare(said) in ANYTHING else said for name, said in found.items()}


def _evaluated(flow: type, origin: type, name: str, raw: Any, visible: dict[str, Any]) -> Any:
    try:
        return evaluated(raw, visible)
    except Exception as fault:
        wanted = f"the type {raw!r} of the field {name!r} of {origin.__qualname__} must exist at run time"
        raise FlowDefinitionError(flow.__name__, None, wanted) from fault


def _attrs_default(attribute: attrs.Attribute[Any]) -> Default | None:
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type] # a class, which its stub calls a function
        made: Any = default.factory
        return made if default.takes_self else lambda _: made()
    return lambda _: default


def _dataclass_default(part: dataclasses.Field[Any]) -> Default | None:
    factory: Any = part.default_factory
    if factory is not dataclasses.MISSING:
        return lambda _: factory()
    default = part.default
    return None if default is dataclasses.MISSING else lambda _: default


def _check_constructor(flow: type, found: DataClass) -> None:
    arguments = {each.argument: None for each in found.fields.values() if each.argument is not None}
    try:
        inspect.signature(found.type).bind(**arguments)
    except TypeError:
        wanted = f"{found.name} must be constructible from its fields, each by its name"
        raise FlowDefinitionError(flow.__name__, None, wanted) from None
    except ValueError:
        pass  # a signature that cannot be read
