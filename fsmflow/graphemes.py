"""What a reader sees as one sign: how many of them words have, how long words are, and cutting them between signs.

An é is one, whether typed as one character or as two; so are a family of emoji, a flag, a thumb of any skin, a syllable
of Hangul, a letter of Devanagari with its vowel sign. These are the grapheme clusters of Unicode's annex 29, by the
rules of it that can be told from the categories that Python knows: what only its own tables tell (a consonant joined to
the next by a virama, the signs that stand before a letter) counts as Unicode counted it before version 15.1.

Here belong counting, cutting, and which characters nobody sees. How long a title may be belongs to the channel; how
long an answer may be, to `validators`; what a channel takes as markup, to `templates`. Rejected: ``len``, by which a
name of five letters may be over a limit of eight; and the package `regex`, a dependency for the difference of a few
conjuncts.
"""

from __future__ import annotations

import unicodedata
from itertools import accumulate
from typing import Final

ELLIPSIS: Final = "…"
JOINERS: Final = "\u200c\u200d"  # invisible, but Persian, the scripts of India and many emoji are misspelt without them

MARKS_LIMIT: Final = 30
"""How many accents one letter may bear: as many as Unicode's annex 15 gives a text that is safe to stream. More take
their time by the square when they are put in order, and are typed to deface the lines above and below."""

_MARKS: Final = frozenset({"Mn", "Me", "Mc"})  # accents and vowel signs, which belong to the letter before
_JOINER: Final = "\u200d"
_TAGS: Final = range(0xE0020, 0xE0080)  # spell the flags of England, Scotland and Wales
_FLAGS: Final = range(0x1F1E6, 0x1F200)  # two of them are one flag
_SKINS: Final = range(0x1F3FB, 0x1F400)


def units(words: str) -> int:
    """How long words are in UTF-16 code units, the larger reading of the "characters" of a channel's limits."""
    return len(words) if words.isascii() else len(words) + sum(character > "\uffff" for character in words)


def length(text: str) -> int:
    """How many signs are seen.

    Args:
        text: The text, composed (NFC).
    """
    if text.isascii():
        return len(text)
    count, flags, before = 0, 0, ""
    for character in text:
        flags = flags + 1 if ord(character) in _FLAGS else 0
        if not (before and _continues(character, before)) and flags % 2 == (1 if flags else 0):
            count += 1
        before = character
    return count


def cut(words: str, limit: int) -> str:
    """Words within a limit, in UTF-16 code units; what is left out is told by an ellipsis.

    Args:
        words: The words.
        limit: How long they may be; at least 1.
    """
    if units(words) <= limit:
        return words
    candidate = words[: limit + 1]  # each character is one unit or two
    end = sum(total <= limit - len(ELLIPSIS) for total in accumulate(map(units, candidate)))
    while end and _is_within_a_sign(words, end):
        end -= 1
    return words[:end].rstrip() + ELLIPSIS


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
        if category == "Cf" and not (character in JOINERS or ord(character) in _TAGS):
            return False
    return True


def _continues(character: str, before: str) -> bool:
    """Whether a character belongs to the sign of the one before it; that of two halves of a flag is not told here."""
    place, category = ord(character), unicodedata.category(character)
    if character in JOINERS or place in _SKINS or place in _TAGS or category in _MARKS:
        return True
    if before == _JOINER and category == "So":
        return True
    return 0x1160 <= place <= 0x11FF and (0x1100 <= ord(before) <= 0x11FF or 0xAC00 <= ord(before) <= 0xD7A3)


def _is_within_a_sign(words: str, end: int) -> bool:
    """Whether a cut there would part a letter from its accent, an emoji from what it is joined to, or a flag."""
    before = words[end - 1]
    if before == _JOINER or _continues(words[end], before):  # a joiner at the end would shape the letter before it
        return True
    if ord(words[end]) not in _FLAGS:
        return False
    start = end
    while start and ord(words[start - 1]) in _FLAGS:
        start -= 1
    return (end - start) % 2 == 1
