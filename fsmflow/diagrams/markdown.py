"""Markdown: words in which nothing is markup, tables to and fro, a picture that is drawn where it is read.

Here belongs the spelling that `index` and `reports` share. What the pages say is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

# What Mermaid draws at most where nobody has told it otherwise, as on GitHub: https://mermaid.js.org/config/schema-docs
_MERMAID_CHARACTERS: Final = 50_000
_MERMAID_ARROWS: Final = 500

_MARKUP: Final = re.compile(r"^[-+=]|(?<=^[0-9])[.)]|(?<=^[0-9]{2})[.)]|[\\`*_{}\[\]<>#|~&]")
_ESCAPED: Final = re.compile(r"\\(.)|&#([0-9]+);")


def plain(text: str) -> str:
    """A text in which nothing is Markdown or HTML."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};" if found[0] in "|<>&" else f"\\{found[0]}", text)


def understood(text: str) -> str:
    """The text that `plain` made one of."""
    return _ESCAPED.sub(lambda found: found[1] or chr(min(int(found[2]), 0x10FFFF)), text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, and a blank one.

    Args:
        head: The names of its columns.
        rows: Their cells, as they are read.
    """
    yield _head(head)
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(plain(cell) for cell in row)} |"
    yield ""


def rows_of(text: str, head: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The rows of the first table with a head, as they were before they were made Markdown."""
    _, found, rest = text.partition(f"{_head(head)}\n")
    for line in rest.split("\n")[1:] if found else ():
        if not line.startswith("| "):
            return
        cells = tuple(understood(cell) for cell in line[2:-2].split(" | "))
        if len(cells) == len(head):
            yield cells


def fenced(source: str) -> tuple[str, ...]:
    """The lines of a Mermaid picture; none where it is larger than what Mermaid draws."""
    if len(source) < _MERMAID_CHARACTERS and source.count('|"') < _MERMAID_ARROWS:
        return ("```mermaid", source.rstrip("\n"), "```")
    return ()


def _head(head: Sequence[str]) -> str:
    return f"| {' | '.join(head)} |"
