"""What members really type, made plain before it is read as a number, a date, a phone number.

Here belongs what all of those have in common: digits of every script become those of ASCII, white space of every width
becomes one space, marks that only turn the direction of the writing are dropped (contacts copy a phone number with two
of them around it), full-width signs become their narrow ones. Nothing is guessed: what is left over is for a validator
to refuse, control characters among it.

Rejected: NFKC for all of it, which makes 2 of a ², and a half of a ½.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# the marks of direction, and what is copied along with a text: zero-width space, word joiner, byte order mark
DROPPED: Final = dict.fromkeys(
    (0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)
NARROW: Final = {0xFF01 + place: chr(0x21 + place) for place in range(94)}  # the full-width forms of ASCII
_DASHES: Final = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63), "-")
_ARABIC: Final = {0x060C: ","}  # its comma; its own decimal sign and that of thousands stay: they are never mistaken
_TABLE: Final = {**DROPPED, **NARROW, **_DASHES, **_ARABIC}
_SPACES: Final = re.compile(r" {2,}")


def plain(text: str) -> str:
    """A text with the digits and signs of ASCII where it has others, with single spaces, and none around it."""
    if not text.isascii():
        text = "".join(map(_plain_character, text.translate(_TABLE)))
    return _SPACES.sub(" ", text).strip(" ")


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return " " if unicodedata.category(character) == "Zs" else character
