"""The service that makes offers of credex, over HTTP.

Here belongs what is sent to it. How an answer is understood belongs to `examples.services.http_service`; the other side
is `examples.services.ledger`.

An amount is sent as its text, "USD 100": a number in JSON is a float to most who read it.
"""

from __future__ import annotations

from typing import Final

import httpx
from attrs import frozen

from examples.services.http_service import HttpService
from examples.services.offers import CameOf, Made, Receipt

KEY_REUSED: Final = "https://ledger.example.test/problems/key-reused"


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

    def make(self, effect_id: str, *, by: str, amount: str, to: str, again: bool) -> Made:
        body = {"by": by, "amount": amount, "to": to}
        return self.service.post("offers", body, effect_id, Receipt, again=again)

    def came_of(self, effect_id: str) -> CameOf:
        return self.service.came_of("offers", effect_id, Receipt)

    def close(self) -> None:
        """Closes the connections."""
        self.service.http.close()

    async def aclose(self) -> None:
        """The same, for who awaits what it closes."""
        self.close()
