"""A WhatsApp Cloud API webhook body as values: every message, every status, and what could not be read.

One body may hold a thousand updates of many members, so each is read for itself: a broken one goes to
`Delivery.errors` with its place, and costs no other. Raising instead would have Meta deliver all of them again, for
seven days.

- **Who**: the business-scoped user id where there is one, else the phone number. Meta omits the number of a member who
  has a username. A message's contact is found by either; where the message names no sender, the contact is taken only
  if the change holds one message and one contact.
- **Groups**: a message with a ``group_id`` is not read. What a member says in a group is no answer to a question that
  was asked in private, and the private answer may be nobody's business there. (Rejected: an identifier made of group
  and member; a reply to it could not be sent.)
- **Other fields** than ``messages`` (account updates, echoes of the business's own messages, …) are not read. They are
  reported in `Delivery.errors`, so that a subscription that nobody handles does not go unseen.
- **System messages** carry no text: a member did not type it, and it holds phone numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import Factory, define

from fsmflow.channels.base import ChannelError, Delivery, Status, Unreadable
from fsmflow.channels.fields import as_array, as_code, as_identifier, as_moment, as_object, as_words
from fsmflow.channels.whatsapp_contacts import Contacts, Sender
from fsmflow.errors import PayloadError
from fsmflow.messages import Channel, Inbound

_CHANNEL = "whatsapp"
_OWN_KINDS = ("text", "option")  # what Inbound.kind says of its own; no other type of the channel may claim it
_TAPS = ("button_reply", "list_reply")


def parse(body: Mapping[str, Any]) -> Delivery:
    """Read a webhook body, whatever is in it.

    Args:
        body: The body as ``json.loads`` gives it. Verify its signature before.

    Returns:
        The messages and statuses in the body's order, and what was not read. A body may hold none of them.

    Raises:
        PayloadError: The body is no object, or its ``entry`` is no array.
    """
    whole = as_object(body)
    if whole is None:
        raise PayloadError("body", "must be an object")
    entries = as_array(whole.get("entry"))
    if entries is None:
        raise PayloadError("entry", "must be an array of entries")
    reader = _Reader()
    for place, entry in reader.objects("entry", entries):
        for change_place, change in reader.objects(f"{place}.changes", entry.get("changes")):
            reader.read_change(change_place, change)
    return Delivery(tuple(reader.inbounds), tuple(reader.statuses), tuple(reader.errors))


class _UnreadablePart(Exception):
    """Ends the reading of one part; never leaves this module."""


@define
class _Reader:
    """Walks one body and gathers what is in it."""

    inbounds: list[Inbound] = Factory(list)
    statuses: list[Status] = Factory(list)
    errors: list[Unreadable] = Factory(list)

    def objects(self, place: str, items: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The objects of an array, each with its place; what is none is noted."""
        array = as_array(items)
        if array is None:
            self.errors.append(Unreadable(place, "must be an array"))
            return
        for index, item in enumerate(array):
            one = as_object(item)
            if one is None:
                self.errors.append(Unreadable(f"{place}[{index}]", "must be an object"))
            else:
                yield f"{place}[{index}]", one

    def read_change(self, place: str, change: Mapping[str, Any]) -> None:
        value, field = as_object(change.get("value")), change.get("field")
        if isinstance(field, str) and field != "messages":
            self.errors.append(Unreadable(place, "is of another field than messages, which is not read here"))
        elif value is None:
            self.errors.append(Unreadable(f"{place}.value", "must be an object"))
        elif not any(name in value for name in ("messages", "statuses", "errors")):
            self.errors.append(Unreadable(f"{place}.value", "has neither messages nor statuses nor errors"))
        else:
            self._read_value(f"{place}.value", value)

    def _read_value(self, place: str, value: Mapping[str, Any]) -> None:
        metadata = as_object(value.get("metadata"))
        account = as_identifier(metadata.get("phone_number_id")) if metadata is not None else None
        contacts = Contacts.of(value.get("contacts"))
        if "messages" in value:
            is_alone = len(as_array(value["messages"]) or ()) == 1
            for message_place, message in self.objects(f"{place}.messages", value["messages"]):
                try:
                    self.inbounds.append(_inbound(message, contacts, is_alone, account))
                except _UnreadablePart as reason:
                    self.errors.append(Unreadable(message_place, str(reason)))
        if "statuses" in value:
            for status_place, status in self.objects(f"{place}.statuses", value["statuses"]):
                try:
                    self.statuses.append(_status(status, contacts, account))
                except _UnreadablePart as reason:
                    self.errors.append(Unreadable(status_place, str(reason)))
        if "errors" in value:
            for error_place, error in self.objects(f"{place}.errors", value["errors"]):
                code = as_code(error.get("code"))
                named = "without a code" if code is None else str(code)
                self.errors.append(Unreadable(error_place, f"the channel reports an error of the account: {named}"))


def _inbound(message: Mapping[str, Any], contacts: Contacts, is_alone: bool, account: str | None) -> Inbound:
    if message.get("group_id") is not None:
        raise _UnreadablePart("was sent to a group; only private conversations are read")
    message_id = as_identifier(message.get("id"))
    if message_id is None:
        raise _UnreadablePart("has no usable id")
    sender = contacts.sender(message.get("from_user_id"), message.get("from"), is_alone=is_alone)
    if sender is None:
        raise _UnreadablePart("has no usable sender")
    kind, text, option_id = _said(message)
    return Inbound(
        channel=Channel(_CHANNEL, sender.identifier),
        message_id=message_id,
        text=text,
        option_id=option_id,
        kind=kind,
        sent_at=as_moment(message.get("timestamp")),
        account=account,
        sender_name=sender.name,
        phone=sender.phone,
    )


def _said(message: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    """The kind, the text and the option's id of a message."""
    kind = as_identifier(message.get("type"))
    if kind is None:
        raise _UnreadablePart("has no usable type")
    content = as_object(message.get(kind))
    if kind == "text":
        return "text", _required_words(content, "body", "text.body"), None
    if kind == "button":
        text = _required_words(content, "text", "button.text")
        # a template's button without a payload of its own comes back with its label as the payload
        return "option", text, as_words((content or {}).get("payload")) or text
    if kind == "interactive":
        return _tapped(content)
    if kind in _OWN_KINDS:
        raise _UnreadablePart("has a type that WhatsApp does not have")
    return kind, as_words(content.get("caption")) if content is not None else None, None


def _tapped(content: Mapping[str, Any] | None) -> tuple[str, str | None, str | None]:
    kind = as_identifier(content.get("type")) if content is not None else None
    if content is None or kind is None or kind in _OWN_KINDS:
        raise _UnreadablePart("has no usable interactive.type")
    if kind not in _TAPS:
        return kind, None, None
    reply = as_object(content.get(kind))
    option_id = as_words(reply.get("id")) if reply is not None else None
    if reply is None or not option_id:
        raise _UnreadablePart(f"has no usable interactive.{kind}.id")
    return "option", as_words(reply.get("title")), option_id


def _required_words(content: Mapping[str, Any] | None, name: str, place: str) -> str:
    words = as_words(content.get(name)) if content is not None else None
    if words is None:
        raise _UnreadablePart(f"has no usable {place}")
    return words


def _status(status: Mapping[str, Any], contacts: Contacts, account: str | None) -> Status:
    message_id, word = as_identifier(status.get("id")), as_identifier(status.get("status"))
    if message_id is None:
        raise _UnreadablePart("has no usable id")
    if word is None:
        raise _UnreadablePart("has no usable status")
    recipient: Sender | None = None
    if status.get("recipient_type") != "group":
        # a failed status has no contacts, and no recipient_user_id if the message went to a phone number
        recipient = contacts.sender(status.get("recipient_user_id"), status.get("recipient_id"), is_alone=False)
    return Status(
        message_id=message_id,
        status=word,
        recipient=Channel(_CHANNEL, recipient.identifier) if recipient is not None else None,
        sent_at=as_moment(status.get("timestamp")),
        account=account,
        errors=_errors(as_array(status.get("errors")) or ()),
        callback_data=as_words(status.get("biz_opaque_callback_data")),
    )


def _errors(items: Sequence[Any]) -> tuple[ChannelError, ...]:
    objects = (one for one in map(as_object, items) if one is not None)
    return tuple(ChannelError(as_code(one.get("code")), as_words(one.get("title"))) for one in objects)
