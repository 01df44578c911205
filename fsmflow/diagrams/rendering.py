"""Pictures drawn by the program ``dot``, and the hash by which each is known to be of its source.

Here belongs the one place that runs ``dot``. Its versions draw the same source differently, and write their number
into what they draw; so two pictures are never compared. Each carries the SHA-256 of the DOT that it was drawn from
instead (an attribute of the SVG's root, a text chunk of the PNG), which is compared on any machine, with ``dot`` or
without.
"""

from __future__ import annotations

import hashlib
import re
import struct
import subprocess
import zlib
from typing import Final

from fsmflow.errors import DrawingFailed, MissingProgram

SECONDS_AT_MOST: Final = 120
"""How long one picture may take: a flow of 300 steps takes some seconds."""

_HINT: Final = "install Graphviz (apt install graphviz, brew install graphviz); DOT, Mermaid and JSON need no program"
_ATTRIBUTE: Final = "data-dot-sha256"
_STAMPED: Final = re.compile(rb"<svg[^>]*\b%s=\"([0-9a-f]{64})\"" % _ATTRIBUTE.encode())
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def drawn(source: str, form: str) -> bytes:
    """Draws a DOT source.

    Args:
        source: The DOT.
        form: ``svg`` or ``png``.

    Returns:
        The picture, with the hash of its source.

    Raises:
        MissingProgram: Graphviz is not installed.
        DrawingFailed: It was not content with the source, or took too long.
    """
    try:
        ran = subprocess.run(  # noqa: S603 - the program and its one option are ours; what a flow says goes to its input
            ["dot", f"-T{form}"],  # noqa: S607 - the one on the PATH is the one that is meant
            input=source.encode(),
            capture_output=True,
            check=False,
            timeout=SECONDS_AT_MOST,
        )
    except FileNotFoundError as missing:
        raise MissingProgram("dot", f"a picture in {form.upper()}", _HINT) from missing
    except OSError as fault:
        raise DrawingFailed(form.upper(), str(fault)) from fault
    except subprocess.TimeoutExpired as late:
        raise DrawingFailed(form.upper(), f"dot did not finish within {SECONDS_AT_MOST} seconds") from late
    if ran.returncode != 0 or not ran.stdout:
        raise DrawingFailed(form.upper(), " ".join(ran.stderr.decode(errors="replace").split()) or "dot drew nothing")
    return _stamped(ran.stdout, hash_of(source), form)


def hash_of(source: str) -> str:
    """The SHA-256 of a DOT source, in hexadecimal digits."""
    return hashlib.sha256(source.encode()).hexdigest()


def hash_in(picture: bytes) -> str | None:
    """The hash that a picture carries, or None if it carries none: it was not drawn by this."""
    if picture.startswith(_SIGNATURE):
        return _text_chunk(picture)
    found = _STAMPED.search(picture)
    return None if found is None else found[1].decode()


def _stamped(picture: bytes, digest: str, form: str) -> bytes:
    if form == "svg":
        return picture.replace(b"<svg ", f'<svg {_ATTRIBUTE}="{digest}" '.encode(), 1)
    head = len(_SIGNATURE) + 25  # the first chunk, IHDR, is always 13 bytes between its length, its name and its CRC
    return picture[:head] + _chunk(f"{_ATTRIBUTE}\0{digest}".encode("latin-1")) + picture[head:]


def _chunk(content: bytes) -> bytes:
    body = b"tEXt" + content  # https://www.w3.org/TR/png-3/#11tEXt
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _text_chunk(picture: bytes) -> str | None:
    start = len(_SIGNATURE)
    while start + 8 <= len(picture):
        length, name = struct.unpack(">I4s", picture[start : start + 8])
        keyword, _, text = picture[start + 8 : start + 8 + length].partition(b"\0")
        if name == b"tEXt" and keyword == _ATTRIBUTE.encode():
            return text.decode("latin-1")
        start += length + 12
    return None
