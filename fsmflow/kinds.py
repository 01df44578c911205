"""What can be told of types without a value: what a generic class was given, which type may stand for which.

Here belongs the reading of annotations that are already evaluated. Nothing here is a type checker: where the answer is
not plain, it is "it may", and the value itself is looked at when there is one.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin

ANYTHING: Final = (Any, object, None)
"""What says nothing about a value. (The type of ``None`` is ``type(None)`` wherever an annotation was evaluated.)"""

_UNIONS: Final = (Union, types.UnionType)


def arguments_of(owner: type) -> dict[type, dict[Any, Any]]:
    """What each generic class among the bases of a class was given for its parameters.

    Args:
        owner: The class.

    Returns:
        For each of its bases, itself included, what stands for each type variable that was named. Type variables are
        told apart by their class: one ``T`` may mean two things in two bases.
    """
    found: dict[type, dict[Any, Any]] = {}

    def visit(base: type, given: dict[Any, Any]) -> None:
        if given or base not in found:
            found[base] = given
        for above in vars(base).get("__orig_bases__", base.__bases__):
            origin = get_origin(above) or above
            if isinstance(origin, type) and origin not in (Generic, object):
                values = [filled(value, given) for value in get_args(above)]
                visit(origin, dict(zip(getattr(origin, "__parameters__", ()), values, strict=False)))

    visit(owner, {})
    return found


def filled(kind: Any, given: Mapping[Any, Any]) -> Any:
    """A type with its type variables replaced: those that nothing is known of by ``Any``."""
    if isinstance(kind, TypeVar):
        return given.get(kind, Any)
    parameters = getattr(kind, "__parameters__", ())
    if not parameters or get_origin(kind) is None:
        return kind
    return kind[tuple(given.get(each, Any) for each in parameters)]


def bare(kind: Any) -> Any:
    """A type without what is only said about it: an alias, ``Annotated``, the name of a ``NewType``."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        elif hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        else:
            return Any if isinstance(kind, TypeVar) else kind


def name_of(kind: Any) -> str:
    """What a type is called in an error."""
    return kind.__qualname__ if isinstance(kind, type) and not get_args(kind) else str(kind).replace("typing.", "")


def may_stand_for(given: Any, wanted: Any) -> bool:
    """False only where a value of one type can surely not be had where another is wanted.

    Args:
        given: The type of the value.
        wanted: The type that is wanted.
    """
    given, wanted = bare(given), bare(wanted)
    if given in ANYTHING or wanted in ANYTHING:
        return True
    if get_origin(given) in _UNIONS:
        return all(may_stand_for(each, wanted) for each in get_args(given))
    if get_origin(given) is Literal:
        return all(_is_one(value, wanted) for value in get_args(given))
    if get_origin(wanted) in _UNIONS:
        return any(may_stand_for(given, each) for each in get_args(wanted))
    if get_origin(wanted) is Literal:  # which of its values it is cannot be told yet
        return any(may_stand_for(given, type(value)) for value in get_args(wanted))
    return _class_may_stand_for(given, wanted)


def _is_one(value: Any, wanted: Any) -> bool:
    wanted = bare(wanted)
    if get_origin(wanted) in _UNIONS:
        return any(_is_one(value, each) for each in get_args(wanted))
    if get_origin(wanted) is Literal:
        return any(type(each) is type(value) and each == value for each in get_args(wanted))
    return may_stand_for(type(value), wanted)


def _class_may_stand_for(given: Any, wanted: Any) -> bool:
    given_class, wanted_class = get_origin(given) or given, get_origin(wanted) or wanted
    if given_class is int and wanted_class is float:
        return True  # as type checkers have it
    try:
        if not issubclass(given_class, wanted_class):
            return False
    except TypeError:  # a protocol that says nothing at run time, a special form
        return True
    if given_class is not wanted_class or issubclass(given_class, Enum):
        return True  # what a subclass makes of the parameters is not looked into
    return _arguments_fit(given_class, get_args(given), get_args(wanted))


def _arguments_fit(origin: type, given: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    if not given or not wanted:
        return True
    if origin is tuple:
        if wanted[-1] is Ellipsis:
            return all(may_stand_for(each, wanted[0]) for each in given if each is not Ellipsis)
        if given[-1] is Ellipsis:
            return all(may_stand_for(given[0], each) for each in wanted)
    return len(given) == len(wanted) and all(map(may_stand_for, given, wanted))
