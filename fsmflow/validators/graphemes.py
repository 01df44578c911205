"""How long a text is as its reader counts: in the signs that are seen, not in the parts that they are made of.

An é is one, whether typed as one character or as two; so are a family of emoji, a flag, a thumb of any skin, a syllable
of Hangul, a letter of Devanagari with its vowel sign. These are the grapheme clusters of Unicode's annex 29, by the
rules of it that can be told from the categories that Python knows: what only its own tables tell (a consonant joined to
the next by a virama, the signs that stand before a letter) counts as Unicode counted it before version 15.1.

Here belongs the counting, and which characters nobody sees. Rejected: ``len``, by which a name of five letters may be
over a limit of eight; and the package `regex`, a dependency for the difference of a few conjuncts.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MARKS_LIMIT: Final = 30
"""How many accents one letter may bear: as many as Unicode's annex 15 gives a text that is safe to stream. More take
their time by the square when they are put in order, and are typed to deface the lines above and below."""

_MARKS: Final = frozenset({"Mn", "Me", "Mc"})
_JOINER: Final = "\u200d"
_NON_JOINER: Final = "\u200c"
_TAGS: Final = range(0xE0020, 0xE0080)  # spell the flags of England, Scotland and Wales
_FLAGS: Final = range(0x1F1E6, 0x1F200)
_SKINS: Final = range(0x1F3FB, 0x1F400)


def length(text: str) -> int:
    """How many signs are seen.

    Args:
        text: The text, composed (NFC).
    """
    if text.isascii():
        return len(text)
    count, flags, before = 0, 0, ""
    for character in text:
        place = ord(character)
        flags = flags + 1 if place in _FLAGS else 0
        if not (before and _continues(character, before)) and flags % 2 == (1 if flags else 0):
            count += 1
        before = character
    return count


def _continues(character: str, before: str) -> bool:
    place = ord(character)
    if character in (_JOINER, _NON_JOINER) or place in _SKINS or place in _TAGS:
        return True
    if unicodedata.category(character) in _MARKS:
        return True
    if before == _JOINER and unicodedata.category(character) == "So":
        return True
    return 0x1160 <= place <= 0x11FF and (0x1100 <= ord(before) <= 0x11FF or 0xAC00 <= ord(before) <= 0xD7A3)


def is_seen(text: str, *, lines: bool = False) -> bool:
    """Whether all of a text is for a reader: no control characters, no marks that turn the writing, no half characters.

    Args:
        text: The text.
        lines: True if it may have several lines.
    """
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if marks > MARKS_LIMIT or category in ("Cs", "Cn", "Co", "Zl", "Zp"):
            return False
        if category == "Cc" and not (lines and character in "\n\t"):
            return False
        if category == "Cf" and not (character in (_JOINER, _NON_JOINER) or ord(character) in _TAGS):
            return False
    return True
