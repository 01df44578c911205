"""The data of a typed flow while it is still being collected: an object of the data class that is not all there yet.

It is of a subclass that is made once, with a property for each field, so that what the data class itself can do (its
methods and properties, ``isinstance``) works on as much as is known. It is a view: nothing can be written to it, and
what could be changed in it is given out as a copy. No ``__init__``, validator or converter of the data class is run for
it: they are written for what is whole. Reading what was not answered raises `NotYetAnswered`; ``repr`` and ``==`` never
do.

Rejected: an object of the data class itself with markers in its empty fields, which lies about its types to whoever
reads one; and a proxy that is of no such class, on which the methods of the data class would have to be called by
hand.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NoReturn, SupportsIndex
from uuid import UUID

from fsmflow.data_classes import DataClass, DataField
from fsmflow.errors import FlowDefinitionError, NotYetAnswered

_CANNOT_CHANGE: Final = frozenset(
    {str, int, bool, float, complex, bytes, type(None), Decimal, date, datetime, time, timedelta, UUID}
)
_ANSWERS: Final = "_fsmflow_answers"
_UNKNOWN: Final = "…"


def loose(value: Any) -> Any:
    """A value that can be changed without changing what was answered."""
    if type(value) in _CANNOT_CHANGE or isinstance(value, Enum):
        return value
    return copy.deepcopy(value)


class PartialData:
    """What the views of all data classes have in common; the data class itself comes after it among the bases."""

    __slots__ = ()
    _fsmflow_answers: Mapping[str, Any]
    _fsmflow_class: DataClass

    def __init_subclass__(cls) -> None:
        """Stops here: making a view is nothing that a data class is told of."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """Makes a real one: ``evolve`` and ``replace`` of a view give an object that stands for itself."""
        return cls._fsmflow_class.type(*arguments, **named)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} cannot be set: the data of a flow is what was answered")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name} cannot be deleted: the data of a flow is what was answered")

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("the data of a flow that is not all there cannot be pickled")

    def __repr__(self) -> str:
        known, data_class = known_of(self), self._fsmflow_class
        shown = (
            f"{name}={known[name]!r}" if name in known else f"{name}={_UNKNOWN}"
            for name, each in data_class.fields.items()
            if each.shown
        )
        return f"{data_class.name}({', '.join(shown)})"


def view_class(flow: str, data_class: DataClass) -> type:
    """The class of the views of a data class.

    Args:
        flow: The flow's name, for the errors.
        data_class: The data class.

    Raises:
        FlowDefinitionError: No object of such a subclass can be made: the class is abstract, say.
    """
    base = data_class.type

    def fill(namespace: dict[str, Any]) -> None:
        namespace.update({"__slots__": (_ANSWERS,), "__module__": base.__module__, "__qualname__": base.__qualname__})
        namespace["_fsmflow_class"] = data_class
        namespace.update({name: _property(flow, each) for name, each in data_class.fields.items()})
        # a class whose objects are told apart by what they are, not by what they hold, stays so
        equal: Any = base.__eq__
        if equal is not object.__eq__:
            namespace["__eq__"] = _equal
            namespace["__hash__"] = _hash if getattr(base, "__hash__", None) is not None else None

    try:
        made = types.new_class(base.__name__, (PartialData, base), {}, fill)
        view_of(made, {})
    except Exception as fault:
        wanted = f"{data_class.name} must be a class that can be subclassed, and that is not abstract"
        raise FlowDefinitionError(flow, None, wanted) from fault
    return made


def view_of(view: type, answers: Mapping[str, Any]) -> Any:
    """A view of some answers, each under the name of its field; the mapping becomes the view's own."""
    made: Any = object.__new__(view)
    object.__setattr__(made, _ANSWERS, answers)
    return made


def known_of(view: Any, *, compared: bool = False) -> dict[str, Any]:
    """What a view has in its fields: answers, and the defaults of those without. Of all fields, or those compared."""
    known = {}
    for name, each in view._fsmflow_class.fields.items():
        if each.compared or not compared:
            try:
                known[name] = getattr(view, name)
            except NotYetAnswered:
                continue
    return known


def _is_whole(data_class: DataClass, known: Mapping[str, Any]) -> bool:
    return all(name in known for name, each in data_class.fields.items() if each.compared)


def _property(flow: str, each: DataField) -> property:
    name, default = each.name, each.default

    def read(view: Any) -> Any:
        answers = view._fsmflow_answers
        if name in answers:
            return loose(answers[name])
        if default is None:
            raise NotYetAnswered(flow, name)
        return default(view)

    read.__name__ = name
    return property(read)


def _equal(view: Any, other: object) -> Any:
    """Equal to what holds the same: another view as far as it is known, a real object where nothing is unknown."""
    data_class: DataClass = view._fsmflow_class
    known = known_of(view, compared=True)
    if isinstance(other, PartialData):
        return other._fsmflow_class.type is data_class.type and known == known_of(other, compared=True)
    if type(other) is not data_class.type:
        return NotImplemented
    return _is_whole(data_class, known) and all(getattr(other, name) == known[name] for name in known)


def _hash(view: Any) -> int:
    data_class: DataClass = view._fsmflow_class
    known = known_of(view, compared=True)
    own: Any = data_class.type
    return int(own.__hash__(view)) if _is_whole(data_class, known) else hash(tuple(known.items()))
