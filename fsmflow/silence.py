"""What is asked of a member who comes back after a silence: to go on where they were, or to start over.

Here belongs that question, as the step that it would be if a flow had it, so that it is shown, tapped, typed and
numbered as any other is. It is no step of any flow: the machine is in its state ``expired`` meanwhile, and is left by
``resume``, ``restart`` and ``cancel``.
"""

from __future__ import annotations

from typing import Final

from fsmflow.messages import Option
from fsmflow.state import EXPIRED
from fsmflow.step import Step, StepType
from fsmflow.wording import Sentences

GO_ON: Final = "continue"
START_OVER: Final = "restart"

OFFERS: Final = 2
"""How often the offer is made before what a member says instead is taken for something new."""


def offer(sentences: Sentences, silence: str) -> Step:
    """The question whether to go on.

    Args:
        sentences: The words that it is asked in.
        silence: How long the silence was that closed the run, in words.
    """
    options = (Option(GO_ON, sentences.go_on), Option(START_OVER, sentences.start_over))
    return Step(EXPIRED, StepType.BUTTON, sentences.offer.format(silence=silence), options=options)
