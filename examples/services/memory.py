"""What a process remembers of effects whose outcome it does not know, for the calls of one attempt.

Here belongs what the calls of an attempt have to know of each other, bounded. An effect may be taken up by another
process the next time, which knows nothing of it: so nothing is refused or made because of what is *not* remembered
here. What has to outlive a process is the effect's own count of how often it was taken up.

`Memory` forgets the oldest effect where there would be more than `EFFECTS`. An attempt lasts for seconds, in which a
process has not nearly as many effects under way; so what is forgotten belongs to an earlier one, and is made up for:
an effect that is taken up again and not known here is in doubt, and a request without its fence is refused by who gave
the fence.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from attrs import evolve, field, frozen

EFFECTS: Final = 10_000  # a few MB


@frozen
class Known:
    """What is remembered of one effect.

    Args:
        fence: What the service said when it voided what was sent before; None where this process has not asked.
        is_doubted: True if what was sent since then may have been taken.
    """

    fence: str | None = None
    is_doubted: bool = False


@frozen
class Memory:
    """What is remembered of effects, by their ids.

    Args:
        effects: What is known of each, the latest last.
    """

    effects: OrderedDict[str, Known] = field(factory=OrderedDict, repr=False)

    def of(self, effect_id: str, *, again: bool = False) -> Known:
        """What is known of an effect.

        Args:
            effect_id: Which.
            again: True if it was taken up before, by whomever: then it is in doubt, unless this process has asked.
        """
        return self.effects.get(effect_id) or Known(is_doubted=again)

    def doubt(self, effect_id: str) -> None:
        """Remembers that something was sent, and may have been taken."""
        self._keep(effect_id, evolve(self.of(effect_id), is_doubted=True))

    def void(self, effect_id: str, fence: str) -> None:
        """Remembers that what was sent so far does nothing any more."""
        self._keep(effect_id, Known(fence))

    def forget(self, effect_id: str) -> None:
        """Forgets an effect whose outcome is known."""
        self.effects.pop(effect_id, None)

    def _keep(self, effect_id: str, known: Known) -> None:
        self.effects[effect_id] = known
        self.effects.move_to_end(effect_id)
        while len(self.effects) > EFFECTS:
            self.effects.popitem(last=False)
