"""What the ledger tells the application later: what came of an offer that it had accepted, and signed by whom.

Both sides have this in common. A callback needs no number that is used once: it says the same each time, and an effect
is settled once, so that one who sends it again changes nothing.
"""

from __future__ import annotations

import hmac
import json
from typing import Any, Final, Union

from attrs import frozen

from examples.services.http_service import sentence_of
from examples.services.offers import Receipt
from fsmflow import Done, EffectRefused

SIGNATURE: Final = "Ledger-Signature"


@frozen
class Told:
    """What a callback says.

    Args:
        member_id: Whose offer it is.
        effect_id: The key under which it was asked for.
        outcome: What came of it.
    """

    member_id: str
    effect_id: str
    outcome: Union[Done, EffectRefused]

    @classmethod
    def of(cls, raw: bytes) -> Told:
        """Reads a callback.

        Raises:
            ValueError: It is none.
        """
        told: Any = json.loads(raw)
        try:
            member_id, effect_id = told["member_id"], told["effect_id"]
            reference = told["receipt"]["reference"] if "receipt" in told else None
            refused = told["refused"] if reference is None else None
        except (KeyError, TypeError):
            raise ValueError("no callback of the ledger") from None
        if not all(isinstance(each, str) and each for each in (member_id, effect_id, reference or refused)):
            raise ValueError("no callback of the ledger")
        f"{member_id}{effect_id}{reference or refused}".encode()  # half a surrogate is a ValueError, and no text
        if reference is None:
            return cls(member_id, effect_id, EffectRefused(sentence_of({"detail": refused})))
        return cls(member_id, effect_id, Done(Receipt(reference)))


def signature_of(secret: str, raw: bytes) -> str:
    """How the ledger signs what it tells: over the raw bytes, with the secret that it shares with the application."""
    return f"sha256={hmac.new(secret.encode(), raw, 'sha256').hexdigest()}"


def is_signed(secret: str, raw: bytes, signature: str | None) -> bool:
    """True if the ledger has signed it."""
    return hmac.compare_digest(signature_of(secret, raw).encode(), (signature or "").encode())
