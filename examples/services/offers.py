"""What an action needs of the service that makes offers of credex, and that service in memory, for a try in a terminal.

Here belong the one Protocol that flows know, and what comes back; the service over HTTP is in
`examples.services.http_offers`.
"""

from __future__ import annotations

from typing import Protocol, Union

from attrs import define, field, frozen

from fsmflow import Accepted, Done, NotDone, StillUnknown

Made = Union[Done, Accepted]
CameOf = Union[Done, NotDone, StillUnknown, Accepted]


@frozen
class Receipt:
    """What the ledger says of an offer that it made.

    Args:
        reference: What it calls the offer.
    """

    reference: str


class Offers(Protocol):
    """Makes offers, each once by the id of its effect."""

    def make(self, effect_id: str, *, by: str, amount: str, to: str, again: bool) -> Made:
        """Makes an offer.

        Args:
            effect_id: The key by which a repetition is known.
            by: The id of the member who offers.
            amount: How much, with its denomination.
            to: The handle of who is offered it.
            again: True if somebody may have asked for it before: what that came to may not be known here.

        Returns:
            `Done` with a `Receipt`, or `Accepted`.

        Raises:
            EffectRefused: It was not made, and why.
            Exception: Nobody can say.
        """
        ...

    def came_of(self, effect_id: str) -> CameOf:
        """Asks what came of an offer; after `NotDone` an attempt that was made before makes it no more."""
        ...


@define
class OffersInMemory:
    """Offers that this process keeps, and forgets at its end.

    Args:
        made: The receipts, by effect id.
    """

    made: dict[str, Receipt] = field(factory=dict)

    def make(self, effect_id: str, *, by: str, amount: str, to: str, again: bool) -> Made:  # noqa: ARG002 - that protocol
        return Done(self.made.setdefault(effect_id, Receipt(f"OF-{len(self.made) + 1:04}")))

    def came_of(self, effect_id: str) -> CameOf:
        return Done(self.made[effect_id]) if effect_id in self.made else NotDone()


@frozen
class Services:
    """What a runner of the examples is given as ``services``, and their actions have as ``self.services``.

    Args:
        offers: Makes offers of credex.
    """

    offers: Offers
