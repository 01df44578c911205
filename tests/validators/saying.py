"""What comes of an answer: the value that is kept, or the name of the sentence that refuses it."""

from __future__ import annotations

from typing import Any

from fsmflow.errors import Unsuitable
from fsmflow.validators import Validator


def outcome(validator: Validator[Any], answer: str) -> Any:
    """The value, or the sentence's name in angle brackets: ``"<whole>"``."""
    try:
        return validator.parse(answer)
    except Unsuitable as refused:
        return f"<{refused.sentence}>"
