"""What may come of an effect: the values that an action's code gives, and what is made of all else.

Here belong the values alone. That an effect is known not to have happened is raised (`EffectRefused`), since it comes
from deep within a call; whatever else is raised says nothing about it, and is `Unsure`.
"""

from __future__ import annotations

from typing import Any, Union

from attrs import field, frozen

from fsmflow.errors import EffectRefused


@frozen
class Done:
    """It happened.

    Args:
        value: What is kept of it: a receipt, a reference; structured on load by the action's `returns`.
    """

    value: Any = field(default=None, repr=False)


@frozen
class Accepted:
    """It will be known later: ``runner.resolve`` says then what came of it. Until then the conversation waits.

    A reconciliation that finds this found it still under way; where there is one, it is asked now and then, lest nobody
    ever says.
    """


@frozen
class NotDone:
    """What a reconciliation found: it has not happened, and will not by the attempt that was made. It is run again.

    Nothing less: a call that is still on its way, and is found not to have arrived, may arrive beside the next.
    """


@frozen
class StillUnknown:
    """What a reconciliation found: nothing. It is asked again after a while."""


@frozen
class Unsure:
    """Nobody can say whether it happened: the call raised, took too long, or was broken off.

    Args:
        error: The type of what was raised.
        fault: What was raised, for who may see a traceback; None where nothing was.
        known: What was known of it, where that could not be taken in; for the trail.
    """

    error: str
    fault: Exception | None = field(default=None, repr=False, eq=False)
    known: str = ""


Outcome = Union[Done, Accepted, NotDone, StillUnknown, Unsure, EffectRefused]
