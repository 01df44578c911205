"""What the triggers of every flow's machine are called.

Here belong the names, and nothing of what they do. What happens in a conversation is a transition of the machine, so
diagrams, coverage and tests know all of it by these names.
"""

from __future__ import annotations

from typing import Final

SUBMIT: Final = "submit"
"""An answer: a transition for each way on, then the one that refuses."""

SKIP: Final = "skip"
"""A question that need not be answered is left out."""

PUSH: Final = "push"
"""The flow that answers a step begins."""

POP: Final = "pop"
"""The flow that answers a step has ended: what it collected is the answer."""

EXHAUSTED: Final = "exhausted"
"""The attempts at an answer are used up."""

EMPTY: Final = "empty"
"""A question is left because there is nothing to choose from."""

PAGE: Final = "page"
"""The same question, another page of its options."""

BACK: Final = "back"
CANCEL: Final = "cancel"
RESTART: Final = "restart"
EXPIRE: Final = "expire"

RESUME: Final = "resume"
"""What a silence has closed is gone on with, where it stood."""

REFUSED: Final = "refused"
"""The name of the transition of `SUBMIT` that goes nowhere."""

ANSWERING: Final = frozenset({SUBMIT, SKIP, POP})
"""The triggers by which a step is left with an answer; of one that was skipped it is None."""

LEADING_ON: Final = ANSWERING | {EXHAUSTED, EMPTY}
"""The triggers by which a step is left for what comes after it."""
