"""What every channel is: the values that it parses a body into, and the shape of its module.

A channel is a module, not a class: it has no state, and ``whatsapp.parse(body)`` says what there is to say. mypy checks
a module against `ChannelModule` where one is handed over. What a channel refuses is in `fsmflow.channels.limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from attrs import field, frozen

from fsmflow.channels.limits import Limits
from fsmflow.messages import Channel, Inbound, Message

__all__ = ["ChannelError", "ChannelModule", "Delivery", "Limits", "Status", "Unreadable"]


@frozen
class ChannelError:
    """Why the channel failed, in its own words.

    Args:
        code: The number to branch on; None if it is not told. (Meta deprecates the titles, so they are for people.)
        title: What it is called.
    """

    code: int | None
    title: str | None = None


@frozen
class Status:
    """What became of a message that was sent.

    Args:
        message_id: The channel's id of that message.
        status: The channel's word: ``"sent"``, ``"delivered"``, ``"read"``, ``"failed"``, … A channel may leave one
            out: WhatsApp skips ``delivered`` where a member reads at once.
        recipient: Who it went to; None if that is not told, or is a group.
        sent_at: When the status was given.
        account: The bot's own account that sent the message.
        errors: Why it failed.
        callback_data: What the application gave with the message to have it back.
    """

    message_id: str
    status: str
    recipient: Channel | None = None
    sent_at: datetime | None = None
    account: str | None = None
    errors: tuple[ChannelError, ...] = ()
    callback_data: str | None = field(default=None, repr=False)


@frozen
class Unreadable:
    """A part of a body that was not read. Safe to log: it never holds what the body says.

    Args:
        place: Where, e.g. ``"entry[0].changes[1].value.messages[2]"``.
        reason: Why not, in words.
    """

    place: str
    reason: str


@frozen
class Delivery:
    """What one webhook body brought. What could not be read stands in `errors`, the rest beside it is there.

    Args:
        inbounds: The members' messages, in the body's order. A channel may repeat one: the runner knows duplicates.
        statuses: What became of messages that were sent.
        errors: What was not read, and what the channel itself reports about the account.
    """

    inbounds: tuple[Inbound, ...] = ()
    statuses: tuple[Status, ...] = ()
    errors: tuple[Unreadable, ...] = ()


class ChannelModule(Protocol):
    """What a channel's module offers. Its type is ``limits.channel``."""

    @property
    def limits(self) -> Limits:
        """What the channel refuses."""

    def parse(self, body: Mapping[str, Any]) -> Delivery:
        """Read a webhook body.

        Raises:
            PayloadError: The body has no usable shape at all. Nothing else is ever raised.
        """

    def render(self, message: Message, *, to: Channel) -> list[dict[str, Any]]:
        """Spell a message as request bodies, to be sent in order.

        Raises:
            LimitExceeded: The message is over a limit of the channel.
            UnsendableMessage: The channel refuses the message for another reason.
        """
