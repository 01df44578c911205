"""What an option's id is on the wire, and whose question a tap answers.

On the wire an id is ``<nonce>.<option id>``; the nonce is a hash of the run and of the question within it. A button
stays on a member's screen for ever, so a tap says which question it belongs to, and one of an earlier question is not
taken for an answer to the current one although both have an option "confirm".

A row that turns the page has ``<nonce>+<page>``: no option's id can be that, whatever an application calls its own.
"""

from __future__ import annotations

import re
from typing import Final

from fsmflow.codec import digest

NONCE_LENGTH: Final = 8
_WIRE_ID: Final = re.compile(r"[0-9a-f]{8}(?:\..+|\+[0-9]{1,4})", re.DOTALL)


def nonce_of(run_id: str, visit: int) -> str:
    """What the option ids of one question of one run begin with: eight hexadecimal digits."""
    return digest(run_id, str(visit), size=NONCE_LENGTH // 2)


def wire_id(nonce: str, option_id: str) -> str:
    """An option's id as it leaves: at most 64 bytes for an id of 55."""
    return f"{nonce}.{option_id}"


def is_wire_id(option_id: str) -> bool:
    """True if an id looks like one that left as an option of a question."""
    return _WIRE_ID.fullmatch(option_id) is not None


def tapped(nonce: str, option_id: str) -> str | None:
    """The option's own id, or None if the tap belongs to another question."""
    prefix = nonce + "."
    return option_id[len(prefix) :] if option_id.startswith(prefix) else None


def turn_id(nonce: str, page: str) -> str:
    """The id of a row that turns to a page, counted from 0."""
    return f"{nonce}+{page}"


def turned(nonce: str, option_id: str) -> int | None:
    """The page that a tapped row turns to, or None if it is no such row of this question."""
    prefix = nonce + "+"
    if not option_id.startswith(prefix) or not is_wire_id(option_id):
        return None
    return int(option_id[len(prefix) :])
