"""What is handed over when a person takes over a conversation.

Here belongs the value alone; a flow's `handed_over` is given it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from fsmflow.state import Validation


@frozen
class Transcript:
    """What a member has answered, and where it came to a stand.

    Args:
        answers: By step id, in the order in which they were given; ``"[redacted]"`` where a step is sensitive.
        refused: The step at which it came to a stand, how many answers were refused there, and the last reason given;
            None where nothing was refused.
    """

    answers: Mapping[str, Any] = field(repr=False)
    refused: Validation | None = None
