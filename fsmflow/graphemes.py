"""How long words are as channels count, and cutting them without parting what is read as one.

Here belongs the cutting of words that come from outside (a title, a value) to what a channel takes. How much it takes
belongs to the channel; what a channel takes as markup, to `templates`.
"""

from __future__ import annotations

import unicodedata
from itertools import accumulate
from typing import Final

ELLIPSIS: Final = "…"
JOINERS: Final = "\u200c\u200d"  # invisible, but Persian, the scripts of India and many emoji are misspelt without them

# Accents and vowel signs, which belong to the letter before.
_CONTINUING: Final = frozenset({"Mn", "Me", "Mc"})


def units(words: str) -> int:
    """How long words are in UTF-16 code units, the larger reading of the "characters" of a channel's limits."""
    return len(words) if words.isascii() else len(words) + sum(character > "\uffff" for character in words)


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
    while end and _belong_together(words, end):
        end -= 1
    return words[:end].rstrip() + ELLIPSIS


def _belong_together(words: str, end: int) -> bool:
    """Whether a cut there would part a letter from its accent, an emoji from what it is joined to, or a flag."""
    last, character = words[end - 1], words[end]
    if last == "\u200d" or character == "\u200d" or unicodedata.category(character) in _CONTINUING:
        return True
    if "\U0001f3fb" <= character <= "\U0001f3ff" or "\U000e0020" <= character <= "\U000e007f":
        return True  # the colour of a skin; the letters that spell the flags of England, Scotland and Wales
    if not _is_half_of_a_flag(character):
        return False
    start = end
    while start and _is_half_of_a_flag(words[start - 1]):
        start -= 1
    return (end - start) % 2 == 1


def _is_half_of_a_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
