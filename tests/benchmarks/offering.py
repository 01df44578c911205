"""The conversation of `aiogram_bot` as a flow, and what both are told."""

from __future__ import annotations

from tests.talking import Offer

SAID = ("offer", "12", "ama", "Confirm")
"""What a member says: the words that start it, and the answers to three questions."""


class OfferFlow(Offer):
    """An amount, which is looked at and turned into a number; a handle; a confirmation with two buttons.

    At the end it says the amount, as the bot does.
    """

    def complete(self) -> str:
        return f"The offer of {self.data['amount']} is made."
