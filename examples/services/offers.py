"""What an action needs of the service that makes offers of credex: over HTTP, or in memory for a try in a terminal.

Here belong the one Protocol that flows know, what is sent for it, and what comes back. How an answer is understood
belongs to `examples.services.http_service`; the other side is `examples.services.ledger`.

An amount is sent as its text, "USD 100": a number of JSON is a float to most who read it.
"""

from __future__ import annotations

from typing import Final, Protocol

import httpx
from attrs import define, field, frozen

from examples.services.http_service import HttpService
from fsmflow import Accepted, Done, NotDone, StillUnknown

KEY_REUSED: Final = "https://ledger.example.test/problems/key-reused"


@frozen
class Receipt:
    """What the ledger says of an offer that it made.

    Args:
        reference: What it calls the offer.
    """

    reference: str


class Offers(Protocol):
    """Makes offers, each once by the id of its effect."""

    def make(self, effect_id: str, *, by: str, amount: str, to: str) -> Done | Accepted:
        """Makes an offer.

        Args:
            effect_id: The key by which a repetition is known.
            by: The id of the member who offers.
            amount: How much, with its denomination.
            to: The handle of who is offered it.

        Returns:
            `Done` with a `Receipt`, or `Accepted`.

        Raises:
            EffectRefused: It was not made, and why.
            Exception: Nobody can say.
        """
        ...

    def came_of(self, effect_id: str) -> Done | NotDone | StillUnknown:
        """Asks what came of an offer; after `NotDone` an attempt that was made before makes it no more."""
        ...


@frozen
class HttpOffers:
    """Offers of a ledger over HTTP.

    Args:
        service: The ledger.
    """

    service: HttpService

    @classmethod
    def at(cls, url: str, token: str, *, timeout: float = 3.0) -> HttpOffers:
        """Offers of the ledger at an address.

        Args:
            url: The address.
            token: Who we are to it.
            timeout: For how many seconds a call waits; below the time of the action, which may make several.
        """
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout)
        return cls(HttpService("the ledger", client, KEY_REUSED))

    def make(self, effect_id: str, *, by: str, amount: str, to: str) -> Done | Accepted:
        return self.service.post("offers", {"by": by, "amount": amount, "to": to}, effect_id, Receipt)

    def came_of(self, effect_id: str) -> Done | NotDone | StillUnknown:
        return self.service.came_of("offers", effect_id, Receipt)

    def close(self) -> None:
        """Closes the connections."""
        self.service.http.close()


@define
class OffersInMemory:
    """Offers that this process keeps, and forgets at its end.

    Args:
        made: The receipts, by effect id.
    """

    made: dict[str, Receipt] = field(factory=dict)

    def make(self, effect_id: str, *, by: str, amount: str, to: str) -> Done | Accepted:  # noqa: ARG002 - as the Protocol
        return Done(self.made.setdefault(effect_id, Receipt(f"OF-{len(self.made) + 1:04}")))

    def came_of(self, effect_id: str) -> Done | NotDone | StillUnknown:
        return Done(self.made[effect_id]) if effect_id in self.made else NotDone()


@frozen
class Services:
    """What a runner of the examples is given as ``services``, and their actions have as ``self.services``.

    Args:
        offers: Makes offers of credex.
    """

    offers: Offers
