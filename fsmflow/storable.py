"""What an answer is in JSON, and whether it comes back: the one cattrs converter, on orjson.

Here belongs what a value of a flow's own types becomes, and what is made of it again by the annotation of its
transformer; the messages of a reply go the same way. What the library's own values are in the hash belongs to `codec`.

Rejected: pickle, which would run what it reads; and ``json``, at half the speed.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final, get_origin
from uuid import UUID

import orjson
from cattrs.preconf.orjson import make_converter
from cattrs.strategies import configure_tagged_union

from fsmflow.errors import UnstorableAnswer
from fsmflow.messages import Message

_NATIVE: Final = frozenset({bool, type(None)})
_SMALL_INTEGERS: Final = range(-(2**63), 2**64)

converter = make_converter(omit_if_default=True)
converter.register_unstructure_hook(Decimal, str)
converter.register_structure_hook(Decimal, lambda value, _: Decimal(str(value)))
# As text at once, not when orjson meets them: an answer is ready for JSON as soon as it is in a `FlowData`.
for _moment in (datetime, date, time):
    converter.register_unstructure_hook(_moment, _moment.isoformat)
converter.register_structure_hook(time, lambda value, _: time.fromisoformat(value))
converter.register_unstructure_hook(Enum, lambda member: converter.unstructure(member.value))
converter.register_unstructure_hook(UUID, str)
converter.register_structure_hook(UUID, lambda value, _: UUID(value))


def _strict_text(value: Any, _: Any) -> str:
    """Text only: cattrs would turn a number into one, and a state of wrong types into a plausible one."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _strict_texts(values: Any, _: Any) -> tuple[str, ...]:
    """A list of texts. Item by item, as cattrs does it, a long path would cost more than all the rest of a state."""
    if type(values) is not list or not all(type(value) is str for value in values):
        raise TypeError("no texts")
    return tuple(values)


def _strict_number(value: Any, kind: Any) -> Any:
    """A number of its own kind only: cattrs would make 1 of 1.5, and True of "no"."""
    kinds = (int, float) if kind is float else (kind,)
    if type(value) in kinds or (kind is int and type(value) is str):  # the digits of one that is over 64 bits
        return kind(value)
    raise TypeError("another kind of number")


for _kind in (bool, int, float):
    converter.register_structure_hook(_kind, _strict_number)
converter.register_structure_hook(str, _strict_text)
converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _strict_texts)
configure_tagged_union(Message, converter, tag_name="say")  # the last: it settles how each message's fields are read


def store_answer(value: Any) -> Any:
    """What an answer is in JSON."""
    kind = type(value)
    if kind is str or kind in _NATIVE or (kind is int and value in _SMALL_INTEGERS):
        return value
    if kind is int:
        return str(value)  # JSON libraries lose what is over 64 bits; int() reads the digits back
    return converter.unstructure(value)


def restore_answer(raw: Any, annotation: Any) -> Any:
    """The answer that `raw` was made from, by the annotation of the transformer that made it.

    Raises:
        Exception: Whatever cattrs raises for what does not fit.
    """
    if annotation is None or type(raw) is annotation:
        return raw
    if type(raw) is str and get_origin(annotation) in (list, tuple, set, frozenset):
        raise TypeError("a text is no list of its letters")
    return converter.structure(raw, annotation)


def check_storable(
    flow: str, step_id: str, value: Any, annotation: Any, told_by: str = "the transformer's return annotation"
) -> None:
    """Checks that an answer will come back as it is, while the flow can still say so.

    A state that loads only as something else would strand its member at the next message, which is worse than the
    few microseconds that this costs for a value that JSON does not know.

    Args:
        flow: The flow's name, for the error.
        step_id: The step's id, for the error.
        value: What is kept of the answer.
        annotation: The type that says how it comes back, or None.
        told_by: Where that type is said, for the error.

    Raises:
        UnstorableAnswer: It would not.
    """
    kind = type(value)
    if annotation is None or annotation is kind:
        if kind in _NATIVE or (kind is int and value in _SMALL_INTEGERS):
            return
        if (kind is float and math.isfinite(value)) or (kind is str and value.isascii()):
            return  # beyond ASCII a text may hold half a surrogate pair, which no JSON can
    if kind is Decimal and annotation is Decimal and value.is_finite():
        return  # its digits say it all
    try:
        back = restore_answer(orjson.loads(orjson.dumps(store_answer(value))), annotation)
    except Exception:  # noqa: BLE001 - however it fails to come back, it cannot be stored
        back = None
    if type(back) is not kind or back != value:
        wanted = f"{told_by} must say a type that JSON and cattrs give back equal"
        raise UnstorableAnswer(flow, step_id, kind.__name__, wanted) from None
