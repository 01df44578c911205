"""Who a member is: what an application's authenticator knows of an address.

Here belongs the value, and nothing of how it is found out or what follows from it. A token is in it for the code of a
flow, which may have to show it to somebody; it is never stored, and in no representation: whatever is logged, raised or
shown of a member is without it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import field, frozen


@frozen
class Member:
    """Somebody whom the application knows.

    Args:
        id: Who it is, on every channel; the key of the state.
        signed_in_until: When the sign-in expires; None for never. A moment that has passed says that somebody is known
            and not signed in.
        token: What the application was given at the sign-in.

    Raises:
        ValueError: The moment has no time zone.
        TypeError: The moment, or the token, is of another type.
    """

    id: str
    signed_in_until: datetime | None = None
    token: str | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        until: Any = self.signed_in_until
        token: Any = self.token
        if until is not None and not isinstance(until, datetime):
            raise TypeError("signed_in_until is an aware datetime, or None")
        if until is not None and until.tzinfo is None:
            raise ValueError("signed_in_until must be aware: a naive datetime says a different moment on each machine")
        if token is not None and not isinstance(token, str):
            raise TypeError("a token is a str, or None")  # without it: it is not for an error
