"""The console: a second channel on the same protocol, for a terminal, for tests, for trying a flow without an account.

It shows choices as a numbered menu and takes the number in answer, as any channel of nothing but text does. It has no
limits and refuses nothing, so that a flow's faults are told by the channel that it is written for. Reading from a
terminal and writing to it belong to the command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fsmflow.channels.base import Delivery, Unreadable
from fsmflow.channels.fields import as_identifier, as_moment, as_object, as_words
from fsmflow.channels.limits import Limits
from fsmflow.channels.numbered import as_text
from fsmflow.errors import PayloadError
from fsmflow.messages import Channel, Inbound, Message

limits = Limits(channel="console", numbers_choices=True, page_rows=10)  # a screen must hold the question as well


def parse(body: Mapping[str, Any]) -> Delivery:
    """Read one line of a conversation.

    Args:
        body: ``{"identifier": …, "message_id": …, "text": …}``; with ``"sent_at"`` (an aware datetime, or seconds
            since the epoch) if the time matters.

    Returns:
        A delivery of one message; or of one error, if a field is missing.

    Raises:
        PayloadError: The body is no object.
    """
    line = as_object(body)
    if line is None:
        raise PayloadError("body", "must be an object")
    identifier, message_id = as_identifier(line.get("identifier")), as_identifier(line.get("message_id"))
    text = as_words(line.get("text"))
    if identifier is None:
        return Delivery(errors=(Unreadable("identifier", "must be a string without spaces"),))
    if message_id is None:
        return Delivery(errors=(Unreadable("message_id", "must be a string without spaces"),))
    if text is None:
        return Delivery(errors=(Unreadable("text", "must be a string"),))
    channel = Channel(limits.channel, identifier)
    return Delivery((Inbound(channel, message_id, text, sent_at=as_moment(line.get("sent_at"))),))


def render(message: Message, *, to: Channel) -> list[dict[str, Any]]:
    """Spell a message as text, its choices numbered through all sections.

    Args:
        message: What is said.
        to: To whom.

    Returns:
        One ``{"to": identifier, "text": …}``.

    Raises:
        UnsendableMessage: A location that is not on Earth.
    """
    limits.check(message)
    return [{"to": to.identifier, "text": as_text(message)}]
