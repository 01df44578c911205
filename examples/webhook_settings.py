"""What the webhook must be told: its secrets, and where the services are that it works with.

It is read from the environment, when the application is made and not when it is imported. No secret is in a ``repr``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

VARIABLES: Final = (
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_VERIFY_TOKEN",
    "WHATSAPP_ACCESS_TOKEN",
    "REDIS_URL",
    "LEDGER_URL",
    "LEDGER_TOKEN",
    "LEDGER_CALLBACK_SECRET",
)


@frozen
class Settings:
    """What the application must be told.

    Args:
        app_secret: The secret of Meta's app, which signs what it delivers.
        verify_token: What was typed into Meta's dashboard for the webhook.
        access_token: What messages are sent with.
        redis_url: Where the members' state is; it may hold a password.
        ledger_url: Where the ledger is that makes offers.
        ledger_token: Who we are to it.
        callback_secret: What it signs with what it tells us.
        graph_url: Meta's Graph API, with its version.
    """

    app_secret: str = field(repr=False)
    verify_token: str = field(repr=False)
    access_token: str = field(repr=False)
    redis_url: str = field(repr=False)
    ledger_url: str
    ledger_token: str = field(repr=False)
    callback_secret: str = field(repr=False)
    graph_url: str = "https://graph.facebook.com/v23.0"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads each from the variable of `VARIABLES` that stands in its place.

        Raises:
            RuntimeError: One is missing or empty; it says which.
        """
        missing = [name for name in VARIABLES if not environment.get(name)]
        if missing:
            raise RuntimeError(f"these environment variables must be set: {', '.join(missing)}")
        return cls(*(environment[name] for name in VARIABLES))
